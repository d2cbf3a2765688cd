"""The ledger's table on moto."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from moto import mock_aws

from contracts.emulated import HOME, session
from ownertag.ledger.table import DEFINITION

TABLE = "ownertag"


class OneByOne:
    """A client whose calls wait for each other: moto undoes a failed transaction by putting the whole table back, with
    what others wrote to it meanwhile. AWS isolates transactions; between two calls all can still happen.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.meta = client.meta
        self._lock = Lock()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self._client, operation)

        def alone(**parameters: Any) -> Any:
            with self._lock:
                return call(**parameters)

        return alone


@contextmanager
def emulated_table() -> Iterator[Any]:
    """A client of DynamoDB on moto, with the ledger's table."""
    with mock_aws():
        client = session().client("dynamodb", region_name=HOME)
        client.create_table(TableName=TABLE, **DEFINITION)
        yield OneByOne(client)
