"""The steps over a batch: creations are settled wherever they were read, and owners are traced no more than needed."""

from __future__ import annotations

from flows.hub import A, B
from harness import fixtures
from harness.events import CATALOGUE, HOME, SETTINGS, instance_id, launch, volume, volume_id
from harness.fakes import FakeAccounts, FakeAws, fake_ports
from harness.memory_ledger import MemoryLedger
from ownertag.core.ask import Traces, account_of, ask
from ownertag.core.match import match
from ownertag.core.owner.resolve import trace
from ownertag.core.values import Absent, Creation, Fact, Found, Question
from ownertag.flows.result import Decided, FinishedBefore, Refused
from ownertag.flows.run import settle


def read(plain: dict[str, object], where: str = "") -> Creation:
    """A creation from a record alone, as a log file holds it."""
    creation = match(fixtures.arrival(plain, where), CATALOGUE, SETTINGS)
    assert isinstance(creation, Creation)
    return creation


def test_creations_without_a_message_are_settled_and_those_of_one_place_are_kept_apart() -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    ports = fake_ports(aws, FakeAccounts({A}), ledger=ledger)
    mine, his = volume(A, volume_id(1), number=1), volume(A, volume_id(2), user="bob", number=2)
    creations = [read(plain) for plain in (mine, his, volume(B, volume_id(3), number=3))]
    refused, *decided = settle(creations, ports, CATALOGUE, SETTINGS)
    assert isinstance(refused, Refused)
    assert [result.decision.owner.name for result in decided if isinstance(result, Decided)] == ["alice", "bob"]
    assert {id_: tags["owner"] for id_, tags in aws.places[A, HOME].tags.items()} == {
        volume_id(1): "alice",
        volume_id(2): "bob",
    }
    again = settle(creations[:2], ports, CATALOGUE, SETTINGS)
    assert all(isinstance(result, FinishedBefore) for result in again)
    assert settle([], ports, CATALOGUE, SETTINGS) == []


def test_an_owner_is_traced_again_only_when_a_question_of_its_trace_was_answered() -> None:
    identity = fixtures.session("ceo@example.com", "builder", account=A) | {"accessKeyId": "ASIA0000000000000001"}
    creation = read(launch(A, [instance_id(1)]) | {"userIdentity": identity})
    traces = Traces(SETTINGS, CATALOGUE.parents)
    facts: dict[Question, Fact] = {account_of(creation): Found()}
    first = traces.of(creation, facts)
    assert first.questions
    others = set(ask([creation], facts, CATALOGUE, SETTINGS)) - set(first.questions)
    assert others
    facts |= dict.fromkeys(others, Absent())
    assert traces.of(creation, facts) is first
    assert traces.of(creation, facts) == trace(creation.record, SETTINGS, CATALOGUE.parents, facts)
    facts |= dict.fromkeys(first.questions, Absent())
    second = traces.of(creation, facts)
    assert second is not first
    assert second == trace(creation.record, SETTINGS, CATALOGUE.parents, facts)
