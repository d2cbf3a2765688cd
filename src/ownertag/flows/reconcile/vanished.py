"""Finds what vanished without a record: the ledger knows it as living, and complete lists do not show it any more.

It counts as gone only where two lists, read one after the other to their ends, do not show it. Then the ledger gets a
deletion that nobody is named for. A record of it that comes later says when it was, and by whom: of two deletions the
earlier one ends a life.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from ownertag.core.backfill.found import FoundResource, Unlisted
from ownertag.core.owner.principal import UNKNOWN
from ownertag.core.ownership import EventKey
from ownertag.core.record_details import Actor
from ownertag.flows.reconcile.compare import Compared
from ownertag.flows.reconcile.world import PORTION, World, portions
from ownertag.ledger.entries import Deleted, KnownResource

#: A list need not show yet what is younger (eventual consistency), and a queue of an outage is worked off for an hour.
SETTLED = timedelta(hours=2)
#: The type of the actor of such a deletion: nobody was seen.
FOUND_GONE = "found-gone"


def find_gone(account: str, region: str, compared: Compared, started: datetime, world: World) -> tuple[str, ...]:
    """The ARNs of what is certainly gone, after it is kept.

    Args:
        account: The account.
        region: The Region.
        compared: What the first list showed.
        started: When the first list began.
        world: The world.

    Raises:
        LedgerError: The ledger can't be used.
    """
    types = _types_not_listed(compared.unlisted)
    if types is None:
        return ()
    missing = [
        one
        for portion in world.store.living(account, region, PORTION)
        for one in portion
        if one.key.arn not in compared.arns and _can_be_gone(one, types, started, world)
    ]
    if not missing:
        return ()
    again: set[str] = set()
    unlisted: list[Unlisted] = []
    for one in world.inventory.resources(account, region):
        if world.ports.expired():
            return ()
        if isinstance(one, FoundResource):
            again.add(one.resource.arn)
        else:
            unlisted.append(one)
    types = _types_not_listed(unlisted)
    if types is None:
        return ()
    gone = [one for one in missing if one.key.arn not in again and one.type not in types]
    for part in portions(gone):
        world.ports.ledger.append([_deleted(one, started) for one in part])
    return tuple(one.key.arn for one in gone)


def _types_not_listed(unlisted: Iterable[Unlisted]) -> frozenset[str] | None:
    """The types of which nothing can be said; None: of none."""
    unlisted = tuple(unlisted)
    if any(not one.types for one in unlisted):
        return None
    return frozenset(type_ for one in unlisted for type_ in one.types)


def _can_be_gone(known: KnownResource, not_listed: frozenset[str], started: datetime, world: World) -> bool:
    holding = known.holding
    since = max(holding.claim.created_at, holding.given_at or holding.claim.created_at)
    return known.type not in not_listed and known.type in world.catalogue.types and started - since >= SETTLED


def _deleted(known: KnownResource, at: datetime) -> Deleted:
    """The same for one life, so that it is kept once."""
    life = sha256(f"{known.key.arn} {known.holding.claim.event_id}".encode()).hexdigest()[:32]
    event = EventKey(known.key.account, known.key.region, f"gone-{life}")
    return Deleted(known.key, event, Actor(UNKNOWN, type=FOUND_GONE), at)
