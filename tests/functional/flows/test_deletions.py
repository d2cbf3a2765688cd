"""A name or an address that comes again is somebody else's: whois tells each person, in whatever order records came."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.hub import A, B, on_fakes, refusal_of
from harness.events import CATALOGUE, HOME, SETTINGS, instance_id, record
from harness.fakes import NOON, FakeAccounts, FakeAws, Launched, fake_ports
from harness.memory_ledger import MemoryLedger
from harness.sampling import FULL
from ledger.table import TABLE, emulated_table
from ownertag.aws.concurrency import concurrent
from ownertag.core.ownership import ResourceKey
from ownertag.core.parse import parse_record
from ownertag.core.values import LaunchedInstance, OutcomeKind, Reason, Unavailable
from ownertag.flows.live import BatchAnswer
from ownertag.flows.result import DeletionKept
from ownertag.flows.tag import results
from ownertag.flows.whois import Wanted, WhoisAnswer, Window, whois
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.entries import Deleted
from ownertag.ledger.port import LedgerError, Store
from ownertag.ledger.sqlite import SqliteLedger

START = NOON - timedelta(hours=2)


@pytest.fixture(params=["memory", "sqlite", "dynamodb"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with opened(request.param, tmp_path / "ledger.sqlite") as found:
        yield found


@contextmanager
def opened(store: str, file: Path) -> Iterator[Store]:
    if store == "memory":
        yield MemoryLedger()
    elif store == "sqlite":
        found = SqliteLedger(file)
        yield found
        found.close()
    else:
        with emulated_table() as client:
            yield DynamoLedger(DynamoDBClient(client, TABLE, sleep=lambda _: None, concurrency=concurrent(1)))


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def at(minutes: float) -> Window:
    return Window(after(minutes), after(minutes))


def address_of(number: int) -> str:
    return f"10.0.{number // 250}.{number % 250 + 1}"


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

    def launch(self, id_: str, user: str, minutes: float, address: str) -> dict[str, Any]:
        interface = {"networkInterfaceId": id_.replace("i-", "eni-"), "privateIpAddress": address}
        item = {"instanceId": id_, "privateIpAddress": address, "networkInterfaceSet": {"items": [interface]}}
        answer = {"reservationId": id_.replace("i-", "r-"), "ownerId": A, "instancesSet": {"items": [item]}}
        return self.call("RunInstances", user, minutes, answer, {"instancesSet": {"items": [{}]}}, source="ec2")

    def create_role(self, path: str, name: str, user: str, minutes: float) -> dict[str, Any]:
        role = {"path": path, "roleName": name, "arn": f"arn:aws:iam::{A}:role{path}{name}"}
        request = {"roleName": name, "path": path}
        return self.call("CreateRole", user, minutes, {"role": role}, request, source="iam", awsRegion="us-east-1")

    def delete_role(self, name: str, user: str, minutes: float) -> dict[str, Any]:
        request = {"roleName": name}
        return self.call("DeleteRole", user, minutes, None, request, source="iam", awsRegion="us-east-1")

    def address_again(self, aws: FakeAws, number: int) -> list[dict[str, Any]]:
        """An instance, its end, and another with the same address."""
        ids = [instance_id(2 * number + 1), instance_id(2 * number + 2)]
        for id_ in ids:
            instance = LaunchedInstance(id_, "running", "/dev/sda1", True, frozenset(), (), ())
            aws.places[A, HOME].launched[id_] = Launched(instance, id_.replace("i-", "r-"), "")
        address = address_of(number)
        return [
            self.launch(ids[0], "alice", 0, address),
            self.terminate(ids[0], "bob", 10),
            self.launch(ids[1], "carol", 20, address),
        ]

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
    """Every order of so many records; on moto, which copies the table for each transaction, all in a full run alone."""
    orders = list(itertools.permutations(range(count)))
    return orders if FULL or not isinstance(ledger, DynamoLedger) else orders[::5]


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


@pytest.mark.parametrize("store", ["sqlite", "dynamodb"])
@pytest.mark.timeout(1800)
def test_names_and_addresses_that_come_again_in_a_thousand_orders(store: str, tmp_path: Path) -> None:
    """Terminated, deleted, and made anew with the same name and address: each case's records in an order of its own.

    Some come twice, and batches mix the cases. moto copies a table for each transaction, so there each few cases have
    one of their own; all thousand are run where every test is.
    """
    cases, together = (1000, 200) if store == "sqlite" else (1000 if FULL else 10, 10)
    chance = random.Random(18)  # noqa: S311 - the same orders each time
    for start in range(0, cases, together):
        with opened(store, tmp_path / f"{start}.sqlite") as ledger:
            _deliver_shuffled(ledger, range(start, start + together), chance)
            for number in range(start, start + together):
                check_three_lives(ledger, f"t-{number}")
                _check_address(ledger, number)


def _deliver_shuffled(ledger: Store, cases: range, chance: random.Random) -> None:
    records, aws, queues = Records(), FakeAws(), []
    for number in cases:
        calls = [*records.three_lives(f"t-{number}"), *records.address_again(aws, number)]
        calls += chance.sample(calls, 3)
        chance.shuffle(calls)
        queues.append(calls)
    while left := [queue for queue in queues if queue]:
        deliver(ledger, *(queue.pop() for queue in chance.sample(left, min(len(left), 100))), aws=aws)


def _check_address(ledger: Store, number: int) -> None:
    address = address_of(number)
    then, gone, later = ({one.owner.name for one in ask(ledger, address=address, at=at(time))} for time in (5, 15, 25))
    assert (then, gone, later) == ({"alice"}, set(), {"carol"})
    assert ("alice", "bob") in told(ledger, address=address, at=at(5))
    assert told(ledger, address=address)[0] == ("carol", None)


def test_what_is_made_and_deleted_in_one_second_was_deleted_last(ledger: Store) -> None:
    """CloudTrail's times are whole seconds: of a creation and a deletion in one, the deletion is the later."""
    records = Records()
    for number, order in enumerate(itertools.permutations(range(3))):
        name = f"t-{number}"
        calls = [records.create(name, "alice", 0), records.delete(name, "bob", 0), records.create(name, "carol", 1)]
        for index in order:
            deliver(ledger, calls[index])
        assert told(ledger, id=name, at=at(0)) == [("alice", "bob")], order
        assert told(ledger, id=name) == [("carol", None)], order


