"""The steps over a batch, the same for the live flow and for an operator's files: match, gather, decide, apply.

The ledger is called three times for a whole batch: to find the creations that it knows, to claim the resources, and,
after the writes, to keep the outcomes. While it can't be used, only resources without an owner tag are tagged, and all
messages come back.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec.structs import replace

from ownertag.core.ask import Traces, account_question
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.decide import apply_standings, decide
from ownertag.core.findings import TamperFinding, merged
from ownertag.core.match import match
from ownertag.core.match_deletion import Ending, is_deletion, match_deletion
from ownertag.core.ownership import EventKey, ResourceKey, key_of
from ownertag.core.plan import plan_writes, untagged_only
from ownertag.core.records import Arrival
from ownertag.core.request_tags import request_tag_findings
from ownertag.core.settings import Settings
from ownertag.core.values import (
    Absent,
    Creation,
    Decision,
    Facts,
    Outcome,
    OutcomeKind,
    Plan,
    Reason,
    Refusal,
    Unavailable,
    Wait,
)
from ownertag.flows.apply import apply
from ownertag.flows.findings import publish_findings, tag_changed
from ownertag.flows.gather import gather
from ownertag.flows.ledger_entries import (
    decisions_to_keep,
    deletions_to_keep,
    event_of,
    event_of_record,
    outcomes_to_keep,
)
from ownertag.flows.ports import Ports
from ownertag.flows.repair_overwrites import Standings, repair_overwrites
from ownertag.flows.result import Decided, DeletionKept, FinishedBefore, Refused, Result, Undecided
from ownertag.ledger.entries import Entry, Finished, SeenCreation
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
        matched: Creation | Ending | Refusal
        if isinstance(arrival, Refusal):
            matched = arrival
        elif is_deletion(arrival.record, catalogue):
            matched = match_deletion(arrival, catalogue, settings)
        else:
            matched = match(arrival, catalogue, settings)
        match matched:
            case Refusal():
                results.append(Refused(matched))
            case Ending():
                endings.append(matched)
            case Creation():
                creations.append(matched)
    unknown, endings = _of_unknown_accounts(endings, ports)
    return [*results, *unknown, *settle(creations, ports, catalogue, settings, redelivered, endings)]


def _of_unknown_accounts(endings: Sequence[Ending], ports: Ports) -> tuple[list[Result], list[Ending]]:
    """(results of deletions in accounts that are not known to be the organization's, all others).

    What came by EventBridge is the organization's: the hub's bus takes no other account's events. So nothing is asked
    for it; what an operator's file says is asked about.
    """
    results: list[Result] = []
    left: list[Ending] = []
    asked = {account_question(ending.record): None for ending in endings if ending.arrival.envelope is None}
    facts = ports.accounts.find(asked) if asked else {}
    for ending in endings:
        question, where = account_question(ending.record), ending.arrival.where
        match None if ending.arrival.envelope else facts.get(question, Absent()):
            case Absent():
                detail = f"account {ending.record.account} is not one of the organization's"
                results.append(Refused(Refusal(where, Reason.UNKNOWN_ACCOUNT, detail, ending.record)))
            case Unavailable() as unavailable:
                results.append(Undecided(where, unavailable.wait()))
            case _:
                left.append(ending)
    return results, left


def settle(
    creations: Sequence[Creation],
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
    redelivered: Container[str] = (),
    endings: Sequence[Ending] = (),
) -> list[Result]:
    """Gathers, decides and applies for creations, wherever they were read, and keeps deletions; one result for each.

    Args:
        creations: Of any accounts and Regions.
        ports: The world.
        catalogue: The rows.
        settings: The tag policy and the owner rules.
        redelivered: The places (`where`) of what was received before, or ordered by an operator. Its tags may have been
            written without the ledger, so it is checked again even if it is finished: see `repair_overwrites`.
        endings: Deletions, which reach the ledger with the outcomes.
    """
    traces = Traces(settings, catalogue.parents)
    try:
        seen = ports.ledger.seen([event_of(creation) for creation in creations]) if creations else {}
    except LedgerError as error:
        wait = _ledger_wait(error)
        results = _settle_without_ledger(creations, {}, traces, ports, catalogue, settings, wait)
        return [*_not_kept(endings, wait), *results]
    finished = {event for event, creation in seen.items() if creation.finished}
    finished_before, creations = _split_finished(creations, finished, redelivered)
    try:
        creations = _with_known(creations, ports)
    except LedgerError as error:
        wait = _ledger_wait(error)
        results = _settle_without_ledger(creations, {}, traces, ports, catalogue, settings, wait)
        return [*finished_before, *_not_kept(endings, wait), *results]

    facts = gather(creations, ports, catalogue, settings, traces=traces)

    decisions, refusals = decide(creations, facts, catalogue, settings, ports.now(), traces=traces)
    decisions = [_as_stored(decision, seen) for decision in decisions]
    try:
        decisions, standings, drift = _merge_with_ledger(decisions, facts, finished, ports, settings)
    except LedgerError as error:
        wait = _ledger_wait(error)
        results = _settle_without_ledger(creations, facts, traces, ports, catalogue, settings, wait)
        return [*finished_before, *_not_kept(endings, wait), *results]
    plan = plan_writes(decisions, refusals, facts, catalogue, standings)

    decided = _apply(plan, ports, catalogue, settings)
    decided = _publish_request_tags(decided, finished, standings, ports, settings)
    decided, kept = _keep_outcomes(decided, standings, endings, ports)
    return [
        *finished_before,
        *kept,
        *(_finished_or_refused(refusal, finished) for refusal in plan.refusals),
        *(_with_drift(result, drift) for result in decided),
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
    decided = _apply(plan, ports, catalogue, settings)
    return [*map(Refused, plan.refusals), *(_waiting_for(result, wait) for result in decided)]


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


# --- outcomes --------------------------------------------------------------------------------------------------


def _apply(plan: Plan, ports: Ports, catalogue: Catalogue, settings: Settings) -> list[Decided]:
    written = apply(plan, ports, catalogue, settings)
    return [Decided(decision, _outcomes(decision, written)) for decision in plan.decisions]


def _outcomes(decision: Decision, written: Mapping[str, Outcome]) -> tuple[Outcome, ...]:
    """One outcome for each resource; what was not written for lack of a fact is not ready."""
    settled = {outcome.arn: outcome for outcome in decision.settled}
    outcomes = {**written, **settled}
    arns = dict.fromkeys([*(resource.arn for resource in decision.resources), *settled])
    return tuple(outcomes[arn] if arn in outcomes else _not_written(arn) for arn in arns)


def _not_written(arn: str) -> Outcome:
    return Outcome(arn, OutcomeKind.NOT_READY, "a fact is missing", is_retried=True)


def _publish_request_tags(
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
        wait = _ledger_wait(error)
        return [replace(result, waits=(wait,)) if result.finding else result for result in results]
    waits = publish_findings([finding for _, finding in findings], ports).waits
    return [
        replace(result, waits=(waits[result.finding],)) if result.finding and result.finding in waits else result
        for result in results
    ]


def _keep_outcomes(
    decided: Sequence[Decided], standings: Standings, endings: Sequence[Ending], ports: Ports
) -> tuple[list[Decided], list[Result]]:
    """Keeps outcomes and deletions in the ledger. Returns the creations' results, and those of the deletions.

    What it did not take comes back, and what another creation owns by now.
    """
    now = ports.now()
    entries: list[Entry] = [*deletions_to_keep(endings)]
    for result in decided if standings else ():
        entries += outcomes_to_keep(result.decision, result.outcomes, standings, now)
        # A call that only changed what is somebody's has no creation to finish.
        if not result.is_retried and (result.decision.resources or result.decision.creation.resources):
            entries.append(Finished(event_of(result.decision.creation), now))
    try:
        lost = ports.ledger.append(entries) if entries else set()
    except LedgerError as error:
        wait = _ledger_wait(error)
        waiting = [_waiting_for(result, wait) for result in decided] if standings else list(decided)
        return waiting, _not_kept(endings, wait)
    kept = [DeletionKept(ending) for ending in endings]
    return [_after_loss(result, lost) for result in decided] if lost else list(decided), [*kept]


def _not_kept(endings: Iterable[Ending], wait: Wait) -> list[Result]:
    return [Undecided(ending.arrival.where, wait) for ending in endings]


def _after_loss(result: Decided, lost: Container[ResourceKey]) -> Decided:
    creation = result.decision.creation
    arns = {resource.arn for resource in result.decision.resources if key_of(resource, creation) in lost}
    reason = "an earlier creation of it was recorded meanwhile"
    outcomes = tuple(
        Outcome(outcome.arn, OutcomeKind.NOT_READY, reason, is_retried=True) if outcome.arn in arns else outcome
        for outcome in result.outcomes
    )
    return replace(result, outcomes=outcomes)


def _with_drift(result: Decided, drift: Mapping[EventKey, TamperFinding]) -> Decided:
    finding = drift.get(event_of(result.decision.creation))
    return replace(result, finding=merged(finding, result.finding)) if finding else result


def _waiting_for(result: Decided, wait: Wait) -> Decided:
    return replace(result, decision=replace(result.decision, waits=(*result.decision.waits, wait)))


def _ledger_wait(error: LedgerError) -> Wait:
    return Wait(error.outcome, f"the ledger can't be used: {error}")
