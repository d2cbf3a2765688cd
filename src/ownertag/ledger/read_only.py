"""Ledgers that keep nothing, and owners of parents from the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ownertag.core.arn import fits
from ownertag.core.ownership import EventKey, Holding, ResourceKey, Standing, apply_claim
from ownertag.core.values import Fact, Found, Question, Unavailable
from ownertag.ledger.entries import Created, Entry, HistoryEntry, KnownResource, Owned, SeenCreation
from ownertag.ledger.port import Ledger, LedgerError, Reader


class NoLedger:
    """For a command without a ledger: nothing is kept, so the batch alone decides."""

    def seen(self, events: Iterable[EventKey]) -> Mapping[EventKey, SeenCreation]:  # noqa: ARG002 - it knows none
        """Knows no creation."""
        return {}

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> Mapping[ResourceKey, Standing]:  # noqa: ARG002 - it keeps none
        """Says nothing of any resource."""
        return {}

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:  # noqa: ARG002 - it keeps none
        """Keeps nothing."""
        return set()

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:  # noqa: ARG002 - it knows none
        """Knows no resource."""
        return []

    def by_id(self, id_: str) -> list[KnownResource]:  # noqa: ARG002 - it knows none
        """Knows no resource."""
        return []

    def history(self, key: ResourceKey) -> list[HistoryEntry]:  # noqa: ARG002 - it knows none
        """Knows no resource."""
        return []


class DryRunLedger:
    """For a dry run: answers as the ledger would if it kept the entries, and keeps nothing.

    Raises:
        LedgerError: Each method that asks, if the ledger can't be used.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def seen(self, events: Iterable[EventKey]) -> Mapping[EventKey, SeenCreation]:
        """What is known of these creations."""
        return self._ledger.seen(events)

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> Mapping[ResourceKey, Standing]:  # noqa: ARG002 - creations are not kept
        """The owner that each resource would have."""
        keys = dict.fromkeys(decision.resource for decision in owned)
        holdings: dict[ResourceKey, Holding | None] = dict.fromkeys(keys)
        holdings |= {known_resource.key: known_resource.holding for known_resource in self._ledger.by_key(keys)}
        for decision in owned:
            holdings[decision.resource] = apply_claim(holdings[decision.resource], decision.holding)
        return {
            key: Standing(held.claim.event_id, held.owner, held.tags, held.outcome)
            for key, held in holdings.items()
            if held is not None
        }

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:  # noqa: ARG002 - they are not kept
        """Keeps nothing."""
        return set()

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """The resources with these keys that are known."""
        return self._ledger.by_key(keys)

    def by_id(self, id_: str) -> list[KnownResource]:
        """The resources with this id, name or ARN that are known."""
        return self._ledger.by_id(id_)

    def history(self, key: ResourceKey) -> list[HistoryEntry]:
        """All that is kept of a resource."""
        return self._ledger.history(key)


class LedgerOwners:
    """Finds owners of parents in the ledger, before AWS is asked.

    Args:
        reader: The ledger.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answers what the ledger knows; other questions are left out. The value of a question is an ARN."""
        keys = {ResourceKey(question.account, question.region, question.value): question for question in questions}
        try:
            known = self._reader.by_key(keys)
        except LedgerError as error:
            return dict.fromkeys(keys.values(), Unavailable(error.outcome, f"the ledger can't be used: {error}"))
        found: dict[Question, Fact] = {
            keys[resource.key]: Found(owner=resource.holding.owner) for resource in known if resource.key in keys
        }
        for question in keys.values():
            if question not in found and _in_part(question.value) and (owner := self._by_name(question)):
                found[question] = owner
        return found

    def _by_name(self, question: Question) -> Fact | None:
        """The owner of what an ARN names in part, such as a node group without the number that EKS puts behind it.

        Of several that had the name after one another, the last counts.
        """
        name = next(part for part in reversed(re.split("[/:]", question.value)) if part != "*")
        try:
            known = self._reader.by_id(name)
        except LedgerError as error:
            return Unavailable(error.outcome, f"the ledger can't be used: {error}")
        place = (question.account, question.region)
        there = [
            one for one in known if (one.key.account, one.key.region) == place and fits(one.key.arn, question.value)
        ]
        last = max(there, key=lambda one: one.holding.claim.rank, default=None)
        return Found(owner=last.holding.owner) if last else None


def _in_part(arn: str) -> bool:
    """Whether a part of an ARN is not known that the ledger knows: of an Auto Scaling group's nobody knows it."""
    return "*" in arn and ":*:" not in arn
