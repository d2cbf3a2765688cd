"""The behaviour of every counter of tokens: the table's on moto, and the one in memory that simulations use."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from harness.memory_counter import MemoryCounter, SharedCounters
from ledger.table import TABLE, emulated_table
from ownertag.aws.pacing import Counter
from ownertag.core.token_leases import NoneFree, Taken
from ownertag.ledger.table import key
from ownertag.ledger.token_counter import TRIES, TableCounter

KEY = ("111111111111", "eu-central-1", "ec2.CreateTags")
NOON = 1_800_000_000.0


class Time:
    """The table's time, and a function's own clock, which is far from it."""

    def __init__(self) -> None:
        self.now = NOON + 0.25

    def own(self) -> float:
        return self.now - NOON - 4000.0


class Table:
    """A client of DynamoDB on moto: its answers have the test's time, its calls are counted and can fail."""

    def __init__(self, client: Any, time: Time) -> None:
        self.client = client
        self.calls: Counts[str] = Counts()
        self.fails: Exception | None = None
        self.date: Callable[[], str | None] = lambda: formatdate(int(time.now), usegmt=True)
        client.meta.events.register("before-send.dynamodb", self._send)
        client.meta.events.register_first("after-call.dynamodb", self._date)

    def _send(self, event_name: str, **_: object) -> None:
        self.calls[event_name.rpartition(".")[2]] += 1
        if self.fails is not None:
            raise self.fails

    def _date(self, parsed: dict[str, Any], **_: object) -> None:
        headers = parsed["ResponseMetadata"]["HTTPHeaders"]
        headers.pop("date", None)
        if (date := self.date()) is not None:
            headers["date"] = date


Opener = Callable[[], Counter]


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def table(time: Time) -> Iterator[Table]:
    with emulated_table() as client:
        yield Table(client, time)


@pytest.fixture(params=["memory", "dynamodb"])
def opener(request: pytest.FixtureRequest, time: Time) -> Opener:
    """Opens the same counter, each time for another function."""
    if request.param == "memory":
        numbers = SharedCounters()
        return lambda: MemoryCounter(numbers, lambda: time.now)
    found: Table = request.getfixturevalue("table")
    return lambda: TableCounter(found.client, TABLE, time.own)


def test_a_new_number_begins_now(opener: Opener) -> None:
    assert opener().take(KEY, NOON, 0.5, NOON) == Taken(NOON)


def test_all_functions_take_one_after_the_other(opener: Opener) -> None:
    one, other = opener(), opener()
    bases = [counter.take(KEY, NOON, 0.25, NOON + 9) for counter in (one, other, other, one)]
    assert bases == [Taken(NOON), Taken(NOON + 0.25), Taken(NOON + 0.5), Taken(NOON + 0.75)]


def test_what_is_over_is_not_used_later(opener: Opener) -> None:
    counter = opener()
    counter.take(KEY, NOON, 0.25, NOON)
    assert counter.take(KEY, NOON + 60, 0.25, NOON + 60) == Taken(NOON + 60)
    assert opener().take(KEY, NOON + 120, 0.25, NOON + 120) == Taken(NOON + 120)


def test_where_all_are_taken_nothing_is_changed(opener: Opener) -> None:
    counter = opener()
    counter.take(KEY, NOON, 5.0, NOON)
    for function in (counter, opener()):
        assert function.take(KEY, NOON, 1.0, NOON + 4.999999) == NoneFree(NOON + 5)
    assert counter.take(KEY, NOON, 1.0, NOON + 5) == Taken(NOON + 5)


def test_a_token_that_comes_too_late_for_a_new_number_is_not_taken(opener: Opener) -> None:
    counter = opener()
    assert isinstance(counter.take(KEY, NOON, 1.0, NOON - 1), NoneFree)
    assert counter.take(KEY, NOON - 5, 1.0, NOON) == Taken(NOON - 5)


@pytest.mark.parametrize("other", [("111111111111", "eu-central-1", "ec2.CreateTag"), ("1", "", ""), ("", "1", "")])
def test_each_account_region_and_api_has_a_number_of_its_own(opener: Opener, other: tuple[str, str, str]) -> None:
    counter = opener()
    counter.take(KEY, NOON, 100.0, NOON)
    assert counter.take(other, NOON, 1.0, NOON) == Taken(NOON)


def test_who_asks_at_the_same_moment_gets_another(opener: Opener) -> None:
    functions = [opener() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: functions[number % 4].take(KEY, NOON, 1.0, NOON + 99), range(24)))
    bases = [answer.base for answer in found if isinstance(answer, Taken)]
    assert sorted(bases) == [NOON + number for number in range(len(bases))]
    assert len(bases) >= 24 - TRIES


