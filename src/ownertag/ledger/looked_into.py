"""A ledger that is asked and not written: what a dry run would find there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ownertag.core.claims import EventKey, Holding, ResourceKey, Standing, claimed
from ownertag.ledger.entries import Created, Entry, Known, Owned, Seen
from ownertag.ledger.port import Ledger


class LookedInto:
    """The same answers as the ledger's, as if it had kept what it is given.

    Raises:
        LedgerError: Each method that asks, if the ledger can't be used.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def seen(self, events: Iterable[EventKey]) -> Mapping[EventKey, Seen]:
        """What is known of these creations."""
        return self._ledger.seen(events)

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> Mapping[ResourceKey, Standing]:  # noqa: ARG002 - creations are not kept
        """Whose each resource would be."""
        keys = dict.fromkeys(each.resource for each in owned)
        holdings: dict[ResourceKey, Holding | None] = dict.fromkeys(keys)
        holdings |= {each.key: each.holding for each in self._ledger.by_key(keys)}
        for each in owned:
            holdings[each.resource] = claimed(holdings[each.resource], each.holding)
        return {
            key: Standing(held.claim.event_id, held.owner, held.tags, held.outcome)
            for key, held in holdings.items()
            if held is not None
        }

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:  # noqa: ARG002 - they are not kept
        """Keep nothing."""
        return set()

    def by_key(self, keys: Iterable[ResourceKey]) -> list[Known]:
        """The resources with these keys that are known."""
        return self._ledger.by_key(keys)