# --- names that stand behind a path


@pytest.mark.parametrize("path", ["/", "/teams/payments/"])
def test_a_role_is_deleted_by_its_name_whatever_its_path(ledger: Store, path: str) -> None:
    """IAM user guide: the call has the friendly name alone, which is unique in the account without its path."""
    records, orders = Records(), orders_of(4, ledger)
    names = [f"deploy-{number}{path.replace('/', '-')}" for number in range(len(orders))]
    calls = [
        (
            records.create_role(path, name, "alice", 0),
            records.delete_role(name, "bob", 10),
            records.create_role(path, name, "carol", 20),
            records.delete_role(name, "dave", 30),
        )
        for name in names
    ]
    for turn in range(4):
        deliver(ledger, *(calls[number][order[turn]] for number, order in enumerate(orders)))
    for name, order in zip(names, orders, strict=True):
        arn = f"arn:aws:iam::{A}:role{path}{name}"
        assert told(ledger, id=arn, at=at(5)) == [("alice", "bob")], order
        assert told(ledger, id=name, at=at(15)) == [], order
        assert told(ledger, id=name, at=at(25)) == [("carol", "dave")], order
        assert told(ledger, id=arn) == [("carol", "dave")], order


@pytest.mark.parametrize("kind", ["table", "role"])
def test_what_ends_and_is_made_anew_in_one_batch_gets_the_tags_of_its_maker(ledger: Store, kind: str) -> None:
    """The deletions of a batch are kept before its creations claim anything."""
    records, aws, arn = Records(), FakeAws(), table_arn("jobs")
    calls = [records.create("jobs", "alice", 0), records.delete("jobs", "bob", 10), records.create("jobs", "carol", 20)]
    if kind == "role":
        arn = f"arn:aws:iam::{A}:role/ci/jobs"
        calls = [
            records.create_role("/ci/", "jobs", "alice", 0),
            records.delete_role("jobs", "bob", 10),
            records.create_role("/ci/", "jobs", "carol", 20),
        ]
    deliver(ledger, calls[0], aws=aws)
    deliver(ledger, *reversed(calls[1:]), aws=aws)
    [tags] = [place.tags[id_] for place in aws.places.values() for id_ in list(place.tags) if "jobs" in id_]
    assert tags["owner"] == "carol"
    assert told(ledger, id=arn) == [("carol", None)]
    assert told(ledger, id=arn, at=at(5)) == [("alice", "bob")]


