"""`ownertag tag`: do for files of records what the hub does for events."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ownertag.catalogue.loader import load
from ownertag.cli.explain import exit_code
from ownertag.cli.inputs import records
from ownertag.cli.options import Exit, Options, fail, with_options
from ownertag.cli.output import Printer, as_object
from ownertag.core.rows import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.values import OutcomeKind, Reason

if TYPE_CHECKING:
    from ownertag.flows.ports import Ports

#: Enough to share look-ups and writes, few enough to see progress.
BATCH = 1000


@with_options
def tag(
    files: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.", metavar="FILE...")],
    options: Options,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look up and decide, but write no tag.")] = False,
) -> None:
    """Tag what records in files created.

    Takes the same input as explain. Writes with the credentials of --profile in their own account, and with the
    tagger's role, assumed from them, in the organization's other accounts.

    Exits with 0 if all is done, 1 if something is left to do, 2 if input can't be read, 3 if an account or Region
    could not be reached.
    """
    from ownertag.flows.run import run

    settings, catalogue = options.settings(), load()
    ports = _ports(options, settings, catalogue, dry_run)
    printer = Printer(options.format)
    refused: Counter[Reason] = Counter()
    outcomes: Counter[OutcomeKind] = Counter()
    read = decided = left = unreached = 0
    arriving = records(files, options)
    while batch := list(islice(arriving, BATCH)):
        for result in run(batch, ports, catalogue, settings):
            decision = result.decision
            printer.print(result.where, as_object(result, decision.owner if decision else None))
            if result.refusal is not None:
                refused[result.refusal.reason] += 1
                unreached += result.refusal.reason is Reason.UNKNOWN_ACCOUNT
            else:
                decided += 1
                left += result.comes_back
                kinds = [outcome.kind for outcome in result.outcomes]
                outcomes.update(kinds)
                waits = [wait.outcome for wait in decision.waits] if decision else []
                unreached += OutcomeKind.FORBIDDEN in (*kinds, *waits)
        read += len(batch)
        options.say(f"{read} records read, {decided} creations, {left} not done yet")
    done = ", ".join(f"{count} {kind.value}" for kind, count in outcomes.most_common()) or "nothing to tag"
    options.say(f"{'would be: ' if dry_run else ''}{done}; {refused.total()} records refused")
    code = exit_code(refused, decided)
    raise typer.Exit(code or (Exit.UNREACHED if unreached else Exit.FOUND if left else Exit.WELL))


def _ports(options: Options, settings: Settings, catalogue: Catalogue, dry_run: bool) -> Ports:
    """The same adapters as in the hub, with an operator's credentials."""
    import boto3

    from ownertag.aws.errors import AWS_ERRORS, failure_of
    from ownertag.aws.pacing import Pacing
    from ownertag.aws.sessions import Sessions, client_config
    from ownertag.flows.ports import Ports
    from ownertag.sinks.tagging import DryRun, Tagger
    from ownertag.sources.lookups import Lookups
    from ownertag.sources.organization import Organization, OwnAccount

    def now() -> datetime:
        return datetime.now(UTC)

    organization = settings.organization
    try:
        session = boto3.Session(profile_name=options.profile, region_name=options.region)
        region = session.region_name or (organization.home_region if organization else "us-east-1")
        given = {"region_name": region, "endpoint_url": options.endpoint_url, "config": client_config()}
        account = session.client("sts", **given).get_caller_identity()["Account"]  # type: ignore[call-overload] # options
        client = session.client("organizations", **given)  # type: ignore[call-overload] # options
        accounts = Organization(client, now, settings.owner_key or "owner") if organization else None
    except AWS_ERRORS as error:
        profile = f"profile {options.profile}" if options.profile else "the default credentials"
        fail(f"{profile}: can't be used ({failure_of(error).code}): {error}")
    sessions = Sessions(
        session,
        role_name=settings.limits.role_name,
        region=region,
        now=now,
        own_account=account,
        endpoint_url=options.endpoint_url,
        pacing=Pacing(catalogue.quotas, settings.limits.quota_share, patience=math.inf),
    )
    return Ports(
        OwnAccount(account, accounts),
        Lookups(sessions, catalogue, settings, now),
        DryRun() if dry_run else Tagger(sessions),
        now,
    )
