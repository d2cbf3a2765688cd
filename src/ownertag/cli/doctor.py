"""`ownertag doctor`: whether everything delivers, for every account and Region."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ownertag.catalogue.loader import load
from ownertag.cli.options import Exit, Options, Output, fail, with_options
from ownertag.cli.output import clean_lines, print_table
from ownertag.core.settings import SettingsError

if TYPE_CHECKING:
    from ownertag.rollout.doctor.expected import Expected
    from ownertag.rollout.doctor.findings import Finding
    from ownertag.rollout.doctor.reach import Way

SCHEMA = 1
#: Where the same is to be said of many places, so many are named in the table; JSON and CSV name all.
MOST_PLACES = 8


@with_options
def doctor(
    options: Options,
    accounts: Annotated[
        str, typer.Option("--accounts", help="Look at these accounts only, with commas between.", metavar="ID,ID")
    ] = "",
    regions: Annotated[
        str, typer.Option("--regions", help="Look at these Regions only, with commas between.", metavar="REGION,REGION")
    ] = "",
    canary: Annotated[
        bool, typer.Option("--canary", help="Send one harmless creation through the whole way instead, and time it.")
    ] = False,
    canary_account: Annotated[
        str, typer.Option("--canary-account", help="Where; a member account where it is left out.", metavar="ID")
    ] = "",
    canary_region: Annotated[
        str, typer.Option("--canary-region", help="Where; the home Region where it is left out.", metavar="REGION")
    ] = "",
    canary_timeout: Annotated[
        float, typer.Option("--canary-timeout", help="How many seconds to wait for its tags.", min=1, max=3600)
    ] = 300,
) -> None:
    """Check that everything delivers, in every account and Region.

    Runs with credentials of the hub's account (--profile), and reads every account by the role ownertag-audit there.
    Nothing is changed; --canary creates a placement group, which costs nothing, and deletes it. It also sends a finding
    of tampering through, which is mailed as a test, and reads the hub's ledger to see that it was.

    Exits with 0 if all is well, 1 if there is a fault, 2 for wrong settings, 3 if something could not be read.
    """
    from ownertag.render.infra import check_deployable
    from ownertag.rollout.doctor.examine import Scope, UnknownPlace
    from ownertag.rollout.doctor.expected import expected

    file = options.settings_file()
    if file is None:
        fail("there are no settings: write ownertag.toml, or name it with --config")
    try:
        organization = check_deployable(file.settings, str(file.path))
        wanted = expected(load(), file.settings, organization)
    except SettingsError as error:
        fail(str(error))
    way = _way(options, wanted)
    try:
        if canary or canary_account or canary_region:
            findings = _canary(way, wanted, options, canary_account, canary_region, canary_timeout)
        else:
            findings = _examine(way, wanted, options, Scope(_named(accounts), _named(regions)))
    except UnknownPlace as error:
        fail(str(error))
    _print(findings, options)
    raise typer.Exit(_ended(findings, options))


def _named(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _way(options: Options, expected: Expected) -> Way:
    """The way into every account, checked to begin in the hub's."""
    import boto3

    from ownertag.aws.errors import AWS_ERRORS
    from ownertag.rollout.doctor.reach import Way, patient, shared

    organization = expected.organization
    profile = f"profile {options.profile}" if options.profile else "the default credentials"
    given: dict[str, Any] = {"region_name": organization.home_region, "endpoint_url": options.endpoint_url}
    try:
        session = boto3.Session(profile_name=options.profile, region_name=organization.home_region)
        account = session.client("sts", **given, config=patient()).get_caller_identity()["Account"]
    except AWS_ERRORS as error:
        fail(f"{profile}: can't be used: {error}", Exit.UNREACHED)
    if account != organization.hub_account:
        fail(
            f"{profile}: these are credentials of account {account}, and the hub's account is "
            f"{organization.hub_account}: name a profile of it with --profile"
        )
    return Way(shared(session), organization.home_region, lambda: datetime.now(UTC), options.endpoint_url)


def _examine(way: Way, expected: Expected, options: Options, scope: Any) -> list[Finding]:
    from ownertag.rollout.doctor.examine import AwsLooks, examine

    def progress(account: str, number: int, of: int) -> None:
        options.say(f"{account} looked at, {number} of {of} accounts")

    options.say(f"reading organization {expected.organization.id} and its hub")
    return examine(AwsLooks(way, expected), expected, scope, progress)


