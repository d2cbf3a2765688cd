"""Gives the orders of a plan, with a journal: tags before, what is ordered, what became of it.

The journal says that something is ordered before it is. So after an end at any moment it is known for what no answer
came: its tags are read again, and what carries what was ordered is done.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.backfill.found import FoundResource
from ownertag.core.backfill.plan import PlanRow
from ownertag.core.ownership import ResourceKey
from ownertag.core.settings import Settings
from ownertag.core.transfer import TransferOrder
from ownertag.core.values import OutcomeKind, TagPairs, Unavailable
from ownertag.flows.backfill.deciding import EventId, orders_of
from ownertag.flows.backfill.ports import Now, Orders, ReadTags, ResultObject, Tell, tell_nobody
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.values import JournalEntry

#: Tags that were listed so long ago are read again before they are written over.
STALE = timedelta(minutes=15)
#: For so long the hub's function may go on with an order whose answer nobody heard (its timeout, infra/hub).
FUNCTION = timedelta(minutes=3)
#: It is taken for ended where nothing was written for so long.
QUIET = timedelta(seconds=10)
_LOOK_EVERY = 1.0

#: Nothing more is done about these.
DONE = frozenset(
    kind.value
    for kind in (
        OutcomeKind.TAGGED,
        OutcomeKind.UNCHANGED,
        OutcomeKind.KEPT,
        OutcomeKind.GONE,
        OutcomeKind.OBSERVED,
    )
)
#: The row's owner counts, and may be changed.
_WRITTEN = frozenset({OutcomeKind.TAGGED.value, OutcomeKind.UNCHANGED.value, OutcomeKind.KEPT.value})
UNREADABLE = "tags-unreadable"
NOT_NAMED = "not-named"


#: What a result is of: a record or a resource.
_Ordered = TypeVar("_Ordered", EventId, ResourceKey)


class Applied(Struct, frozen=True):
    """What became of a plan: counts by outcome; `left` is what a later run does, `otherwise` who got another owner."""

    outcomes: Mapping[str, int]
    left: int = 0
    unreached: int = 0
    given: int = 0
    otherwise: int = 0


class Application:
    """Applies the plan of a run.

    Args:
        store: The run.
        orders: Takes the orders.
        read_tags: Reads the tags that resources carry now.
        settings: Our keys.
        by: Who orders it.
        now: The time.
        sleep: Waits, in seconds.
        tell: Is told how far it is.
    """

    def __init__(
        self,
        store: BackfillStore,
        orders: Orders,
        read_tags: ReadTags,
        settings: Settings,
        by: str,
        now: Now,
        sleep: Callable[[float], None],
        tell: Tell = tell_nobody,
    ) -> None:
        self._store = store
        self._orders = orders
        self._read_tags = read_tags
        self._settings = settings
        self._by = by
        self._now = now
        self._sleep = sleep
        self._tell = tell
        self._done = 0
        self._of = 0

    def run(self) -> Applied:
        """Orders all that is planned and not done yet.

        Raises:
            RunError: The run's file can't be used.
        """
        settle_unanswered(self._store, self._read_tags, self._now, self._sleep)
        self._of = sum(row.is_tagged for row in self._store.plan())
        self._done = self._of - sum(1 for _ in self._rows_left())
        self._tell("apply", self._done, self._of, "resources")
        for account in dict.fromkeys(account for account, _ in self._store.places()):
            for events in orders_of(self._events_left(account), lambda event: len(self._store.data(*event))):
                self._order({event: self._rows_of(event) for event in events}, self._tag)
        for chunk in _chunks(row for row in self._rows_left() if not row.event_id):
            self._order({row.key: [row] for row in chunk}, self._adopt)
        for row in self._store.plan():
            if row.given and row.is_tagged:
                self._give(row)
        return self._applied()

    # --- what is left

    def _rows_left(self, account: str = "") -> Iterator[PlanRow]:
        for row in self._store.plan(account):
            if row.is_tagged and not self._is_done(row.key):
                yield row

    def _is_done(self, key: ResourceKey) -> bool:
        entry = self._store.journal([key]).get(key)
        return entry is not None and entry.outcome in DONE

    def _events_left(self, account: str) -> list[EventId]:
        """The records of an account with anything left, the earliest first."""
        left = {(account, row.key.region, row.event_id) for row in self._rows_left(account) if row.event_id}
        return sorted(left, key=lambda event: (self._store.time_of(*event), event))

    def _rows_of(self, event: EventId) -> list[PlanRow]:
        return [row for row in self._store.plan_of(*event) if row.is_tagged and not self._is_done(row.key)]

    # --- orders

    def _tag(self, events: Sequence[EventId]) -> list[ResultObject]:
        return self._orders.tag([self._store.data(*event) for event in events], dry_run=False)

    def _adopt(self, keys: Sequence[ResourceKey]) -> list[ResultObject]:
        found = [kept.found for key in keys if (kept := self._store.resource(key)) is not None]
        return self._orders.adopt(found, dry_run=False)

    def _order(
        self, groups: Mapping[_Ordered, list[PlanRow]], give: Callable[[list[_Ordered]], list[ResultObject]]
    ) -> None:
        """Gives an order for groups of rows, each of which has a result of its own.

        A group with a resource whose tags can't be read is left: what was there could not be put back.
        """
        rows = [row for group in groups.values() for row in group]
        known = self._store.journal([row.key for row in rows])
        before = self._tags_before(rows, known)
        ordered = [one for one, group in groups.items() if all(row.key in before for row in group)]
        if not ordered:
            return
        now = self._now()
        entries = {
            row.key: JournalEntry(row.key, row.event_id, before[row.key], row.tags, now)
            for one in ordered
            for row in groups[one]
        }
        self._store.keep_journal(list(entries.values()))
        answered = []
        for one, result in zip(ordered, give(ordered), strict=True):
            for row in groups[one]:
                earlier = known.get(row.key)
                repeated = earlier is not None and earlier.outcome is None
                answered.append(_answered(entries[row.key], row, result, repeated=repeated))
        self._store.keep_journal(answered)
        self._done += len(answered)
        self._tell("apply", self._done, self._of, "resources")

    def _tags_before(
        self, rows: Sequence[PlanRow], known: Mapping[ResourceKey, JournalEntry]
    ) -> dict[ResourceKey, Mapping[str, str | None]]:
        """Our keys' values before the first order of each; without those that can't be read, which the journal says."""
        before = {key: entry.before for key, entry in known.items() if entry.outcome != UNREADABLE}
        now = self._now()
        old: list[FoundResource] = []
        for row in rows:
            kept = self._store.resource(row.key)
            if row.key in before or kept is None:
                continue
            if kept.found.tags is not None and now - kept.at < STALE:
                before[row.key] = self._ours(kept.found.tags)
            else:
                old.append(kept.found)
        for key, tags in (self._read_tags(old) if old else {}).items():
            if isinstance(tags, Unavailable):
                why = f"{tags.outcome.value}: {tags.reason}"
                self._store.keep_journal([JournalEntry(key, "", {}, (), now, UNREADABLE, why)])
            else:
                before[key] = self._ours(tags)
        return before

    def _ours(self, tags: Mapping[str, str]) -> dict[str, str | None]:
        return {key: tags.get(key) for key in self._settings.tags}

    # --- owners of edited lines

    def _give(self, row: PlanRow) -> None:
        """Gives a resource to whom the plan file names, once. The order's id is the same where it is repeated."""
        entry = self._store.journal([row.key]).get(row.key)
        if entry is None or entry.outcome not in _WRITTEN or entry.given == row.given:
            return
        digest = hashlib.sha256("\0".join((*_parts(row.key), row.given)).encode()).hexdigest()
        order = TransferOrder(
            digest[:40], row.key.arn, row.given, self._by, f"backfill {self._store.run.id}: by hand in its plan"
        )
        answer = self._orders.transfer(order)
        if answer["done"]:
            tags = tuple((str(key), str(value)) for key, value in answer["tags"])
            done = replace(entry, written=_with(entry.written, tags), given=row.given, owner=row.given)
            self._store.keep_journal([replace(done, outcome=OutcomeKind.TAGGED.value)])
        else:
            self._store.keep_journal([replace(entry, reason=f"not given to {row.given}: {answer['detail']}")])

    # --- what became of it

    def _applied(self) -> Applied:
        outcomes: Counter[str] = Counter()
        left = unreached = given = otherwise = 0
        for row in self._store.plan():
            if not row.is_tagged:
                continue
            entry = self._store.journal([row.key]).get(row.key)
            outcome = entry.outcome if entry and entry.outcome else "not ordered"
            outcomes[outcome] += 1
            ungiven = bool(row.given) and (entry is None or entry.given != row.given)
            left += outcome not in DONE or ungiven
            unreached += outcome in {OutcomeKind.FORBIDDEN.value, UNREADABLE}
            given += bool(row.given) and not ungiven
            otherwise += bool(entry and not row.given and entry.owner and row.owner and entry.owner != row.owner)
        return Applied(dict(outcomes), left, unreached, given, otherwise)


