"""The table's calls: unprocessed keys are asked for again, errors are reported, and two keys never join to one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from flows.hub import A as ACCOUNT
from flows.hub import on_fakes
from flows.test_live import instance, put
from harness.events import instance_id, launch
from harness.fakes import FakeAws
from ledger.entries import after, created, ended, event, key, owned
from ledger.table import TABLE, emulated_table
from ownertag.aws.concurrency import Concurrency, concurrent, sequential
from ownertag.core.ownership import Observation
from ownertag.core.values import Confidence, OutcomeKind, Owner
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import MOST_BYTES, MOST_ITEMS, ROUNDS, DynamoDBClient
from ownertag.ledger.entries import Entry, Finished, Owned, Unobserved
from ownertag.ledger.port import LedgerError
from ownertag.ledger.table import DEFINITION, joined
from ownertag.ledger.table import key as item_key

ROOT = Path(__file__).parents[3]


class Wire:
    """A client whose calls are counted, and answered by `answers` unless that returns None."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.counts: Counter[str] = Counter()
        self.sizes: list[int] = []
        self.answers: Callable[[str, dict[str, Any]], dict[str, Any] | None] = lambda _operation, _parameters: None

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            self.counts[operation] += 1
            if operation == "transact_write_items":
                self.sizes.append(len(parameters["TransactItems"]))
            answer = self.answers(operation, parameters)
            return getattr(self._client, operation)(**parameters) if answer is None else answer

        return call


def failing(code: str, operation: str, times: int = 10**6, reasons: list[str] | None = None) -> Callable[..., None]:
    """Fails calls of an operation, the first so many."""
    left = [times]

    def answers(called: str, _parameters: dict[str, Any]) -> None:
        if called == operation and left[0] > 0:
            left[0] -= 1
            response: Any = {"Error": {"Code": code, "Message": "made up by a test"}}
            if reasons is not None:
                response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
            raise ClientError(response, called)

    return answers


@pytest.fixture
def wire() -> Iterator[Wire]:
    with emulated_table() as client:
        yield Wire(client)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def store(wire: Wire, waits: list[float]) -> DynamoLedger:
    return DynamoLedger(DynamoDBClient(wire, TABLE, sleep=waits.append))


# --- keys


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_two_different_lists_are_never_joined_to_the_same_text(one: list[str], two: list[str]) -> None:
    """T31."""
    assert (joined(*one) == joined(*two)) == (one == two)


def test_nor_is_any_list_of_what_joins_them_another() -> None:
    """Tries every list of up to three texts of up to two colons and digits."""
    texts = ["".join(characters) for length in range(3) for characters in product(":12", repeat=length)]
    lists = [parts for length in range(4) for parts in product(texts, repeat=length)]
    assert len({joined(*parts) for parts in lists}) == len(lists)


def test_a_key_that_is_too_long_for_dynamodb_is_replaced_by_its_hash() -> None:
    long = "\U0001f980" * 600
    pk, sk = item_key(("resource", long), ("entry", long))
    assert len(pk.encode()) <= 2048
    assert len(sk.encode()) <= 1024
    assert item_key(("resource", long + "x"), ("entry", long))[0] != pk
    assert not pk[0].isdigit()


# --- limits


