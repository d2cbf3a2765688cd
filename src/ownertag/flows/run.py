"""The steps over a batch of arrivals, the same for the live flow and for an operator's files.

The ledger is asked three times for a whole batch: what was seen before, whose each resource is, and, after the writes,
to keep what became of it. Where it can't be asked, only what carries no owner is tagged, and all comes back.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec.structs import replace

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.findings import TamperFinding, merged
from ownertag.core.match import match
from ownertag.core.ownership import EventKey, ResourceKey, Standing, key_of
from ownertag.core.plan import apply_standings, plan, untagged_only
from ownertag.core.records import Arrival
from ownertag.core.request_tags import request_tag_findings
from ownertag.core.settings import Settings
from ownertag.core.values import (
    Creation,
    Decision,
    Fact,
    Outcome,
    OutcomeKind,
    Plan,
    Question,
    Refusal,
    Wait,
)
from ownertag.flows.apply import apply
from ownertag.flows.findings import change, publish_findings
from ownertag.flows.gather import gather
from ownertag.flows.ledger_entries import decisions_to_keep, event_of, outcomes_to_keep
from ownertag.flows.ports import Ports
from ownertag.flows.repair_overwrites import repair_overwrites
from ownertag.flows.result import Result
from ownertag.ledger.entries import Entry, Finished, SeenCreation
from ownertag.ledger.port import LedgerError

Facts = dict[Question, Fact]


def run(
    arrivals: Iterable[Arrival | Refusal],
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
    redelivered: Container[str] = (),
) -> list[Result]:
    """Gather, decide and apply for a batch; one result for each arrival, in an order of its own.

    Args:
        arrivals: The batch.
        ports: The world.
        catalogue: The rows.
        settings: The tag policy and the owner rules.
        redelivered: Where that lies which was received before, or was ordered. It may have been written without the
            ledger, so that even what is finished by another copy is looked at once more: `written_over` says why.
    """
    refusals: list[Refusal] = []
    creations: list[Creation] = []
    for arrival in arrivals:
        matched = arrival if isinstance(arrival, Refusal) else match(arrival, catalogue, settings)
        if isinstance(matched, Refusal):
            refusals.append(matched)
        else:
            creations.append(matched)
    results = [Result(refusal.where, refusal) for refusal in refusals]
    try:
        seen = ports.ledger.seen([event_of(creation) for creation in creations]) if creations else {}
    except LedgerError as error:
        return results + _without_ledger(creations, {}, ports, catalogue, settings, _away(error))
    finished = {event for event, known in seen.items() if known.finished}
    left: list[Creation] = []
    for creation in creations:
        if event_of(creation) in finished and creation.arrival.where not in redelivered:
            results.append(Result(creation.arrival.where, finished=creation))
        else:
            left.append(creation)
    facts = gather(left, ports, catalogue, settings)
    decided = _as_stored(plan(left, facts, catalogue, settings, ports.now()), seen)
    others: Mapping[str, TamperFinding] = {}
    try:
        standings = _claim(decided, facts, ports)
        if standings:
            decided, standings, others = repair_overwrites(decided, standings, finished, ports, settings)
    except LedgerError as error:
        return results + _without_ledger(left, facts, ports, catalogue, settings, _away(error))
    if standings:
        decided = apply_standings(decided, standings, facts, catalogue)
    done = {creation.arrival.where: creation for creation in left if event_of(creation) in finished}
    carried_out = _carry_out(decided, ports, catalogue, settings, done)
    told = _tell_what_was_brought(carried_out, finished, standings, ports, settings)
    kept = _keep(told, standings, ports)
    return results + [
        replace(each, finding=merged(others[each.where], each.finding)) if each.where in others else each
        for each in kept
    ]


def _as_stored(decided: Plan, seen: Mapping[EventKey, SeenCreation]) -> Plan:
    """What was decided for a creation before stands, unless something was awaited then."""

    def stored(decision: Decision) -> Decision:
        known = seen.get(event_of(decision.creation))
        if known is None or known.provisional:
            return decision
        return replace(decision, owner=known.owner, tags=known.tags)

    return replace(decided, decisions=tuple(stored(decision) for decision in decided.decisions)) if seen else decided


def _claim(decided: Plan, facts: Facts, ports: Ports) -> Mapping[ResourceKey, Standing]:
    created, owned = decisions_to_keep(decided.decisions, facts, ports.now())
    return ports.ledger.claim(created, owned) if created else {}


def _carry_out(
    decided: Plan, ports: Ports, catalogue: Catalogue, settings: Settings, done: Mapping[str, Creation]
) -> list[Result]:
    """What came of a plan; what was `done` before, by its place, and is gone since, is no refusal."""
    outcomes = apply(decided, ports, catalogue, settings)
    results = [
        Result(refusal.where, refusal)
        if refusal.where not in done
        else Result(refusal.where, finished=done[refusal.where])
        for refusal in decided.refusals
    ]
    return results + [
        Result(decision.creation.arrival.where, None, decision, _outcomes(decision, outcomes))
        for decision in decided.decisions
    ]


def _tell_what_was_brought(
    results: Sequence[Result],
    finished: Container[EventKey],
    standings: Mapping[ResourceKey, Standing],
    ports: Ports,
    settings: Settings,
) -> list[Result]:
    """Keep and tell which owner tags were brought along by creations that are done: they aren't finished before."""

    def found(result: Result) -> Result:
        if result.decision is None or result.is_retried or event_of(result.decision.creation) in finished:
            return result
        return replace(result, finding=request_tag_findings(result.decision, result.outcomes, standings, settings))

    made = [found(result) for result in results]
    kept = [change(each.decision.creation.record, each.finding) for each in made if each.decision and each.finding]
    if not kept:
        return made
    try:
        ports.ledger.append(kept)
    except LedgerError as error:
        return [replace(each, waits=(_away(error),)) if each.finding else each for each in made]
    waits = publish_findings([each.finding for each in made if each.finding], ports)
    return [
        replace(each, waits=(waits[each.finding],)) if each.finding and each.finding in waits else each for each in made
    ]


