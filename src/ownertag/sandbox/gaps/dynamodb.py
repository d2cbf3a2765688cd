"""DynamoDB's TransactWriteItems: moto copies the whole table for each item, and a ledger would take minutes to fill."""

from __future__ import annotations

import copy
from collections import defaultdict
from threading import local
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from ownertag.sandbox.calls import Call, Next, Response

_HERE = local()


def transact_write_items(call: Call, account: str, next_: Next) -> Response:
    """Answers by moto, with copies of what the transaction touches alone: they are put back if it fails."""
    backend = dynamodb_backends[account][call.region]
    before: dict[tuple[str, Any], dict[Any, Any] | None] = {}  # the items below each hash key
    for item in call.json().get("TransactItems", []):
        [write] = item.values()
        table = backend.tables.get(write.get("TableName", ""))
        if table is None:
            continue
        key = write.get("Key") or write.get("Item", {})
        hash_key, range_key = (DynamoType(key[name]) for name in (table.hash_key_attr, table.range_key_attr))
        held = before.setdefault((table.name, hash_key), _copied(table.items.get(hash_key)))
        if held is not None and range_key in held:
            held[range_key] = copy.deepcopy(held[range_key])
    _HERE.kept = True
    try:
        answer = next_(call)
    finally:
        _HERE.kept = False
    if answer.failed:
        for (name, hash_key), held in before.items():
            items = backend.tables[name].items
            if held is None:
                items.pop(hash_key, None)
            else:
                items[hash_key] = held
    return answer


def _copied(items: dict[Any, Any] | None) -> dict[Any, Any] | None:
    return None if items is None else dict(items)


def _shallow(table: Any, _: dict[int, Any]) -> Any:
    """A copy that shares the items; those that a transaction changes are kept above, or else all dictionaries here."""
    copied = copy.copy(table)
    if not getattr(_HERE, "kept", False):
        copied.items = defaultdict(dict, {key: dict(items) for key, items in table.items.items()})
    return copied


Table.__deepcopy__ = _shallow  # type: ignore[attr-defined] # moto copies tables in transactions alone
