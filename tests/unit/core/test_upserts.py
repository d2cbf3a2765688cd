"""Calls that make a resource or change it: their success alone makes nobody an owner."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from harness import fixtures
from harness.fixtures import ACCOUNT, LATE, REGION, SOON
from ownertag.core.ask import account_of, ask, tags_question
from ownertag.core.decide import decide
from ownertag.core.match import match
from ownertag.core.upserts import SEEN_AGAIN, UPSERT, existed
from ownertag.core.values import (
    Absent,
    Creation,
    Decision,
    Fact,
    Found,
    OutcomeKind,
    Question,
    Reason,
    Refusal,
    Unavailable,
)

CATALOGUE, SETTINGS = fixtures.catalogue(), fixtures.settings()
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/nightly"


def matched(event: str, source: str, request: Any, response: Any, **fields: Any) -> Creation | Refusal:
    plain = fixtures.record(
        event, eventSource=f"{source}.amazonaws.com", requestParameters=request, responseElements=response, **fields
    )
    return match(fixtures.arrival(plain), CATALOGUE, SETTINGS)


def rule(request: Any = None) -> Creation:
    creation = matched("PutRule", "events", {"name": "nightly", **(request or {})}, {"ruleArn": RULE})
    assert isinstance(creation, Creation)
    return creation


def decided(creation: Creation, fact: Fact, *, late: bool = False, careful: bool = False) -> Decision:
    facts: dict[Question, Fact] = {account_of(creation): Found(), tags_question(creation.resources[0], creation): fact}
    now = LATE if late else SOON
    [decision], refusals = decide([creation], facts, CATALOGUE, SETTINGS, now, careful=careful)
    assert not refusals
    return decision


# --- what the answer says


def parameter(version: Any) -> Creation | Refusal:
    return matched("PutParameter", "ssm", {"name": "/shop/url", "type": "String"}, {"version": version})


def test_a_parameter_s_first_version_is_a_creation_and_any_other_is_none() -> None:
    """(doc: Systems Manager API reference, PutParameter: the version that it answers begins with 1.)"""
    first, second = parameter(1), parameter(2)
    assert isinstance(first, Creation)
    assert not first.may_exist
    assert isinstance(second, Refusal)
    assert second.reason is Reason.NOT_A_CREATION


def test_without_an_answer_it_is_not_known() -> None:
    alarm = matched("PutMetricAlarm", "monitoring", {"alarmName": "cpu"}, None)
    thin = matched("PutParameter", "ssm", {"name": "/shop/url"}, {"tier": "Standard"})
    for creation in (alarm, thin, rule()):
        assert isinstance(creation, Creation)
        assert creation.may_exist


@pytest.mark.parametrize(
    ("response", "before"),
    [
        ({"creationDate": "Mar 2, 2026 9:14:05 AM"}, False),
        ({"creationDate": "Mar 2, 2026, 9:14:05\u202fAM"}, False),
        ({"creationDate": "Oct 28, 2016 1:18:07 AM"}, True),
        ({"createdAt": "2026-03-02T09:14:06Z"}, False),
        ({"monitor": {"CreatedAt": "2026-03-01T00:00:00Z"}}, True),
        ({"createTime": 1772442845}, False),
        ({"createTime": 1772442845123}, False),
        ({"createTime": 1577836800.5}, True),
        ({"creationTime": "yesterday"}, None),
        ({"creationTime": True}, None),
        ({"lastModified": "2016-10-28T01:18:07Z"}, None),
        ({"items": [{"creationDate": "2016-10-28T01:18:07Z"}]}, None),
        (None, None),
    ],
)
def test_the_service_s_own_creation_date_decides_where_it_is_there(response: Any, before: bool | None) -> None:
    plain = fixtures.record("PutRule", eventSource="events.amazonaws.com", responseElements=response)
    row = CATALOGUE.rows["events.amazonaws.com", "PutRule"]
    assert existed(fixtures.arrival(plain).record, row) is before


# --- what the living resource says


def test_its_tags_are_asked_for_unless_the_ledger_knows_it() -> None:
    creation = rule()
    facts: dict[Question, Fact] = {account_of(creation): Found()}
    wanted = tags_question(creation.resources[0], creation)
    assert wanted in ask([creation], facts, CATALOGUE, SETTINGS)
    known = replace(creation, known=frozenset({RULE}))
    assert wanted not in ask([known], facts, CATALOGUE, SETTINGS)
    bucket = matched("CreateBucket", "s3", {"bucketName": "shop-files"}, None)
    assert isinstance(bucket, Creation)
    assert tags_question(bucket.resources[0], bucket) not in ask([bucket], facts, CATALOGUE, SETTINGS)


@pytest.mark.parametrize("careful", [False, True])
def test_an_owner_tag_that_is_there_is_neither_overwritten_nor_claimed(careful: bool) -> None:
    decision = decided(rule(), Found(tags={"owner": "bob", "team": "shop"}), careful=careful)
    assert not decision.resources
    assert not decision.creation.resources
    assert [(one.arn, one.kind, one.reason) for one in decision.settled] == [(RULE, OutcomeKind.UNCHANGED, SEEN_AGAIN)]
    assert not decision.waits


@pytest.mark.parametrize("fact", [Absent(), Found(), Found(tags={"team": "shop"})])
def test_what_has_no_owner_tag_is_the_caller_s(fact: Fact) -> None:
    decision = decided(rule(), fact)
    assert [one.arn for one in decision.resources] == [RULE]
    assert decision.owner.name == "alice"
    assert not decision.settled


@pytest.mark.parametrize("outcome", [OutcomeKind.THROTTLED, OutcomeKind.FORBIDDEN, OutcomeKind.FAILED])
@pytest.mark.parametrize("late", [False, True])
def test_while_its_tags_can_t_be_read_nobody_claims_it_and_the_message_comes_back(
    outcome: OutcomeKind, late: bool
) -> None:
    decision = decided(rule(), Unavailable(outcome, "why"), late=late)
    assert not decision.resources
    assert not decision.creation.resources
    assert [wait.outcome for wait in decision.waits] == [outcome]


def test_what_is_not_to_be_seen_any_more_is_gone() -> None:
    fact = Unavailable(OutcomeKind.NOT_READY, "no such rule")
    assert [wait.outcome for wait in decided(rule(), fact).waits] == [OutcomeKind.NOT_READY]
    late = decided(rule(), fact, late=True)
    assert not late.waits
    assert [one.kind for one in late.settled] == [OutcomeKind.GONE]


def test_an_owner_tag_of_the_request_itself_is_the_caller_s_claim() -> None:
    """Else whoever makes a rule could name its owner. With another value it was there before."""
    creation = rule({"tags": [{"key": "owner", "value": "ceo"}]})
    assert [one.arn for one in decided(creation, Found(tags={"owner": "ceo"})).resources] == [RULE]
    assert decided(creation, Found(tags={"owner": "bob"})).resources == ()


def test_what_was_tagged_without_the_ledger_is_claimed_when_it_is_back() -> None:
    assert [one.arn for one in decided(rule(), Found(tags={"owner": "alice"})).resources] == [RULE]


def test_a_resource_that_the_ledger_knows_is_left_to_it() -> None:
    known = replace(rule(), known=frozenset({RULE}))
    assert [one.arn for one in decided(known, Found(tags={"owner": "bob"})).resources] == [RULE]


def test_the_tags_of_each_type_that_is_upserted_can_be_read() -> None:
    upserts = [row for row in CATALOGUE.rows.values() if UPSERT in row.traits]
    assert len(upserts) >= 4
    for row in upserts:
        for makes in row.makes:
            assert CATALOGUE.tag_apis[makes.type.tag_api].read is not None, row.event_name
