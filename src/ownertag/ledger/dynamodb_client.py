"""Calls DynamoDB for the ledger: in bulk, with retries of unprocessed keys, and errors that say what to do.

Limits: BatchGetItem 100 keys, TransactWriteItems 100 items and 4 MB, an item 400 KB (developer guide: quotas). Codes
and shapes: botocore's model of DynamoDB.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.judge import judge
from ownertag.core.values import OutcomeKind
from ownertag.ledger.port import LedgerError

Item = dict[str, dict[str, Any]]
Key = tuple[str, str]

MOST_KEYS = 100
MOST_ITEMS = 100
MOST_BYTES = 3_500_000
#: How often unprocessed keys are asked for again before they count as throttled.
ROUNDS = 8

_BUSY = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"})


class ConditionFailed(Exception):
    """A condition failed: another writer changed an item meanwhile, and it has to be read again."""


class DynamoDBClient:
    """One table.

    Args:
        client: A DynamoDB client.
        table: Its name.
        sleep: Waits for so many seconds.
        concurrency: Makes several calls at once.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        sleep: Callable[[float], None] = time.sleep,
        concurrency: Concurrency = sequential,
    ) -> None:
        self._client = client
        self.table = table
        self._sleep = sleep
        self._concurrency = concurrency

    def get(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """The items with these keys that are there, as they are now."""
        wanted = [_plain(key) for key in dict.fromkeys(keys)]
        found: dict[Key, Item] = {}
        pages = [wanted[start : start + MOST_KEYS] for start in range(0, len(wanted), MOST_KEYS)]
        self._concurrency([partial(self._page, page, found) for page in pages])
        return found

    def _page(self, left: list[Item], found: dict[Key, Item]) -> None:
        """Puts the items of as many keys as one call takes into `found`."""
        rounds = 0
        while left:
            answer = self._call("batch_get_item", RequestItems={self.table: {"Keys": left, "ConsistentRead": True}})
            for item in answer["Responses"].get(self.table, []):
                found[item["pk"]["S"], item["sk"]["S"]] = item
            left = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            if left:
                rounds += 1
                self.wait(rounds)

    def write(self, writes: Mapping[Key, dict[str, Any]], last: Mapping[Key, dict[str, Any]]) -> None:
        """Writes items (as TransactWriteItems takes them, without the table), in as few transactions as possible.

        The writes of `last` mean that all others are there: their transactions begin when all others have succeeded.

        Raises:
            ConditionFailed: A condition did not hold, or two transactions conflicted. Others may have been written.
        """
        stages = [list(_transactions([*writes.values(), *last.values()]))]
        if len(stages[0]) > 1:
            stages = [list(_transactions(writes.values())), list(_transactions(last.values()))]
        for stage in stages:
            self._concurrency([partial(self._transact, items) for items in stage])

    def _transact(self, items: Sequence[dict[str, Any]]) -> None:
        named = [{kind: {**write, "TableName": self.table} for kind, write in item.items()} for item in items]
        try:
            self._client.transact_write_items(TransactItems=named)
        except ClientError as error:
            codes = {
                str(cancellation_reason.get("Code"))
                for cancellation_reason in error.response.get("CancellationReasons", [])
            } - {"None"}
            if failure_of(error).code == "TransactionCanceledException" and codes:
                if codes <= _BUSY | {"ConditionalCheckFailed"}:
                    raise ConditionFailed from error
                raise LedgerError(f"ledger {self.table}: refused a write ({', '.join(sorted(codes))})") from error
            raise self._error(error) from error
        except AWS_ERRORS as error:
            raise self._error(error) from error

    def query(self, most: int | None = None, page: int | None = None, **query: Any) -> Iterator[Item]:
        """All items that a query finds, at most so many; read by pages of this size, or of DynamoDB's."""
        start: dict[str, Any] = {}
        left = most
        while True:
            limits = [size for size in (left, page) if size is not None]
            limit = {"Limit": min(limits)} if limits else {}
            answer = self._call("query", TableName=self.table, **query, **start, **limit)
            yield from answer["Items"]
            left = None if left is None else left - len(answer["Items"])
            if "LastEvaluatedKey" not in answer or (left is not None and left <= 0):
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def wait(self, rounds: int) -> None:
        """Waits before the next round, longer each time.

        Raises:
            LedgerError: There were too many rounds.
        """
        if rounds >= ROUNDS:
            raise LedgerError(f"ledger {self.table}: is busy: {ROUNDS} tries were not enough", OutcomeKind.THROTTLED)
        self._sleep(random.uniform(0.5, 1.0) * 0.02 * 2**rounds)  # noqa: S311 - no secret

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except AWS_ERRORS as error:
            raise self._error(error) from error
        return answer

    def _error(self, error: Exception) -> LedgerError:
        failure = failure_of(error)
        if failure.code in {"ResourceNotFoundException", "TableNotFoundException"}:
            advice = "there is no such table in this account and Region: is the hub's stack deployed?"
            return LedgerError(f"ledger {self.table}: {advice}", OutcomeKind.FAILED)
        judged = judge(failure, None)
        return LedgerError(f"ledger {self.table}: {judged.reason}", judged.outcome)


def _plain(key: Key) -> Item:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _transactions(writes: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    items: list[dict[str, Any]] = []
    size = 0
    for write in writes:
        length = len(msgspec.json.encode(write))  # never less than what DynamoDB counts
        if items and (len(items) == MOST_ITEMS or size + length > MOST_BYTES):
            yield items
            items, size = [], 0
        items.append(write)
        size += length
    if items:
        yield items
