"""What became of each resource: tags written, outcomes kept, and what comes back."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from msgspec.structs import replace

from ownertag.core.findings import TamperFinding, merged
from ownertag.core.ownership import EventKey, ResourceKey, key_of
from ownertag.core.request_tags import request_tag_findings
from ownertag.core.settings import Settings
from ownertag.core.values import (
    Decision,
    Outcome,
    OutcomeKind,
    Plan,
    Wait,
)
from ownertag.flows.findings import publish_findings, tag_changed
from ownertag.flows.ledger_entries import (
    event_of,
    outcomes_to_keep,
)
from ownertag.flows.ports import Ports
from ownertag.flows.repair_overwrites import Standings
from ownertag.flows.result import Decided
from ownertag.ledger.entries import Entry, Finished
from ownertag.ledger.port import LedgerError


def with_outcomes(plan: Plan, written: Mapping[str, Outcome]) -> list[Decided]:
    """The decisions of a plan with what became of each resource; `written` has the outcomes of its writes, by ARN."""
    return [Decided(decision, _outcomes(decision, written)) for decision in plan.decisions]


def _outcomes(decision: Decision, written: Mapping[str, Outcome]) -> tuple[Outcome, ...]:
    """One outcome for each resource; what was not written for lack of a fact is not ready."""
    settled = {outcome.arn: outcome for outcome in decision.settled}
    outcomes = {**written, **settled}
    arns = dict.fromkeys([*(resource.arn for resource in decision.resources), *settled])
    return tuple(outcomes[arn] if arn in outcomes else _not_written(arn) for arn in arns)


def _not_written(arn: str) -> Outcome:
    return Outcome(arn, OutcomeKind.NOT_READY, "a fact is missing", is_retried=True)


def publish_request_tags(
    decided: Sequence[Decided],
    finished: Container[EventKey],
    standings: Standings,
    ports: Ports,
    settings: Settings,
) -> list[Decided]:
    """Keeps and publishes findings of the owner tags that requests set: once for a creation, when it is done."""

    def with_finding(result: Decided) -> Decided:
        if result.is_retried or event_of(result.decision.creation) in finished:
            return result
        return replace(result, finding=request_tag_findings(result.decision, result.outcomes, standings, settings))

    results = [with_finding(result) for result in decided]
    findings = [(result.decision.creation.record, result.finding) for result in results if result.finding]
    if not findings:
        return results
    try:
        ports.ledger.append([tag_changed(record, finding) for record, finding in findings])
    except LedgerError as error:
        wait = ledger_wait(error)
        return [replace(result, waits=(wait,)) if result.finding else result for result in results]
    waits = publish_findings([finding for _, finding in findings], ports).waits
    return [
        replace(result, waits=(waits[result.finding],)) if result.finding and result.finding in waits else result
        for result in results
    ]


def keep_outcomes(decided: Sequence[Decided], standings: Standings, ports: Ports) -> list[Decided]:
    """Keeps outcomes in the ledger. What it did not take comes back, and what another creation owns by now."""
    now = ports.now()
    entries: list[Entry] = []
    for result in decided if standings else ():
        entries += outcomes_to_keep(result.decision, result.outcomes, standings, now)
        # A call that only changed what is somebody's has no creation to finish.
        if not result.is_retried and (result.decision.resources or result.decision.creation.resources):
            entries.append(Finished(event_of(result.decision.creation), now))
    try:
        lost = ports.ledger.append(entries) if entries else set()
    except LedgerError as error:
        wait = ledger_wait(error)
        return [waiting_for(result, wait) for result in decided] if standings else list(decided)
    return [_after_loss(result, lost) for result in decided] if lost else list(decided)


def _after_loss(result: Decided, lost: Container[ResourceKey]) -> Decided:
    creation = result.decision.creation
    arns = {resource.arn for resource in result.decision.resources if key_of(resource, creation) in lost}
    reason = "an earlier creation of it was recorded meanwhile"
    outcomes = tuple(
        Outcome(outcome.arn, OutcomeKind.NOT_READY, reason, is_retried=True) if outcome.arn in arns else outcome
        for outcome in result.outcomes
    )
    return replace(result, outcomes=outcomes)


def with_drift(result: Decided, drift: Mapping[EventKey, TamperFinding]) -> Decided:
    """The result with the finding of what others had changed of its tags."""
    finding = drift.get(event_of(result.decision.creation))
    return replace(result, finding=merged(finding, result.finding)) if finding else result


def waiting_for(result: Decided, wait: Wait) -> Decided:
    """The result, waiting for one more thing."""
    return replace(result, decision=replace(result.decision, waits=(*result.decision.waits, wait)))


def ledger_wait(error: LedgerError) -> Wait:
    """What is waited for while the ledger can't be used."""
    return Wait(error.outcome, f"the ledger can't be used: {error}")
