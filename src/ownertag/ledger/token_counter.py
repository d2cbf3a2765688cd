"""The counter that all functions take tokens from: a number for each account, Region and API, in the ledger's table.

To take tokens is one UpdateItem on a condition, with nothing read before. Times are those of DynamoDB, which gives the
second in each of its answers (doc: DynamoDB API reference, the Date header), so that no function's clock matters. That
all machines of DynamoDB have the same time is from memory. An item takes a thousand writes a second at most (doc: a
partition's write units). Items are never deleted: there are few accounts, Regions and APIs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.aws.pacing import CounterKey
from ownertag.core.server_clock import ServerClock, Span
from ownertag.core.token_leases import NoneFree, Taken
from ownertag.ledger.dynamodb_client import Item
from ownertag.ledger.table import key

#: The version of an item's form; an item of another version is not touched.
VERSION = "1"
#: A call that needs a token does not wait for a table that does not answer: each function has its own part.
CONFIG = Config(
    connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1}, parameter_validation=False
)
#: How often one token is tried for while others take some.
TRIES = 4
#: How many numbers are remembered, to guess the condition of the next update.
MOST = 10_000
_MICRO = 1_000_000


class TableCounter:
    """The counter in a table.

    Args:
        client: A DynamoDB client, made with `CONFIG`.
        table: Its name.
        clock: Seconds that only go forward.
    """

    def __init__(self, client: Any, table: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._told = ServerClock()
        self._until: dict[CounterKey, int] = {}
        self._lock = Lock()
        self.hear(client)

    def hear(self, client: Any) -> None:
        """Learns the time from all answers that this client gets; more answers make it more exact."""
        client.meta.events.register("before-call.dynamodb", self._sent)
        client.meta.events.register("after-call.dynamodb", self._answered)

    def between(self) -> Span | None:
        """The time of the table, as an earliest and a latest value; None if it does not answer."""
        span = self._told.between(self._clock())
        if span is None:
            at = _plain(key(("quota",), ("time",)))
            try:
                self._client.batch_get_item(RequestItems={self._table: {"Keys": [at]}})
            except AWS_ERRORS:
                return None
            span = self._told.between(self._clock())
        return span

    def take(self, key: CounterKey, at: float, cost: float, latest: float) -> Taken | NoneFree | None:
        """Takes tokens that cost so many seconds (see `core.token_leases.take_tokens`); None if it can't be asked."""
        after, costs, last = math.ceil(at * _MICRO), math.ceil(cost * _MICRO), math.floor(latest * _MICRO)
        until = self._until.get(key)
        for _ in range(TRIES):
            if until is None or until < after:
                if after > last:
                    return NoneFree(at)
                answer = self._update(key, *_from(after, costs))
            else:
                answer = self._update(key, *_onwards(after, costs, last))
            if answer is None:
                return None
            taken, item = answer
            if item is None:
                until = None
            else:
                until = _read(item)
                if until is None:
                    return None
                self._remember(key, until)
            if taken and until is not None:
                return Taken((until - costs) / _MICRO)
            if until is not None and until > last:
                break
        return NoneFree((until or after) / _MICRO)

    def _update(
        self, at: CounterKey, expression: str, condition: str, values: dict[str, int]
    ) -> tuple[bool, Item | None] | None:
        """(Whether the condition held, the item as it is now); None if the table does not answer."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=_plain(key(("quota", *at), ("quota",))),
                UpdateExpression=f"{expression}, version = :version",
                ConditionExpression=condition,
                ExpressionAttributeValues={
                    ":version": {"N": VERSION},
                    **{name: {"N": str(value)} for name, value in values.items()},
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if failure_of(error).code == "ConditionalCheckFailedException":
                old: Item | None = error.response.get("Item")  # type: ignore[assignment] # as its model has it
                return False, old or None
            return None
        except AWS_ERRORS:
            return None
        return True, answer["Attributes"]

    def _remember(self, key: CounterKey, until: int) -> None:
        with self._lock:
            if len(self._until) >= MOST:
                self._until.clear()
            self._until[key] = until

    def _sent(self, context: dict[str, Any], **_: object) -> None:
        context["ownertag.sent"] = self._clock()

    def _answered(self, context: dict[str, Any], parsed: dict[str, Any], **_: object) -> None:
        date = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        try:
            second = parsedate_to_datetime(date).timestamp()
        except ValueError:
            return
        received = self._clock()
        with self._lock:
            self._told = self._told.with_answer(second, context["ownertag.sent"], received)


def _read(item: Item) -> int | None:
    """The number of an item; None for an item of another version."""
    until = item.get("full_until", {}).get("N", "")
    return int(until) if item.get("version", {}).get("N") == VERSION and until.isdecimal() else None


def _from(at: int, cost: int) -> tuple[str, str, dict[str, int]]:
    """The update from now on, where no token of the future is taken."""
    condition = "attribute_not_exists(pk) OR (version = :version AND full_until < :at)"
    return "SET full_until = :after", condition, {":at": at, ":after": at + cost}


def _onwards(at: int, cost: int, latest: int) -> tuple[str, str, dict[str, int]]:
    """The update after the tokens that others took."""
    condition = "version = :version AND full_until BETWEEN :at AND :latest"
    return "SET full_until = full_until + :cost", condition, {":at": at, ":latest": latest, ":cost": cost}


def _plain(at: tuple[str, str]) -> Item:
    return {"pk": {"S": at[0]}, "sk": {"S": at[1]}}
