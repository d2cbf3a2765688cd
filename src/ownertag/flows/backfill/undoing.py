"""Undoes a run from its own journal: puts back the tags that were there, where they are still as the run wrote them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.values import OutcomeKind
from ownertag.flows.backfill.deciding import ORDER
from ownertag.flows.backfill.ports import Orders, RestoreTarget, Tell, tell_nobody
from ownertag.flows.restore import CHANGED_SINCE, RESTORED, WOULD_RESTORE
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.values import JournalEntry

#: What is not tried again.
_DONE = frozenset({RESTORED, CHANGED_SINCE, OutcomeKind.UNCHANGED.value, OutcomeKind.GONE.value})
#: As it was before, or it would be.
_WELL = frozenset({RESTORED, WOULD_RESTORE, OutcomeKind.UNCHANGED.value})


class Undone(Struct, frozen=True):
    """What became of it: counts by outcome, and each resource that was not restored, with the reason."""

    outcomes: Mapping[str, int]
    left: tuple[JournalEntry, ...] = ()


def undo(store: BackfillStore, orders: Orders, *, dry_run: bool, tell: Tell = tell_nobody) -> Undone:
    """Restores all that the run wrote and that is not restored yet.

    Raises:
        RunError: The run's file can't be used.
    """
    of = sum(1 for entry in store.whole_journal() if is_written(entry))
    done = 0
    outcomes: Counter[str] = Counter()
    left: list[JournalEntry] = []
    entries = (entry for entry in store.whole_journal() if is_written(entry))
    for chunk in _chunks(entries):
        asked = [entry for entry in chunk if entry.restored not in _DONE]
        targets = [_target(entry) for entry in asked]
        results = orders.restore(store.run.id, targets, dry_run=dry_run) if targets else []
        answered = [
            replace(entry, restored=str(result["outcome"]), restored_reason=str(result["reason"] or ""))
            for entry, result in zip(asked, results, strict=True)
        ]
        if not dry_run:
            store.keep_journal(answered)
        for entry in (*(one for one in chunk if one.restored in _DONE), *answered):
            outcomes[entry.restored or ""] += 1
            if entry.restored not in _WELL:
                left.append(entry)
        done += len(chunk)
        tell("undo", done, of, "resources")
    return Undone(dict(outcomes), tuple(left))


def _target(entry: JournalEntry) -> RestoreTarget:
    """What is restored: the keys that were written, with what was there before."""
    return RestoreTarget(entry.key, {key: entry.before.get(key) for key, _ in entry.written}, dict(entry.written))


def is_written(entry: JournalEntry) -> bool:
    """Whether the run wrote to it; of what got no answer it is not known, and what is not there is not restored."""
    return entry.outcome in {OutcomeKind.TAGGED.value, None} and bool(entry.written)


def _chunks(entries: Iterator[JournalEntry]) -> Iterator[list[JournalEntry]]:
    while chunk := list(islice(entries, ORDER)):
        yield chunk
