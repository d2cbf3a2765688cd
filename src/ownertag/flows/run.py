"""The steps over a batch of arrivals, the same for the live flow and for an operator's files.

The ledger is asked three times for a whole batch: what was seen before, whose each resource is, and, after the writes,
to keep what became of it. Where it can't be asked, only what carries no owner is tagged, and all comes back.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.brought import brought
from ownertag.core.claims import EventKey, ResourceKey, Standing
from ownertag.core.findings import Finding, together
from ownertag.core.match import match
from ownertag.core.plan import key_of, plan, stand, where_no_owner_is
from ownertag.core.records import Arrival
from ownertag.core.rows import Catalogue
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
from ownertag.flows.gather import gather
from ownertag.flows.ports import Ports
from ownertag.flows.remember import decisions_to_keep, event_of, outcomes_to_keep
from ownertag.flows.tell import change, tell
from ownertag.flows.written_over import written_over
from ownertag.ledger.entries import Entry, Finished, Seen
from ownertag.ledger.port import LedgerError

Facts = dict[Question, Fact]


class Result(Struct, frozen=True):
    """What a batch came to for one place (a message, a line of a file).

    A refusal, or a decision and its outcomes, or neither: the creation was `finished` before, and nothing was done.
    `finding` is what a tag call changed, or which tags of ours a creation brought along, and `waits` what is waited for
    until that can be told. `unexpected` is what raised where nothing should: a fault of ours.
    """

    where: str
    refusal: Refusal | None = None
    decision: Decision | None = None
    outcomes: tuple[Outcome, ...] = ()
    finished: Creation | None = None
    finding: Finding | None = None
    waits: tuple[Wait, ...] = ()
    unexpected: bool = False

    @property
    def comes_back(self) -> bool:
        """Whether something is still to be done."""
        if self.refusal is not None:
            return self.refusal.reason.comes_back
        waits = self.waits or (self.decision and self.decision.waits)
        return bool(waits) or any(outcome.comes_back for outcome in self.outcomes)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why something is still to be done, or what was refused; each once."""
        if self.refusal is not None:
            return (f"{self.refusal.reason.value}: {self.refusal.detail}",)
        waits = (*self.waits, *(self.decision.waits if self.decision else ()))
        found = [f"{wait.outcome.value}: {wait.reason}" for wait in waits]
        found += [f"{outcome.kind.value}: {outcome.reason}" for outcome in self.outcomes if outcome.comes_back]
        return tuple(dict.fromkeys(found))


def run(
    arrivals: Iterable[Arrival | Refusal],
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
    again: Container[str] = (),
) -> list[Result]:
    """Gather, decide and apply for a batch; one result for each arrival, in an order of its own.

    Args:
        arrivals: The batch.
        ports: The world.
        catalogue: The rows.
        settings: The tag policy and the owner rules.
        again: Where that lies which was received before, or was ordered. It may have been written without the ledger,
            so that even what is finished by another copy is looked at once more: `written_over` says why.
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
        seen = ports.ledger.seen([event_of(each) for each in creations]) if creations else {}
    except LedgerError as error:
        return results + _without_ledger(creations, {}, ports, catalogue, settings, _away(error))
    finished = {event for event, known in seen.items() if known.finished}
    left: list[Creation] = []
    for each in creations:
        if event_of(each) in finished and each.arrival.where not in again:
            results.append(Result(each.arrival.where, finished=each))
        else:
            left.append(each)
    facts = gather(left, ports, catalogue, settings)
    decided = _as_stored(plan(left, facts, catalogue, settings, ports.now()), seen)
    others: Mapping[str, Finding] = {}
    try:
        standings = _claim(decided, facts, ports)
        if standings:
            decided, standings, others = written_over(decided, standings, finished, ports, settings)
    except LedgerError as error:
        return results + _without_ledger(left, facts, ports, catalogue, settings, _away(error))
    if standings:
        decided = stand(decided, standings, facts, catalogue)
    done = {each.arrival.where: each for each in left if event_of(each) in finished}
    carried_out = _carry_out(decided, ports, catalogue, settings, done)
    told = _tell_what_was_brought(carried_out, finished, standings, ports, settings)
    kept = _keep(told, standings, ports)
    return results + [
        replace(each, finding=together(others[each.where], each.finding)) if each.where in others else each
        for each in kept
    ]


def _as_stored(decided: Plan, seen: Mapping[EventKey, Seen]) -> Plan:
    """What was decided for a creation before stands, unless something was awaited then."""

    def stored(decision: Decision) -> Decision:
        known = seen.get(event_of(decision.creation))
        if known is None or known.provisional:
            return decision
        return replace(decision, owner=known.owner, tags=known.tags)

    return replace(decided, decisions=tuple(stored(each) for each in decided.decisions)) if seen else decided


def _claim(decided: Plan, facts: Facts, ports: Ports) -> Mapping[ResourceKey, Standing]:
    created, owned = decisions_to_keep(decided.decisions, facts, ports.now())
    return ports.ledger.claim(created, owned) if created else {}


def _carry_out(
    decided: Plan, ports: Ports, catalogue: Catalogue, settings: Settings, done: Mapping[str, Creation]
) -> list[Result]:
    """What came of a plan; what was `done` before, by its place, and is gone since, is no refusal."""
    outcomes = apply(decided, ports, catalogue, settings)
    results = [
        Result(each.where, each) if each.where not in done else Result(each.where, finished=done[each.where])
        for each in decided.refusals
    ]
    return results + [
        Result(each.creation.arrival.where, None, each, _outcomes(each, outcomes)) for each in decided.decisions
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
        if result.decision is None or result.comes_back or event_of(result.decision.creation) in finished:
            return result
        return replace(result, finding=brought(result.decision, result.outcomes, standings, settings))

    made = [found(each) for each in results]
    kept = [change(each.decision.creation.record, each.finding) for each in made if each.decision and each.finding]
    if not kept:
        return made
    try:
        ports.ledger.append(kept)
    except LedgerError as error:
        return [replace(each, waits=(_away(error),)) if each.finding else each for each in made]
    waits = tell([each.finding for each in made if each.finding], ports)
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
            if not result.comes_back:
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
    arns = {each.arn for each in result.decision.resources if key_of(each, creation) in lost}
    reason = "an earlier creation of it was recorded meanwhile"
    outcomes = tuple(
        Outcome(each.arn, OutcomeKind.NOT_READY, reason, comes_back=True) if each.arn in arns else each
        for each in result.outcomes
    )
    return replace(result, outcomes=outcomes)


def _without_ledger(
    creations: Sequence[Creation], facts: Facts, ports: Ports, catalogue: Catalogue, settings: Settings, away: Wait
) -> list[Result]:
    """Tag what carries no owner; the full decision follows when the ledger answers."""
    facts = gather(creations, ports, catalogue, settings, facts, careful=True)
    decided = where_no_owner_is(plan(creations, facts, catalogue, settings, ports.now(), careful=True), settings)
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
    arns = dict.fromkeys([each.arn for each in decision.resources] + list(settled))
    return tuple(ended[arn] if arn in ended else _waiting(arn) for arn in arns)


def _waiting(arn: str) -> Outcome:
    return Outcome(arn, OutcomeKind.NOT_READY, "a fact is missing", comes_back=True)
