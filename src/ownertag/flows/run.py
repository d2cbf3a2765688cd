"""The steps over a batch, the same for the live flow and for an operator's files: match, gather, decide, apply.

The ledger is called three times for a whole batch: to find the creations that it knows, to claim the resources, and,
after the writes, to keep the outcomes. While it can't be used, only resources without an owner tag are tagged, and all
messages come back.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec.structs import replace

from ownertag.core.ask import Traces
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.decide import apply_standings, decide
from ownertag.core.findings import TamperFinding
from ownertag.core.match_deletion import Ending
from ownertag.core.match_record import match_record
from ownertag.core.ownership import EventKey, key_of
from ownertag.core.plan import plan_writes, untagged_only
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import (
    Creation,
    Decision,
    Facts,
    Refusal,
    Wait,
)
from ownertag.flows.apply import apply
from ownertag.flows.deletions import deletions_by_name, keep_deletions
from ownertag.flows.gather import gather
from ownertag.flows.ledger_entries import (
    decisions_to_keep,
    event_of,
    event_of_record,
)
from ownertag.flows.outcomes import (
    keep_outcomes,
    ledger_wait,
    publish_request_tags,
    waiting_for,
    with_drift,
    with_outcomes,
)
from ownertag.flows.ports import Ports
from ownertag.flows.repair_overwrites import Standings, repair_overwrites
from ownertag.flows.result import FinishedBefore, Refused, Result
from ownertag.ledger.entries import SeenCreation
from ownertag.ledger.port import LedgerError


def run(
    arrivals: Iterable[Arrival | Refusal],
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
    redelivered: Container[str] = (),
) -> list[Result]:
    """Matches a batch and settles its creations; one result for each arrival, in any order.

    Args:
        arrivals: The batch.
        ports: The world.
        catalogue: The rows.
        settings: The tag policy and the owner rules.
        redelivered: As for `settle`.
    """
    results: list[Result] = []
    creations: list[Creation] = []
    endings: list[Ending] = []
    for arrival in arrivals:
        match match_record(arrival, catalogue, settings):
            case Refusal() as refusal:
                results.append(Refused(refusal))
            case Ending() as ending:
                endings.append(ending)
            case Creation() as creation:
                creations.append(creation)
    results += keep_deletions(endings, ports)
    return [*results, *settle(creations, ports, catalogue, settings, redelivered)]


def settle(
    creations: Sequence[Creation],
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
    redelivered: Container[str] = (),
) -> list[Result]:
    """Gathers, decides and applies for creations, wherever they were read; one result for each.

    Args:
        creations: Of any accounts and Regions.
        ports: The world.
        catalogue: The rows.
        settings: The tag policy and the owner rules.
        redelivered: The places (`where`) of what was received before, or ordered by an operator. Its tags may have been
            written without the ledger, so it is checked again even if it is finished: see `repair_overwrites`.
    """
    traces = Traces(settings, catalogue.parents)
    try:
        seen = ports.ledger.seen([event_of(creation) for creation in creations]) if creations else {}
    except LedgerError as error:
        wait = ledger_wait(error)
        return _settle_without_ledger(creations, {}, traces, ports, catalogue, settings, wait)
    finished = {event for event, creation in seen.items() if creation.finished}
    finished_before, creations = _split_finished(creations, finished, redelivered)
    try:
        creations = _with_known(creations, ports)
        if deleted := deletions_by_name(creations, ports.ledger):
            ports.ledger.append(deleted)
    except LedgerError as error:
        wait = ledger_wait(error)
        results = _settle_without_ledger(creations, {}, traces, ports, catalogue, settings, wait)
        return [*finished_before, *results]

    facts = gather(creations, ports, catalogue, settings, traces=traces)

    decisions, refusals = decide(creations, facts, catalogue, settings, ports.now(), traces=traces)
    decisions = [_as_stored(decision, seen) for decision in decisions]
    try:
        decisions, standings, drift = _merge_with_ledger(decisions, facts, finished, ports, settings)
    except LedgerError as error:
        wait = ledger_wait(error)
        results = _settle_without_ledger(creations, facts, traces, ports, catalogue, settings, wait)
        return [*finished_before, *results]
    plan = plan_writes(decisions, refusals, facts, catalogue, standings)

    decided = with_outcomes(plan, apply(plan, ports, catalogue, settings))
    decided = publish_request_tags(decided, finished, standings, ports, settings)
    decided = keep_outcomes(decided, standings, ports)
    return [
        *finished_before,
        *(_finished_or_refused(refusal, finished) for refusal in plan.refusals),
        *(with_drift(result, drift) for result in decided),
    ]


def _settle_without_ledger(
    creations: Sequence[Creation],
    facts: Facts,
    traces: Traces,
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
    wait: Wait,
) -> list[Result]:
    """Tags only resources without an owner tag; the full decision follows when the ledger answers."""
    facts = gather(creations, ports, catalogue, settings, facts, careful=True, traces=traces)
    decisions, refusals = decide(creations, facts, catalogue, settings, ports.now(), careful=True, traces=traces)
    plan = untagged_only(plan_writes(decisions, refusals, facts, catalogue), settings)
    decided = with_outcomes(plan, apply(plan, ports, catalogue, settings))
    return [*map(Refused, plan.refusals), *(waiting_for(result, wait) for result in decided)]


# --- creations that the ledger knows ---------------------------------------------------------------------------


def _split_finished(
    creations: Iterable[Creation], finished: Container[EventKey], redelivered: Container[str]
) -> tuple[list[FinishedBefore], list[Creation]]:
    """(results of creations that were finished before and are not redelivered, all other creations)."""
    results: list[FinishedBefore] = []
    left: list[Creation] = []
    for creation in creations:
        where = creation.arrival.where
        if event_of(creation) in finished and where not in redelivered:
            results.append(FinishedBefore(where, creation.record))
        else:
            left.append(creation)
    return results, left


def _with_known(creations: list[Creation], ports: Ports) -> list[Creation]:
    """Creations that may have changed what was there before, with what the ledger knows of it.

    Raises:
        LedgerError: The ledger can't be used.
    """
    keys = [key_of(one, creation) for creation in creations if creation.may_exist for one in creation.resources]
    if not keys:
        return creations
    known = {resource.key for resource in ports.ledger.by_key(dict.fromkeys(keys))}
    return [
        replace(
            creation,
            known=frozenset(one.arn for one in creation.resources if key_of(one, creation) in known),
        )
        if creation.may_exist
        else creation
        for creation in creations
    ]


def _finished_or_refused(refusal: Refusal, finished: Container[EventKey]) -> Result:
    """The result of a refused creation; if it was finished before, its resources were deleted since."""
    if refusal.record is not None and event_of_record(refusal.record) in finished:
        return FinishedBefore(refusal.where, refusal.record)
    return Refused(refusal)


def _as_stored(decision: Decision, seen: Mapping[EventKey, SeenCreation]) -> Decision:
    """The decision with the owner and tags that were stored before, unless something was awaited then."""
    stored = seen.get(event_of(decision.creation))
    if stored is None or stored.provisional:
        return decision
    return replace(decision, owner=stored.owner, tags=stored.tags)


# --- the owner of each resource --------------------------------------------------------------------------------


def _merge_with_ledger(
    decisions: list[Decision], facts: Facts, finished: Container[EventKey], ports: Ports, settings: Settings
) -> tuple[list[Decision], Standings, Mapping[EventKey, TamperFinding]]:
    """Keeps decisions in the ledger. Returns them after its claims, the standings, and findings of overwritten tags.

    Raises:
        LedgerError: The ledger can't be used.
    """
    created, owned = decisions_to_keep(decisions, facts, ports.now())
    standings = ports.ledger.claim(created, owned) if created else {}
    if not standings:
        return decisions, {}, {}
    decisions, standings, drift = repair_overwrites(decisions, standings, finished, ports, settings)
    return apply_standings(decisions, standings, facts), standings, drift
