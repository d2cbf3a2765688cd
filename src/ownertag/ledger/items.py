"""Items of the table: their keys, what they hold, and the condition on which each is written."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from ownertag.core.ownership import EventKey, Holding, ResourceKey
from ownertag.ledger.codec import Decided, json
from ownertag.ledger.dynamodb_client import Item, Key
from ownertag.ledger.entries import Created, HistoryEntry, Owned, entry_identity, truncated
from ownertag.ledger.table import joined, key

Writes = dict[Key, dict[str, Any]]


class HoldingState(Struct, frozen=True):
    """A resource as it was read, and as it is to be written: `version` is that of what was read, 0 if nothing was."""

    id: str
    type: str
    holding: Holding | None = None
    deletions: tuple[datetime, ...] = ()
    version: int = 0


HOLDING = joined("holding")


def event_key(event: EventKey) -> Key:
    """A creation's item."""
    return key(("event", event.account, event.region, event.event_id), ("event",))


@lru_cache(maxsize=4096)  # asked for ten times in a batch
def holding_key(resource: ResourceKey) -> Key:
    """The item that says whose a resource is."""
    return key(("resource", resource.account, resource.region, resource.arn), ("holding",))


def entry_key(entry: HistoryEntry) -> Key:
    """An entry's item: the same for the same entry."""
    pk, _ = holding_key(entry.resource)
    # The kind alone tells entries from the rest, also where the whole is replaced by its hash.
    return pk, joined("entry") + key((), entry_identity(entry))[1]


def entry_body(entry: HistoryEntry) -> Item:
    """What an entry's item holds."""
    return {"body": {"S": json(entry)}, "kind": {"S": entry_identity(entry)[0]}}


def put(at: Key, item: Item, **condition: Any) -> dict[str, Any]:
    """Write an item."""
    return {"Put": {"Item": {"pk": {"S": at[0]}, "sk": {"S": at[1]}, **item}, **condition}}


def links(owned: Owned) -> Writes:
    """The items by which a resource is found by its addresses and parents."""
    pk, _ = holding_key(owned.resource)
    since = str(int(owned.claim.created_at.timestamp()))
    writes = {}
    for kind, values in (("address", owned.addresses), ("parent", owned.parents)):
        for value in values:
            at = (pk, key((), ("link", kind, value, since))[1])
            writes[at] = put(at, {"link": {"S": joined(kind, value)}, "since": {"N": since}})
    return writes


def hold(resource: ResourceKey, state: HoldingState) -> dict[str, Any]:
    """Whose a resource is, if nobody wrote it since it was read."""
    item: Item = {
        "account": {"S": resource.account},
        "region": {"S": resource.region},
        "arn": {"S": resource.arn},
        "id": {"S": state.id},
        "type": {"S": state.type},
        "deletions": {"L": [{"S": deletion.isoformat()} for deletion in state.deletions]},
        "version": {"N": str(state.version + 1)},
    }
    if state.holding is not None:
        item |= {"body": {"S": json(state.holding)}, "owner": {"S": state.holding.owner.name}}
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if state.version:
        condition = {
            "ConditionExpression": "version = :read",
            "ExpressionAttributeValues": {":read": {"N": str(state.version)}},
        }
    return put(holding_key(resource), item, **condition)


def create(at: Key, created: Created, decided: Decided) -> dict[str, Any]:
    """A creation that is not there yet."""
    item = {"body": {"S": json(truncated(created))}, "decision": {"S": json(decided)}}
    return put(at, item, ConditionExpression="attribute_not_exists(pk)")


def decide(at: Key, decided: Decided, before: str) -> dict[str, Any]:
    """A creation's next decision, if the last is still that which was read."""
    return {
        "Update": {
            "Key": {"pk": {"S": at[0]}, "sk": {"S": at[1]}},
            "UpdateExpression": "SET decision = :new",
            "ConditionExpression": "decision = :old",
            "ExpressionAttributeValues": {":new": {"S": json(decided)}, ":old": {"S": before}},
        }
    }


def finish(at: Key, time: datetime) -> dict[str, Any]:
    """Nothing is left to do for a creation."""
    return {
        "Update": {
            "Key": {"pk": {"S": at[0]}, "sk": {"S": at[1]}},
            "UpdateExpression": "SET finished = if_not_exists(finished, :at)",
            "ExpressionAttributeValues": {":at": {"N": str(int(time.timestamp()))}},
        }
    }