def test_the_time_is_the_counters_however_wrong_a_functions_clock_is(opener: Opener, time: Time) -> None:
    counter = opener()
    for _ in range(12):
        span = counter.between()
        assert span is not None
        assert span[0] <= time.now <= span[1]
        counter.take(KEY, span[1], 0.01, span[1] + 99)
        time.now += 0.3
    last = counter.between()
    assert last is not None
    assert last[1] - last[0] < 0.5


# --- the table's


def test_a_token_costs_one_call_while_there_are_some_and_while_there_are_none(table: Table, time: Time) -> None:
    counter = TableCounter(table.client, TABLE, time.own)
    for number in range(5):  # idle, then busy
        counter.take(KEY, NOON + 100 * number, 0.5, NOON + 100 * number)
    assert table.calls == {"UpdateItem": 5}
    for _ in range(5):
        assert isinstance(counter.take(KEY, NOON + 400, 1.0, NOON + 600), Taken)
    assert table.calls == {"UpdateItem": 10}
    for _ in range(5):
        assert isinstance(counter.take(KEY, NOON + 400, 1.0, NOON + 401), NoneFree)
    assert table.calls == {"UpdateItem": 15}
    # Who does not know where it stands guesses wrong once.
    assert isinstance(TableCounter(table.client, TABLE, time.own).take(KEY, NOON + 400, 1.0, NOON + 600), Taken)
    assert table.calls == {"UpdateItem": 17}


def test_the_time_costs_a_call_only_while_no_answer_told_it(table: Table, time: Time) -> None:
    counter = TableCounter(table.client, TABLE, time.own)
    assert counter.between() == pytest.approx((NOON, NOON + 1))
    assert table.calls == {"BatchGetItem": 1}
    counter.take(KEY, NOON, 0.5, NOON)
    counter.between()
    assert table.calls == {"BatchGetItem": 1, "UpdateItem": 1}


def test_it_learns_the_time_from_the_ledgers_own_calls(table: Table, time: Time) -> None:
    counter = TableCounter(table.client, TABLE, time.own)
    table.client.query(
        TableName=TABLE, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "none"}}
    )
    assert counter.between() == pytest.approx((NOON, NOON + 1))
    assert table.calls == {"Query": 1}


def test_a_table_that_does_not_answer_gives_none_and_no_time(table: Table, time: Time) -> None:
    counter = TableCounter(table.client, TABLE, time.own)
    table.fails = ReadTimeoutError(endpoint_url="https://dynamodb.eu-central-1.amazonaws.com")
    assert counter.between() is None
    assert counter.take(KEY, NOON, 1.0, NOON) is None
    table.fails = None
    assert counter.take(KEY, NOON, 1.0, NOON) == Taken(NOON)


def test_a_table_that_is_not_there_gives_none(table: Table, time: Time) -> None:
    counter = TableCounter(table.client, "none", time.own)
    assert counter.between() is None
    assert counter.take(KEY, NOON, 1.0, NOON) is None


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_an_answer_without_a_time_tells_none(table: Table, time: Time, date: str | None) -> None:
    table.date = lambda: date
    assert TableCounter(table.client, TABLE, time.own).between() is None


def test_an_item_of_another_form_is_left_alone(table: Table, time: Time) -> None:
    pk, sk = key(("quota", *KEY), ("quota",))
    other = {"pk": {"S": pk}, "sk": {"S": sk}, "version": {"N": "2"}, "places": {"S": "what a newer one keeps"}}
    table.client.put_item(TableName=TABLE, Item=other)
    assert TableCounter(table.client, TABLE, time.own).take(KEY, NOON, 1.0, NOON + 9) is None
    [left] = table.client.scan(TableName=TABLE)["Items"]
    assert left == other


@pytest.mark.parametrize("full_until", [{}, {"full_until": {"NULL": True}}, {"full_until": {"N": "1E+30"}}])
def test_an_item_that_does_not_say_where_it_stands_is_left_alone(
    table: Table, time: Time, full_until: dict[str, Any]
) -> None:
    pk, sk = key(("quota", *KEY), ("quota",))
    item = {"pk": {"S": pk}, "sk": {"S": sk}, "version": {"N": "1"}} | full_until
    table.client.put_item(TableName=TABLE, Item=item)
    assert TableCounter(table.client, TABLE, time.own).take(KEY, NOON, 1.0, NOON + 9) is None


def test_an_item_stands_in_no_index_of_the_ledger(table: Table, time: Time) -> None:
    TableCounter(table.client, TABLE, time.own).take(KEY, NOON, 1.0, NOON)
    [item] = table.client.scan(TableName=TABLE)["Items"]
    assert set(item) == {"pk", "sk", "version", "full_until"}