def test_a_name_ends_what_has_it_in_its_own_account_and_of_its_type_alone(ledger: Store) -> None:
    records = Records()
    deliver(ledger, records.create_role("/a/", "shared", "alice", 0), records.create("shared", "alice", 0))
    deliver(ledger, records.delete_role("shared", "bob", 10))
    assert told(ledger, id=table_arn("shared")) == [("alice", None)]
    assert told(ledger, id=f"arn:aws:iam::{A}:role/a/shared") == [("alice", "bob")]


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
        calls = records.address_again(aws, 0)
        for index in order:
            deliver(fresh, calls[index], aws=aws)
        then, later = ({one.owner.name for one in ask(fresh, address=address_of(0), at=at(time))} for time in (5, 25))
        assert (then, later) == ({"alice"}, {"carol"}), order
        assert ask(fresh, address=address_of(0), at=at(15)) == ()
        assert ("alice", "bob") in told(fresh, address=address_of(0), at=at(5))


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


def test_the_account_of_a_deletion_is_asked_about_only_where_no_bus_took_it() -> None:
    """The hub's bus takes the organization's events alone, those of a suspended account too, which is not active."""
    ledger, records = MemoryLedger(), Records()
    active = FakeAccounts({B})
    deletions = [records.delete("orders", "bob", 10), records.delete("orders", "bob", 20)]
    ports = fake_ports(FakeAws(), active, ledger=ledger)
    [given] = results([parse_record(json.dumps(deletions[1]).encode(), "a.json")], ports, CATALOGUE, SETTINGS)
    assert given["refusal"]["reason"] == Reason.UNKNOWN_ACCOUNT.value
    assert on_fakes(FakeAws(), deletions[0], ledger=ledger, accounts=active).returned == ()
    [kept] = ledger.history(ResourceKey(A, HOME, table_arn("orders")))
    assert isinstance(kept, Deleted)
    assert kept.at == after(10)


def test_the_same_deletion_again_is_one_entry(ledger: Store) -> None:
    records = Records()
    deletion = records.delete("orders", "bob", 10)
    for _ in range(3):
        deliver(ledger, deletion, deletion)
    entries = ledger.history(ResourceKey(A, HOME, table_arn("orders")))
    assert [(type(one), one.by) for one in entries if isinstance(one, Deleted)] == [(Deleted, "bob")]


def test_the_deletions_of_a_batch_are_one_write_before_its_creations() -> None:
    ledger, records = MemoryLedger(), Records()
    deletions = [records.delete(name, "bob", 1) for name in "bd"]
    deliver(ledger, records.create("a", "alice", 0), *deletions, records.create("c", "carol", 2))
    assert ledger.calls.count("append") == 2
    assert ledger.calls.index("append") < ledger.calls.index("claim")


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
