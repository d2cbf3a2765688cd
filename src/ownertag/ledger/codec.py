"""Encodes entries and decisions as JSON, the same for both stores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from ownertag.core.values import Owner, TagPairs
from ownertag.ledger.entries import Deleted, Ended, HistoryEntry, Owned, TagChanged, Transferred


class Decided(Struct, frozen=True, omit_defaults=True):
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
