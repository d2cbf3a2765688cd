"""A name or an address that comes again is somebody else's: whois tells each person, in whatever order records came."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.hub import A, on_fakes, refusal_of
from harness.events import HOME, instance_id, record
from harness.fakes import NOON, FakeAccounts, FakeAws, Launched
from harness.memory_ledger import MemoryLedger
from ledger.table import TABLE, emulated_table
from ownertag.aws.concurrency import concurrent
from ownertag.core.ownership import ResourceKey
from ownertag.core.values import LaunchedInstance, OutcomeKind, Reason, Unavailable
from ownertag.flows.live import BatchAnswer
from ownertag.flows.result import DeletionKept
from ownertag.flows.whois import Wanted, WhoisAnswer, Window, whois
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.entries import Deleted
from ownertag.ledger.port import LedgerError, Store
from ownertag.ledger.sqlite import SqliteLedger

START = NOON - timedelta(hours=2)
ADDRESS = "10.0.0.5"


@pytest.fixture(params=["memory", "sqlite", "dynamodb"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryLedger()
    elif request.param == "sqlite":
        found = SqliteLedger(tmp_path / "ledger.sqlite")
        yield found
        found.close()
    else:
        with emulated_table() as client:
            yield DynamoLedger(DynamoDBClient(client, TABLE, sleep=lambda _: None, concurrency=concurrent(1)))


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def at(minutes: float) -> Window:
    return Window(after(minutes), after(minutes))


def table_arn(name: str) -> str:
    return f"arn:aws:dynamodb:{HOME}:{A}:table/{name}"


class Records:
    """Records with event ids of their own."""

    def __init__(self) -> None:
        self._number = itertools.count(1)

    def call(self, event: str, user: str, minutes: float, response: Any, request: Any, **fields: Any) -> dict[str, Any]:
        source = fields.pop("source", "dynamodb")
        return record(
            event, A, HOME, response, request, user=user, at=after(minutes), number=next(self._number),
            eventSource=f"{source}.amazonaws.com", **fields,
        )  # fmt: skip

    def create(self, name: str, user: str, minutes: float) -> dict[str, Any]:
        # DynamoDB developer guide, "Logging DynamoDB operations": the answer has the table's description.
        answer = {"tableDescription": {"tableName": name, "tableArn": table_arn(name), "tableStatus": "CREATING"}}
        return self.call("CreateTable", user, minutes, answer, {"tableName": name})

    def delete(self, name: str, user: str, minutes: float, **fields: Any) -> dict[str, Any]:
        answer = {"tableDescription": {"tableName": name, "tableArn": table_arn(name), "tableStatus": "DELETING"}}
        return self.call("DeleteTable", user, minutes, answer, {"tableName": name}, **fields)

    def put_rule(self, name: str, user: str, minutes: float) -> dict[str, Any]:
        answer = {"ruleArn": f"arn:aws:events:{HOME}:{A}:rule/{name}"}
        return self.call("PutRule", user, minutes, answer, {"name": name}, source="events")

    def delete_rule(self, name: str, user: str, minutes: float) -> dict[str, Any]:
        return self.call("DeleteRule", user, minutes, None, {"name": name}, source="events")

    def three_lives(self, name: str) -> list[dict[str, Any]]:
        return [
            self.create(name, "alice", 0),
            self.delete(name, "bob", 10),
            self.create(name, "carol", 20),
            self.delete(name, "dave", 30),
            self.create(name, "erin", 40),
        ]

    def launch(self, id_: str, user: str, minutes: float) -> dict[str, Any]:
        interface = {"networkInterfaceId": id_.replace("i-", "eni-"), "privateIpAddress": ADDRESS}
        item = {"instanceId": id_, "privateIpAddress": ADDRESS, "networkInterfaceSet": {"items": [interface]}}
        answer = {"reservationId": id_.replace("i-", "r-"), "ownerId": A, "instancesSet": {"items": [item]}}
        return self.call("RunInstances", user, minutes, answer, {"instancesSet": {"items": [{}]}}, source="ec2")

    def terminate(self, id_: str, user: str, minutes: float) -> dict[str, Any]:
        listed = {"instancesSet": {"items": [{"instanceId": id_}]}}
        return self.call("TerminateInstances", user, minutes, listed, listed, source="ec2")


def deliver(ledger: Store, *records: dict[str, Any], aws: FakeAws | None = None) -> BatchAnswer:
    answer = on_fakes(aws or FakeAws(), *records, ledger=ledger)
    assert answer.returned == ()
    return answer


def told(ledger: Store, **wanted: Any) -> list[tuple[str, str | None]]:
    """Whose it was, and who deleted it; the latest first."""
    return [(one.owner.name, one.deleted.by if one.deleted else None) for one in ask(ledger, **wanted)]


def ask(ledger: Store, **wanted: Any) -> Sequence[WhoisAnswer]:
    return whois(Wanted(**wanted), ledger).answers


def orders_of(count: int, ledger: Store) -> list[tuple[int, ...]]:
    """Every order of so many records; on moto, which copies the table for each transaction, every fifth."""
    return list(itertools.permutations(range(count)))[:: 5 if isinstance(ledger, DynamoLedger) else 1]


def check_three_lives(ledger: Store, name: str) -> None:
    assert told(ledger, id=name, at=at(5)) == [("alice", "bob")]
    assert told(ledger, id=name, at=at(15)) == []
    assert told(ledger, id=table_arn(name), at=at(25)) == [("carol", "dave")]
    assert told(ledger, id=name, at=at(45)) == [("erin", None)]
    assert told(ledger, id=name) == [("erin", None)]


def test_a_name_that_comes_again_is_each_persons_in_every_order(ledger: Store) -> None:
    """Creation, deletion, new creation: all six orders, each record a batch."""
    records = Records()
    for number, order in enumerate(itertools.permutations(range(3))):
        lives = records.three_lives(f"t-{number}")[:3]
        for index in order:
            deliver(ledger, lives[index])
        assert told(ledger, id=f"t-{number}", at=at(5)) == [("alice", "bob")]
        assert told(ledger, id=f"t-{number}", at=at(15)) == []
        assert told(ledger, id=f"t-{number}") == [("carol", None)]
        [answer] = ask(ledger, id=f"t-{number}", at=at(5))
        assert answer.deleted is not None
        assert (answer.until, answer.deleted.actor.source_address) == (after(10), "192.0.2.1")


def test_three_lives_in_every_order(ledger: Store) -> None:
    """Five records: a name for each of all 120 orders of them; the n-th record of each comes in the n-th round."""
    records, orders = Records(), orders_of(5, ledger)
    lives = [records.three_lives(f"t-{number}") for number in range(len(orders))]
    for turn in range(5):
        for start in range(0, len(orders), 24):
            deliver(ledger, *(lives[n][orders[n][turn]] for n in range(start, start + 24)))
    for number in range(len(orders)):
        check_three_lives(ledger, f"t-{number}")


def test_a_thousand_shuffled_orders_with_repeats(ledger: Store) -> None:
    """Each name's records in an order of its own, a third of them twice, in batches that mix names."""
    # The fake looks at all it has for each name, and moto copies the table for each transaction.
    names = 1000 if isinstance(ledger, SqliteLedger) else 20
    chance, records = random.Random(18), Records()  # noqa: S311 - the same orders each time
    queues = []
    for number in range(names):
        lives = records.three_lives(f"t-{number}")
        lives += chance.sample(lives, 2)
        chance.shuffle(lives)
        queues.append(lives)
    while left := [queue for queue in queues if queue]:
        batch = [queue.pop() for queue in chance.sample(left, min(len(left), 100))]
        deliver(ledger, *batch)
    for number in range(names):
        check_three_lives(ledger, f"t-{number}")


