"""What an entry makes of a resource, the same in both stores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct

from ownertag.core.claims import Holding, deleted, given, written
from ownertag.ledger.entries import Deleted, Ended, Owned, TagChanged, Transferred


class After(Struct, frozen=True):
    """A resource after an entry: whose it is, and its deletions while nobody is known to hold it.

    `right`: what was written were the tags of whoever holds it.
    """

    holding: Holding | None
    deletions: tuple[datetime, ...]
    right: bool = True


def after(
    holding: Holding | None,
    deletions: tuple[datetime, ...],
    entry: Ended | TagChanged | Transferred | Deleted,
    owned: Callable[[], Iterable[Owned]],
) -> After:
    """A resource after one more entry.

    Args:
        holding: Whose it was until now, if anybody's.
        deletions: When it was deleted, as long as nobody is known to hold it.
        entry: What became known.
        owned: Reads every decision for it; called for the deletion of what somebody holds.
    """
    match entry:
        case Ended() if holding is not None:
            new, right = written(holding, entry.holder, entry.owner, entry.kind, entry.final)
            return After(new, deletions, right)
        case Transferred():
            return After(given(holding, entry.id, entry.to, entry.by, entry.tags, entry.at), deletions)
        case Deleted() if holding is None:
            return After(None, tuple(sorted({*deletions, entry.at})))
        case Deleted() if holding is not None:
            claims = sorted(owned(), key=lambda each: each.decided_at, reverse=True)
            return After(deleted(holding, [each.holding for each in claims], entry.at), deletions)
    return After(holding, deletions)
