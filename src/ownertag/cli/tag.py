"""`ownertag tag`: tags what the records in files created, as the hub does for events."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.explain import Tally
from ownertag.cli.hub import HubFunction, results_in_place
from ownertag.cli.inputs import Reading
from ownertag.cli.options import Exit, LedgerFile, Options, fail, with_options
from ownertag.cli.output import Printer
from ownertag.cli.sessions import any_session, caller_identity
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.match_record import match_record
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import OutcomeKind, Reason, Refusal
from ownertag.flows.result import Refused
from ownertag.flows.result_object import WOULD_TAG, result_object
from ownertag.ledger.opening import LEDGER, LedgerLocationError, open_ledger, read_location
from ownertag.ledger.port import Ledger, LedgerError
from ownertag.ledger.read_only import NoLedger

if TYPE_CHECKING:
    from ownertag.flows.ports import Ports

#: Enough to share look-ups and writes, few enough to see progress.
BATCH = 1000
#: An order to the function: Lambda takes 6 MB (Lambda developer guide, quotas), and the function has three minutes.
ORDER = 100
ORDER_BYTES = 2_000_000

Objects = Iterator[dict[str, Any]]
Work = Callable[[Sequence[Arrival]], Objects]


@with_options
def tag(
    files: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.", metavar="FILE...")],
    options: Options,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look up and decide, but write nothing.")] = False,
    ledger: LedgerFile = None,
) -> None:
    """Tag what records in files created.

    Takes the same input as explain. Where the settings have an organization, the hub's function does it: with its
    settings and its ledger, so that what was transferred stays so and whois knows what is tagged. Runs with credentials
    of the hub's account that may invoke the function. Without an organization it is done with those of --profile, in
    their own account.

    Exits with 0 if all is done, 1 if something is left to do or the account of a record is only known by the IAM user
    who called, 2 if something can't be read, 3 if an account or Region could not be reached.
    """  # fmt: skip
    settings, catalogue = options.settings(), load_catalogue()
    if settings.organization is None:
        work = _local_work(options, settings, catalogue, dry_run, ledger)
    else:
        work = _at_hub(HubFunction(options, settings.organization, attempts=4), dry_run)
    printer, reading, tally = Printer(options.format), Reading(options), Tally()
    outcomes: Counter[str] = Counter()
    read = left = unreached = 0
    arriving = reading.records(files)
    while batch := list(islice(arriving, BATCH)):
        for result in _results(batch, work, catalogue, settings):
            printer.print(result)
            tally.count(result)
            kinds = [outcome["outcome"] for outcome in result["outcomes"]]
            outcomes.update(outcome["outcome"] for outcome in result["outcomes"] if outcome["arn"])
            refused = result["refusal"] or {}
            left += bool(result["left"] and not refused)
            unreached += OutcomeKind.FORBIDDEN.value in kinds or refused.get("reason") == Reason.UNKNOWN_ACCOUNT.value
        read += len(batch)
        options.say(f"{read} records read, {tally.creations} creations, {left} not done yet")
    options.say(_summary(outcomes, dry_run))
    tally.report(options, reading)
    found = Exit.FINDINGS if left or reading.inferred else Exit.OK
    raise typer.Exit(tally.exit_code or (Exit.UNREACHABLE if unreached else found))


def _summary(outcomes: Counter[str], dry_run: bool) -> str:
    if dry_run:
        rest = ", ".join(f"{count} {kind}" for kind, count in outcomes.most_common() if kind != WOULD_TAG)
        return f"would tag {outcomes[WOULD_TAG]} resources{f'; {rest}' if rest else ''}"
    said = ", ".join(f"{count} {kind}" for kind, count in outcomes.most_common()) or "nothing to tag"
    observed = outcomes[OutcomeKind.OBSERVED.value]
    return f"{said}: observed accounts are tagged once [observe] leaves them out" if observed else said


def _results(batch: Sequence[Arrival | Refusal], work: Work, catalogue: Catalogue, settings: Settings) -> Objects:
    """Returns at once what is refused by the record alone, and then what became of the rest."""
    creations: list[Arrival] = []
    for message in batch:
        matched = match_record(message, catalogue, settings)
        if isinstance(matched, Refusal):
            yield {**result_object(Refused(matched), None), "left": matched.reason.is_retried}
        elif isinstance(message, Arrival):
            creations.append(message)
    yield from work(creations)


# --- at the hub


def _at_hub(hub: HubFunction, dry_run: bool) -> Work:
    def work(creations: Sequence[Arrival]) -> Objects:
        for order in _orders(creations):
            yield from _hub_results(hub, order, dry_run)

    return work


def _orders(creations: Iterable[Arrival]) -> Iterator[list[Arrival]]:
    order: list[Arrival] = []
    size = 0
    for creation in creations:
        own = len(creation.record.request) + len(creation.record.response)
        if order and (len(order) >= ORDER or size + own > ORDER_BYTES):
            yield order
            order, size = [], 0
        order.append(creation)
        size += own
    if order:
        yield order


def _hub_results(hub: HubFunction, order: Sequence[Arrival], dry_run: bool) -> Objects:
    """Returns what the function answers for these."""

    def tag_order(arrivals: Sequence[Arrival]) -> dict[str, Any]:
        records = [msgspec.json.decode(msgspec.json.encode(arrival.record)) for arrival in arrivals]
        return {"tag": {"records": records, "dry_run": dry_run}}

    for place, result in results_in_place(hub, order, tag_order, lambda arrival: arrival.where):
        yield {**result, "where": order[place].where}


# --- here


def _local_work(options: Options, settings: Settings, catalogue: Catalogue, dry_run: bool, ledger: str | None) -> Work:
    from ownertag.flows.tag import results

    ports = local_ports(options, settings, catalogue, dry_run, _ledger(ledger, dry_run))

    def work(creations: Sequence[Arrival]) -> Objects:
        yield from results(creations, ports, catalogue, settings, dry_run)

    return work


def _ledger(text: str | None, dry_run: bool) -> Ledger:
    if text is None:
        return NoLedger()
    from ownertag.ledger.read_only import DryRunLedger

    try:
        place = read_location(text)
        if place.kind == "dynamodb":
            fail("--ledger: a table is the hub's: name the settings of its organization with --config")
        opened = open_ledger(place, lambda: None, read_only=dry_run)
    except LedgerLocationError as error:
        fail(f"--ledger (or {LEDGER}): {error}")
    except LedgerError as error:
        fail(str(error), Exit.UNREACHABLE)
    return DryRunLedger(opened) if dry_run else opened


def local_ports(options: Options, settings: Settings, catalogue: Catalogue, dry_run: bool, ledger: Ledger) -> Ports:
    """Returns the same adapters as in the hub, with an operator's credentials."""
    from ownertag.aws.pacing import Pacing
    from ownertag.aws.sessions import Sessions
    from ownertag.flows.ports import Ports
    from ownertag.sinks.tagging import DryRun, Tagger, TagRemover
    from ownertag.sources.lookups import AwsLookups
    from ownertag.sources.organization import OwnAccount

    def now() -> datetime:
        return datetime.now(UTC)

    session = any_session(options)
    region = session.region or "us-east-1"
    account = caller_identity(session, region).account
    sessions = Sessions(
        session,
        role_name=settings.hub.tagger_role,
        region=region,
        now=now,
        own_account=account,
        pacing=Pacing(catalogue.quotas, settings.limits.quota_share, patience=math.inf),
    )
    return Ports(
        OwnAccount(account, None),
        AwsLookups(sessions, settings, catalogue.parents, now, catalogue=catalogue),
        DryRun() if dry_run else Tagger(sessions, catalogue.tag_apis, now),
        now,
        ledger=ledger,
        remover=DryRun() if dry_run else TagRemover(lambda: sessions, catalogue.tag_apis),
    )