def test_an_upsert_after_a_deletion_begins_a_new_life(ledger: Store) -> None:
    records = Records()
    for number, order in enumerate(orders_of(4, ledger)):
        name, aws = f"nightly-{number}", FakeAws()
        calls = [
            records.put_rule(name, "alice", 0),
            records.put_rule(name, "bob", 5),  # changes it
            records.delete_rule(name, "carol", 10),
            records.put_rule(name, "dave", 20),
        ]
        for index in order:
            deliver(ledger, calls[index], aws=aws)
        owners = [[one.owner.name for one in ask(ledger, id=name, at=at(time))] for time in (7, 25)]
        assert owners == [["alice"], ["dave"]], order


def test_an_address_is_whose_instance_had_it_in_every_order(ledger: Store) -> None:
    """The interface that a launch made ends with its instance, and has no record of its own."""
    for order in itertools.permutations(range(3)):
        fresh = MemoryLedger() if isinstance(ledger, MemoryLedger) else ledger
        if not isinstance(ledger, MemoryLedger) and order != (1, 2, 0):
            continue  # one address, so one order for each store
        records, aws = Records(), FakeAws()
        for number in (1, 2):
            instance = LaunchedInstance(instance_id(number), "running", "/dev/sda1", True, frozenset(), (), ())
            aws.places[A, HOME].launched[instance.id] = Launched(instance, instance.id.replace("i-", "r-"), "")
        calls = [
            records.launch(instance_id(1), "alice", 0),
            records.terminate(instance_id(1), "bob", 10),
            records.launch(instance_id(2), "carol", 20),
        ]
        for index in order:
            deliver(fresh, calls[index], aws=aws)
        then, later = ({one.owner.name for one in ask(fresh, address=ADDRESS, at=at(time))} for time in (5, 25))
        assert (then, later) == ({"alice"}, {"carol"}), order
        assert ask(fresh, address=ADDRESS, at=at(15)) == ()
        assert ("alice", "bob") in told(fresh, address=ADDRESS, at=at(5))


