"""`ownertag whois`: looks up the owner of what somebody pasted in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

import typer
from msgspec.structs import replace

from ownertag.cli.options import Exit, Options, Output, fail, with_options
from ownertag.cli.pasted import METAVAR, pasted
from ownertag.cli.whois.aws import NoCredentials, dynamodb, today
from ownertag.cli.whois.objects import Told
from ownertag.cli.whois.output import print_answers, print_short
from ownertag.cli.whois.trail import NotKnown, TrailSearch
from ownertag.cli.writing import tell_error
from ownertag.core.arn import is_arn
from ownertag.core.pasted.taken import Asked, Pasted
from ownertag.core.records import ACCOUNT, REGION
from ownertag.flows.whois import Wanted, WhoisAnswer, Window
from ownertag.flows.whois import whois as ask
from ownertag.ledger.opening import LEDGER, LedgerLocation, LedgerLocationError, open_ledger, read_location
from ownertag.ledger.port import LedgerError, Reader
from ownertag.render.documents import LEDGER_TABLE


@with_options
def whois(
    options: Options,
    resource: Annotated[
        str,
        typer.Argument(
            help="What you have: an id, ARN, address, access key id, DNS name, bucket URL, console link, a finding's "
            "JSON; - reads standard input.",
            metavar=METAVAR,
        ),
    ],
    at: Annotated[
        str | None,
        typer.Option("--at", help="Whose it was then: an ISO time (UTC if it says no zone) or a day.", metavar="TIME"),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            help="The ledger; the hub's where it is left out.",
            envvar=LEDGER,
            metavar="sqlite:PATH|dynamodb:TABLE",
        ),
    ] = None,
    account: Annotated[str | None, typer.Option("--account", help="In this account only.", metavar="ID")] = None,
    limit: Annotated[
        int, typer.Option("--limit", help="Show this many resources at most, the latest first.", min=1, max=1000)
    ] = 20,
    short: Annotated[
        bool, typer.Option("--short", help="A line each: owner, confidence, ARN, account, Region, created.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask the ledger only, and never look into AWS.")] = False,
) -> None:
    """Show the owner of a resource, now or at a time, with the confidence, and who created it, when and from where.

    Takes what you can paste: an id, an ARN, an address, an access key's id, an instance's DNS name, a bucket's URL, a
    link to AWS's console, the JSON of a finding, an event or a record; and says what it took it for. Of several
    resources each is shown, and so is each that had an address or that a key made, the latest first. Deleted resources
    are shown as well. --account and --region narrow the search.

    The ledger is a file, or a table of the hub's account, read with --profile. Unless --offline, the account's name and
    contact are read from Organizations, the tags of today are looked up by the role ownertag-audit in the resource's
    account, and what the ledger never saw is looked for in CloudTrail's own 90 days, if an ARN, or --account and
    --region, say where.

    Exits with 0 if all is known, 1 if something is not, 2 for bad input, 3 if the ledger or AWS can't be read.
    """  # fmt: skip
    if short and options.format is not Output.TABLE:
        fail("--short prints lines for a person and for grep: leave it out with --json and --output csv")
    wanted = Wanted(at=_window(at) if at is not None else None, limit=limit, **_narrowed(account, options.region))
    taken = pasted(resource, options)
    settings = options.settings()
    location = _ledger_location(ledger)
    try:
        reader = open_ledger(location, lambda: dynamodb(options, settings), read_only=True)
        search = TrailSearch(f"the ledger {location.kind}:{location.name}", options, settings, offline)
        answers, unknown = _answers(taken, wanted, reader, search, options)
    except (LedgerError, NoCredentials) as error:
        fail(str(error), Exit.UNREACHABLE)
    if answers:
        told = Told(taken.said, *today(answers, options, settings, offline))
        print_short(answers) if short else print_answers(answers, told, options.format)
    for one in unknown:
        tell_error(str(one))
    raise typer.Exit(max((one.code for one in unknown), default=Exit.OK))


# --- what is asked


def _narrowed(account: str | None, region: str | None) -> dict[str, Any]:
    if account is not None and not ACCOUNT.fullmatch(account):
        fail(f"--account {account[:64]!a} is no account; write its 12 digits")
    if region is not None and not REGION.fullmatch(region):
        fail(f"--region {region[:64]!a} is no Region; write it as eu-central-1")
    return {"account": account, "region": region}


def _answers(
    taken: Pasted, wanted: Wanted, reader: Reader, search: TrailSearch, options: Options
) -> tuple[list[WhoisAnswer], list[NotKnown]]:
    """Returns the answers, each life of a resource once, and what nobody knows."""
    answers: dict[tuple[Any, ...], WhoisAnswer] = {}
    unknown = []
    for asked in taken.asked:
        one = _wanted(asked, wanted)
        found = ask(one, reader)
        if not found.answers and (known_as := _known_as(one.id)):
            found = ask(replace(one, id=known_as), reader)
        told: Sequence[WhoisAnswer] = found.answers
        try:
            told = told or search.find(one, asked)
        except NotKnown as error:
            unknown.append(error)
        for answer in told:
            answers.setdefault((answer.key, answer.until, answer.address), answer)
        if found.more:
            least = "at least " if found.at_least else ""
            options.say(
                f"{least}{found.more} more that are older: narrow it with --at, --account or --region, or raise --limit"
            )
        elif found.at_least:
            options.say(f"only the latest that {asked.name} made were looked at: narrow it with --at")
    return list(answers.values()), unknown


def _known_as(id_: str) -> str | None:
    """An ARN as the ledger writes it, if it writes it otherwise: without what a group's ARN has of its own."""
    if not is_arn(id_):
        return None
    from ownertag.catalogue.loader import load_catalogue
    from ownertag.core.recognize import recognize

    found = recognize(id_, load_catalogue())
    return found.resource.arn if found and found.resource.arn != id_ else None


def _wanted(asked: Asked, wanted: Wanted) -> Wanted:
    """Returns what to ask for: where the paste says that it is, if the options do not say something else.

    A key is used in any Region, so where a finding saw it narrows nothing.
    """
    named = replace(wanted, id=asked.id, address=asked.address, access_key=asked.access_key, type=asked.type)
    if asked.access_key:
        return named
    for option, said, given in (
        ("--account", asked.account, wanted.account),
        ("--region", asked.region, wanted.region),
    ):
        if said and given and said != given:
            fail(f"{asked.name} is in {said} by what was pasted, and in {given} by {option}: leave {option} out")
    return replace(named, account=asked.account or wanted.account, region=asked.region or wanted.region)


def _window(text: str) -> Window:
    """Returns a moment, or a whole day of UTC."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            fail(f"--at {text[:64]!a} is no time: write 2026-03-02T14:30:00Z, or 2026-03-02 for the whole day in UTC")
        return Window(moment, moment)
    return Window(datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC))


def _ledger_location(text: str | None) -> LedgerLocation:
    try:
        return read_location(text) if text else LedgerLocation("dynamodb", LEDGER_TABLE)
    except LedgerLocationError as error:
        fail(f"--ledger (or {LEDGER}): {error}")
