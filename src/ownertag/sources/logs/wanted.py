"""Which records are wanted: by their event, and of the calls that make sessions by the access key that they issued."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ownertag.core.catalogue_types import Catalogue

#: (event source, event name).
Event = tuple[str, str]

#: The calls whose records show the access key of the session that they made (core.owner.sessions asks for these).
SESSION_EVENTS: frozenset[Event] = frozenset(
    ("sts.amazonaws.com", name) for name in ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
)


class Wanted(Struct, frozen=True):
    """What a scan yields.

    Sessions are a large part of all records, and only those that made something wanted are asked for, after a first
    scan has shown which: a second one, of the days on which they were made, yields their makers.

    Attributes:
        events: Each record of these.
        sessions: Access keys: records of `SESSION_EVENTS` that issued one of them.
    """

    events: frozenset[Event]
    sessions: frozenset[str] = frozenset()

    @property
    def looked_at(self) -> frozenset[Event]:
        """The events whose records are decoded."""
        return self.events | SESSION_EVENTS if self.sessions else self.events


def wanted(catalogue: Catalogue, more: Iterable[Event] = ()) -> Wanted:
    """What the catalogue's rows create, what deletes that, what makes and deletes the parents, and more events."""
    links = (
        (kind.source, call.event)
        for kind in catalogue.parents.kinds.values()
        for call in (*kind.made_by, *kind.deleted_by)
    )
    return Wanted(frozenset((*catalogue.rows, *catalogue.endings, *links, *more)))