def test_what_the_table_does_not_answer_at_once_is_asked_for_again(
    wire: Wire, store: DynamoLedger, waits: list[float]
) -> None:
    store.claim([created(number) for number in range(3)], [owned(number, id_=f"vol-{number}") for number in range(3)])
    left = [2]

    def part(operation: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
        if operation != "batch_get_item" or not left[0]:
            return None
        left[0] -= 1
        return {"Responses": {}, "UnprocessedKeys": {TABLE: {"Keys": parameters["RequestItems"][TABLE]["Keys"]}}}

    wire.answers = part
    assert set(store.seen([event(number) for number in range(3)])) == {event(number) for number in range(3)}
    assert len(waits) == 2
    assert waits[0] < waits[1]


def test_a_table_that_never_answers_is_throttled_not_empty(wire: Wire, store: DynamoLedger, waits: list[float]) -> None:
    wire.answers = lambda operation, parameters: (
        {"Responses": {}, "UnprocessedKeys": {TABLE: {"Keys": parameters["RequestItems"][TABLE]["Keys"]}}}
        if operation == "batch_get_item"
        else None
    )
    with pytest.raises(LedgerError, match="is busy") as caught:
        store.seen([event(1)])
    assert caught.value.outcome is OutcomeKind.THROTTLED
    assert len(waits) == ROUNDS - 1


def test_no_call_is_larger_than_dynamodb_takes(wire: Wire, store: DynamoLedger) -> None:
    asked: list[int] = []

    def measure(operation: str, parameters: dict[str, Any]) -> None:
        if operation == "batch_get_item":
            asked.append(len(parameters["RequestItems"][TABLE]["Keys"]))
        elif operation == "transact_write_items":
            assert len(repr(parameters).encode()) < 4 * 2**20

    wire.answers = measure
    many = [owned(1, id_=f"vol-{number}") for number in range(60)]
    store.claim([created(1)], many)
    store.by_key([key(f"vol-{number}") for number in range(150)])
    assert max(asked) == 100
    assert max(wire.sizes) == MOST_ITEMS
    big = Owner("a", "iam-user", Confidence.ASSERTED, ("\U0001f980" * 1024,) * 16)
    heavy = [
        Owned(entry.resource, entry.id, entry.type, entry.claim, big, entry.tags, entry.decided_at)
        for entry in (owned(2, id_=f"vol-b{number}") for number in range(40))
    ]
    wire.sizes.clear()
    store.claim([created(2)], heavy)
    assert len(wire.sizes) >= sum(len(repr(entry.owner).encode()) for entry in heavy) * 2 // MOST_BYTES
    assert len(wire.sizes) > 1
    assert len(store.by_owner("a")) == 40


def test_a_batch_of_launches_takes_few_calls_and_its_repeat_takes_one(wire: Wire, store: DynamoLedger) -> None:
    """Twenty launches of an instance with two volumes and an interface: 80 resources."""
    aws = FakeAws()
    put(aws, *(instance(number) for number in range(20)))
    records = [launch(ACCOUNT, [instance_id(number)], number=number) for number in range(20)]
    assert len(on_fakes(aws, *records, ledger=store).done) == 20
    # seen 1, claim 1, append 2 to read; 80 decisions, 80 holdings, 80 parents, then 20 creations; 80 outcomes, 80
    # holdings, then 20 creations to write.
    assert wire.counts == {"batch_get_item": 4, "transact_write_items": 7}
    wire.counts.clear()
    assert len(on_fakes(aws, *records, ledger=store).done) == 20
    assert wire.counts == {"batch_get_item": 1}


def _kinds(parameters: dict[str, Any]) -> set[str]:
    """Whether a transaction writes of events, of resources, or of both."""
    items = [next(iter(transact_item.values())) for transact_item in parameters["TransactItems"]]
    keys = [(item.get("Item") or item["Key"])["sk"]["S"] for item in items]
    return {"event" if sk == joined("event") else "resource" for sk in keys}


def test_calls_that_do_not_need_each_other_are_made_at_once_and_events_only_then(wire: Wire) -> None:
    """Two calls must meet at a barrier: made one after the other, the first would wait in vain."""
    meet = Barrier(2, timeout=20)
    stages: list[set[str]] = []

    def concurrency(operation: str, parameters: dict[str, Any]) -> None:
        if operation == "transact_write_items":
            stages.append(_kinds(parameters))
            if stages[-1] == {"resource"}:
                meet.wait()

    wire.answers = concurrency
    store = DynamoLedger(DynamoDBClient(wire, TABLE, concurrency=concurrent(2)))
    many = [owned(number, id_=f"vol-{number}") for number in range(60)]
    assert len(store.claim([created(number) for number in range(60)], many)) == 60
    assert stages == [{"resource"}, {"resource"}, {"event"}]


@pytest.mark.parametrize("concurrency", [sequential, concurrent(3)])
def test_nothing_says_that_an_event_is_known_before_all_of_it_is_there(wire: Wire, concurrency: Concurrency) -> None:
    """One transaction of several fails: no event is kept, though other items may be; the repeat writes the rest."""
    store = DynamoLedger(DynamoDBClient(wire, TABLE, sleep=lambda _: None, concurrency=concurrency))
    events = [created(number) for number in range(60)]
    many = [owned(number, id_=f"vol-{number}") for number in range(60)]
    wire.answers = failing("InternalServerError", "transact_write_items", 1)
    with pytest.raises(LedgerError):
        store.claim(events, many)
    assert store.seen([creation.event for creation in events]) == {}
    assert len(store.claim(events, many)) == 60
    assert len(store.seen([creation.event for creation in events])) == 60
    ends = [ended(number, id_=f"vol-{number}") for number in range(60)]
    outcomes: list[Entry] = [*ends, *(Finished(creation.event, after(3)) for creation in events)]
    wire.answers = failing("InternalServerError", "transact_write_items", 1)
    with pytest.raises(LedgerError):
        store.append(outcomes)
    assert not [seen for seen in store.seen([creation.event for creation in events]).values() if seen.finished]
    assert store.append(outcomes) == set()
    assert all(seen.finished for seen in store.seen([creation.event for creation in events]).values())
    assert all(len(store.history(key(f"vol-{number}"))) == 2 for number in range(60))


# --- faults


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [
        ("ProvisionedThroughputExceededException", OutcomeKind.THROTTLED, "throttled"),
        ("ThrottlingException", OutcomeKind.THROTTLED, "throttled"),
        ("RequestLimitExceeded", OutcomeKind.THROTTLED, "throttled"),
        ("InternalServerError", OutcomeKind.THROTTLED, "another try"),
        ("AccessDeniedException", OutcomeKind.FORBIDDEN, "denied"),
        ("ResourceNotFoundException", OutcomeKind.FAILED, "no such table in this account and Region"),
        ("SomethingNew", OutcomeKind.FAILED, "AWS refused"),
    ],
)
@pytest.mark.parametrize("operation", ["batch_get_item", "transact_write_items"])
def test_what_fails_is_said_with_the_table_and_never_taken_for_nothing(
    wire: Wire, store: DynamoLedger, operation: str, code: str, outcome: OutcomeKind, words: str
) -> None:
    wire.answers = failing(code, operation)
    with pytest.raises(LedgerError, match=words) as caught:
        store.claim([created(1)], [owned(1)])
    assert caught.value.outcome is outcome
    assert TABLE in str(caught.value)
    wire.answers = lambda _operation, _parameters: None
    assert store.seen([event(1)]) == {}


