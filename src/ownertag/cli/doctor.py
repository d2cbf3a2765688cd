"""`ownertag doctor`: checks the deployment in every account and Region."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.caller import caller_identity
from ownertag.cli.options import Exit, Options, Output, fail, with_options
from ownertag.cli.output import clean_lines, print_table
from ownertag.core.settings import SettingsError

if TYPE_CHECKING:
    from ownertag.rollout.doctor.access import AccountAccess
    from ownertag.rollout.doctor.expected import Expected
    from ownertag.rollout.doctor.findings import Finding

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
        bool,
        typer.Option("--canary", help="Create one placement group instead, wait for its tags, and measure the time."),
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
    """Check the deployment in every account and Region.

    Runs with credentials of the hub's account (--profile), and reads every account by the role ownertag-audit there.
    Nothing is changed; --canary creates a placement group, which costs nothing, and deletes it. It also sends a finding
    of tampering through, which is mailed as a test, and reads the hub's ledger to see that it was.

    Exits with 0 if all is well, 1 if there is a fault, 2 for wrong settings, 3 if something could not be read.
    """
    from ownertag.render.infra import check_deployable
    from ownertag.rollout.doctor.examine import Scope, UnknownLocation
    from ownertag.rollout.doctor.expected import expected

    file = options.settings_file()
    if file is None:
        fail("there are no settings: write ownertag.toml, or name it with --config")
    try:
        organization = check_deployable(file.settings, str(file.path))
        wanted = expected(load_catalogue(), file.settings, organization)
    except SettingsError as error:
        fail(str(error))
    access = _account_access(options, wanted)
    try:
        if canary or canary_account or canary_region:
            findings = _canary(access, wanted, options, canary_account, canary_region, canary_timeout)
        else:
            findings = _examine(access, wanted, options, Scope(_listed(accounts), _listed(regions)))
    except UnknownLocation as error:
        fail(str(error))
    _print(findings, options)
    raise typer.Exit(_exit_code(findings, options))


def _listed(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _account_access(options: Options, expected: Expected) -> AccountAccess:
    """Returns the access to every account; its credentials are checked to be of the hub's."""
    from ownertag.aws.credentials import CredentialsError, open_session
    from ownertag.rollout.doctor.access import AccountAccess

    organization = expected.organization
    try:
        session = open_session(options.profile, organization.home_region, options.endpoint_url)
        account = caller_identity(session).account
    except CredentialsError as error:
        fail(str(error), Exit.UNREACHABLE)
    if account != organization.hub_account:
        fail(
            f"{session.name}: these are credentials of account {account}, and the hub's account is "
            f"{organization.hub_account}: name a profile of it with --profile"
        )
    return AccountAccess(session, organization.home_region, lambda: datetime.now(UTC))


def _examine(access: AccountAccess, expected: Expected, options: Options, scope: Any) -> list[Finding]:
    from ownertag.rollout.doctor.examine import AwsCollector, examine

    def progress(account: str, number: int, of: int) -> None:
        options.say(f"{account} looked at, {number} of {of} accounts")

    options.say(f"reading organization {expected.organization.id} and its hub")
    return examine(AwsCollector(access, expected), expected, scope, progress)


def _canary(
    access: AccountAccess, expected: Expected, options: Options, account: str, region: str, timeout: float
) -> list[Finding]:
    from ownertag.aws.credentials import patient_config
    from ownertag.ledger.opening import LedgerLocation, open_ledger
    from ownertag.ledger.port import Store
    from ownertag.render.documents import CANARY_ROLE, LEDGER_TABLE
    from ownertag.rollout.doctor.access import AuditedAccount
    from ownertag.rollout.doctor.canary import AwsPlacementGroup, CanaryClock, canary
    from ownertag.rollout.doctor.canary_finding import HubTrace
    from ownertag.rollout.doctor.checks_observed import is_observed
    from ownertag.rollout.doctor.collect_hub import subscriptions
    from ownertag.rollout.doctor.examine import AwsCollector, spokes
    from ownertag.rollout.doctor.facts import Unread
    from ownertag.rollout.doctor.findings import Check, Location

    observe = expected.settings.observe
    whole = AwsCollector(access, expected).organization() if not account or observe.units else Unread("not asked")
    if not account:
        found = spokes(whole, expected)
        if not found:
            fail("there is no member account to be seen beside the hub's: name one with --canary-account")
        account = next((one for one in found if not is_observed(one, whole, observe)), found[0])
    place = Location(account, region or expected.organization.home_region)
    if is_observed(account, whole, observe):
        said = "the account is observed, so that nothing is tagged there: name another with --canary-account"
        return [place.not_checkable(Check.CANARY, said)]
    group = AwsPlacementGroup(access.sessions(CANARY_ROLE), account, place.region or "")

    @cache
    def ledger() -> Store:
        table = LedgerLocation("dynamodb", LEDGER_TABLE)
        client = access.base.client("dynamodb", access.region, config=patient_config())
        return open_ledger(table, lambda: client, read_only=True)

    hub = AuditedAccount(access, expected.organization.hub_account)
    trace = HubTrace(ledger, lambda: subscriptions(hub, expected))
    options.say(f"creating a placement group in {account}, {place.region}, and waiting for its tags and its finding")
    return canary(group, trace, place, expected.settings, timeout, CanaryClock(time.monotonic, time.sleep))