def settle_unanswered(
    store: BackfillStore, read_tags: ReadTags, now: Now, sleep: Callable[[float], None], quiet: timedelta = QUIET
) -> None:
    """Finds out what became of orders that got no answer: what carries what was ordered is done, the rest is not.

    The function may still be at work on the last one. So it is waited for until nothing was written for a while, or
    until it can't run any more.

    Raises:
        RunError: The run's file can't be used.
    """
    left = store.unanswered()
    changed = now()
    while left:
        found = [kept.found for entry in left if (kept := store.resource(entry.key)) is not None]
        tags = read_tags(found)
        done = [entry for entry in left if _carries(entry, tags.get(entry.key))]
        store.keep_journal([_found_written(entry) for entry in done])
        left = [entry for entry in left if entry not in done]
        time = now()
        changed = time if done else changed
        running = any(time - entry.at < FUNCTION for entry in left)
        if not left or not running or time - changed >= quiet:
            return
        sleep(_LOOK_EVERY)


def _carries(entry: JournalEntry, tags: Mapping[str, str] | Unavailable | None) -> bool:
    if tags is None or isinstance(tags, Unavailable) or not entry.written:
        return False
    return all(tags.get(key) == value for key, value in entry.written)


def _found_written(entry: JournalEntry) -> JournalEntry:
    changed = any(entry.before.get(key) != value for key, value in entry.written)
    kind = OutcomeKind.TAGGED if changed else OutcomeKind.UNCHANGED
    return replace(entry, outcome=kind.value, reason="no answer came; it carries these tags")


