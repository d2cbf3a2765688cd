"""A ledger in memory, for flows: it passes the contract suite of the stores (`contracts/test_ledger.py`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ownertag.core.claims import EventKey, Holding, ResourceKey, Standing, claimed, deleted, given, written
from ownertag.ledger.entries import (
    Created,
    Deleted,
    Ended,
    Entry,
    Finished,
    HistoryEntry,
    Known,
    Owned,
    Seen,
    Span,
    Transferred,
    identity_of,
    in_order,
)
from ownertag.ledger.limits import fitting
from ownertag.ledger.port import LedgerError


class MemoryLedger:
    """All entries in dictionaries. `fails` is raised by the next calls while it is set; `calls` names those so far."""

    def __init__(self) -> None:
        self.created: dict[EventKey, Created] = {}
        self.finished: set[EventKey] = set()
        self.decided: dict[EventKey, Owned] = {}
        self.holdings: dict[ResourceKey, Holding] = {}
        self.entries: dict[ResourceKey, dict[tuple[str, str, str], HistoryEntry]] = defaultdict(dict)
        self.fails: LedgerError | None = None
        self.fails_after: int | None = None
        self.calls: list[str] = []

    def seen(self, events: Iterable[EventKey]) -> dict[EventKey, Seen]:
        self._call("seen")
        return {
            key: Seen(key in self.finished, each.owner, each.tags, each.provisional)
            for key in events
            if (each := self.decided.get(key))
        }

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> dict[ResourceKey, Standing]:
        self._call("claim")
        for one in created:
            self.created.setdefault(one.event, fitting(one))
        owned = [fitting(each) for each in owned]
        for each in owned:
            known = self.decided.get(each.event)
            if known is None or known.provisional:
                self.decided[each.event] = each
            entries = self.entries[each.resource]
            before = entries.get(identity_of(each))
            if not isinstance(before, Owned) or before.provisional:
                entries[identity_of(each)] = each
            deletions = tuple(sorted(entry.at for entry in entries.values() if isinstance(entry, Deleted)))
            self.holdings[each.resource] = claimed(self.holdings.get(each.resource), each.holding, deletions)
        held = {each.resource: self.holdings[each.resource] for each in owned}
        return {key: Standing(h.claim.event_id, h.owner, h.tags, h.outcome) for key, h in held.items()}

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
        self._call("append")
        lost = set()
        undone = set()
        for each in entries:
            if isinstance(each, Finished):
                continue
            kept = fitting(each)
            self.entries[kept.resource].setdefault(identity_of(kept), kept)
            holding = self.holdings.get(kept.resource)
            if isinstance(kept, Transferred):
                self.holdings[kept.resource] = given(holding, kept.id, kept.to, kept.by, kept.tags, kept.at)
            elif holding is not None and isinstance(kept, Ended):
                self.holdings[kept.resource], right = written(holding, kept.holder, kept.owner, kept.kind, kept.final)
                if not right:
                    lost.add(kept.resource)
                    undone.add(kept.event)
            elif holding is not None and isinstance(kept, Deleted):
                owned = [each for each in self.entries[kept.resource].values() if isinstance(each, Owned)]
                owned.sort(key=lambda each: each.decided_at, reverse=True)
                self.holdings[kept.resource] = deleted(holding, [each.holding for each in owned], kept.at)
        self.finished |= {each.event for each in entries if isinstance(each, Finished)} - undone
        return lost

    def by_key(self, keys: Iterable[ResourceKey]) -> list[Known]:
        wanted = set(keys)
        return [each for each in self._known() if each.key in wanted]

    def by_id(self, id_: str) -> list[Known]:
        return [each for each in self._known() if id_ in {each.id, each.key.arn}]

    def by_owner(self, name: str, most: int = 1000) -> list[Known]:
        return [each for each in self._known() if each.holding.owner.name == name][:most]

    def by_parent(self, parent: str) -> list[Known]:
        return [each for each in self._known() if any(parent in owned.parents for owned in self._owned(each.key))]

    def by_address(self, address: str) -> list[Span]:
        spans = {
            (owned.claim.created_at, each.key): Span(each, address, owned.claim.created_at)
            for each in self._known()
            for owned in self._owned(each.key)
            if address in owned.addresses
        }
        return [spans[key] for key in sorted(spans)]

    def history(self, key: ResourceKey) -> list[HistoryEntry]:
        return in_order(list(self.entries.get(key, {}).values()))

    def creation(self, event: EventKey) -> Created | None:
        return self.created.get(event)

    def state(self) -> tuple[object, ...]:
        """All that must be the same whatever the order and number of deliveries."""
        return (
            {key: (held.claim, held.owner, held.tags, held.deletions) for key, held in self.holdings.items()},
            self.created,
            self.finished,
            {key: {each for each in found if each[0] != "ended"} for key, found in self.entries.items()},
        )

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.fails is not None and (self.fails_after is None or len(self.calls) > self.fails_after):
            raise self.fails

    def _owned(self, key: ResourceKey) -> list[Owned]:
        return [each for each in self.entries[key].values() if isinstance(each, Owned)]

    def _known(self) -> list[Known]:
        found = []
        for key, holding in self.holdings.items():
            owned = self._owned(key)
            id_, type_ = (owned[0].id, owned[0].type) if owned else (key.id, "")
            found.append(Known(key, id_, type_, holding))
        return found
