"""Repairs resources that carry another owner than the ledger's, where a creation comes to them again.

A creation can write over a holder's tags without knowing it. While the ledger is away, it writes where no owner is, and
the holder may write between its look-up and its write. Or its write was still on the way when the holder's was done,
and got no answer. Its message comes back then, and the ledger says that the holder's tags are written. Meanwhile
another copy of its event may have been finished, without a write. So the tags are looked up for what comes back,
finished or not, and for what an operator orders.

What others wrote is kept in the ledger and published before it is written over: nothing shows it afterwards.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec.structs import replace

from ownertag.core.ask import tags_question
from ownertag.core.decide import is_kept_in_ledger
from ownertag.core.findings import TamperFinding
from ownertag.core.ownership import EventKey, ResourceKey, Standing, key_of
from ownertag.core.settings import Settings
from ownertag.core.tag_drift import differing_tags, drift_finding
from ownertag.core.values import Decision, Fact, Found, OutcomeKind, Question, Unavailable, Wait
from ownertag.flows.findings import publish_findings, tag_changed
from ownertag.flows.ledger_entries import event_of
from ownertag.flows.ports import Ports

_WRITTEN = {OutcomeKind.TAGGED, OutcomeKind.UNCHANGED}

Standings = Mapping[ResourceKey, Standing]
#: The tags that others wrote, by the resource; None for one that was removed.
ForeignTags = Mapping[ResourceKey, Mapping[str, str | None]]


def repair_overwrites(
    decisions: list[Decision], standings: Standings, finished: Container[EventKey], ports: Ports, settings: Settings
) -> tuple[list[Decision], Standings, Mapping[EventKey, TamperFinding]]:
    """Returns the decisions, the standings with what has to be written again, and the findings by their event.

    Tags are looked up only for resources that another creation holds, and for finished creations that came again.
    Where that fails, or a finding can't be published, the creation waits.

    Raises:
        LedgerError: A finding can't be kept.
    """
    doubtful = [_doubtful(decision, standings, finished) for decision in decisions]
    questions = dict.fromkeys(question for of_decision in doubtful for question in of_decision.values())
    if not questions:
        return decisions, standings, {}
    decisions = list(decisions)
    facts = ports.lookups.find(tuple(questions))
    foreign: dict[ResourceKey, dict[str, str | None]] = {}
    repaired = dict(standings)
    for number, (decision, of_decision) in enumerate(zip(decisions, doubtful, strict=True)):
        waits: dict[Wait, None] = {}
        for key, question in of_decision.items():
            fact = facts[question]
            if isinstance(fact, Unavailable):
                waits[fact.wait()] = None
                continue
            own = _carries_its_own(fact, decision, standings[key], key.arn)
            differing = differing_tags(standings[key], fact, decision.kept.get(key.arn, ()), settings)
            if own or differing:
                repaired[key] = replace(standings[key], outcome=None)
            if differing and not own:
                foreign[key] = differing
        decisions[number] = _with_waits(decision, waits)
    findings = _keep_findings(decisions, standings, foreign, ports)
    unpublished = publish_findings(tuple(findings.values()), ports).waits
    for number, decision in enumerate(decisions):
        finding = findings.get(event_of(decision.creation))
        if finding is not None and finding in unpublished:
            decisions[number] = _with_waits(decision, (unpublished[finding],))
            keys = (key_of(resource, decision.creation) for resource in decision.resources)
            repaired |= {key: standings[key] for key in keys if key in foreign}
    return decisions, repaired, findings


def _with_waits(decision: Decision, waits: Iterable[Wait]) -> Decision:
    return replace(decision, waits=(*decision.waits, *waits))


def _keep_findings(
    decisions: Iterable[Decision], standings: Standings, foreign: ForeignTags, ports: Ports
) -> dict[EventKey, TamperFinding]:
    """The findings of each event's resources, in the ledger."""
    now = ports.now()
    findings: dict[EventKey, TamperFinding] = {}
    entries = []
    for decision in decisions if foreign else ():
        finding = drift_finding(decision, standings, foreign, now)
        if finding is not None:
            findings[event_of(decision.creation)] = finding
            entries.append(tag_changed(decision.creation.record, finding))
    if entries:
        ports.ledger.append(entries)
    return findings


def _doubtful(decision: Decision, standings: Standings, finished: Container[EventKey]) -> dict[ResourceKey, Question]:
    """The resources whose tags have to be looked up, with the question.

    They are those that carry another creation's tags according to the ledger, and all of a finished creation.
    """
    creation = decision.creation
    questions = {}
    for resource in decision.resources:
        key = key_of(resource, creation)
        standing = standings.get(key)
        if standing is None or standing.outcome not in _WRITTEN or is_kept_in_ledger(decision, resource.arn):
            continue
        of_another = standing.event_id != creation.record.event_id and standing.tags != decision.tags
        if of_another or event_of(creation) in finished:
            questions[key] = tags_question(resource, creation)
    return questions


def _carries_its_own(fact: Fact, decision: Decision, standing: Standing, arn: str) -> bool:
    """Whether a resource carries the tags of this creation, which are not the holder's."""
    own = {pair for pair in decision.tags if pair[0] not in decision.kept.get(arn, ())}
    of_another = standing.tags != decision.tags
    return of_another and isinstance(fact, Found) and bool(own) and own <= set((fact.tags or {}).items())
