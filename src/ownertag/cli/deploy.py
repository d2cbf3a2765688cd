"""`ownertag deploy`: plans, applies and removes the deployment in an organization."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ownertag.cli.commands import Command, Group
from ownertag.cli.deploy_output import print_done, print_plan
from ownertag.cli.options import HOME_REGION, Exit, Options, confirmed, fail, listed, with_options
from ownertag.cli.preflight_output import preflight_objects, print_preflight
from ownertag.cli.sessions import deployable, in_management
from ownertag.core.settings import SettingsError

if TYPE_CHECKING:
    from ownertag.rollout.deploy.current import Prepared
    from ownertag.rollout.deploy.execute import StepResult
    from ownertag.rollout.deploy.tag_usage import TagUsage
    from ownertag.rollout.deploy.told import Note
    from ownertag.rollout.deploy.values import Step
    from ownertag.rollout.preflight.examine import PreflightResult

#: How many days back it is counted who uses the protected keys.
LOOKBACK_DAYS = 14

app = typer.Typer(
    cls=Group,
    help="Deploy ownertag to an organization: plan shows what would change, apply does it, destroy takes it away.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

PackageOption = Annotated[
    Path | None,
    typer.Option(
        "--package",
        help="The function's package, made by `ownertag package`; built by itself where it is left out.",
        envvar="OWNERTAG_PACKAGE",
        metavar="ZIP",
    ),
]
WheelsOption = Annotated[
    Path | None,
    typer.Option(
        "--wheels",
        help="Build the package from this folder of wheels, not from the package index.",
        metavar="DIR",
    ),
]
RoleOption = Annotated[
    str,
    typer.Option("--access-role", help="The role in the hub's account that the management account may assume."),
]
LookbackOption = Annotated[
    int,
    typer.Option(
        "--lookback-days",
        help="How many days back to count who uses the protected keys; 0 counts nothing.",
        min=0,
        max=90,
    ),
]
RecreateOption = Annotated[
    str,
    typer.Option(
        "--recreate",
        help="Recreate everything in these accounts, where something was changed by hand.",
        metavar="ID,ID",
    ),
]
SkipPreflightOption = Annotated[
    bool,
    typer.Option("--skip-preflight", help="Do not look for what would make the deployment fail or do nothing."),
]
RetryOption = Annotated[
    bool,
    typer.Option("--retry", help="Try again where a Region was denied: the policy is another now."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
ACCESS_ROLE = "OrganizationAccountAccessRole"


@app.command(cls=Command)
@with_options(without=HOME_REGION)
def plan(
    options: Options,
    package: PackageOption = None,
    wheels: WheelsOption = None,
    access_role: RoleOption = ACCESS_ROLE,
    lookback_days: LookbackOption = LOOKBACK_DAYS,
    recreate: RecreateOption = "",
    skip_preflight: SkipPreflightOption = False,
    retry: RetryOption = False,
) -> None:
    """Show what apply would change, whom the policy would deny, and what would make the deployment fail.

    Runs with credentials of the management account (--profile); the hub's account is reached by the access role.
    Nothing is changed: change sets are made and deleted again.

    Exits with 0 if nothing would change, 1 if something would, has to be mended by hand, or makes it fail, 2 for wrong
    settings, 3 if something can't be read.
    """
    with _errors_in_one_line():
        prepared = _prepare(options, access_role, package, wheels)
        steps, notes = _steps(prepared, options, recreate, retry)
        usage, found = _looked_up(prepared, steps, lookback_days, options, None if skip_preflight else access_role)
    _print_all(steps, usage, notes, found, options)
    pending = sum(step.task is not None for step in steps)
    options.say(f"{pending} of {len(steps)} steps would change something" if pending else "nothing would change")
    raise typer.Exit(Exit.FINDINGS if pending or _stopping(found) or _serious(notes, options) else Exit.OK)


@app.command(cls=Command)
@with_options(without=HOME_REGION)
def apply(
    options: Options,
    package: PackageOption = None,
    wheels: WheelsOption = None,
    access_role: RoleOption = ACCESS_ROLE,
    lookback_days: LookbackOption = LOOKBACK_DAYS,
    recreate: RecreateOption = "",
    skip_preflight: SkipPreflightOption = False,
    retry: RetryOption = False,
    yes: YesOption = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="With --yes: go on even if the preflight says that it won't work, or the policy denies current calls.",
        ),
    ] = False,
) -> None:
    """Show what would change, ask for confirmation, and apply it.

    Can be run again after an interruption: it does what is left. No tag is ever removed.

    Exits with 0 if all is done, 1 if a step failed or was not wanted, 2 for wrong settings, 3 if something can't be
    read or StackSets could not deploy to some accounts.
    """
    with _errors_in_one_line():
        prepared = _prepare(options, access_role, package, wheels)
        steps, notes = _steps(prepared, options, recreate, retry)
        usage, found = _looked_up(prepared, steps, lookback_days, options, None if skip_preflight else access_role)
    _print_all(steps, usage, notes, found, options)
    if (stops := _stopping(found)) and any(step.task is not None for step in steps):
        causes = "1 cause" if stops == 1 else f"{stops} causes"
        text = f"what the preflight found would make it fail or do nothing ({causes})"
        if yes and not force:
            fail(f"{text}: mend what stops it, or repeat with --force", Exit.FINDINGS)
        options.say(text)
    if usage and usage.uses and yes and not force:
        fail(
            f"the policy would stop {len(usage.uses)} principals who use the protected keys today: talk to them, or "
            "name them in protection.break_glass, or repeat with --force",
            Exit.FINDINGS,
        )
    afterwards = "`ownertag doctor` shows whether everything delivers"
    _execute(prepared, steps, options, yes, "Do this?", afterwards, serious=_serious(notes, options))


@app.command(cls=Command)
@with_options(without=HOME_REGION)
def destroy(
    options: Options,
    access_role: RoleOption = ACCESS_ROLE,
    drop_undelivered: Annotated[
        bool,
        typer.Option("--drop-undelivered", help="Delete the Regions' queues even if events wait in them."),
    ] = False,
    yes: YesOption = False,
) -> None:
    """Show what would be removed, ask for confirmation, and remove it: the policy first, the hub last.

    Tags stay. So do the ledger, the function's log, the dead letters, and the bucket with its packages. Where events
    wait in a Region's queue nothing is removed: `ownertag redrive` puts them back.

    Exits with 0 if all is done, 1 if a step failed or was not wanted, 2 for wrong settings, 3 if something can't be
    read or StackSets could not delete in some accounts.
    """
    from ownertag.rollout.deploy.destroy import to_destroy
    from ownertag.rollout.deploy.told import to_tell
    from ownertag.rollout.deploy.undelivered import check_all_empty

    with _errors_in_one_line():
        prepared = _prepare(options, access_role, with_package=False)
        steps = to_destroy(prepared.desired, prepared.current)
        unread = {} if drop_undelivered else check_all_empty(prepared.clients, prepared.desired, prepared.current)
        notes = to_tell(prepared.desired, prepared.current, unread, whole=True)
    print_plan(steps, None, options, notes)
    _execute(prepared, steps, options, yes, "Take all of this away?", "the tags stay, and so does the ledger")


def _prepare(
    options: Options,
    access_role: str,
    package: Path | None = None,
    wheels: Path | None = None,
    *,
    with_package: bool = True,
) -> Prepared:
    from ownertag.rollout.deploy.current import prepare
    from ownertag.rollout.deploy.package import NO_PACKAGE, built_package, read_package

    if package and wheels:
        fail("--package (or OWNERTAG_PACKAGE) names the package, and --wheels is to build one: leave one out")
    file, organization = deployable(options)
    zip_ = NO_PACKAGE
    if with_package:
        zip_ = read_package(package or built_package(options.say, wheels=wheels), file.text)
    session = in_management(options, organization)
    options.say(f"reading organization {organization.id}")
    return prepare(session, file.settings, str(file.path), zip_, access_role=access_role)


def _steps(
    prepared: Prepared, options: Options, recreate: str, retry: bool
) -> tuple[tuple[Step, ...], tuple[Note, ...]]:
    from ownertag.rollout.deploy.execute import previewed
    from ownertag.rollout.deploy.steps import to_apply
    from ownertag.rollout.deploy.told import to_tell
    from ownertag.rollout.deploy.undelivered import check_empty

    accounts = listed(recreate)
    unread = check_empty(prepared.clients, prepared.desired, prepared.current, accounts)
    steps = to_apply(prepared.desired, prepared.current, accounts, retry=retry)
    notes = to_tell(prepared.desired, prepared.current, unread, retry=retry)
    options.say("asking CloudFormation what would change")
    return previewed(steps, prepared.clients), notes


def _serious(notes: tuple[Note, ...], options: Options) -> bool:
    """Whether somebody has to mend something by hand, which is said."""
    found = sum(len(note.places) for note in notes if note.serious)
    if found:
        options.say(f"{found} stacks have to be mended by hand, as it says under `left out`")
    return found > 0


def _looked_up(
    prepared: Prepared, steps: tuple[Step, ...], days: int, options: Options, access_role: str | None
) -> tuple[TagUsage | None, PreflightResult | None]:
    """Returns whom the policy would stop, None where it neither comes to a unit nor changes; and what preflight found.

    Without an access role there is no preflight.
    """
    from ownertag.rollout.deploy.values import Attach, PutPolicy

    comes = days > 0 and any(isinstance(step.task, Attach | PutPolicy) for step in steps)
    if access_role is None:
        return (_usage(prepared, prepared.desired.protected, days, options) if comes else None), None
    from msgspec.structs import replace

    from ownertag.rollout.preflight.check_tag_use import check_tag_use
    from ownertag.rollout.preflight.examine import examine

    def progress(account: str, number: int, of: int) -> None:
        options.say(f"preflight: {account} read, {number} of {of} accounts")

    options.say("looking for what would make it fail (--skip-preflight leaves this out)")
    found = examine(prepared, access_role, datetime.now(UTC), progress)
    if days == 0:
        return None, found
    everywhere = _usage(prepared, {*prepared.desired.units, *prepared.desired.protected}, days, options)
    management = prepared.desired.organization.management_account
    more = check_tag_use(everywhere, days, management, protected=bool(prepared.desired.protected))
    found = replace(found, findings=(*found.findings, *more))
    return (_in_units(prepared, everywhere) if comes else None), found


def _in_units(prepared: Prepared, usage: TagUsage) -> TagUsage:
    """Returns what of it is of the accounts that the policy comes to."""
    from msgspec.structs import replace

    accounts = _accounts_of(prepared, prepared.desired.protected)
    return replace(
        usage,
        uses=tuple(use for use in usage.uses if use.account in accounts),
        unread=tuple((account, reason) for account, reason in usage.unread if account in accounts),
    )


def _accounts_of(prepared: Prepared, units: Iterable[str]) -> set[str]:
    from ownertag.rollout.deploy.access import accounts_under

    organizations = prepared.clients.management("organizations")
    accounts: set[str] = set().union(*(accounts_under(organizations, unit) for unit in units))
    return accounts - {prepared.desired.organization.management_account}


def _usage(prepared: Prepared, units: Iterable[str], days: int, options: Options) -> TagUsage:
    """Returns who uses the protected keys in the accounts of these units."""
    from ownertag.rollout.deploy.tag_usage import tag_usage

    accounts = _accounts_of(prepared, units)
    regions = tuple(stack.region for stack in prepared.desired.management_rules)
    read = 0

    def progress(account: str) -> None:
        nonlocal read
        read += 1
        options.say(f"who uses the protected keys: {account} read, {read} of {len(accounts)} accounts")

    since = datetime.now(UTC) - timedelta(days=days)
    return tag_usage(prepared.clients, accounts, regions, prepared.settings, since, progress)


def _print_all(
    steps: tuple[Step, ...],
    usage: TagUsage | None,
    notes: tuple[Note, ...],
    found: PreflightResult | None,
    options: Options,
) -> None:
    print_plan(steps, usage, options, notes, more=preflight_objects(found) if found else ())
    if found:
        print_preflight(found, options)


def _stopping(found: PreflightResult | None) -> int:
    """Returns how many causes would make the deployment fail or do nothing."""
    if found is None:
        return 0
    from ownertag.rollout.preflight.examine import stopping
    from ownertag.rollout.preflight.findings import grouped

    return len(grouped(stopping(found.findings)))


def _execute(
    prepared: Prepared,
    steps: tuple[Step, ...],
    options: Options,
    yes: bool,
    question: str,
    afterwards: str,
    *,
    serious: bool = False,
) -> None:
    from ownertag.rollout.deploy.execute import execute

    pending = [step for step in steps if step.task is not None]
    if not pending:
        options.say("there is nothing to do")
        raise typer.Exit(Exit.UNREACHABLE if serious else Exit.OK)
    if not yes and not confirmed(question, "repeat with --yes"):
        options.say("nothing was changed")
        raise typer.Exit(Exit.FINDINGS)
    numbers = {id(step): number for number, step in enumerate(pending, 1)}

    def progress(step: Step, text: str) -> None:
        place = " ".join(part for part in (step.account, step.region) if part)
        options.say(f"[{numbers[id(step)]}/{len(pending)}] {step.what}, {place}: {text}")

    try:
        done = execute(pending, prepared.clients, prepared.desired.organization, progress)
    except KeyboardInterrupt:
        options.say(
            "ended in the middle: what CloudFormation has begun goes on; run it again, and it does what is left"
        )
        raise
    print_done(done, options)
    code = _exit_code(done, len(pending), options, afterwards)
    raise typer.Exit(code or (Exit.UNREACHABLE if serious else Exit.OK))


def _exit_code(done: tuple[StepResult, ...], pending: int, options: Options, afterwards: str) -> int:
    from ownertag.rollout.deploy.execute import GOES_ON

    failed = [step_result for step_result in done if step_result.failed]
    if not failed:
        options.say(f"all {pending} steps are done; {afterwards}")
        return Exit.OK
    left = pending - len(done)
    options.say(f"{len(failed)} of {pending} steps failed{f', {left} were not begun' if left else ''}")
    options.say("mend what they say, and run it again: it does what is left")
    return Exit.UNREACHABLE if all(result.some or result.step.stage in GOES_ON for result in failed) else Exit.FINDINGS


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Ends the command with one line, and no traceback, where something can't be done."""
    from ownertag.aws.errors import AWS_ERRORS
    from ownertag.rollout.deploy.failures import DeployError

    try:
        yield
    except SettingsError as error:
        fail(str(error))
    except DeployError as error:
        fail(str(error), Exit.UNREACHABLE)
    except AWS_ERRORS as error:
        fail(f"AWS can't be used: {error}", Exit.UNREACHABLE)
