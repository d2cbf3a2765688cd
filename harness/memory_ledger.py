"""A ledger in memory, for flows: it passes the contract suite of the stores (`contracts/test_ledger.py`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from ownertag.core.ownership import (
    EventKey,
    Holding,
    ResourceKey,
    Standing,
    apply_claim,
    apply_deletion,
    apply_outcome,
    apply_transfer,
    apply_undo,
    is_living,
)
from ownertag.core.recognize import name_of
from ownertag.ledger.codec import truncated
from ownertag.ledger.entries import (
    AddressSpan,
    Created,
    Deleted,
    Ended,
    Entry,
    Finished,
    HistoryEntry,
    KeySpan,
    KnownResource,
    Owned,
    SeenCreation,
    TagChanged,
    Transferred,
    Unobserved,
    entry_identity,
    id_and_type,
    sorted_history,
)
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
        self.waiting: dict[ResourceKey, datetime] = {}
        self.observed_in: set[str] = set()

    def seen(self, events: Iterable[EventKey]) -> dict[EventKey, SeenCreation]:
        self._call("seen")
        return {
            key: SeenCreation(key in self.finished, decision.owner, decision.tags, decision.provisional)
            for key in events
            if (decision := self.decided.get(key))
        }

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> dict[ResourceKey, Standing]:
        self._call("claim")
        for one in created:
            self.created.setdefault(one.event, truncated(one))
        owned = [truncated(decision) for decision in owned]
        for decision in owned:
            known = self.decided.get(decision.event)
            if known is None or known.provisional:
                self.decided[decision.event] = decision
            entries = self.entries[decision.resource]
            before = entries.get(entry_identity(decision))
            if not isinstance(before, Owned) or before.provisional:
                entries[entry_identity(decision)] = decision
            deletions = tuple(sorted(entry.at for entry in entries.values() if isinstance(entry, Deleted)))
            self.holdings[decision.resource] = apply_claim(
                self.holdings.get(decision.resource), decision.holding, deletions
            )
        held = {decision.resource: self.holdings[decision.resource] for decision in owned}
        return {key: Standing(h.claim.event_id, h.owner, h.tags, h.outcome) for key, h in held.items()}

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
        self._call("append")
        lost = set()
        undone = set()
        for entry in entries:
            if isinstance(entry, Finished | Unobserved):
                continue
            kept = truncated(entry)
            self.entries[kept.resource].setdefault(entry_identity(kept), kept)
            holding = self.holdings.get(kept.resource)
            if isinstance(kept, Transferred):
                self.holdings[kept.resource] = apply_transfer(holding, kept.id, kept.to, kept.by, kept.tags, kept.at)
            elif holding is not None and isinstance(kept, TagChanged) and kept.undone:
                self.holdings[kept.resource] = apply_undo(holding, kept.at)
            elif holding is not None and isinstance(kept, Ended):
                self.holdings[kept.resource], right = apply_outcome(
                    holding, kept.holder, kept.owner, kept.kind, kept.final, kept.observed
                )
                if right and kept.observed:
                    self.waiting[kept.resource] = kept.observed.at
                    self.observed_in.add(kept.resource.account)
                if not right:
                    lost.add(kept.resource)
                    undone.add(kept.event)
            elif holding is not None and isinstance(kept, Deleted):
                owned = [entry for entry in self.entries[kept.resource].values() if isinstance(entry, Owned)]
                owned.sort(key=lambda entry: entry.decided_at, reverse=True)
                self.holdings[kept.resource] = apply_deletion(holding, [entry.holding for entry in owned], kept.at)
        for entry in entries:
            if isinstance(entry, Unobserved):
                holding = self.holdings.get(entry.resource)
                if holding is None or holding.outcome is not None:
                    self.waiting.pop(entry.resource, None)
        self.finished |= {entry.event for entry in entries if isinstance(entry, Finished)} - undone
        return lost

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        wanted = set(keys)
        return [known_resource for known_resource in self._known() if known_resource.key in wanted]

    def by_id(self, id_: str) -> list[KnownResource]:
        return [
            known for known in self._known() if id_ in {known.id, known.key.arn, name_of(known.type, known.id) or None}
        ]

    def observed_accounts(self) -> list[str]:
        self._call("observed_accounts")
        return sorted(self.observed_in)

    def observed(self, account: str, size: int) -> Iterator[list[KnownResource]]:
        self._call("observed")
        waiting = sorted((at, key) for key, at in self.waiting.items() if key.account == account)
        for start in range(0, len(waiting), size):
            keys = [key for _, key in waiting[start : start + size] if key in self.waiting]
            yield [known for key in keys for known in self.by_key([key])]

    def living(self, account: str, region: str, size: int) -> Iterator[list[KnownResource]]:
        self._call("living")
        place = (account, region)
        found = [one for one in self._known() if (one.key.account, one.key.region) == place and is_living(one.holding)]
        for start in range(0, len(found), size):
            yield found[start : start + size]

    def by_owner(self, name: str, limit: int = 1000) -> list[KnownResource]:
        return [known_resource for known_resource in self._known() if known_resource.holding.owner.name == name][:limit]

    def by_parent(self, parent: str) -> list[KnownResource]:
        return [
            known_resource
            for known_resource in self._known()
            if any(parent in owned.parents for owned in self._owned(known_resource.key))
        ]

    def by_access_key(self, key_id: str, limit: int = 1000) -> list[KeySpan]:
        spans = {
            (owned.claim.created_at, known_resource.key): KeySpan(known_resource, owned.claim.created_at)
            for known_resource in self._known()
            for owned in self._owned(known_resource.key)
            if (created := self.created.get(owned.event)) and created.actor.access_key_id == key_id
        }
        return [spans[key] for key in sorted(spans, reverse=True)][:limit]

    def by_address(self, address: str) -> list[AddressSpan]:
        spans = {
            (owned.claim.created_at, known_resource.key): AddressSpan(known_resource, address, owned.claim.created_at)
            for known_resource in self._known()
            for owned in self._owned(known_resource.key)
            if address in owned.addresses
        }
        return [spans[key] for key in sorted(spans)]

    def history(self, key: ResourceKey) -> list[HistoryEntry]:
        return sorted_history(list(self.entries.get(key, {}).values()))

    def creation(self, event: EventKey) -> Created | None:
        return self.created.get(event)

    def state(self) -> tuple[object, ...]:
        """Everything that must be the same whatever the order and number of deliveries."""
        return (
            {key: (held.claim, held.owner, held.tags, held.deletions) for key, held in self.holdings.items()},
            self.created,
            self.finished,
            {key: {identity for identity in found if identity[0] != "ended"} for key, found in self.entries.items()},
        )

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.fails is not None and (self.fails_after is None or len(self.calls) > self.fails_after):
            raise self.fails

    def _owned(self, key: ResourceKey) -> list[Owned]:
        return [entry for entry in self.entries[key].values() if isinstance(entry, Owned)]

    def _known(self) -> list[KnownResource]:
        found = []
        for key, holding in self.holdings.items():
            said = [id_and_type(entry) for entry in (*self._owned(key), *self.entries[key].values())]
            id_, type_ = next((one for one in said if one[1]), (key.id, ""))
            found.append(KnownResource(key, id_, type_, holding))
        return found
