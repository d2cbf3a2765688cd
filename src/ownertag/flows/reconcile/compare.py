"""Lists an account and Region, and compares each resource with the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from ownertag.core.backfill.found import FoundResource, State, Unlisted, state_of
from ownertag.core.settings import Settings
from ownertag.flows.reconcile.world import LAG, PORTION, World
from ownertag.ledger.entries import KnownResource


@dataclass
class Compared:
    """What is there, as it stands beside the ledger.

    Attributes:
        arns: All that is there.
        right: How many carry what the ledger has for them.
        unread: How many have tags that could not be read.
        unlisted: What could not be listed.
        stale: What the ledger knows, and what does not carry the ledger's owner.
        unknown: What the ledger does not know.
    """

    arns: set[str] = field(default_factory=set)
    right: int = 0
    unread: int = 0
    unlisted: list[Unlisted] = field(default_factory=list)
    stale: list[tuple[FoundResource, KnownResource]] = field(default_factory=list)
    unknown: list[FoundResource] = field(default_factory=list)


def compare(account: str, region: str, started: datetime, world: World) -> Compared:
    """What is there in an account and Region, beside the ledger.

    Args:
        account: The account.
        region: The Region.
        started: When this began: what was claimed just before is the live flow's.
        world: The world.

    Raises:
        LedgerError: The ledger can't be used.
    """
    compared = Compared()
    listed = iter(world.inventory.resources(account, region))
    while portion := list(islice(listed, PORTION)):
        found = [one for one in portion if isinstance(one, FoundResource)]
        compared.unlisted += [one for one in portion if isinstance(one, Unlisted)]
        compared.arns.update(one.resource.arn for one in found)
        _sort(found, started, world, compared)
        if world.ports.expired():
            break
    return compared


def kept_of(found: FoundResource, settings: Settings) -> frozenset[str]:
    """The keys of a resource that stay as they are: its creation's own request may have brought them.

    The ledger does not say whether it did.
    """
    return settings.kept_keys & set(found.tags or ())


def _sort(found: Sequence[FoundResource], started: datetime, world: World, compared: Compared) -> None:
    known = {one.key: one for one in world.ports.ledger.by_key([one.key for one in found])} if found else {}
    for one in found:
        held = known.get(one.key)
        state = state_of(one, held.holding.tags if held else None, world.settings)
        compared.unread += state is State.UNREAD
        if state is State.BY_AWS:
            continue
        if held is None:
            compared.unknown.append(one)
        elif state is State.RIGHT:
            compared.right += 1
        elif state is not State.UNREAD and _is_stale(one, held, started, world):
            compared.stale.append((one, held))


def _is_stale(found: FoundResource, known: KnownResource, started: datetime, world: World) -> bool:
    """Whether it is to be put right here: nobody else is at it, and it can carry what it is to carry."""
    kind, holding = world.catalogue.types.get(found.resource.type), known.holding
    if kind is None or not kind.tag_api or holding.provisional or holding.observed or holding.undone_at:
        return False
    if holding.outcome is None and started - holding.claim.created_at < LAG:  # the live flow is at it
        return False
    return not world.settings.owner_keys <= kept_of(found, world.settings)
