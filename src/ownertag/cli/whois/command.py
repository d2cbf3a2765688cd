"""`ownertag whois`: looks up the owner of a resource in the ledger."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Annotated

import typer

from ownertag.cli.options import Exit, Options, fail, with_options
from ownertag.cli.whois.aws import NoCredentials, dynamodb, never_seen, today
from ownertag.cli.whois.output import print_answers
from ownertag.core.addresses import AddressError, read_address
from ownertag.core.records import ACCOUNT, REGION
from ownertag.flows.whois import Wanted, Window
from ownertag.flows.whois import whois as ask
from ownertag.ledger.opening import LEDGER, LedgerLocation, LedgerLocationError, open_ledger, read_location
from ownertag.ledger.port import LedgerError
from ownertag.render.documents import LEDGER_TABLE

#: An ARN is no longer (IAM: 2,048 characters).
MAX_ID = 2048
_ID = re.compile(r"[\x20-\x7e]+")


@with_options
def whois(
    options: Options,
    resource: Annotated[str, typer.Argument(help="An id, an ARN or an IP address.", metavar="ID|ARN|IP")],
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
    offline: Annotated[bool, typer.Option("--offline", help="Ask the ledger only, and never look into AWS.")] = False,
) -> None:
    """Show the owner of a resource, now or at a time, with the confidence, and who created it, when and from where.

    For an address that several resources had, each is shown, the latest first. Deleted resources are shown as well.
    --account and --region narrow the search.

    The ledger is a file, or a table of the hub's account, read with --profile. Unless --offline, the account's name and
    contact are read from Organizations, the tags of today are looked up by the role ownertag-audit in the resource's
    account, and what the ledger never saw is looked for in CloudTrail's own 90 days, if an ARN, or --account and
    --region, say where.

    Exits with 0 if it is known, 1 if not, 2 for bad input, 3 if the ledger or AWS can't be read.
    """  # fmt: skip
    wanted = _wanted(resource, at, account, options.region, limit)
    settings = options.settings()
    location = _ledger_location(ledger)
    try:
        reader = open_ledger(location, lambda: dynamodb(options, settings), read_only=True)
        found = ask(wanted, reader)
    except (LedgerError, NoCredentials) as error:
        fail(str(error), Exit.UNREACHABLE)
    answers = found.answers
    if not answers:
        answers = (never_seen(wanted, f"the ledger {location.kind}:{location.name}", options, settings, offline),)
    print_answers(answers, *today(answers, options, settings, offline), options.format)
    if found.more:
        options.say(f"{found.more} more that are older: narrow it with --at, --account or --region, or raise --limit")
    raise typer.Exit(Exit.OK)


# --- what is asked


def _wanted(text: str, at: str | None, account: str | None, region: str | None, limit: int) -> Wanted:
    if account is not None and not ACCOUNT.fullmatch(account):
        fail(f"--account {account[:64]!a} is no account; write its 12 digits")
    if region is not None and not REGION.fullmatch(region):
        fail(f"--region {region[:64]!a} is no Region; write it as eu-central-1")
    window = _window(at) if at is not None else None
    text = text.strip()
    if not text or len(text) > MAX_ID or not _ID.fullmatch(text):
        fail(f"{text[:64]!a} is no id, ARN or IP address: these have 1 to {MAX_ID} characters of ASCII")
    try:
        address = read_address(text)
    except AddressError as error:
        fail(str(error))
    return Wanted("" if address else text, address, window, account, region, limit)


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