# --- what is printed


def _print(findings: list[Finding], options: Options) -> None:
    objects = [
        {
            "schema": SCHEMA,
            "account": finding.account,
            "region": finding.region,
            "check": finding.check.value,
            "state": finding.state.value,
            "seen": finding.seen,
            "advice": finding.advice or None,
        }
        for finding in findings
    ]
    if options.format is Output.JSON:
        for json_object in objects:
            print(json.dumps(json_object))
    elif options.format is Output.CSV:
        columns = [key for key in objects[0] if key != "schema"] if objects else []
        print_table([{key: str(json_object[key] or "") for key in columns} for json_object in objects], options.format)
    elif findings:
        print_table(list(_places(findings)), options.format)
        print("\n".join(clean_lines(_details(findings, options))))


def _places(findings: list[Finding]) -> Iterator[dict[str, str]]:
    """Returns a row for each account, and for each of its Regions."""
    from ownertag.rollout.doctor.findings import Check, CheckState, count

    by_place: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_place.setdefault((finding.account, finding.region or ""), []).append(finding)
    for (account, region), held in by_place.items():
        counts = count(held)
        sent = [finding.seen.rpartition("last sent: ")[2] for finding in held if finding.check is Check.SENT]
        dated = [text for text in sent if text[:1].isdigit()]
        yield {
            "account": account,
            "Region": region or "-",
            "ok": str(counts[CheckState.OK]),
            "faults": str(counts[CheckState.FAULT] or "-"),
            "unreached": str(counts[CheckState.UNREACHABLE] or "-"),
            "not checkable": str(counts[CheckState.NOT_CHECKABLE] or "-"),
            "last event sent": max(dated or sent, default="-"),
        }


def _details(findings: list[Finding], options: Options) -> Iterator[str]:
    """Returns what is not well or can't be seen, and advice; the same is said once. With --verbose, all findings."""
    from ownertag.rollout.doctor.findings import Check, CheckState

    places: dict[tuple[CheckState, str, str, str], list[str]] = {}
    for finding in findings:
        if finding.state is not CheckState.OK or finding.advice or options.verbose or finding.check is Check.CANARY:
            place = " ".join(part for part in (finding.account, finding.region) if part)
            places.setdefault((finding.state, finding.check.value, finding.seen, finding.advice), []).append(place)
    for (state, check, seen, advice), held in places.items():
        more = f" and {len(held) - MOST_PLACES} more" if len(held) > MOST_PLACES else ""
        yield ""
        yield f"{state.value}: {check}, {', '.join(held[:MOST_PLACES])}{more}: {seen}"
        if advice:
            yield f"  {advice}"


def _exit_code(findings: list[Finding], options: Options) -> int:
    from ownertag.rollout.doctor.findings import CheckState, count

    counts = count(findings)
    parts = [f"{counts[CheckState.OK]} of {len(findings)} checks are well"]
    parts += [
        f"{counts[state]} {text}"
        for state, text in (
            (CheckState.FAULT, "faults"),
            (CheckState.UNREACHABLE, "could not be read"),
            (CheckState.NOT_CHECKABLE, "not checkable here, so not known"),
        )
        if counts[state]
    ]
    options.say("; ".join(parts))
    if counts[CheckState.UNREACHABLE]:
        return Exit.UNREACHABLE
    return Exit.FINDINGS if counts[CheckState.FAULT] else Exit.OK
