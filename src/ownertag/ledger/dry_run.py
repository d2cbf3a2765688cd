"""A ledger for dry runs: reads the real one, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ownertag.core.ownership import EventKey, Holding, ResourceKey, Standing, apply_claim
from ownertag.ledger.entries import Created, Entry, KnownResource, Owned, SeenCreation
from ownertag.ledger.port import Ledger


class DryRunLedger:
    """The same answers as the ledger's, as if it had kept what it is given.

    Raises:
        LedgerError: Each method that asks, if the ledger can't be used.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def seen(self, events: Iterable[EventKey]) -> Mapping[EventKey, SeenCreation]:
        """What is known of these creations."""
        return self._ledger.seen(events)

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> Mapping[ResourceKey, Standing]:  # noqa: ARG002 - creations are not kept
        """Whose each resource would be."""
        keys = dict.fromkeys(each.resource for each in owned)
        holdings: dict[ResourceKey, Holding | None] = dict.fromkeys(keys)
        holdings |= {known_resource.key: known_resource.holding for known_resource in self._ledger.by_key(keys)}
        for each in owned:
            holdings[each.resource] = apply_claim(holdings[each.resource], each.holding)
        return {
            key: Standing(held.claim.event_id, held.owner, held.tags, held.outcome)
            for key, held in holdings.items()
            if held is not None
        }

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:  # noqa: ARG002 - they are not kept
        """Keep nothing."""
        return set()

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """The resources with these keys that are known."""
        return self._ledger.by_key(keys)