def test_no_answer_comes_back_and_the_repeat_doubles_nothing(wire: Wire, store: DynamoLedger) -> None:
    """C6: whether it was written is not known."""

    def cut(operation: str, parameters: dict[str, Any]) -> None:
        if operation == "transact_write_items":
            wire._client.transact_write_items(**parameters)
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    wire.answers = cut
    with pytest.raises(LedgerError, match="no answer") as caught:
        store.claim([created(1)], [owned(1)])
    assert caught.value.outcome is OutcomeKind.THROTTLED
    wire.answers = lambda _operation, _parameters: None
    assert store.claim([created(1)], [owned(1)])[key()].owner.name == "alice"
    assert len(store.history(key())) == 1


@pytest.mark.parametrize(
    "reasons", [["ConditionalCheckFailed", "None"], ["None", "TransactionConflict"], ["ThrottlingError"]]
)
def test_a_transaction_that_met_another_is_read_and_decided_anew(
    wire: Wire, store: DynamoLedger, waits: list[float], reasons: list[str]
) -> None:
    wire.answers = failing("TransactionCanceledException", "transact_write_items", 2, reasons)
    assert store.claim([created(1)], [owned(1)])[key()].owner.name == "alice"
    wire.answers = failing("TransactionCanceledException", "transact_write_items", 2, reasons)
    assert store.append([ended(1)]) == set()
    assert len(waits) == 4
    wire.answers = failing("TransactionCanceledException", "transact_write_items", reasons=reasons)
    with pytest.raises(LedgerError, match="is busy") as caught:
        store.claim([created(2)], [owned(2, id_="vol-2")])
    assert caught.value.outcome is OutcomeKind.THROTTLED


