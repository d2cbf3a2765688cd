"""Ways to an owner have an end: in depth, in circles, in time, in calls; and nothing of another account is believed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from flows.hub import A, on_fakes, verdicts
from harness import fixtures
from harness.events import HOME, record, volume_id
from harness.fakes import NOON, Clock, FakeAws
from harness.fixtures import ACCOUNT, REGION, session
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.owner.chain import MAX_HOPS
from ownertag.core.owner.resolve import trace
from ownertag.core.records import Record
from ownertag.core.values import Confidence, Decision, Fact, Found, OutcomeKind, Owner, Question, Unavailable
from ownertag.flows.live import Done, Returned
from ownertag.flows.result import Decided

SETTINGS = fixtures.settings()
PARENTS = fixtures.catalogue().parents
ALICE = Found(owner=Owner("alice", "iam-user", Confidence.ASSERTED))


def instance(number: int) -> str:
    return f"i-{number:017x}"


def arn(number: int) -> str:
    found = PARENTS.named("instance", instance(number), "aws", REGION, ACCOUNT)
    assert found is not None
    return found.arn


def launched_by(number: int) -> Record:
    """A launch by a session of this instance."""
    identity = session(instance(number), "web", ec2RoleDelivery="2.0")
    return fixtures.arrival(fixtures.launch(userIdentity=identity)).record


def question(number: int) -> Question:
    return Question(QuestionKind.OWNER_OF_RESOURCE, ACCOUNT, REGION, arn(number))


def line(length: int) -> dict[Question, Fact]:
    """Each instance was launched by the next, the last by alice."""
    facts: dict[Question, Fact] = {question(n): Found(maker=launched_by(n + 1)) for n in range(1, length)}
    return facts | {question(length): ALICE}


@pytest.mark.parametrize("length", range(1, MAX_HOPS + 1))
def test_as_many_hops_are_followed_as_are_allowed(length: int) -> None:
    result = trace(launched_by(1), SETTINGS, PARENTS, line(length))
    assert (result.owner.name, result.owner.confidence) == ("alice", Confidence.INFERRED)
    assert [hop for hop in result.owner.via if hop in {arn(n) for n in range(20)}] == [
        arn(n) for n in range(1, length + 1)
    ]


def test_a_longer_way_ends_without_an_owner_and_without_a_question() -> None:
    facts = line(MAX_HOPS + 1) | {_account(): ALICE}
    result = trace(launched_by(1), SETTINGS, PARENTS, facts)
    assert (result.owner.name, result.owner.evidence) == ("alice", "account-owner")
    assert not result.questions


def test_a_longer_chain_of_sessions_takes_no_name_that_was_chosen() -> None:
    """Whoever assumes role after role can call each session as he likes."""

    def chosen(number: int) -> Record:
        identity = session("ceo@example.com", f"role-{number}") | {"accessKeyId": f"ASIA{number:016d}"}
        return fixtures.arrival(fixtures.record(userIdentity=identity)).record

    facts: dict[Question, Fact] = {}
    for number in range(MAX_HOPS + 2):
        value = f"AssumeRole ASIA{number:016d} 2026-03-02T08:55:10Z"
        facts[Question(QuestionKind.MAKER_OF_SESSION, ACCOUNT, REGION, value)] = Found(maker=chosen(number + 1))
    result = trace(chosen(0), SETTINGS, PARENTS, facts)
    assert (result.owner.name, result.owner.evidence) == ("role-0", "role-name")
    assert not result.questions


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_circle_ends(length: int) -> None:
    facts: dict[Question, Fact] = {question(n): Found(maker=launched_by(n % length + 1)) for n in range(1, length + 1)}
    result = trace(launched_by(1), SETTINGS, PARENTS, facts | {_account(): Found()})
    assert result.owner.confidence is Confidence.NONE
    assert "nothing tells who owns" in (result.owner.reason or "")
    assert not result.questions


def test_nothing_is_followed_twice() -> None:
    """Else a record with many links, each to such a record, would cost links to the power of hops."""

    class Counted(dict[Question, Fact]):
        looked = 0

        def get(self, key: Question, default: Any = None) -> Any:
            self.looked += 1
            return super().get(key, default)

    facts = Counted({question(1): Found(maker=launched_by(1)), _account(): Found()})
    trace(launched_by(1), SETTINGS, PARENTS, facts)
    assert facts.looked == 2
    by_session = fixtures.arrival(fixtures.launch(userIdentity=session())).record
    value = "AssumeRole ASIAI44QH8DHBEXAMPLE 2026-03-02T08:55:10Z"
    facts = Counted({Question(QuestionKind.MAKER_OF_SESSION, ACCOUNT, REGION, value): Found(maker=by_session)})
    trace(by_session, SETTINGS, PARENTS, facts)
    assert facts.looked == 1


def _account() -> Question:
    return Question(QuestionKind.OWNER_OF_ACCOUNT, ACCOUNT, "", "")


@pytest.mark.parametrize("fact", [{"maker": True}, {"parent": True}, {"principal": True}])
def test_an_answer_that_names_another_account_is_not_believed(fact: dict[str, bool]) -> None:
    other = fixtures.OTHER_ACCOUNT
    made = fixtures.arrival(fixtures.launch(account=other, userIdentity=fixtures.user("mallory", other))).record
    answers = {
        "maker": Found(maker=made),
        "parent": Found(parent=arn(2).replace(ACCOUNT, other)),
        "principal": Found(principal=f"arn:aws:iam::{other}:user/mallory"),
    }
    facts: dict[Question, Fact] = {question(1): answers[next(iter(fact))], _account(): Found()}
    result = trace(launched_by(1), SETTINGS, PARENTS, facts)
    assert result.owner.confidence is Confidence.NONE
    assert not result.questions


def test_every_kind_of_parent_is_read_back_from_its_arn() -> None:
    for plain in {example for name in PARENTS.kinds for example in _examples(name)}:
        found = PARENTS.of_arn(plain)
        assert found is not None, plain
        assert found.arn == plain
        fullwidth = "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in plain)
        for wrong in (f"{plain}\n", f" {plain}", fullwidth, plain[:-1] + "*/x"):
            assert PARENTS.of_arn(wrong) is None, wrong


def test_a_parent_that_the_catalogue_knows_has_the_arn_that_a_creation_of_it_gets() -> None:
    """By this ARN the ledger is asked for its owner."""
    types = fixtures.catalogue().types
    shared = [kind for kind in PARENTS.kinds.values() if kind.type in types]
    assert len(shared) >= 30
    assert [kind.name for kind in shared if kind.arn != types[kind.type].arn] == []
    assert {kind.type for kind in PARENTS.kinds.values()} - types.keys() == {"codebuild:build"}


def test_a_parent_is_made_by_rows_that_are_on() -> None:
    """So its creation is in the ledger, where hops are answered first."""
    rows = fixtures.catalogue().rows
    for kind in PARENTS.kinds.values():
        for call in kind.made_by:
            assert kind.type in {makes.type.name for makes in rows[kind.source, call.event].makes}, kind.name


def _examples(name: str) -> list[str]:
    folder = fixtures.GOLDEN / "hops"
    values = {
        fact["value"]
        for path in folder.glob("*.json")
        for fact in json.loads(path.read_text("utf-8"))["facts"]
        if fact["kind"] == "owner-of-resource"
    }
    return [value for value in values if (found := PARENTS.of_arn(value)) and found.kind.name == name]


# --- through the flow: the child first, its parent later

CLUSTER = f"arn:aws:eks:{HOME}:{A}:cluster/prod"
PARENT = Question(QuestionKind.OWNER_OF_RESOURCE, A, HOME, CLUSTER)
LATE = Unavailable(OutcomeKind.NOT_READY, "no record yet")


def child(number: int = 1, **fields: Any) -> dict[str, Any]:
    tags = {"resourceType": "volume", "tags": [{"key": "eks:eks-cluster-name", "value": "prod"}]}
    identity = {"accountId": A, "invokedBy": "eks.amazonaws.com"}
    return record(
        "CreateVolume", A, HOME, {"volumeId": volume_id(number)}, {"tagSpecificationSet": {"items": [tags]}},
        number=number, userIdentity=identity, **fields,
    )  # fmt: skip


def owner_tag(aws: FakeAws, number: int = 1) -> str | None:
    return aws.places[A, HOME].tags[volume_id(number)].get("owner")


def decision_of(verdict: Done | Returned) -> Decision:
    assert isinstance(verdict.result, Decided)
    return verdict.result.decision


def test_a_child_is_tagged_with_the_best_answer_and_set_right_when_its_parent_is_known() -> None:
    aws = FakeAws()
    aws.known[PARENT] = LATE
    first = on_fakes(aws, child())
    assert owner_tag(aws) == "unknown"
    assert "not-ready: the owner of" in "".join(verdicts(first).values())
    assert [decision_of(returned).owner_may_change for returned in first.returned] == [True]
    aws.known[PARENT] = ALICE
    second = on_fakes(aws, child())
    assert owner_tag(aws) == "alice"
    assert not second.returned
    assert [decision_of(done).owner_may_change for done in second.done] == [False]


@pytest.mark.parametrize(
    ("outcome", "returned"),
    [(OutcomeKind.NOT_READY, 0), (OutcomeKind.FORBIDDEN, 0), (OutcomeKind.FAILED, 0), (OutcomeKind.THROTTLED, 1)],
)
def test_after_ten_minutes_the_best_answer_stands_unless_the_look_up_was_only_throttled(
    outcome: OutcomeKind, returned: int
) -> None:
    aws = FakeAws()
    aws.known[PARENT] = Unavailable(outcome, "why")
    assert len(on_fakes(aws, child()).returned) == 1
    late = on_fakes(aws, child(), now=Clock(NOON + timedelta(minutes=11)))
    assert len(late.returned) == returned
    every_one: list[Done | Returned] = [*late.returned, *late.done]
    assert [decision_of(verdict).owner_may_change for verdict in every_one] == [bool(returned)]
    assert owner_tag(aws) == "unknown"


def test_a_hundred_children_ask_for_their_parent_once() -> None:
    aws = FakeAws()
    aws.known[PARENT] = ALICE
    answer = on_fakes(aws, *(child(number) for number in range(1, 101)))
    assert not answer.returned
    assert aws.count("owner-of-resource") == 1
    assert [call.values for call in aws.calls if call.name == "owner-of-resource"] == [(CLUSTER,)]
    assert {owner_tag(aws, number) for number in range(1, 101)} == {"alice"}


def test_a_user_s_creation_asks_nothing() -> None:
    aws = FakeAws()
    on_fakes(aws, record("CreateVolume", A, HOME, {"volumeId": volume_id(1)}))
    assert {call.name for call in aws.calls} == {"ec2.CreateTags"}


@pytest.mark.parametrize("outcome", [OutcomeKind.NOT_READY, OutcomeKind.THROTTLED, OutcomeKind.FORBIDDEN])
def test_a_session_s_own_name_is_not_written_while_its_maker_can_t_be_told_nor_after(outcome: OutcomeKind) -> None:
    made_at = "2026-11-23T11:50:00Z"
    attributes = {"creationDate": made_at, "mfaAuthenticated": "false"}
    identity = session("ceo@example.com", "dev", account=A, attributes=attributes)
    made = record("CreateVolume", A, HOME, {"volumeId": volume_id(1)}, userIdentity=identity)
    question = Question(QuestionKind.MAKER_OF_SESSION, A, HOME, f"AssumeRole {identity['accessKeyId']} {made_at}")
    aws = FakeAws()
    aws.known[question] = Unavailable(outcome, "why")
    first = on_fakes(aws, made)
    assert owner_tag(aws) == "dev"
    assert [decision_of(returned).owner_may_change for returned in first.returned] == [True]
    on_fakes(aws, made, now=Clock(NOON + timedelta(minutes=11)))
    assert owner_tag(aws) == "dev"
    caller = record(
        "AssumeRole", A, HOME, {}, userIdentity=fixtures.user("mallory", A), eventSource="sts.amazonaws.com"
    )
    aws.known[question] = Found(maker=fixtures.arrival(caller).record)
    assert not on_fakes(aws, made).returned
    assert owner_tag(aws) == "mallory"