def _keep(results: Sequence[Result], standings: Mapping[ResourceKey, Standing], ports: Ports) -> list[Result]:
    """Tell the ledger what became of it; what it did not take, or what was lost meanwhile, comes back."""
    if not standings:
        return list(results)
    now = ports.now()
    entries: list[Entry] = []
    for result in results:
        if result.decision is not None:
            ended = outcomes_to_keep(result.decision, result.outcomes, standings, now)
            entries += ended
            if not result.is_retried:
                entries.append(Finished(event_of(result.decision.creation), now))
    try:
        lost = ports.ledger.append(entries) if entries else set()
    except LedgerError as error:
        return [_waiting_for(result, _away(error)) for result in results]
    return [_after_loss(result, lost) for result in results] if lost else list(results)


def _after_loss(result: Result, lost: set[ResourceKey]) -> Result:
    if result.decision is None:
        return result
    creation = result.decision.creation
    arns = {resource.arn for resource in result.decision.resources if key_of(resource, creation) in lost}
    reason = "an earlier creation of it was recorded meanwhile"
    outcomes = tuple(
        Outcome(outcome.arn, OutcomeKind.NOT_READY, reason, is_retried=True) if outcome.arn in arns else outcome
        for outcome in result.outcomes
    )
    return replace(result, outcomes=outcomes)


def _without_ledger(
    creations: Sequence[Creation], facts: Facts, ports: Ports, catalogue: Catalogue, settings: Settings, away: Wait
) -> list[Result]:
    """Tag what carries no owner; the full decision follows when the ledger answers."""
    facts = gather(creations, ports, catalogue, settings, facts, careful=True)
    decided = untagged_only(plan(creations, facts, catalogue, settings, ports.now(), careful=True), settings)
    return [_waiting_for(result, away) for result in _carry_out(decided, ports, catalogue, settings, {})]


def _waiting_for(result: Result, away: Wait) -> Result:
    if result.decision is None:
        return result
    return replace(result, decision=replace(result.decision, waits=(*result.decision.waits, away)))


def _away(error: LedgerError) -> Wait:
    return Wait(error.outcome, f"the ledger can't be used: {error}")


def _outcomes(decision: Decision, written: dict[str, Outcome]) -> tuple[Outcome, ...]:
    """One outcome for each resource; what was not written for lack of a fact is not ready."""
    settled = {outcome.arn: outcome for outcome in decision.settled}
    ended = written | settled
    arns = dict.fromkeys([resource.arn for resource in decision.resources] + list(settled))
    return tuple(ended[arn] if arn in ended else _waiting(arn) for arn in arns)


def _waiting(arn: str) -> Outcome:
    return Outcome(arn, OutcomeKind.NOT_READY, "a fact is missing", is_retried=True)
