"""Encodes entries and decisions as JSON, the same for both stores, and bounds their size before.

Texts and lists that members can write are cleaned and truncated (T30, T31).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.findings import MAX_CHANGES, MAX_KEY, MAX_VALUE, TagChange
from ownertag.core.owner.principal import clean
from ownertag.core.values import Owner, TagPairs
from ownertag.ledger.entries import Created, Deleted, Ended, HistoryEntry, Owned, TagChanged, Transferred

#: The longest text of a record, in characters: DynamoDB takes items of 400 KB (T31).
MAX_TEXT = 1024
MAX_VIA = 16
MAX_PARENTS = 16


class StoredDecision(Struct, frozen=True, omit_defaults=True):
    """What was decided for a creation, and when; `provisional` while something was awaited."""

    owner: Owner
    tags: TagPairs
    decided_at: datetime
    provisional: bool = False


KINDS: Mapping[str, type[HistoryEntry]] = {
    "owned": Owned,
    "ended": Ended,
    "tag-changed": TagChanged,
    "transferred": Transferred,
    "deleted": Deleted,
}

_encode = msgspec.json.Encoder().encode


@cache
def decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    """The decoder of a type, made once."""
    return msgspec.json.Decoder(type_)


def json(value: Any) -> str:
    """A value as JSON."""
    return _encode(value).decode()


E = TypeVar("E", bound=Created | Owned | Ended | TagChanged | Transferred | Deleted)

MAX_REASON = 1024


def truncated(entry: E) -> E:
    """The entry with its texts and lists truncated; `core.record_details` has truncated the actor."""
    match entry:
        case Created():
            return replace(
                entry,
                event_name=truncated_text(entry.event_name, 128),
                event_source=truncated_text(entry.event_source, 128),
            )
        case Owned():
            tags = tuple((truncated_text(key, 128), truncated_text(value)) for key, value in entry.tags)
            parents = tuple(parent[:MAX_TEXT] for parent in dict.fromkeys(entry.parents))[:MAX_PARENTS]
            return replace(entry, owner=_owner(entry.owner), tags=tags[:50], parents=parents)
        case Ended():
            return replace(entry, owner=truncated_text(entry.owner), reason=truncated_text(entry.reason, MAX_REASON))
        case TagChanged():
            changes = tuple(_change(change) for change in entry.changes[:MAX_CHANGES])
            return replace(entry, changes=changes, undone=truncated_text(entry.undone, 128))
        case Transferred():
            return replace(
                entry,
                to=truncated_text(entry.to),
                by=truncated_text(entry.by, MAX_TEXT),
                reason=truncated_text(entry.reason, MAX_REASON),
            )
        case Deleted():
            return replace(entry, by=truncated_text(entry.by))
    return entry


def truncated_text(text: str, most: int = MAX_VALUE) -> str:
    """A text without invisible characters, no longer than this."""
    return clean(text[: most * 2])[:most]


def _change(change: TagChange) -> TagChange:
    old = None if change.old is None else truncated_text(change.old)
    return TagChange(
        truncated_text(change.key, MAX_KEY), old, None if change.new is None else truncated_text(change.new)
    )


def _owner(owner: Owner) -> Owner:
    via = tuple(truncated_text(hop, MAX_TEXT) for hop in owner.via[:MAX_VIA])
    reason = None if owner.reason is None else truncated_text(owner.reason, MAX_REASON)
    return Owner(truncated_text(owner.name), owner.evidence, owner.confidence, via, reason)
