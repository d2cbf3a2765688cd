"""What is kept: entries, each with what makes it the same entry when it comes again."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ownertag.core.claims import Claim, EventKey, Holding, ResourceKey
from ownertag.core.details import Actor
from ownertag.core.findings import TagChange
from ownertag.core.identity import UNKNOWN
from ownertag.core.values import OutcomeKind, Owner, TagPairs

#: What a text of a record may be long, in characters: DynamoDB takes items of 400 KB (T31).
MAX_TEXT = 1024
MAX_VIA = 16
MAX_PARENTS = 16


class Created(Struct, frozen=True, omit_defaults=True):
    """A creation: which event, by whom. Its resources stand in its `Owned` entries. Kept once for an event."""

    event: EventKey
    creation_id: str
    event_source: str
    event_name: str
    created_at: datetime
    actor: Actor


class Owned(Struct, frozen=True, omit_defaults=True):
    """What a creation's decision is for one resource. Kept once for an event, a resource and an owner's name.

    It is kept of every creation that came to the resource; whose the resource is follows from all of them.
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
        """The creation that this belongs to."""
        return EventKey(self.resource.account, self.resource.region, self.claim.event_id)

    @property
    def holding(self) -> Holding:
        """The decision, as if it were the only one."""
        return Holding(self.claim, self.owner, self.tags, self.provisional)


class Ended(Struct, frozen=True, omit_defaults=True):
    """What became of one resource in one handling of `event`. Kept once for an event, a resource and an outcome.

    `holder` and `owner` say whose tags were written: those of the creation that held it when the ledger was asked.
    """

    resource: ResourceKey
    event: EventKey
    holder: str
    owner: str
    kind: OutcomeKind
    reason: str
    final: bool
    at: datetime


class Finished(Struct, frozen=True):
    """Nothing is left to do for a creation."""

    event: EventKey
    at: datetime


class TagChanged(Struct, frozen=True, omit_defaults=True):
    """Somebody else changed protected keys. Kept once for an event, at the one of its `resources` that is named.

    Of what only was found there, by an unknown actor, once for each event and what was found.
    """

    resource: ResourceKey
    event: EventKey
    actor: Actor
    changes: tuple[TagChange, ...]
    resources: int
    at: datetime


class Transferred(Struct, frozen=True, omit_defaults=True):
    """A resource was given to somebody by hand. `id` makes a repeat of the same transfer the same."""

    resource: ResourceKey
    id: str
    to: str
    by: str
    reason: str
    tags: TagPairs
    at: datetime


class Deleted(Struct, frozen=True, omit_defaults=True):
    """A resource's life ended. Kept once for an event and a resource."""

    resource: ResourceKey
    event: EventKey
    actor: Actor
    at: datetime


#: What the history of a resource is made of, in this order where times are equal.
HistoryEntry = Owned | Ended | TagChanged | Transferred | Deleted
Entry = Ended | Finished | TagChanged | Transferred | Deleted


class Seen(Struct, frozen=True):
    """A creation that the ledger knows: finished or not, and what was decided for it."""

    finished: bool
    owner: Owner
    tags: TagPairs
    provisional: bool


class Known(Struct, frozen=True):
    """A resource that the ledger knows, and whose it is."""

    key: ResourceKey
    id: str
    type: str
    holding: Holding


class Span(Struct, frozen=True):
    """From when a resource had an address. Until its life ended, as far as that is known."""

    known: Known
    address: str
    since: datetime


def identity_of(entry: HistoryEntry) -> tuple[str, str, str]:
    """(kind, event id, detail): what makes an entry of one resource the same entry when it comes again."""
    match entry:
        case Owned():
            return ("owned", entry.claim.event_id, entry.owner.name)
        case Ended():
            return ("ended", entry.event.event_id, f"{entry.kind.value} {entry.owner}")
        case TagChanged():
            # What is only found on a creation's resources is not what its request brought, nor what was found before.
            found = [f"{each.key} {each.new}" for each in entry.changes] if entry.actor.principal == UNKNOWN else ()
            return ("tag-changed", entry.event.event_id, " ".join(found))
        case Transferred():
            return ("transferred", entry.id, "")
        case Deleted():
            return ("deleted", entry.event.event_id, "")


def time_of(entry: HistoryEntry) -> datetime:
    """When it happened, for the order of a history: a creation's own time, not when it was heard of."""
    return entry.claim.created_at if isinstance(entry, Owned) else entry.at


_ORDER = (Owned, TagChanged, Transferred, Ended, Deleted)


def in_order(entries: list[HistoryEntry]) -> list[HistoryEntry]:
    """A history, the same however the entries came."""
    return sorted(entries, key=lambda each: (time_of(each), _ORDER.index(type(each)), identity_of(each)))
