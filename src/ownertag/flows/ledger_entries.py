"""Converts decisions and outcomes to the ledger's entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ownertag.core.ask import account_of, launch_of, made_of
from ownertag.core.match_deletion import Ending
from ownertag.core.ownership import EventKey, Observation, ResourceKey, Standing, key_of
from ownertag.core.plan import claim_of
from ownertag.core.record_details import actor_of, addresses_of, parents_of
from ownertag.core.records import Delivery, Record
from ownertag.core.values import Confidence, Creation, Decision, Facts, Found, Outcome, OutcomeKind
from ownertag.ledger.entries import Created, Deleted, Ended, Owned


def event_of(creation: Creation) -> EventKey:
    """The key of a creation's event in the ledger."""
    return event_of_record(creation.record)


def event_of_record(record: Record) -> EventKey:
    """The key of a record's event in the ledger."""
    return EventKey(record.account, record.region, record.event_id)


def created_of(record: Record, delivery: Delivery | None = None) -> Created:
    """The ledger's entry for the creation of a record, and when it came into the queue if that is kept."""
    return Created(
        event_of_record(record),
        record.creation_id,
        record.event_source,
        record.event_name,
        record.created_at,
        actor_of(record),
        delivery,
    )


def decisions_to_keep(
    decisions: Iterable[Decision], facts: Facts, now: datetime
) -> tuple[tuple[Created, ...], tuple[Owned, ...]]:
    """The entries to keep before anything is written: each creation, and its decision for each of its resources.

    Nothing is kept for an account that is not known to be the organization's: anybody could fill the ledger. A creation
    is kept once one of its resources is known.
    """
    created: dict[EventKey, Created] = {}
    owned: list[Owned] = []
    for decision in decisions:
        creation = decision.creation
        if isinstance(facts.get(account_of(creation)), Found):
            event = event_of(creation)
            if entries := _owned(decision, facts, now):
                created.setdefault(event, created_of(creation.record, creation.arrival.delivery))
                owned += entries
    return tuple(created.values()), tuple(owned)


def outcomes_to_keep(
    decision: Decision, outcomes: Iterable[Outcome], standings: Mapping[ResourceKey, Standing], now: datetime
) -> list[Ended]:
    """The entries of outcomes. A resource that was done before, or whose call was not sent, has none."""
    creation = decision.creation
    resources = {resource.arn: resource for resource in (*creation.resources, *decision.resources)}
    entries = []
    for outcome in outcomes:
        resource = resources.get(outcome.arn)
        if resource is None or outcome.not_sent:
            continue
        key = key_of(resource, creation)
        standing = standings.get(key)
        if standing is not None and standing.outcome is None:
            kept = decision.kept.get(outcome.arn, ())
            entries.append(ended(key, event_of(creation), standing.event_id, standing.owner.name, outcome, kept, now))
    return entries


def deletions_to_keep(endings: Iterable[Ending]) -> list[Deleted]:
    """The entries of deletions: one for each resource that a record ended. Nothing is asked for them."""
    return [
        Deleted(
            ResourceKey(ending.record.account, ending.record.region, resource.arn),
            event_of_record(ending.record),
            actor_of(ending.record),
            ending.record.created_at,
            ending.by,
        )
        for ending in endings
        for resource in ending.resources
    ]


def ended(
    key: ResourceKey, event: EventKey, holder: str, owner: str, outcome: Outcome, kept: Iterable[str], now: datetime
) -> Ended:
    """The entry of one outcome; `kept` are the keys that stay as they are."""
    final = not outcome.is_retried
    if outcome.kind is OutcomeKind.OBSERVED:
        observed = Observation(now, tuple(sorted(kept)))
        return Ended(key, event, holder, owner, OutcomeKind.UNCHANGED, outcome.reason, final, now, observed)
    # An earlier ownertag reads these, and has no word for what is kept without a tag.
    kind = OutcomeKind.UNCHANGED if outcome.kind is OutcomeKind.KEPT else outcome.kind
    return Ended(key, event, holder, owner, kind, outcome.reason, final, now)


def _owned(decision: Decision, facts: Facts, now: datetime) -> list[Owned]:
    creation = decision.creation
    addresses = addresses_of(creation)
    parents = _looked_up_parents(creation, facts)
    # The parents through which the owner was found: the first hop is the principal itself.
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
            parents=(*parents_of(creation, resource.id), *parents.get(resource.id, ()), *chain),
        )
        for resource in dict.fromkeys((*creation.resources, *decision.resources))
    ]


def _looked_up_parents(creation: Creation, facts: Facts) -> dict[str, tuple[str, ...]]:
    """The parents of parts that a look-up found (an instance, an image, a VPC and so on), by the part's id."""
    question, fact = launch_of(creation), made_of(creation, facts)
    if not isinstance(fact, Found):
        return {}
    parents: dict[str, tuple[str, ...]] = {
        part.id: (instance.id,) for instance in fact.instances for part in (*instance.volumes, *instance.interfaces)
    }
    if question:
        parents |= {part.id: (question.value,) for part in fact.parts}
    return parents
