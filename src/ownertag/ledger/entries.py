"""The ledger's entries, and what each does to a resource.

Each entry has an identity, so that one that comes again is not kept twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct

from ownertag.core.findings import TagChange
from ownertag.core.owner.principal import UNKNOWN
from ownertag.core.ownership import (
    Claim,
    EventKey,
    Holding,
    Observation,
    ResourceKey,
    apply_deletion,
    apply_outcome,
    apply_transfer,
    apply_undo,
)
from ownertag.core.recognize import name_of
from ownertag.core.record_details import Actor
from ownertag.core.records import Delivery
from ownertag.core.values import OutcomeKind, Owner, TagPairs


class Created(Struct, frozen=True, omit_defaults=True):
    """A creation: which event, by whom. Its resources stand in its `Owned` entries. Kept once for an event.

    `delivery` is kept of the canary's alone, from which `ownertag prove` measures (97 bytes; nothing for others).
    """

    event: EventKey
    creation_id: str
    event_source: str
    event_name: str
    created_at: datetime
    actor: Actor
    delivery: Delivery | None = None


class Owned(Struct, frozen=True, omit_defaults=True):
    """A creation's decision for one resource. Kept once for an event, a resource and an owner's name.

    It is kept for every creation that names the resource; who owns the resource follows from all of them.
    """

    resource: ResourceKey
    id: str
    type: str
    claim: Claim
    owner: Owner
    tags: TagPairs
    decided_at: datetime
    provisional: bool = False
    addresses: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()

    @property
    def event(self) -> EventKey:
        """The event of the creation."""
        return EventKey(self.resource.account, self.resource.region, self.claim.event_id)

    @property
    def holding(self) -> Holding:
        """The holding, as if this decision were the only one."""
        return Holding(self.claim, self.owner, self.tags, self.provisional)


class Ended(Struct, frozen=True, omit_defaults=True):
    """What became of one resource in one handling of `event`. Kept once for an event, a resource and an outcome.

    `holder` and `owner` say whose tags were written: those of the creation that held the resource at that time. Where
    `observed` is there, nothing was written, since the account was observed. Its `kind` is `unchanged` then: an earlier
    ownertag reads that as well, and knows no other word for it.
    """

    resource: ResourceKey
    event: EventKey
    holder: str
    owner: str
    kind: OutcomeKind
    reason: str
    final: bool
    at: datetime
    observed: Observation | None = None


class Unobserved(Struct, frozen=True):
    """Nothing is left to do for a resource that was observed: it is in the list of those (`observed`) no longer.

    It stays there while its tags are still to be written.
    """

    resource: ResourceKey


class Finished(Struct, frozen=True):
    """Nothing is left to do for a creation."""

    event: EventKey
    at: datetime


class TagChanged(Struct, frozen=True, omit_defaults=True):
    """Somebody else changed protected keys. Kept once for an event, at one of its `resources`.

    Where the change was only found on the resource, and the actor is unknown, once for an event and the change.
    `undone` is the run that ownertag itself undid by the actor's order: it put back what was there before. An earlier
    ownertag reads such an entry as a change by the actor.
    """

    resource: ResourceKey
    event: EventKey
    actor: Actor
    changes: tuple[TagChange, ...]
    resources: int
    at: datetime
    undone: str = ""


class Transferred(Struct, frozen=True, omit_defaults=True):
    """A resource was given to somebody by a person's order. `id` is the same where the order is repeated.

    `named` and `type` are the resource's own id and type: nobody may have seen its creation. 0.1.0 wrote none.
    """

    resource: ResourceKey
    id: str
    to: str
    by: str
    reason: str
    tags: TagPairs
    at: datetime
    named: str = ""
    type: str = ""


class Deleted(Struct, frozen=True, omit_defaults=True):
    """A resource was deleted. Kept once for an event and a resource.

    `by` is who did it by name, as an owner is named; empty where the record names nobody, or an earlier ownertag wrote.
    """

    resource: ResourceKey
    event: EventKey
    actor: Actor
    at: datetime
    by: str = ""


#: The entries of a resource's history, in this order where times are equal.
HistoryEntry = Owned | Ended | TagChanged | Transferred | Deleted
Entry = Ended | Finished | Unobserved | TagChanged | Transferred | Deleted


class SeenCreation(Struct, frozen=True):
    """A creation that the ledger knows: whether it is finished, and its decision."""

    finished: bool
    owner: Owner
    tags: TagPairs
    provisional: bool


class KnownResource(Struct, frozen=True):
    """A resource that the ledger knows, and its owner."""

    key: ResourceKey
    id: str
    type: str
    holding: Holding


class AddressSpan(Struct, frozen=True):
    """From when on a resource had an address, until it was deleted as far as that is known."""

    known: KnownResource
    address: str
    since: datetime


class KeySpan(Struct, frozen=True):
    """That a call which an access key signed made a resource, and when."""

    known: KnownResource
    since: datetime


def id_and_type(entry: HistoryEntry) -> tuple[str, str]:
    """The id and type of an entry's resource, as far as it says them: without its type an ARN's last part is its id."""
    match entry:
        case Owned():
            return entry.id, entry.type
        case Transferred() if entry.named:
            return entry.named, entry.type
    return entry.resource.id, ""


def names_of(owned: Owned) -> tuple[str, ...]:
    """The names by which a resource is found beside its id."""
    name = name_of(owned.type, owned.id)
    return (name,) if name else ()


def entry_identity(entry: HistoryEntry) -> tuple[str, str, str]:
    """(kind, event id, detail): the identity of an entry of one resource."""
    match entry:
        case Owned():
            return ("owned", entry.claim.event_id, entry.owner.name)
        case Ended():
            kind = OutcomeKind.OBSERVED if entry.observed else entry.kind
            return ("ended", entry.event.event_id, f"{kind.value} {entry.owner}")
        case TagChanged():
            # A change that is only found on a resource is another one than that of the request, or an earlier one.
            found = (
                [f"{change.key} {change.new}" for change in entry.changes] if entry.actor.principal == UNKNOWN else ()
            )
            return ("tag-changed", entry.event.event_id, " ".join(found))
        case Transferred():
            return ("transferred", entry.id, "")
        case Deleted():
            return ("deleted", entry.event.event_id, "")


def entry_time(entry: HistoryEntry) -> datetime:
    """When it happened, for the order of a history: for a creation its own time, not that of the decision."""
    return entry.claim.created_at if isinstance(entry, Owned) else entry.at


_ORDER = (Owned, TagChanged, Transferred, Ended, Deleted)


def sorted_history(entries: list[HistoryEntry]) -> list[HistoryEntry]:
    """A history in order, however the entries arrived."""
    return sorted(entries, key=lambda entry: (entry_time(entry), _ORDER.index(type(entry)), entry_identity(entry)))


class AppliedEntry(Struct, frozen=True):
    """A resource after an entry: its holding, and its deletions while no owner is known.

    `right`: the tags that were written are those of whoever holds it.
    """

    holding: Holding | None
    deletions: tuple[datetime, ...]
    right: bool = True


def apply_entry(
    holding: Holding | None,
    deletions: tuple[datetime, ...],
    entry: Ended | TagChanged | Transferred | Deleted,
    owned: Callable[[], Iterable[Owned]],
) -> AppliedEntry:
    """Applies one more entry to a resource.

    Args:
        holding: Its holding until now, if there is one.
        deletions: When it was deleted, while no owner is known.
        entry: The entry.
        owned: Reads all decisions for the resource; called where a held resource was deleted.
    """
    match entry:
        case TagChanged() if entry.undone and holding is not None:
            return AppliedEntry(apply_undo(holding, entry.at), deletions)
        case Ended() if holding is not None:
            new, right = apply_outcome(holding, entry.holder, entry.owner, entry.kind, entry.final, entry.observed)
            return AppliedEntry(new, deletions, right)
        case Transferred():
            return AppliedEntry(apply_transfer(holding, entry.id, entry.to, entry.by, entry.tags, entry.at), deletions)
        case Deleted() if holding is None:
            return AppliedEntry(None, tuple(sorted({*deletions, entry.at})))
        case Deleted() if holding is not None:
            decisions = sorted(owned(), key=lambda decision: decision.decided_at, reverse=True)
            return AppliedEntry(
                apply_deletion(holding, [decision.holding for decision in decisions], entry.at), deletions
            )
    return AppliedEntry(holding, deletions)