def _answered(entry: JournalEntry, row: PlanRow, result: ResultObject, *, repeated: bool) -> JournalEntry:
    """The entry with what became of it. `repeated`: it was ordered before, and what finds it tagged now was ours."""
    refusal = result["refusal"]
    if refusal:
        return replace(entry, outcome=str(refusal["reason"]), reason=str(refusal["detail"]))
    owner = (result["owner"] or {}).get("name", "")
    written = tuple((str(key), str(value)) for key, value in (result["tags"] or {}).items()) or entry.written
    of_all = [outcome for outcome in result["outcomes"] if outcome["arn"] is None]
    own = [outcome for outcome in result["outcomes"] if outcome["arn"] == row.key.arn]
    told = (own or of_all)[:1]
    if not told:
        return replace(entry, outcome=NOT_NAMED, reason="what was ordered does not come to it any more", owner=owner)
    kind, reason = str(told[0]["outcome"]), str(told[0]["reason"] or "")
    changed = any(entry.before.get(key) != value for key, value in written)
    if kind == OutcomeKind.UNCHANGED.value and repeated and changed:
        kind = OutcomeKind.TAGGED.value
    return replace(entry, outcome=kind, reason=reason, owner=owner, written=written)


def _with(tags: TagPairs, new: TagPairs) -> TagPairs:
    return tuple({**dict(tags), **dict(new)}.items())


def _parts(key: ResourceKey) -> tuple[str, str, str]:
    return key.account, key.region, key.arn


def _chunks(rows: Iterable[PlanRow], size: int = 100) -> Iterator[list[PlanRow]]:
    chunk: list[PlanRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