def test_what_is_observed_while_it_is_taken_off_the_list_stays_on_it(wire: Wire, store: DynamoLedger) -> None:
    """Another function still takes the account for observed, and keeps so between this one's read and its write."""
    observed = replace(ended(1, kind=OutcomeKind.UNCHANGED), observed=Observation(after(1)))
    store.claim([created(1)], [owned(1)])
    store.append([observed, Finished(event(1), after(1))])
    again = replace(observed, observed=Observation(after(8)))
    between = [lambda: DynamoLedger(DynamoDBClient(wire._client, TABLE)).append([again])]

    def answers(operation: str, _parameters: dict[str, Any]) -> None:
        if operation == "transact_write_items" and between:
            between.pop()()

    store.append([ended(1, minutes=5)])  # so that this one alone is left to take it off
    wire.answers = answers
    store.append([Unobserved(key())])
    assert not between
    assert [known.id for portion in store.observed(key().account, 10) for known in portion] == ["vol-00000001"]


def test_what_an_observation_stores_is_read_by_a_function_of_before(wire: Wire, store: DynamoLedger) -> None:
    """It knows neither the outcome nor its mark: to it the tags are still to be written, and nothing was changed."""
    store.claim([created(1)], [owned(1)])
    store.append([replace(ended(1, kind=OutcomeKind.UNCHANGED), observed=Observation(after(1), ("Name",)))])
    items = wire._client.scan(TableName=TABLE)["Items"]
    bodies = [json.loads(item["body"]["S"]) for item in items if "body" in item]
    known = {"tagged", "unchanged", "not-ready", "throttled", "gone", "forbidden", "failed"}
    assert [body["kind"] for body in bodies if "kind" in body] == ["unchanged"]
    [holding] = [body for body in bodies if "claim" in body and "resource" not in body]
    assert holding.get("outcome", "tagged") in known
    assert "outcome" not in holding


def test_a_transaction_that_can_never_be_written_says_so(wire: Wire, store: DynamoLedger) -> None:
    reasons = ["None", "ValidationError"]
    wire.answers = failing("TransactionCanceledException", "transact_write_items", reasons=reasons)
    with pytest.raises(LedgerError, match=r"refused a write \(ValidationError\)"):
        store.claim([created(1)], [owned(1)])


def test_an_item_of_a_newer_version_is_not_guessed_at(wire: Wire, store: DynamoLedger) -> None:
    store.claim([created(1)], [owned(1)])
    [item] = [item for item in wire._client.scan(TableName=TABLE)["Items"] if item["sk"]["S"] == joined("holding")]
    wire._client.put_item(TableName=TABLE, Item={**item, "body": {"S": "[]"}})
    with pytest.raises(LedgerError, match="is it of a newer one"):
        store.by_id("vol-00000001")


# --- the template


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as texts."""


_Loader.add_multi_constructor("!", lambda _loader, tag, node: f"!{tag} {node.value}")


def test_the_template_makes_the_table_that_the_code_expects_and_guards_it() -> None:
    text = (ROOT / "infra/hub/template.yaml").read_text("utf-8")
    ledger = yaml.load(text, _Loader)["Resources"]["Ledger"]  # noqa: S506 - a SafeLoader
    table = ledger["Properties"]
    for name, value in DEFINITION.items():
        assert table[name] == value, name
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert [ledger[policy] for policy in ("DeletionPolicy", "UpdateReplacePolicy")] == ["Retain", "Retain"]