def test_a_hundred_deletions_cost_no_call() -> None:
    """No call in an account, no question about an account, and the ledger is written once for the batch."""
    aws, ledger, records = FakeAws(), MemoryLedger(), Records()
    nobody = FakeAccounts(set(), Unavailable(OutcomeKind.FAILED, "must not be asked"))
    deletions = [records.delete(f"t-{number}", "bob", 10) for number in range(100)]
    answer = on_fakes(aws, *deletions, ledger=ledger, accounts=nobody)
    assert len(answer.done) == 100
    assert all(isinstance(done.result, DeletionKept) for done in answer.done)
    assert aws.calls == []
    assert ledger.calls == ["append"]


def test_the_same_deletion_again_is_one_entry(ledger: Store) -> None:
    records = Records()
    deletion = records.delete("orders", "bob", 10)
    for _ in range(3):
        deliver(ledger, deletion, deletion)
    entries = ledger.history(ResourceKey(A, HOME, table_arn("orders")))
    assert [(type(one), one.by) for one in entries if isinstance(one, Deleted)] == [(Deleted, "bob")]


def test_a_deletion_shares_the_batch_with_creations() -> None:
    ledger, records = MemoryLedger(), Records()
    deliver(ledger, records.create("a", "alice", 0), records.delete("b", "bob", 1), records.create("c", "carol", 2))
    assert ledger.calls.count("append") == 1


def test_while_the_ledger_is_away_deletions_come_back() -> None:
    ledger, records = MemoryLedger(), Records()
    ledger.fails = LedgerError("down")
    deletion, creation = records.delete("orders", "bob", 10), records.create("other", "alice", 0)
    answer = on_fakes(FakeAws(), deletion, creation, ledger=ledger)
    assert len(answer.returned) == 2
    ledger.fails = None
    assert on_fakes(FakeAws(), deletion, creation, ledger=ledger).returned == ()
    assert isinstance(ledger.history(ResourceKey(A, HOME, table_arn("orders")))[0], Deleted)


def test_a_deletion_that_failed_ends_nothing() -> None:
    ledger, records = MemoryLedger(), Records()
    [done] = deliver(ledger, records.delete("orders", "bob", 10, errorCode="ResourceInUseException")).done
    assert refusal_of(done).reason is Reason.FAILED_CALL
    assert ledger.calls == []
