"""The ledger of one version. Run: `python store_process.py`.

Which version it is says the path; this file imports nothing of the tests. It takes a command a line on standard input,
as JSON, and answers with a line: `{"ok": ...}`, or `{"error": ...}` with what was raised. Values are as
`msgspec.to_builtins` has them. The first command opens a ledger; the next `open` another.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, ItemsView, Mapping
from typing import Any

import boto3
import msgspec

from ownertag.core.ownership import EventKey, ResourceKey
from ownertag.core.values import AccountList
from ownertag.ledger import entries as entry_types
from ownertag.ledger.entries import Created, Owned
from ownertag.ledger.opening import kept_accounts, open_counter, open_ledger, read_location

HOME = "eu-central-1"


def _client(more: Any = None) -> Any:
    return boto3.client("dynamodb", region_name=HOME, endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=more)


class _Store:
    def open(self, where: str) -> None:
        """Opens the ledger at a location."""
        self._location = read_location(where)
        self._ledger = open_ledger(self._location, _client)

    def claim(self, created: Any, owned: Any) -> Any:
        """Keeps creations and decisions."""
        return self._ledger.claim(msgspec.convert(created, list[Created]), msgspec.convert(owned, list[Owned])).items()

    def append(self, entries: list[tuple[str, Any]]) -> Any:
        """Keeps entries, each given with the name of its type."""
        return self._ledger.append([msgspec.convert(body, getattr(entry_types, kind)) for kind, body in entries])

    def read(self, keys: Any, events: Any, texts: Mapping[str, list[str]]) -> Any:
        """All that the ledger answers of these keys, events, ids, addresses, parents and owners."""
        resources = msgspec.convert(keys, list[ResourceKey])
        creations = msgspec.convert(events, list[EventKey])
        known = {name: [getattr(self._ledger, f"by_{name}")(text) for text in given] for name, given in texts.items()}
        return {
            "key": [self._ledger.by_key([key]) for key in resources],
            "history": [_named(self._ledger.history(key)) for key in resources],
            "seen": [self._ledger.seen([event]).get(event) for event in creations],
            "creation": [self._ledger.creation(event) for event in creations],
            **known,
        }

    def keep_accounts(self, accounts: Any) -> Any:
        """Keeps the list of accounts."""
        kept = kept_accounts(self._location, _client)
        return None if kept is None else kept.keep(msgspec.convert(accounts, AccountList))

    def accounts(self) -> Any:
        """The list of accounts."""
        kept = kept_accounts(self._location, _client)
        return None if kept is None else kept.read()

    def take(self, key: tuple[str, str, str], at: float, cost: float, latest: float) -> Any:
        """Takes a token from the counter."""
        counter = open_counter(self._location, _client, lambda: 0.0)
        assert counter is not None
        taken = counter.take((key[0], key[1], key[2]), at, cost, latest)
        return None if taken is None else [type(taken).__name__, msgspec.to_builtins(taken)]


def _named(history: list[Any]) -> list[tuple[str, Any]]:
    return [(type(entry).__name__, entry) for entry in history]


def _plain(value: Any) -> Any:
    """As JSON has it; what has no order gets one."""
    if isinstance(value, (set, frozenset)):
        return sorted(map(msgspec.to_builtins, value), key=str)
    if isinstance(value, ItemsView):
        return sorted(([msgspec.to_builtins(key), msgspec.to_builtins(one)] for key, one in value), key=str)
    return msgspec.to_builtins(value)


def _answer(do: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"ok": _plain(do(**values))}
    except Exception as error:  # noqa: BLE001 - what a version raises is what is asked
        return {"error": f"{type(error).__name__}: {error}"}


def _main() -> None:
    store = _Store()
    for line in sys.stdin:
        command = json.loads(line)
        sys.stdout.write(json.dumps(_answer(getattr(store, command.pop("do")), command)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
