"""Whether a creation wrote its own tags over those of whoever holds a resource, without knowing it.

It can: with the ledger away it writes where no owner is, and one that owns it may write between its look and its write;
or its write was still on the way when the other's was done, and got no answer. It comes back then, and the ledger says
that the other's tags are written. Meanwhile another copy of its event may have been finished, without a write: so what
comes back is looked at, finished or not.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from ownertag.core.ask import tags_of
from ownertag.core.claims import ResourceKey, Standing
from ownertag.core.plan import key_of
from ownertag.core.values import Decision, Fact, Found, OutcomeKind, Plan, Question, Unavailable, Wait
from ownertag.flows.ports import Ports

_WRITTEN = {OutcomeKind.TAGGED, OutcomeKind.UNCHANGED}


def written_over(
    decided: Plan, standings: Mapping[ResourceKey, Standing], ports: Ports
) -> tuple[Plan, Mapping[ResourceKey, Standing]]:
    """The same, with the holder's tags to be written again where a resource carries exactly this creation's.

    What somebody else wrote there is tampering, and is left as it is. It costs one look-up, and only where a creation
    comes to what another holds; where that fails, the creation waits.
    """
    asked = [question for decision in decided.decisions for question, _ in _another_holds(decision, standings)]
    if not asked:
        return decided, standings
    carried = ports.lookups.find(tuple(dict.fromkeys(asked)))
    again = dict(standings)
    decisions = []
    for decision in decided.decisions:
        waits: dict[Wait, None] = {}
        for question, key in _another_holds(decision, standings):
            fact = carried[question]
            if isinstance(fact, Unavailable):
                waits[Wait(fact.outcome, fact.reason)] = None
            elif _carries(fact, decision, key.arn):
                again[key] = replace(standings[key], outcome=None)
        decisions.append(replace(decision, waits=(*decision.waits, *waits)) if waits else decision)
    return replace(decided, decisions=tuple(decisions)), again


def _another_holds(decision: Decision, standings: Mapping[ResourceKey, Standing]) -> list[tuple[Question, ResourceKey]]:
    """The resources of a creation that carry another's tags by what the ledger says."""
    creation = decision.creation
    found = []
    for resource in decision.resources:
        key = key_of(resource, creation)
        standing = standings.get(key)
        if (
            standing
            and standing.outcome in _WRITTEN
            and standing.event_id != creation.record.event_id
            and standing.tags != decision.tags
        ):
            found.append((tags_of(resource, creation), key))
    return found


def _carries(fact: Fact, decision: Decision, arn: str) -> bool:
    own = {pair for pair in decision.tags if pair[0] not in decision.kept.get(arn, ())}
    return isinstance(fact, Found) and bool(own) and own <= set((fact.tags or {}).items())
