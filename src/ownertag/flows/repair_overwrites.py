"""Whether a resource carries another owner than the ledger's, where a creation comes to it again.

A creation can write over a holder's tags without knowing it: with the ledger away it writes where no owner is, and one
that owns it may write between its look and its write; or its write was still on the way when the other's was done, and
got no answer. It comes back then, and the ledger says that the other's tags are written. Meanwhile another copy of its
event may have been finished, without a write: so what comes back is looked at, finished or not, and so is what an
operator orders.

What others wrote is kept in the ledger and told before it is written over: afterwards nothing shows it any more.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec.structs import replace

from ownertag.core.ask import tags_question
from ownertag.core.findings import TamperFinding
from ownertag.core.ownership import EventKey, ResourceKey, Standing, key_of
from ownertag.core.settings import Settings
from ownertag.core.tag_drift import differing_tags, drift_finding
from ownertag.core.values import Decision, Fact, Found, OutcomeKind, Plan, Question, Unavailable, Wait
from ownertag.flows.findings import change, publish_findings
from ownertag.flows.ledger_entries import event_of
from ownertag.flows.ports import Ports

_WRITTEN = {OutcomeKind.TAGGED, OutcomeKind.UNCHANGED}

Others = Mapping[ResourceKey, Mapping[str, str | None]]


def repair_overwrites(
    decided: Plan,
    standings: Mapping[ResourceKey, Standing],
    finished: Container[EventKey],
    ports: Ports,
    settings: Settings,
) -> tuple[Plan, Mapping[ResourceKey, Standing], Mapping[str, TamperFinding]]:
    """The same, with the holder's tags to be written again where others stand; and what was found, by the message.

    It costs one look-up, and only where a creation comes to what another holds, or is finished and came again; where
    that fails, or what was found can't be told, the creation waits.

    Raises:
        LedgerError: What was found can't be kept.
    """
    others: dict[ResourceKey, dict[str, str | None]] = {}
    looks = {id(each): _looked_at(each, standings, finished) for each in decided.decisions}
    asked = [question for found in looks.values() for question, _ in found]
    if not asked:
        return decided, standings, {}
    carried = ports.lookups.find(tuple(dict.fromkeys(asked)))
    redelivered = dict(standings)
    decisions = []
    for decision in decided.decisions:
        waits: dict[Wait, None] = {}
        for question, key in looks[id(decision)]:
            fact = carried[question]
            if isinstance(fact, Unavailable):
                waits[Wait(fact.outcome, fact.reason)] = None
                continue
            own = _carries_its_own(fact, decision, standings[key], key.arn)
            other = differing_tags(standings[key], fact, decision.kept.get(key.arn, ()), settings)
            if own or other:
                redelivered[key] = replace(standings[key], outcome=None)
            if other and not own:
                others[key] = other
        decisions.append(replace(decision, waits=(*decision.waits, *waits)) if waits else decision)
    found = _kept(decisions, standings, others, ports)
    untold = publish_findings(tuple(found.values()), ports)
    for number, decision in enumerate(decisions):
        finding = found.get(decision.creation.arrival.where)
        if finding is not None and finding in untold:
            decisions[number] = replace(decision, waits=(*decision.waits, untold[finding]))
            left = (key_of(resource, decision.creation) for resource in decision.resources)
            redelivered |= {key: standings[key] for key in left if key in others}
    return replace(decided, decisions=tuple(decisions)), redelivered, found


def _kept(
    decisions: Iterable[Decision], standings: Mapping[ResourceKey, Standing], others: Others, ports: Ports
) -> dict[str, TamperFinding]:
    """What was found on the resources of each message, in the ledger."""
    now = ports.now()
    found: dict[str, TamperFinding] = {}
    entries = []
    for decision in decisions if others else ():
        finding = drift_finding(decision, standings, others, now)
        if finding is not None:
            found[decision.creation.arrival.where] = finding
            entries.append(change(decision.creation.record, finding))
    if entries:
        ports.ledger.append(entries)
    return found


def _looked_at(
    decision: Decision, standings: Mapping[ResourceKey, Standing], finished: Container[EventKey]
) -> list[tuple[Question, ResourceKey]]:
    """The resources that carry another's tags by what the ledger says, and all of a creation that is finished."""
    creation = decision.creation
    found = []
    for resource in decision.resources:
        key = key_of(resource, creation)
        standing = standings.get(key)
        if standing is None or standing.outcome not in _WRITTEN:
            continue
        another = standing.event_id != creation.record.event_id and standing.tags != decision.tags
        if another or event_of(creation) in finished:
            found.append((tags_question(resource, creation), key))
    return found


def _carries_its_own(fact: Fact, decision: Decision, standing: Standing, arn: str) -> bool:
    """Whether it carries the tags of this creation, which are not the holder's."""
    own = {pair for pair in decision.tags if pair[0] not in decision.kept.get(arn, ())}
    other = standing.tags != decision.tags
    return other and isinstance(fact, Found) and bool(own) and own <= set((fact.tags or {}).items())
