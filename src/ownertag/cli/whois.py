"""`ownertag whois`: whose something is, from the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ownertag.catalogue.loader import load
from ownertag.cli.options import Exit, Options, fail, with_options
from ownertag.cli.whois_output import Now, print_answers
from ownertag.core.addresses import AddressError, read_address
from ownertag.core.claims import ResourceKey
from ownertag.core.records import ACCOUNT, REGION
from ownertag.core.settings import Settings
from ownertag.core.transfer import target_of
from ownertag.core.values import Absent, Found, Unavailable
from ownertag.flows.whois import Answer, Told, Wanted, Window, can_look, from_trail, tags_now
from ownertag.flows.whois import whois as ask
from ownertag.ledger.opening import open_ledger
from ownertag.ledger.place import LEDGER, Place, PlaceError, read_place
from ownertag.ledger.port import LedgerError
from ownertag.render.documents import AUDIT_ROLE, LEDGER_TABLE

if TYPE_CHECKING:
    from ownertag.aws.sessions import Sessions

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
    most: Annotated[int, typer.Option("--most", help="How many answers to give, the latest.", min=1, max=1000)] = 20,
    offline: Annotated[bool, typer.Option("--offline", help="Ask the ledger only, and never look into AWS.")] = False,
) -> None:
    """Say whose a resource is or was, how surely, and who made it, when and from where.

    An address that several resources had gives each, the latest first. What has ended is still answered. --account and
    --region leave out what is elsewhere.

    The ledger is a file, or a table of the hub's account, read with --profile. Unless --offline, the tags of today are
    looked up by the role ownertag-audit in the resource's account, and what the ledger never saw is looked for in
    CloudTrail's own 90 days, if an ARN, or --account and --region, say where.

    Exits with 0 if it is known, 1 if not, 2 for bad input, 3 if the ledger or AWS can't be read.
    """  # fmt: skip
    wanted = _wanted(resource, at, account, options.region, most)
    settings = options.settings()
    place = _place(ledger)
    try:
        reader = open_ledger(place, lambda: _dynamodb(options, settings), read_only=True)
        told = ask(wanted, reader)
    except LedgerError as error:
        fail(str(error), Exit.UNREACHED)
    where = f"the ledger {place.kind}:{place.name}"
    if not told.answers:
        answer = _never_seen(wanted, where, options, settings, offline)
        print_answers([answer], {}, options.format)
        raise typer.Exit(Exit.WELL)
    print_answers(told.answers, _now(told, options, settings, offline), options.format)
    if told.more:
        options.say(f"{told.more} more that are older: narrow it with --at, --account or --region, or raise --most")
    raise typer.Exit(Exit.WELL)


# --- what is asked


def _wanted(text: str, at: str | None, account: str | None, region: str | None, most: int) -> Wanted:
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
    return Wanted("" if address else text, address, window, account, region, most)


def _window(text: str) -> Window:
    """A moment, or a whole day of UTC."""
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


def _place(text: str | None) -> Place:
    try:
        return read_place(text) if text else Place("dynamodb", LEDGER_TABLE)
    except PlaceError as error:
        fail(f"--ledger (or {LEDGER}): {error}")


# --- AWS, imported only where it is asked


def _base(options: Options, settings: Settings) -> tuple[Any, str]:
    """The credentials, and the home Region."""
    import boto3

    from ownertag.aws.errors import AWS_ERRORS

    try:
        session = boto3.Session(profile_name=options.profile)
    except AWS_ERRORS as error:
        fail(f"the credentials can't be used: {error}", Exit.UNREACHED)
    home = settings.organization.home_region if settings.organization else None
    region = home or session.region_name or options.region
    if not region:
        fail("in which Region the hub is can't be told: name the settings with --config, or write --region")
    return session, region


def _dynamodb(options: Options, settings: Settings) -> Any:
    from ownertag.aws.sessions import client_config

    session, region = _base(options, settings)
    return session.client("dynamodb", region_name=region, endpoint_url=options.endpoint_url, config=client_config())


def _sessions(options: Options, settings: Settings) -> Sessions:
    from ownertag.aws.sessions import Sessions

    session, region = _base(options, settings)
    return Sessions(session, role_name=AUDIT_ROLE, region=region, now=_clock, endpoint_url=options.endpoint_url)


def _clock() -> datetime:
    return datetime.now(UTC)


def _now(told: Told, options: Options, settings: Settings, offline: bool) -> dict[ResourceKey, Now]:
    """The tags of today, or why they were not looked at."""
    reasons = {each.key: _not_looked(each, settings, offline) for each in told.answers if each.now}
    found = {key: Now(None, reason) for key, reason in reasons.items() if reason}
    looked = [each for each in told.answers if each.now and not reasons[each.key]]
    if not looked:
        return found
    from ownertag.sources.ec2 import Ec2

    facts = tags_now(looked, Ec2(_sessions(options, settings)))
    for key, fact in facts.items():
        match fact:
            case Found():
                found[key] = Now(dict(fact.tags or {}))
            case Absent():
                found[key] = Now({})
            case Unavailable():
                found[key] = Now(None, f"{fact.outcome.value}: {fact.reason}")
    return found


def _not_looked(answer: Answer, settings: Settings, offline: bool) -> str | None:
    if offline:
        return "--offline"
    if answer.until is not None:
        return "its life ended"
    if not can_look(answer):
        return f"the role {AUDIT_ROLE} may look at tags of EC2 only"
    return None if settings.organization else "the settings have no [organization]: name them with --config"


# --- what the ledger never saw


def _never_seen(wanted: Wanted, where: str, options: Options, settings: Settings, offline: bool) -> Answer:
    """The answer from CloudTrail; the command ends here if there is none."""
    what = wanted.address or wanted.id
    never = f"{what[:256]}: {where} does not know it"
    if wanted.account or wanted.region:
        never += f" in {' '.join(part for part in (wanted.account, wanted.region) if part)}"
    if wanted.at:
        never += " at that time"
    if wanted.address:
        fail(f"{never}; it knows addresses that a creation's response named, and none that came later", Exit.FOUND)
    if offline or wanted.at:
        fail(never, Exit.FOUND)
    target = target_of(wanted.id, load())
    key, id_ = None, wanted.id
    if target:
        key, id_ = ResourceKey(target.account, target.region, target.resource.arn), target.resource.id
    elif wanted.account and wanted.region and not wanted.id.startswith("arn:"):
        key = ResourceKey(wanted.account, wanted.region, "")
    if key is None:
        advice = (
            "the catalogue has no such type, so CloudTrail was not asked"
            if wanted.id.startswith("arn:")
            else "to look into CloudTrail, write its ARN, or --account and --region"
        )
        fail(f"{never}; {advice}", Exit.FOUND)
    if settings.organization is None:
        fail(f"{never}; CloudTrail was not asked: the settings have no [organization], see --config", Exit.FOUND)
    return _in_trail(key, id_, never, lambda: _sessions(options, settings), settings)


def _in_trail(key: ResourceKey, id_: str, never: str, sessions: Callable[[], Sessions], settings: Settings) -> Answer:
    from time import sleep

    from ownertag.sources.cloudtrail import MOST, CloudTrail

    found = from_trail(key, id_, CloudTrail(sessions(), _clock, sleep), load(), settings)
    place = f"account {key.account}, {key.region}"
    if isinstance(found, Unavailable):
        reason = f"{found.outcome.value}: {found.reason}"
        fail(f"{never}; CloudTrail of {place} can't be read: {reason}; --offline leaves it out", Exit.UNREACHED)
    if found is None:
        searched = f"of CloudTrail's 90 days in {place}, the newest {MOST} records hold no creation that names it"
        fail(f"{never}; {searched} (a record can take 15 minutes to be there)", Exit.FOUND)
    return found
