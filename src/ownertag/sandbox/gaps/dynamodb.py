"""DynamoDB's TransactWriteItems: moto copies the whole table for each, so that a ledger would take minutes to fill."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from ownertag.sandbox.calls import Call, Next, Response


def transact_write_items(call: Call, account: str, next_: Next) -> Response:
    """Answers by moto, with copies of what the transaction touches alone: they are put back if it fails."""
    backend = dynamodb_backends[account][call.region]
    touched: list[tuple[str, Any, Any, Any]] = []
    for item in call.json().get("TransactItems", []):
        [write] = item.values()
        table = backend.tables.get(write.get("TableName", ""))
        if table is None:
            continue
        key = write.get("Key") or write.get("Item", {})
        hash_key, range_key = (DynamoType(key[name]) for name in (table.hash_key_attr, table.range_key_attr))
        held = table.items.get(hash_key, {}).get(range_key)
        if held is not None:
            touched.append((table.name, hash_key, range_key, copy.deepcopy(held)))
    answer = next_(call)
    if answer.failed:
        for name, hash_key, range_key, held in touched:
            backend.tables[name].items[hash_key][range_key] = held
    return answer


def _shallow(table: Any, _: dict[int, Any]) -> Any:
    """A copy that shares the items; those that a transaction changes in place are kept above."""
    copied = copy.copy(table)
    copied.items = defaultdict(dict, {key: dict(items) for key, items in table.items.items()})
    return copied


Table.__deepcopy__ = _shallow  # type: ignore[attr-defined] # moto copies tables in transactions alone
