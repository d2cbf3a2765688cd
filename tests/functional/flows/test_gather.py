"""Questions are merged over a batch, asked until none is new, and never answered by silence."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from flows.hub import A, B
from harness import fixtures
from harness.events import (
    CATALOGUE,
    HOME,
    SETTINGS,
    instance_id,
    launch,
    messages,
    omitted_launch,
    record,
    volume,
    volume_id,
)
from harness.fakes import FakeAccounts, FakeAws, FakeLookups, fake_ports
from harness.fixtures import session
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.match import match
from ownertag.core.owner.resolve import trace
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Absent, Creation, Fact, Failure, Found, OutcomeKind, Question, Unavailable
from ownertag.flows.gather import MAX_ROUNDS, gather
from ownertag.flows.ports import Ports

KEEP = Settings(tags=SETTINGS.tags, existing_tags={"owner": "keep"}, organization=SETTINGS.organization)


def creations(*records: dict[str, Any], settings: Settings = SETTINGS) -> list[Creation]:
    found = []
    for message in messages(*records):
        arrival = parse_event(message.body, message.id)
        assert isinstance(arrival, Arrival)
        creation = match(arrival, CATALOGUE, settings)
        assert isinstance(creation, Creation)
        found.append(creation)
    return found


def test_one_call_for_each_kind_of_question_in_an_account_and_region() -> None:
    aws = FakeAws()
    batch = [
        launch(account, [instance_id(number)], region, f"r-{number:017x}", number=number)
        for number, (account, region) in enumerate([(A, HOME), (A, "us-east-1"), (B, HOME)] * 10)
    ]
    batch += [omitted_launch(A, f"token-{number}") for number in range(10)]
    facts = gather(creations(*batch), fake_ports(aws, FakeAccounts({A, B})), CATALOGUE, SETTINGS)
    assert sorted((call.name, call.account, call.region, len(call.values)) for call in aws.calls) == [
        ("instances-by-client-token", A, HOME, 10),
        ("instances-by-reservation", A, HOME, 10),
        ("instances-by-reservation", A, "us-east-1", 10),
        ("instances-by-reservation", B, HOME, 10),
    ]
    assert len(facts) == 40 + 2


def test_what_many_ask_is_asked_once() -> None:
    aws = FakeAws()
    batch = [launch(A, [instance_id(1)], number=number) for number in range(50)]
    gather(creations(*batch), fake_ports(aws, FakeAccounts({A})), CATALOGUE, SETTINGS)
    assert [call.values for call in aws.calls] == [("r-0000000000000aaaa",)]


def test_what_needs_no_look_up_makes_none() -> None:
    aws = FakeAws()
    gather(creations(volume(A, volume_id(1))), fake_ports(aws, FakeAccounts({A})), CATALOGUE, SETTINGS)
    assert not aws.calls


def test_tags_are_asked_only_where_care_is_taken() -> None:
    aws = FakeAws()
    batch = creations(volume(A, volume_id(1)), volume(A, volume_id(2), number=2), settings=KEEP)
    gather(batch, fake_ports(aws, FakeAccounts({A})), CATALOGUE, KEEP)
    assert aws.calls == []
    gather(batch, fake_ports(aws, FakeAccounts({A})), CATALOGUE, KEEP, careful=True)
    assert [(call.name, sorted(call.values)) for call in aws.calls] == [("tags", [volume_id(1), volume_id(2)])]


def test_nothing_is_asked_in_an_account_that_is_not_ours_or_not_known() -> None:
    for accounts in (FakeAccounts(set()), FakeAccounts({A}, Unavailable(OutcomeKind.THROTTLED, "down"))):
        aws = FakeAws()
        facts = gather(creations(launch(A, [instance_id(1)])), fake_ports(aws, accounts), CATALOGUE, SETTINGS)
        assert not aws.calls
        assert len(facts) == 1


def test_a_question_that_an_adapter_forgets_is_unavailable_and_not_absent() -> None:
    class Forgetful(FakeLookups):
        def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:  # noqa: ARG002 - on purpose
            return {}

    aws = FakeAws()
    ports = fake_ports(aws, FakeAccounts({A}))
    ports = Ports(ports.accounts, Forgetful(aws), ports.tagger, ports.now)
    facts = gather(creations(launch(A, [instance_id(1)])), ports, CATALOGUE, SETTINGS)
    [fact] = [fact for question, fact in facts.items() if question.region]
    assert isinstance(fact, Unavailable)
    assert fact.outcome is OutcomeKind.FAILED


def test_one_place_that_fails_leaves_the_answers_of_others() -> None:
    aws = FakeAws()
    aws.refuses = lambda call: Failure("RequestLimitExceeded", 503) if call.account == A else None
    batch = creations(launch(A, [instance_id(1)]), launch(B, [instance_id(2)], number=2))
    facts = gather(batch, fake_ports(aws, FakeAccounts({A, B})), CATALOGUE, SETTINGS)
    by_account = {question.account: fact for question, fact in facts.items() if question.region}
    throttled = by_account[A]
    assert isinstance(throttled, Unavailable)
    assert throttled.outcome is OutcomeKind.THROTTLED
    assert by_account[B] == Absent()


def test_the_rounds_have_an_end() -> None:
    class Endless(FakeLookups):
        rounds = 0

        def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
            self.rounds += 1
            return super().find(questions)

    aws = FakeAws()
    lookups = Endless(aws)
    ports = fake_ports(aws, FakeAccounts({A}))
    ports = Ports(ports.accounts, lookups, ports.tagger, ports.now)
    gather(creations(launch(A, [instance_id(1)])), ports, CATALOGUE, KEEP)
    assert 1 <= lookups.rounds <= MAX_ROUNDS


def test_what_is_still_open_after_the_last_round_is_unavailable_and_no_session_s_name_is_taken() -> None:
    """A chain of roles so long that the rounds end before it does."""
    keys = [f"ASIA{number:016d}" for number in range(MAX_ROUNDS + 2)]

    def made_by(key: str, account: str = A) -> dict[str, Any]:
        return session("ceo@example.com", f"role-{key[-1]}", account=account) | {"accessKeyId": key}

    aws = FakeAws()
    for key, by in pairwise(keys):
        maker = record("AssumeRole", A, HOME, {}, {}, userIdentity=made_by(by), eventSource="sts.amazonaws.com")
        value = f"AssumeRoleWithSAML {key} 2026-03-02T08:55:10Z"  # the first call that is asked for is absent
        known = Found(maker=fixtures.arrival(maker).record)
        aws.known[Question(QuestionKind.MAKER_OF_SESSION, A, HOME, value)] = known
    [creation] = creations(record("CreateVolume", A, HOME, {"volumeId": volume_id(1)}, userIdentity=made_by(keys[0])))
    facts = gather([creation], fake_ports(aws, FakeAccounts({A})), CATALOGUE, SETTINGS)
    result = trace(creation.record, SETTINGS, CATALOGUE.parents, facts)
    assert (result.owner.name, result.owner.evidence) == ("role-0", "role-name")
    assert [wait.outcome for wait in result.waits] == [OutcomeKind.NOT_READY]
    assert not result.questions