def _canary(way: Way, expected: Expected, options: Options, account: str, region: str, timeout: float) -> list[Finding]:
    from ownertag.ledger.opening import open_ledger
    from ownertag.ledger.place import Place as LedgerPlace
    from ownertag.ledger.port import Store
    from ownertag.render.documents import CANARY_ROLE, LEDGER_TABLE
    from ownertag.rollout.doctor.canary import PlacementGroup, Watch, canary
    from ownertag.rollout.doctor.canary_finding import AtHub
    from ownertag.rollout.doctor.examine import AwsLooks, spokes
    from ownertag.rollout.doctor.findings import Place
    from ownertag.rollout.doctor.look_hub import subscriptions
    from ownertag.rollout.doctor.reach import Account, patient

    if not account:
        found = spokes(AwsLooks(way, expected).organization(), expected)
        if not found:
            fail("there is no member account to be seen beside the hub's: name one with --canary-account")
        account = found[0]
    place = Place(account, region or expected.organization.home_region)
    group = PlacementGroup(way.sessions(CANARY_ROLE), account, place.region or "")

    @cache
    def ledger() -> Store:
        given: dict[str, Any] = {"region_name": way.region, "endpoint_url": way.endpoint_url, "config": patient()}
        table = LedgerPlace("dynamodb", LEDGER_TABLE)
        return open_ledger(table, lambda: way.base.client("dynamodb", **given), read_only=True)

    hub = Account(way, expected.organization.hub_account)
    told = AtHub(ledger, lambda: subscriptions(hub, expected))
    options.say(f"creating a placement group in {account}, {place.region}, and waiting for its tags and its finding")
    return canary(group, told, place, expected.settings, timeout, Watch(time.monotonic, time.sleep))


# --- what is printed


def _print(findings: list[Finding], options: Options) -> None:
    objects = [
        {
            "schema": SCHEMA,
            "account": each.account,
            "region": each.region,
            "check": each.check.value,
            "state": each.state.value,
            "seen": each.seen,
            "advice": each.advice or None,
        }
        for each in findings
    ]
    if options.format is Output.JSON:
        for each in objects:
            print(json.dumps(each))
    elif options.format is Output.CSV:
        columns = [key for key in objects[0] if key != "schema"] if objects else []
        print_table([{key: str(each[key] or "") for key in columns} for each in objects], options.format)
    elif findings:
        print_table(list(_places(findings)), options.format)
        print("\n".join(clean_lines(_told(findings, options))))


def _places(findings: list[Finding]) -> Iterator[dict[str, str]]:
    """A row for each account, and for each of its Regions."""
    from ownertag.rollout.doctor.findings import Check, State, count

    by_place: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        by_place.setdefault((each.account, each.region or ""), []).append(each)
    for (account, region), held in by_place.items():
        counts = count(held)
        sent = [each.seen.rpartition("last sent: ")[2] for each in held if each.check is Check.SENT]
        dated = [text for text in sent if text[:1].isdigit()]
        yield {
            "account": account,
            "Region": region or "-",
            "ok": str(counts[State.OK]),
            "faults": str(counts[State.FAULT] or "-"),
            "unreached": str(counts[State.UNREACHED] or "-"),
            "not checkable": str(counts[State.NOT_CHECKABLE] or "-"),
            "last event sent": max(dated or sent, default="-"),
        }


def _told(findings: list[Finding], options: Options) -> Iterator[str]:
    """What is not well, what can't be seen, and what could be known besides: the same once. --verbose: all."""
    from ownertag.rollout.doctor.findings import Check, State

    places: dict[tuple[State, str, str, str], list[str]] = {}
    for each in findings:
        if each.state is not State.OK or each.advice or options.verbose or each.check is Check.CANARY:
            place = " ".join(part for part in (each.account, each.region) if part)
            places.setdefault((each.state, each.check.value, each.seen, each.advice), []).append(place)
    for (state, check, seen, advice), held in places.items():
        more = f" and {len(held) - MOST_PLACES} more" if len(held) > MOST_PLACES else ""
        yield ""
        yield f"{state.value}: {check}, {', '.join(held[:MOST_PLACES])}{more}: {seen}"
        if advice:
            yield f"  {advice}"


def _ended(findings: list[Finding], options: Options) -> int:
    from ownertag.rollout.doctor.findings import State, count

    counts = count(findings)
    told = [f"{counts[State.OK]} of {len(findings)} checks are well"]
    told += [
        f"{counts[state]} {text}"
        for state, text in (
            (State.FAULT, "faults"),
            (State.UNREACHED, "could not be read"),
            (State.NOT_CHECKABLE, "not checkable here, so not known"),
        )
        if counts[state]
    ]
    options.say("; ".join(told))
    if counts[State.UNREACHED]:
        return Exit.UNREACHED
    return Exit.FOUND if counts[State.FAULT] else Exit.WELL
