"""The DynamoDB table: its keys and indexes. `render/templates/hub.yaml` has the same, and a test compares them.

One table. `pk` and `sk` of an item:

| item | pk | sk |
|---|---|---|
| a creation: Created, its decision, whether it is finished | event, account, Region, event id | event |
| the owner of a resource (derived; `link` while it is there: living, account, Region) | resource, ... ARN | holding |
| an entry of a resource (`link` of a decision: access-key, its id) | the same | entry, kind, event id, detail |
| an address or a parent of a resource, or its name where that is not its id | the same | link, kind, value, time |
| what was observed, and waits for its tags (`link`: observed, account) | the same | link, observed, account |
| that something was observed in an account (`link`: observed-in) | observed-in, account | account |
| the organization's accounts, of which only the newest list is kept | accounts | list |
| up to when the tokens of an API are taken (`counter`); no part of the ledger | quota, account, Region, API | quota |

Only the items that an index is for have its attribute.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

# DynamoDB takes 2,048 bytes of a partition key and 1,024 of a sort key (developer guide: constraints).
_MOST = {"pk": 2000, "sk": 1000}

BY_ID, BY_OWNER, BY_LINK = "by-id", "by-owner", "by-link"


def _index(name: str, hash_key: str, range_key: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": hash_key, "KeyType": "HASH"},
            {"AttributeName": range_key, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


#: What CreateTable takes beside a name.
DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in (("pk", "S"), ("sk", "S"), ("id", "S"), ("owner", "S"), ("link", "S"), ("since", "N"))
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        _index(BY_ID, "id", "pk"),
        _index(BY_OWNER, "owner", "pk"),
        _index(BY_LINK, "link", "since"),
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def joined(*parts: str, most: int | None = None) -> str:
    """One text of several, such that two different lists never give the same: each part has its length before it.

    A text longer than `most` bytes is replaced by its hash, which no joined text can look like: those begin with a
    digit.
    """
    text = "".join(f"{len(part)}:{part}" for part in parts)
    if most is not None and len(text.encode()) > most:
        return f"sha256-{sha256(text.encode()).hexdigest()}"
    return text


def key(pk: tuple[str, ...], sk: tuple[str, ...]) -> tuple[str, str]:
    """The key of an item."""
    return joined(*pk, most=_MOST["pk"]), joined(*sk, most=_MOST["sk"])
