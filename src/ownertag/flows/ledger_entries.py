"""Converts decisions and outcomes to the ledger's entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ownertag.core.ask import account_of, launch_of, made_of
from ownertag.core.judge import NOT_SENT
from ownertag.core.ownership import EventKey, ResourceKey, Standing, key_of
from ownertag.core.plan import claim_of
from ownertag.core.record_details import actor_of, addresses_of, parents_of
from ownertag.core.records import Record
from ownertag.core.values import Confidence, Creation, Decision, Facts, Found, Outcome
from ownertag.ledger.entries import Created, Ended, Owned


def event_of(creation: Creation) -> EventKey:
    """The creation, as the ledger knows it."""
    return _event(creation.record)


def created_of(record: Record) -> Created:
    """The creation that a record tells of, as the ledger keeps it."""
    return Created(
        _event(record), record.creation_id, record.event_source, record.event_name, record.created_at, actor_of(record)
    )


def decisions_to_keep(
    decisions: Iterable[Decision], facts: Facts, now: datetime
) -> tuple[tuple[Created, ...], tuple[Owned, ...]]:
    """What to keep before anything is written: each creation, and its decision for each of its resources.

    Of an account that is not known to be the organization's nothing is kept: anybody could fill the ledger. A creation
    none of whose resources is known yet is kept when one is.
    """
    created: dict[EventKey, Created] = {}
    owned: list[Owned] = []
    for decision in decisions:
        creation = decision.creation
        if isinstance(facts.get(account_of(creation)), Found):
            event = event_of(creation)
            if found := _owned(decision, facts, now):
                created.setdefault(event, created_of(creation.record))
                owned += found
    return tuple(created.values()), tuple(owned)


def outcomes_to_keep(
    decision: Decision, outcomes: Iterable[Outcome], standings: Mapping[ResourceKey, Standing], now: datetime
) -> list[Ended]:
    """What became of each resource, for whoever held it; nothing of what was done before, or was not tried."""
    event = event_of(decision.creation)
    named = {each.arn: each for each in (*decision.creation.resources, *decision.resources)}
    found = []
    for outcome in outcomes:
        resource = named.get(outcome.arn)
        standing = standings.get(key_of(resource, decision.creation)) if resource else None
        tried = standing is not None and standing.outcome is None and outcome.reason != NOT_SENT
        if resource is not None and standing is not None and tried:
            key = key_of(resource, decision.creation)
            final = not outcome.is_retried
            found.append(
                Ended(
                    key, event, standing.event_id, standing.owner.name, outcome.kind, outcome.reason, final, now
                )
            )  # fmt: skip
    return found


def _owned(decision: Decision, facts: Facts, now: datetime) -> list[Owned]:
    creation = decision.creation
    addresses = addresses_of(creation)
    instances = _instances(creation, facts)
    # What led to the owner by the chain of who made what: the first hop is the principal itself.
    chain = decision.owner.via[1:] if decision.owner.confidence is Confidence.INFERRED else ()
    return [
        Owned(
            key_of(resource, creation),
            resource.id,
            resource.type,
            claim_of(decision, resource),
            decision.owner,
            decision.tags,
            now,
            provisional=decision.owner_may_change,
            addresses=addresses.get(resource.id, ()),
            parents=(*parents_of(creation, resource.id), *instances.get(resource.id, ()), *chain),
        )
        for resource in dict.fromkeys((*creation.resources, *decision.resources))
    ]


def _instances(creation: Creation, facts: Facts) -> dict[str, tuple[str, ...]]:
    """What each part was born with, by their ids: an instance, an image, a VPC or a NAT gateway."""
    launch, fact = launch_of(creation), made_of(creation, facts)
    found = fact.instances if isinstance(fact, Found) else ()
    born: dict[str, tuple[str, ...]] = {
        part.id: (each.id,) for each in found for part in (*each.volumes, *each.interfaces)
    }
    if isinstance(fact, Found) and launch:
        born |= {part.id: (launch.value,) for part in fact.parts}
    return born


def _event(record: Record) -> EventKey:
    return EventKey(record.account, record.region, record.event_id)
