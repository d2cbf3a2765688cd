"""Bounds on what strangers can make the ledger keep: texts are cut and cleaned, lists end (T30, T31)."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from ownertag.core.findings import MAX_CHANGES, MAX_KEY, MAX_VALUE, TagChange
from ownertag.core.identity import clean
from ownertag.core.values import Owner
from ownertag.ledger.entries import (
    MAX_PARENTS,
    MAX_TEXT,
    MAX_VIA,
    Created,
    Deleted,
    Ended,
    Owned,
    TagChanged,
    Transferred,
)

E = TypeVar("E", bound=Created | Owned | Ended | TagChanged | Transferred | Deleted)

MAX_REASON = 1024


def fitting(entry: E) -> E:
    """The entry, no longer than is kept. The actor of a record was cut when it was read (`core.details`)."""
    match entry:
        case Created():
            return replace(entry, event_name=cut(entry.event_name, 128), event_source=cut(entry.event_source, 128))
        case Owned():
            tags = tuple((cut(key, 128), cut(value)) for key, value in entry.tags)
            parents = tuple(parent[:MAX_TEXT] for parent in dict.fromkeys(entry.parents))[:MAX_PARENTS]
            return replace(entry, owner=_owner(entry.owner), tags=tags[:50], parents=parents)
        case Ended():
            return replace(entry, owner=cut(entry.owner), reason=cut(entry.reason, MAX_REASON))
        case TagChanged():
            return replace(entry, changes=tuple(_change(each) for each in entry.changes[:MAX_CHANGES]))
        case Transferred():
            return replace(entry, to=cut(entry.to), by=cut(entry.by, MAX_TEXT), reason=cut(entry.reason, MAX_REASON))
    return entry


def cut(text: str, most: int = MAX_VALUE) -> str:
    """A text without what shows nothing, no longer than this."""
    return clean(text[: most * 2])[:most]


def _change(change: TagChange) -> TagChange:
    old = None if change.old is None else cut(change.old)
    return TagChange(cut(change.key, MAX_KEY), old, None if change.new is None else cut(change.new))


def _owner(owner: Owner) -> Owner:
    via = tuple(cut(hop, MAX_TEXT) for hop in owner.via[:MAX_VIA])
    reason = None if owner.reason is None else cut(owner.reason, MAX_REASON)
    return Owner(cut(owner.name), owner.evidence, owner.confidence, via, reason)
