"""Ledgers that write nothing: none at all, one for a dry run, and the look-up of owners in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ownertag.core.ownership import EventKey, Holding, ResourceKey, Standing, apply_claim
from ownertag.core.values import Fact, Found, Question, Unavailable
from ownertag.ledger.entries import Created, Entry, KnownResource, Owned, SeenCreation
from ownertag.ledger.port import Ledger, LedgerError, Reader


class NoLedger:
    """For an operator who tags from files without a ledger: nothing is remembered, so the batch alone decides."""

    def seen(self, events: Iterable[EventKey]) -> Mapping[EventKey, SeenCreation]:  # noqa: ARG002 - it knows none
        """Nothing was seen before."""
        return {}

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> Mapping[ResourceKey, Standing]:  # noqa: ARG002 - it keeps none
        """Say nothing of any resource."""
        return {}

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:  # noqa: ARG002 - it keeps none
        """Keep nothing."""
        return set()

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:  # noqa: ARG002 - it knows none
        """Know nothing."""
        return []


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


class LedgerOwners:
    """Owners of resources, as the ledger has them.

    Args:
        reader: The ledger.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answer what is known; what is not is left out, so that AWS is asked. The value of a question is an ARN."""
        keys = {ResourceKey(question.account, question.region, question.value): question for question in questions}
        try:
            known = self._reader.by_key(keys)
        except LedgerError as error:
            return dict.fromkeys(keys.values(), Unavailable(error.outcome, f"the ledger can't be used: {error}"))
        return {keys[each.key]: Found(owner=each.holding.owner) for each in known if each.key in keys}
