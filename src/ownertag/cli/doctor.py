"""`ownertag doctor`: checks the deployment in every account and Region."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from ownertag.cli.completion import complete_region, complete_regions
from ownertag.cli.doctor_output import print_objects, print_report
from ownertag.cli.options import REGIONS, Exit, Options, Output, fail, listed, with_options
from ownertag.cli.sessions import audit_access, expected_deployment

if TYPE_CHECKING:
    from ownertag.rollout.doctor.access import AccountAccess
    from ownertag.rollout.doctor.commands import Caller
    from ownertag.rollout.doctor.examine import Scope
    from ownertag.rollout.doctor.expected import Expected
    from ownertag.rollout.doctor.findings import Finding
    from ownertag.rollout.doctor.grouping import Scale

#: Seconds from one line of progress to the next.
PROGRESS_SECONDS = 5.0


@with_options(without=REGIONS)
def doctor(
    options: Options,
    accounts: Annotated[
        str, typer.Option("--accounts", help="Look at these accounts only, with commas between.", metavar="ID,ID")
    ] = "",
    regions: Annotated[
        str,
        typer.Option(
            "--regions",
            help="Look at these Regions only, with commas between.",
            metavar="REGION,REGION",
            autocompletion=complete_regions,
        ),
    ] = "",
    all_: Annotated[
        bool, typer.Option("--all", help="Print also what is well, every place of a fault, and every command.")
    ] = False,
    canary: Annotated[
        bool,
        typer.Option("--canary", help="Create one placement group instead, wait for its tags, and measure the time."),
    ] = False,
    canary_account: Annotated[
        str, typer.Option("--canary-account", help="Where; a member account where it is left out.", metavar="ID")
    ] = "",
    canary_region: Annotated[
        str,
        typer.Option(
            "--canary-region",
            help="Where; the home Region where it is left out.",
            metavar="REGION",
            autocompletion=complete_region,
        ),
    ] = "",
    canary_timeout: Annotated[
        float, typer.Option("--canary-timeout", help="How many seconds to wait for its tags.", min=1, max=3600)
    ] = 300,
) -> None:
    """Check the deployment in every account and Region.

    Runs with credentials of the hub's account (--profile), and reads every account by the role ownertag-audit there.
    Nothing is changed; --canary creates a placement group, which costs nothing, and deletes it. It also sends a finding
    of tampering through, which is mailed as a test, and reads the hub's ledger to see that it was.

    Faults come first, grouped by cause, each with the commands that mend it: with the profiles that the AWS config has
    of the accounts.

    Exits with 0 if all is well, 1 if there is a fault, 2 for wrong settings, 3 if something could not be read.
    """
    from ownertag.rollout.doctor.examine import Scope, UnknownLocation
    from ownertag.rollout.doctor.grouping import Scale

    wanted = expected_deployment(options)
    access = audit_access(options, wanted.organization)
    caller = _caller(access, wanted, options)
    canary = canary or bool(canary_account or canary_region)
    try:
        if canary:
            findings = _canary(access, wanted, options, canary_account, canary_region, canary_timeout)
            scale = Scale(frozenset(), frozenset())
        else:
            findings, scale = _examine(access, wanted, options, Scope(listed(accounts), listed(regions)))
    except UnknownLocation as error:
        fail(str(error))
    if options.format is Output.TABLE:
        print_report(findings, scale, caller, everything=all_ or options.verbose or canary)
    else:
        print_objects(findings, caller, options.format)
    raise typer.Exit(_exit_code(findings))


def _caller(access: AccountAccess, expected: Expected, options: Options) -> Caller:
    """Returns how this was called, for the commands that are advised."""
    from ownertag.rollout.doctor.commands import Caller, profiles

    organization = expected.organization
    return Caller(
        organization.management_account,
        profiles(access.base.profiles, organization.hub_account, options.profile),
        str(options.config or ""),
        options.endpoint_url or "",
    )


def _examine(access: AccountAccess, expected: Expected, options: Options, scope: Scope) -> tuple[list[Finding], Scale]:
    from ownertag.rollout.doctor.examine import AwsCollector, deployed, examine, units
    from ownertag.rollout.doctor.grouping import Scale

    started, told = time.monotonic(), 0.0

    def progress(account: str, number: int, of: int) -> None:
        # A line for each of many accounts would push out of sight what is said before.
        nonlocal told
        if options.verbose or number == of or time.monotonic() - max(told, started) >= PROGRESS_SECONDS:
            told = time.monotonic()
            options.say(f"{account} looked at, {number} of {of} accounts")

    collector = AwsCollector(access, expected)
    options.say(f"reading organization {expected.organization.id} and its hub")
    findings = examine(collector, expected, scope, progress)
    whole = collector.organization()
    accounts, regions = deployed(whole, expected)
    return findings, Scale(accounts, regions, units(whole))


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


def _exit_code(findings: list[Finding]) -> int:
    from ownertag.rollout.doctor.findings import CheckState, count

    counts = count(findings)
    if counts[CheckState.UNREACHABLE]:
        return Exit.UNREACHABLE
    return Exit.FINDINGS if counts[CheckState.FAULT] else Exit.OK
