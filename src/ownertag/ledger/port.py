"""The ledger's ports, for flows and for readers. Both stores, and the fake of the tests, pass one contract suite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from ownertag.core.ownership import EventKey, ResourceKey, Standing
from ownertag.core.values import OutcomeKind
from ownertag.ledger.entries import (
    AddressSpan,
    Created,
    Entry,
    HistoryEntry,
    KeySpan,
    KnownResource,
    Owned,
    SeenCreation,
)


class LedgerError(Exception):
    """The ledger can't be used now. The text says which, why and what to do; `outcome` is that of the message."""

    def __init__(self, message: str, outcome: OutcomeKind = OutcomeKind.FAILED) -> None:
        super().__init__(message)
        self.outcome = outcome


class Ledger(Protocol):
    """The ledger as a flow uses it. What a method has written is durable when it returns; each may be repeated.

    Raises:
        LedgerError: Each method, if the ledger can't be used. A part may be written then; a repeat doubles nothing.
    """

    def seen(self, events: Iterable[EventKey]) -> Mapping[EventKey, SeenCreation]:
        """The creations of these events that the ledger knows; others are new."""

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> Mapping[ResourceKey, Standing]:
        """Keeps creations with their decisions. Returns who owns each resource after all of them.

        Each of `created` has at least one decision in `owned`.
        """

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
        """Keeps what became of resources. Returns those whose tags were written for a former owner.

        A creation with such a resource is not finished, even if `entries` say so.
        """

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """The resources with these keys that are known."""

    def by_id(self, id_: str) -> list[KnownResource]:
        """The resources with this id, name or ARN, in any account and Region: several services can have one name."""

    def history(self, key: ResourceKey) -> list[HistoryEntry]:
        """All that is kept of a resource, in order."""


class ObservedReader(Protocol):
    """What was observed, and waits for its tags.

    Raises:
        LedgerError: Each method, if the ledger can't be used.
    """

    def observed_accounts(self) -> list[str]:
        """The accounts in which anything was ever observed."""

    def observed(self, account: str, size: int) -> Iterator[list[KnownResource]]:
        """What was observed in an account and is not `Unobserved` yet: the earliest first, so many at a time.

        What becomes `Unobserved` between two of these is not in the second.
        """


class LivingReader(Protocol):
    """What is there as far as the ledger knows.

    Raises:
        LedgerError: Each method, if the ledger can't be used.
    """

    def living(self, account: str, region: str, size: int) -> Iterator[list[KnownResource]]:
        """The resources of an account and Region of which no deletion is known, so many at a time.

        Of what an earlier ownertag kept in a table, only that which was written again since.
        """


class Reader(Protocol):
    """The ledger as a reader uses it.

    Raises:
        LedgerError: Each method, if the ledger can't be used.
    """

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """The resources with these keys that are known."""

    def by_id(self, id_: str) -> list[KnownResource]:
        """The resources with this id, name or ARN, in any account and Region: several services can have one name."""

    def by_address(self, address: str) -> list[AddressSpan]:
        """The resources that had this address (in its normal form), the earliest first."""

    def by_access_key(self, key_id: str, limit: int = 1000) -> list[KeySpan]:
        """What calls that this access key signed have made: the latest first, at most so many.

        What 0.1.0 wrote is not found by its key.
        """

    def by_parent(self, parent: str) -> list[KnownResource]:
        """The resources that this one made, or that belong to it."""

    def by_owner(self, name: str, limit: int = 1000) -> list[KnownResource]:
        """The resources of this owner, at most so many."""

    def history(self, key: ResourceKey) -> list[HistoryEntry]:
        """All that is kept of a resource, in order."""

    def creation(self, event: EventKey) -> Created | None:
        """The creation by this event."""


class Store(Ledger, Reader, ObservedReader, LivingReader, Protocol):
    """A ledger for flows and readers."""
