"""Items of the table: their keys, what they hold, and the condition on which each is written."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from ownertag.core.ownership import EventKey, Holding, Observation, ResourceKey, is_living
from ownertag.ledger.codec import StoredDecision, json, truncated
from ownertag.ledger.dynamodb_client import Item, Key
from ownertag.ledger.entries import Created, HistoryEntry, Owned, entry_identity, names_of
from ownertag.ledger.table import joined, key

Writes = dict[Key, dict[str, Any]]


class HoldingState(Struct, frozen=True):
    """The state of a resource. `version` is that of the item that was read, 0 if there was none."""

    id: str
    type: str
    holding: Holding | None = None
    deletions: tuple[datetime, ...] = ()
    version: int = 0


HOLDING = joined("holding")


def event_key(event: EventKey) -> Key:
    """The key of a creation's item."""
    return key(("event", event.account, event.region, event.event_id), ("event",))


@lru_cache(maxsize=4096)  # asked for ten times in a batch
def holding_key(resource: ResourceKey) -> Key:
    """The key of the item that has a resource's owner."""
    return key(("resource", resource.account, resource.region, resource.arn), ("holding",))


def entry_key(entry: HistoryEntry) -> Key:
    """The key of an entry's item: the same for the same entry."""
    pk, _ = holding_key(entry.resource)
    # The first part tells entries from other items, also where the rest is replaced by its hash.
    return pk, joined("entry") + key((), entry_identity(entry))[1]


def entry_body(entry: HistoryEntry) -> Item:
    """The attributes of an entry's item."""
    return {"body": {"S": json(entry)}, "kind": {"S": entry_identity(entry)[0]}}


def put(at: Key, item: Item, **condition: Any) -> dict[str, Any]:
    """The write of an item."""
    return {"Put": {"Item": {"pk": {"S": at[0]}, "sk": {"S": at[1]}, **item}, **condition}}


def links(owned: Owned) -> Writes:
    """The items by which a resource is found by its addresses and parents, and by its name where that is not its id."""
    pk, _ = holding_key(owned.resource)
    since = str(int(owned.claim.created_at.timestamp()))
    writes = {}
    for kind, values in (("address", owned.addresses), ("parent", owned.parents), ("name", names_of(owned))):
        for value in values:
            at = (pk, key((), ("link", kind, value, since))[1])
            writes[at] = put(at, {"link": {"S": joined(kind, value)}, "since": {"N": since}})
    return writes


def key_link(owned: Owned, key_id: str | None) -> Item:
    """The attributes of a decision's item by which it is found by the access key of its creation.

    They are the item's own, and no item beside it: a launch has hundreds of resources. What 0.1.0 writes anew, a
    decision for which something was awaited, loses them.
    """
    since = str(int(owned.claim.created_at.timestamp()))
    return {"link": {"S": key_link_of(key_id)}, "since": {"N": since}} if key_id else {}


def key_link_of(key_id: str) -> str:
    """What these items of one access key have in common."""
    return joined("access-key", key_id)


def observed_key(resource: ResourceKey) -> Key:
    """The key of the item by which what was observed in an account is found."""
    pk, _ = holding_key(resource)
    return pk, key((), ("link", "observed", resource.account))[1]


def observed_link(account: str) -> str:
    """What those items have in common."""
    return joined("observed", account)


#: The same of the items of `account_key`.
OBSERVED_IN = joined("observed-in")


def account_key(account: str) -> Key:
    """The key of the item that says that something was observed in an account."""
    return key(("observed-in", account), ("account",))


def account_of(pk: str) -> str:
    """The account of such an item, by its partition key."""
    return pk.rpartition(":")[2]


def observe(resource: ResourceKey, observed: Observation) -> dict[str, Any]:
    """The write by which a resource is found among those of its account that wait for their tags."""
    link, since = observed_link(resource.account), str(int(observed.at.timestamp()))
    item = {"link": {"S": link}, "since": {"N": since}, "at": {"S": observed.at.isoformat()}}
    return put(observed_key(resource), item)


def end_observation(resource: ResourceKey, item: Item) -> dict[str, Any]:
    """The write that takes a resource off that list, on condition that nobody observed it since the item was read.

    Without its link it is in no index. (The function may delete nothing.)
    """
    condition = {"ConditionExpression": "#at = :read", "ExpressionAttributeNames": {"#at": "at"}}
    return put(observed_key(resource), {}, **condition, ExpressionAttributeValues={":read": item["at"]})


def observe_in(account: str, observed: Observation) -> dict[str, Any]:
    """The write that says that something was observed in an account, on condition that nothing says so yet."""
    since = {"N": str(int(observed.at.timestamp()))}
    item = {"link": {"S": OBSERVED_IN}, "since": since, "account": {"S": account}}
    return put(account_key(account), item, ConditionExpression="attribute_not_exists(pk)")


def living_link(account: str, region: str) -> str:
    """What the items of resources have in common that are there in an account and Region as far as is known.

    It is the holding's own attribute, so that it costs no item: one write of the index when a resource is claimed, and
    one when its deletion becomes known.
    """
    return joined("living", account, region)


def hold(resource: ResourceKey, state: HoldingState) -> dict[str, Any]:
    """The write of a resource's state, on condition that nobody wrote it since it was read."""
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
        if is_living(state.holding):
            since = str(int(state.holding.claim.created_at.timestamp()))
            item |= {"link": {"S": living_link(resource.account, resource.region)}, "since": {"N": since}}
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if state.version:
        condition = {
            "ConditionExpression": "version = :read",
            "ExpressionAttributeValues": {":read": {"N": str(state.version)}},
        }
    return put(holding_key(resource), item, **condition)


def create(at: Key, created: Created, decided: StoredDecision) -> dict[str, Any]:
    """The write of a creation, on condition that it is not there yet."""
    item = {"body": {"S": json(truncated(created))}, "decision": {"S": json(decided)}}
    return put(at, item, ConditionExpression="attribute_not_exists(pk)")


def update_decision(at: Key, decided: StoredDecision, before: str) -> dict[str, Any]:
    """The write of a creation's next decision, on condition that the last one is still that which was read."""
    return {
        "Update": {
            "Key": {"pk": {"S": at[0]}, "sk": {"S": at[1]}},
            "UpdateExpression": "SET decision = :new",
            "ConditionExpression": "decision = :old",
            "ExpressionAttributeValues": {":new": {"S": json(decided)}, ":old": {"S": before}},
        }
    }


def finish(at: Key, time: datetime) -> dict[str, Any]:
    """The write that marks a creation as finished."""
    return {
        "Update": {
            "Key": {"pk": {"S": at[0]}, "sk": {"S": at[1]}},
            "UpdateExpression": "SET finished = if_not_exists(finished, :at)",
            "ExpressionAttributeValues": {":at": {"N": str(int(time.timestamp()))}},
        }
    }
