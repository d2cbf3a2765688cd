"""`ownertag redrive`: puts back what was not delivered, or not tagged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.completion import complete_regions
from ownertag.cli.options import REGIONS, Exit, Options, Output, confirmed, fail, listed, with_options
from ownertag.cli.redrive_output import print_found, print_objects, summary
from ownertag.cli.sessions import audit_access, expected_deployment
from ownertag.render.documents import BUS, DEAD_LETTERS, UNDELIVERED

if TYPE_CHECKING:
    from ownertag.core.settings import OrganizationSettings
    from ownertag.rollout.doctor.access import AccountAccess
    from ownertag.rollout.doctor.examine import Scope
    from ownertag.rollout.doctor.expected import Expected
    from ownertag.rollout.redrive.access import RedriveAccess, Site
    from ownertag.rollout.redrive.look import Found
    from ownertag.rollout.redrive.put_back import Tally


DEAD_LETTERS_NAME, UNDELIVERED_NAME = NAMES = ("dead-letters", "undelivered")


@with_options(without=REGIONS)
def redrive(
    options: Options,
    queue: Annotated[
        str,
        typer.Option("--queue", help="One of dead-letters and undelivered; both where it is left out.", metavar="NAME"),
    ] = "",
    accounts: Annotated[
        str, typer.Option("--accounts", help="These accounts' queues only, with commas between.", metavar="ID,ID")
    ] = "",
    regions: Annotated[
        str,
        typer.Option(
            "--regions",
            help="These Regions' queues only, with commas between.",
            metavar="REGION,REGION",
            autocompletion=complete_regions,
        ),
    ] = "",
    only: Annotated[
        str,
        typer.Option("--only", help="Messages with these error codes only, with commas between.", metavar="CODE,CODE"),
    ] = "",
    limit: Annotated[int | None, typer.Option("--limit", help="Put back so many of each queue at most.", min=1)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what lies where, and put back nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put back what was not delivered, or not tagged.

    Shows what lies where and why, asks for confirmation, and puts it into the hub's queue. Dead letters of the hub are
    moved by SQS itself, or one by one with --only or --limit. Undelivered events of an account's Region are looked up
    in CloudTrail there, sent, and then deleted. What arrives twice does no harm.

    Runs with credentials of the hub's account that may use its queues, and assume ownertag-audit and ownertag-redrive
    in the accounts.

    Exits with 0 if nothing is left that was to be put back, 1 if something is or it was not wanted, 2 for bad input, 3
    if a queue could not be reached.
    """  # fmt: skip
    from ownertag.rollout.doctor.examine import Scope
    from ownertag.rollout.redrive.access import RedriveAccess, Site
    from ownertag.rollout.redrive.look import look

    if queue not in {"", *NAMES}:
        fail(f"--queue {queue}: there are {' and '.join(NAMES)}")
    wanted = expected_deployment(options)
    operator = audit_access(options, wanted.organization)
    access = RedriveAccess(operator, wanted.organization, load_catalogue().quotas)
    sites, unknown = _sites(operator, wanted, Scope(listed(accounts), listed(regions)), queue, options)
    found = look(access, sites, lambda account, number, of: options.say(f"{account} read, {number} of {of} accounts"))
    codes = listed(only)
    if options.format is Output.TABLE:
        hub = access.queue(Site(BUS, wanted.organization.hub_account, operator.region))
        print_found(found, hub.depth(), by_task=not codes and limit is None)
    holding = [one for one in found if one.holds]
    declined = bool(holding) and (dry_run or not _confirmed(options, yes))
    tallies: dict[Site, Tally] = {}
    if holding and not declined:
        tallies = _execute(access, holding, codes, limit, options)
    if options.format is not Output.TABLE:
        print_objects(found, tallies, options.format)
    for line in (unknown, *summary(found, tallies, declined=declined, dry_run=dry_run, limited=limit is not None)):
        if line:
            options.say(line)
    if unknown or any(one.unreached for one in found):
        raise typer.Exit(Exit.UNREACHABLE)
    raise typer.Exit(Exit.FINDINGS if declined or any(_stays(tally) for tally in tallies.values()) else Exit.OK)


def _sites(
    operator: AccountAccess, wanted: Expected, scope: Scope, queue: str, options: Options
) -> tuple[list[Site], str]:
    """Returns the queues to look into, the hub's first; and why others are not known, if so."""
    from ownertag.rollout.doctor.examine import UnknownLocation
    from ownertag.rollout.redrive.access import Site
    from ownertag.rollout.redrive.places import places

    organization: OrganizationSettings = wanted.organization
    hub, home = organization.hub_account, organization.home_region
    sites: list[Site] = []
    unknown = ""
    of_hub = (not scope.accounts or hub in scope.accounts) and (not scope.regions or home in scope.regions)
    if queue != UNDELIVERED_NAME and of_hub:
        sites.append(Site(DEAD_LETTERS, hub, home))
    if queue != DEAD_LETTERS_NAME:
        options.say(f"reading the accounts of organization {organization.id}")
        try:
            known, unknown = places(operator, wanted, scope)
        except UnknownLocation as error:
            fail(str(error))
        sites += [Site(UNDELIVERED, account, region) for account, region in known]
    return sites, unknown


def _execute(
    access: RedriveAccess, found: list[Found], codes: frozenset[str], limit: int | None, options: Options
) -> dict[Site, Tally]:
    from ownertag.rollout.redrive.execute import execute

    try:
        return execute(access, found, lambda: datetime.now(UTC), options.say, codes, limit)
    except KeyboardInterrupt:
        options.say("ended in the middle: what was not put back lies where it lay, and a task of SQS goes on by itself")
        raise


def _confirmed(options: Options, yes: bool) -> bool:
    if yes:
        return True
    if confirmed("Put this back?", "repeat with --yes, or with --dry-run to look only"):
        return True
    options.say("nothing was put back")
    return False


def _stays(tally: Tally) -> bool:
    from ownertag.rollout.redrive.put_back import NOT_CHOSEN

    return bool(tally.failed) or any(reason != NOT_CHOSEN for reason in tally.left)
