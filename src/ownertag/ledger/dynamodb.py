"""The ledger in a DynamoDB table of the hub.

A batch is read in bulk, decided by `core.ownership`, and written in transactions, on condition that the items are as
they were read; if they are not, the batch is read and decided again. A transaction takes 100 items, so a large batch
needs several: if the function ends between two, its messages come back, and nothing is written twice. A creation is
marked as finished after all else is written. Indexes lag a moment behind, so the function reads by key only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from ownertag.core.arn import is_arn, tails
from ownertag.core.ownership import (
    EventKey,
    Holding,
    ResourceKey,
    Standing,
    apply_claim,
    is_living,
)
from ownertag.ledger.codec import KINDS, StoredDecision, decoder, truncated
from ownertag.ledger.dynamodb_client import ConditionFailed, DynamoDBClient, Item, Key
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
    apply_entry,
    id_and_type,
    sorted_history,
)
from ownertag.ledger.items import (
    HOLDING,
    OBSERVED_IN,
    HoldingState,
    Writes,
    account_key,
    create,
    end_observation,
    entry_body,
    entry_key,
    event_key,
    finish,
    hold,
    holding_key,
    key_link,
    key_link_of,
    links,
    living_link,
    observe,
    observe_in,
    observed_key,
    observed_link,
    put,
    update_decision,
)
from ownertag.ledger.port import LedgerError
from ownertag.ledger.table import BY_ID, BY_LINK, BY_OWNER, joined

T = TypeVar("T")


class DynamoLedger:
    """A table with the keys and indexes of `table.DEFINITION`.

    Args:
        calls: The table's calls.
    """

    def __init__(self, calls: DynamoDBClient) -> None:
        self._calls = calls

    def close(self) -> None:
        """Does nothing: no connection is held open."""

    # --- writing

    def seen(self, events: Iterable[EventKey]) -> dict[EventKey, SeenCreation]:
        """The creations of these events that the ledger knows."""
        keys = {event_key(event): event for event in events}
        found = {}
        for at, item in self._calls.get(keys).items():
            decided = self._read(StoredDecision, item["decision"]["S"])
            found[keys[at]] = SeenCreation("finished" in item, decided.owner, decided.tags, decided.provisional)
        return found

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> dict[ResourceKey, Standing]:
        """Keeps creations with their decisions. Returns who owns each resource after all of them."""
        owned = [truncated(entry) for entry in owned]
        rounds = 0
        while True:
            keys = [event_key(creation.event) for creation in created] + [
                holding_key(entry.resource) for entry in owned
            ]
            items = self._calls.get(keys)
            # An event that was never seen has no entries; of others they are read, so that none is overwritten.
            again = [entry for entry in owned if event_key(entry.event) in items]
            items |= self._calls.get([entry_key(entry) for entry in again]) if again else {}
            states = {entry.resource: self._state(items, entry.resource, entry.id, entry.type) for entry in owned}
            writes, events, states = self._claims(created, owned, items, states)
            try:
                self._calls.write(writes, events)
            except ConditionFailed:
                rounds += 1
                self._calls.wait(rounds)
                continue
            return {
                key_: Standing(held.claim.event_id, held.owner, held.tags, held.outcome)
                for key_, state in states.items()
                if (held := state.holding) is not None
            }

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
        """Keeps what became of resources. Returns those whose tags were written for a former owner."""
        finished = [entry for entry in entries if isinstance(entry, Finished)]
        others = [truncated(entry) for entry in entries if not isinstance(entry, Finished | Unobserved)]
        unobserved = [entry.resource for entry in entries if isinstance(entry, Unobserved)]
        accounts = {entry.resource.account for entry in others if isinstance(entry, Ended) and entry.observed}
        rounds = 0
        while True:
            keys = [holding_key(entry.resource) for entry in others] + [entry_key(entry) for entry in others]
            keys += [key_(resource) for resource in unobserved for key_ in (holding_key, observed_key)]
            keys += [account_key(account) for account in accounts]
            items = self._calls.get(keys + [event_key(entry.event) for entry in finished])
            writes, lost, ends = self._entries(others, unobserved, items)
            undone = {entry.event for entry in others if isinstance(entry, Ended) and entry.resource in lost}
            for entry in finished:
                at = event_key(entry.event)
                if at in items and "finished" not in items[at] and entry.event not in undone:
                    ends[at] = finish(at, entry.at)
            try:
                self._calls.write(writes, ends)
            except ConditionFailed:
                rounds += 1
                self._calls.wait(rounds)
                continue
            return lost

    def _claims(
        self,
        created: Sequence[Created],
        owned: Sequence[Owned],
        items: Mapping[Key, Item],
        states: dict[ResourceKey, HoldingState],
    ) -> tuple[Writes, Writes, dict[ResourceKey, HoldingState]]:
        """The writes of resources, the writes of events, and the new state of each resource."""
        before = dict(states)
        key_ids = {creation.event: creation.actor.access_key_id for creation in created}
        decisions: dict[EventKey, StoredDecision] = {}
        writes: Writes = {}
        events: Writes = {}
        for entry in owned:
            known = decisions.get(entry.event) or self._decided(items.get(event_key(entry.event)))
            if known is None or known.provisional:
                known = StoredDecision(entry.owner, entry.tags, entry.decided_at, entry.provisional)
            decisions[entry.event] = known
            at = entry_key(entry)
            kept = self._read(Owned, items[at]["body"]["S"]) if at in items else None
            if kept is None or (kept.provisional and kept != entry):
                writes[at] = put(at, entry_body(entry) | key_link(entry, key_ids.get(entry.event)))
                writes |= links(entry)
            state = states[entry.resource]
            states[entry.resource] = replace(state, holding=apply_claim(state.holding, entry.holding, state.deletions))
        for resource, state in states.items():
            if state != before[resource]:
                writes[holding_key(resource)] = hold(resource, state)
        for creation in created:
            if creation.event in decisions:
                at = event_key(creation.event)
                if at not in items:
                    events[at] = create(at, creation, decisions[creation.event])
                elif decisions[creation.event] != self._decided(items[at]):
                    events[at] = update_decision(at, decisions[creation.event], items[at]["decision"]["S"])
        return writes, events, states

    def _entries(
        self,
        entries: Sequence[Ended | TagChanged | Transferred | Deleted],
        unobserved: Sequence[ResourceKey],
        items: Mapping[Key, Item],
    ) -> tuple[Writes, set[ResourceKey], Writes]:
        """The writes, the resources whose tags were written for a former owner, and the writes when all is written."""
        states: dict[ResourceKey, HoldingState] = {}
        lost: set[ResourceKey] = set()
        writes: Writes = {}
        for entry in entries:
            id_, type_ = id_and_type(entry)
            if entry.resource not in states or (type_ and not states[entry.resource].type):
                states[entry.resource] = self._state(items, entry.resource, id_, type_)
        for resource in unobserved:
            if resource not in states:
                states[resource] = self._state(items, resource, resource.id, "")
        before = dict(states)
        for entry in entries:
            at = entry_key(entry)
            if at not in items:
                writes.setdefault(at, put(at, entry_body(entry)))
            state = states[entry.resource]
            done = apply_entry(state.holding, state.deletions, entry, partial(self._owned, entry.resource))
            states[entry.resource] = replace(state, holding=done.holding, deletions=done.deletions)
            if not done.right:
                lost.add(entry.resource)
        for resource, state in states.items():
            if state != before[resource]:
                writes[holding_key(resource)] = hold(resource, state)
            observed = state.holding.observed if state.holding else None
            if observed and observed != (former.observed if (former := before[resource].holding) else None):
                writes[observed_key(resource)] = observe(resource, observed)
                if account_key(resource.account) not in items:
                    writes[account_key(resource.account)] = observe_in(resource.account, observed)
        ends: Writes = {}
        for resource in unobserved:
            held, at = states[resource].holding, observed_key(resource)
            if "link" in items.get(at, {}) and (held is None or held.outcome is not None):
                ends[at] = end_observation(resource, items[at])
        return writes, lost, ends

    # --- reading

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """The resources with these keys that are known."""
        return self._known(holding_key(key) for key in keys)

    def by_id(self, id_: str) -> list[KnownResource]:
        """The resources with this id, name or ARN. An ARN ends with the id, after a colon or a slash."""
        if not is_arn(id_):
            named = ((pk, HOLDING) for pk, _ in self._index(BY_LINK, "link", joined("name", id_)))
            return self._known([*self._index(BY_ID, "id", id_), *named])
        found = self._known(at for end in tails(id_) for at in self._index(BY_ID, "id", end))
        return [known for known in found if known.key.arn == id_]

    def by_owner(self, name: str, limit: int = 1000) -> list[KnownResource]:
        """The resources of this owner, at most so many."""
        return self._known(self._index(BY_OWNER, "owner", name, limit)) if name else []

    def by_access_key(self, key_id: str, limit: int = 1000) -> list[KeySpan]:
        """What calls that this access key signed have made: the latest first, at most so many."""
        items = list(
            self._calls.query(
                limit,
                IndexName=BY_LINK,
                KeyConditionExpression="#link = :link",
                ExpressionAttributeNames={"#link": "link"},
                ExpressionAttributeValues={":link": {"S": key_link_of(key_id)}},
                ScanIndexForward=False,
            )
        )
        known = {holding_key(one.key): one for one in self._known((item["pk"]["S"], HOLDING) for item in items)}
        spans = {  # a decision that was taken anew under another name has an item of its own
            (holding, item["since"]["N"]): KeySpan(known[holding], datetime.fromtimestamp(int(item["since"]["N"]), UTC))
            for item in items
            if (holding := (item["pk"]["S"], HOLDING)) in known
        }
        return list(spans.values())

    def by_parent(self, parent: str) -> list[KnownResource]:
        """The resources that this one made, or that belong to it."""
        found = self._index(BY_LINK, "link", joined("parent", parent))
        return self._known((pk, HOLDING) for pk, _ in found)

    def by_address(self, address: str) -> list[AddressSpan]:
        """The resources that had this address, the earliest first."""
        found = self._calls.get(self._index(BY_LINK, "link", joined("address", address)))
        known = {
            holding_key(known_resource.key): known_resource
            for known_resource in self._known((pk, HOLDING) for pk, _ in found)
        }
        spans = [
            AddressSpan(known[pk, HOLDING], address, datetime.fromtimestamp(int(item["since"]["N"]), UTC))
            for (pk, _), item in found.items()
            if (pk, HOLDING) in known
        ]
        return sorted(spans, key=lambda span: (span.since, span.known.key))

    def observed_accounts(self) -> list[str]:
        """The accounts in which anything was ever observed."""
        items = self._calls.get(self._index(BY_LINK, "link", OBSERVED_IN))
        return sorted(item["account"]["S"] for item in items.values())

    def observed(self, account: str, size: int) -> Iterator[list[KnownResource]]:
        """What was observed in an account and is not `Unobserved` yet: the earliest first, so many at a time."""
        found = self._index_keys(BY_LINK, "link", observed_link(account), page=size)
        while page := list(islice(found, size)):
            linked = [at for at, item in self._calls.get(page).items() if "link" in item]  # the index lags behind
            yield self._known((pk, HOLDING) for pk, _ in linked)

    def living(self, account: str, region: str, size: int) -> Iterator[list[KnownResource]]:
        """The resources of an account and Region of which no deletion is known, so many at a time."""
        found = self._index_keys(BY_LINK, "link", living_link(account, region), page=size)
        while page := list(islice(found, size)):
            there = [one for one in self._known(page) if is_living(one.holding)]  # the index lags behind
            if there:
                yield there

    def history(self, key: ResourceKey) -> list[HistoryEntry]:
        """All that is kept of a resource, in order."""
        entries = self._calls.query(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :entry)",
            ExpressionAttributeValues={":pk": {"S": holding_key(key)[0]}, ":entry": {"S": joined("entry")}},
            ConsistentRead=True,
        )
        return sorted_history([self._read(KINDS[item["kind"]["S"]], item["body"]["S"]) for item in entries])

    def _owned(self, key: ResourceKey) -> list[Owned]:
        return [history_entry for history_entry in self.history(key) if isinstance(history_entry, Owned)]

    def creation(self, event: EventKey) -> Created | None:
        """The creation by this event."""
        item = self._calls.get([event_key(event)]).get(event_key(event))
        return self._read(Created, item["body"]["S"]) if item else None

    def _index(self, index: str, attribute: str, value: str, limit: int | None = None) -> list[Key]:
        return list(self._index_keys(index, attribute, value, limit))

    def _index_keys(
        self, index: str, attribute: str, value: str, limit: int | None = None, page: int | None = None
    ) -> Iterator[Key]:
        items = self._calls.query(
            limit,
            page,
            IndexName=index,
            KeyConditionExpression="#attribute = :value",
            ExpressionAttributeNames={"#attribute": attribute},
            ExpressionAttributeValues={":value": {"S": value}},
        )
        return ((item["pk"]["S"], item["sk"]["S"]) for item in items)

    def _known(self, keys: Iterable[Key]) -> list[KnownResource]:
        wanted = list(dict.fromkeys(keys))
        items = self._calls.get(wanted)
        found = []
        for at in wanted:
            if at in items:
                item = items[at]
                resource = ResourceKey(item["account"]["S"], item["region"]["S"], item["arn"]["S"])
                state = self._state(items, resource, "", "")
                if state.holding is not None:
                    found.append(KnownResource(resource, state.id, state.type, state.holding))
        return found

    def _state(self, items: Mapping[Key, Item], resource: ResourceKey, id_: str, type_: str) -> HoldingState:
        item = items.get(holding_key(resource))
        if item is None:
            return HoldingState(id_, type_)
        return HoldingState(
            item["id"]["S"] if item["type"]["S"] or not type_ else id_,
            item["type"]["S"] or type_,
            self._read(Holding, item["body"]["S"]) if "body" in item else None,
            tuple(datetime.fromisoformat(deletion["S"]) for deletion in item["deletions"]["L"]),
            int(item["version"]["N"]),
        )

    def _decided(self, item: Item | None) -> StoredDecision | None:
        return self._read(StoredDecision, item["decision"]["S"]) if item else None

    def _read(self, type_: type[T], body: str) -> T:
        try:
            value: T = decoder(type_).decode(body)  # type: ignore[arg-type] # a class can be hashed
        except msgspec.DecodeError as error:
            where = f"ledger {self._calls.table}"
            raise LedgerError(
                f"{where}: holds what this ownertag can't read ({error}): is it of a newer one?"
            ) from error
        return value
