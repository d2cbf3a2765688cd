"""T1, T2, T3, T15, T24: what AWS would not have sent is refused before anything is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness import fixtures
from harness.planning import plan
from ownertag.core.ask import account_of, ask
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.match import match
from ownertag.core.parse import parse_event
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.settings_file import read_settings
from ownertag.core.values import Absent, Creation, Reason, Refusal


def decide(body: str) -> Creation | Refusal:
    read = parse_event(body, "message")
    if isinstance(read, Refusal):
        return read
    return match(read, fixtures.catalogue(), fixtures.settings())


@pytest.mark.parametrize("forged", fixtures.FORGED, ids=lambda forged: forged.name)
def test_a_forged_envelope_is_refused_with_a_reason(forged: fixtures.Forged) -> None:
    refusal = decide(forged.body)
    assert isinstance(refusal, Refusal)
    assert refusal.detail
    assert refusal.reason.value == forged.reason


@pytest.mark.parametrize("forged", fixtures.FORGED, ids=lambda forged: forged.name)
def test_the_detail_of_a_refusal_is_one_short_line_of_ascii(forged: fixtures.Forged) -> None:
    refusal = decide(forged.body)
    assert isinstance(refusal, Refusal)
    assert refusal.detail.isascii()
    assert refusal.detail.isprintable()
    assert len(refusal.detail) < 300


def test_there_are_at_least_forty_and_no_name_twice() -> None:
    assert len(fixtures.FORGED) >= 40
    assert len({forged.name for forged in fixtures.FORGED}) == len(fixtures.FORGED)


@pytest.mark.parametrize("source", ["aws.ec2", "aws.monitoring", "aws.ec2-instance-connect", "aws.s3"])
def test_an_event_of_aws_is_let_in(source: str) -> None:
    assert isinstance(decide(fixtures.text_of(fixtures.event(fixtures.record(), source=source))), Creation)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:ec2:eu-central-1::null",
        "not an arn",
        "arn:aws:ec2:eu-central-1:444455556666",
        "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        f"arn:aws:ec2:eu-central-1:{fixtures.ACCOUNT}:volume/vol-1234567890abcdef0",
        None,
        7,
    ],
)
def test_a_listed_arn_that_claims_nothing_of_what_was_made_changes_nothing(arn: object) -> None:
    event = fixtures.event(fixtures.record(resources=[{"ARN": arn}]))
    assert isinstance(decide(fixtures.text_of(event)), Creation)


def test_a_forged_envelope_in_a_file_is_refused_as_well() -> None:
    for forged in fixtures.FORGED:
        if forged.reason == Reason.FORGED_ENVELOPE and "detail" in forged.body:
            [read] = parse_document(forged.body.encode(), "file.json")
            assert isinstance(read, Refusal), forged.name


def test_both_copies_of_a_shared_event_make_one_creation() -> None:
    shared = {"sharedEventID": "a1b2c3d4-5678-90ab-cdef-11111EXAMPLE"}
    own = fixtures.launch(**shared)
    copy = own | {"recipientAccountId": fixtures.OTHER_ACCOUNT, "eventID": "11112222-3333-4444-5555-666677778888"}
    kinds = [type(decide(fixtures.text_of(fixtures.event(record)))) for record in (own, copy)]
    assert kinds == [Creation, Refusal]


@pytest.mark.parametrize(
    ("region", "regions"),
    [
        ("us-east-1", '["eu-central-1"]'),
        ("cn-north-1", "[]"),
        ("us-gov-west-1", "[]"),
        ("evil-region-1", '["eu-central-1"]'),
    ],
)
def test_a_region_that_is_not_the_organizations_is_refused(region: str, regions: str) -> None:
    text = fixtures.SETTINGS_TEXT.replace("[tags]", f"regions = {regions}\n[tags]")
    read = fixtures.live_arrival(fixtures.record(awsRegion=region))
    refusal = match(read, fixtures.catalogue(), read_settings(text, "ownertag.toml"))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.OTHER_REGION


def test_nothing_but_the_account_is_asked_of_an_account_that_is_not_known_yet() -> None:
    creation = decide(fixtures.outsider_event())
    assert isinstance(creation, Creation)
    [question] = ask([creation], {}, fixtures.catalogue(), fixtures.settings())
    assert (question.kind, question.account) == (QuestionKind.ACCOUNT, fixtures.OUTSIDE_ACCOUNT)


def test_an_account_outside_the_organization_is_refused_and_not_asked_again() -> None:
    creation = decide(fixtures.outsider_event())
    assert isinstance(creation, Creation)
    facts = {account_of(creation): Absent()}
    assert ask([creation], facts, fixtures.catalogue(), fixtures.settings()) == ()
    now = creation.record.created_at + timedelta(minutes=1)
    decided = plan([creation], facts, fixtures.catalogue(), fixtures.settings(), now)
    assert decided.writes == ()
    assert [refusal.reason for refusal in decided.refusals] == [Reason.UNKNOWN_ACCOUNT]


def test_what_is_checked_is_what_is_used_when_a_key_stands_twice() -> None:
    text = fixtures.text_of(fixtures.record())
    doubled = text.replace(
        '"recipientAccountId":', f'"recipientAccountId":"{fixtures.OTHER_ACCOUNT}","recipientAccountId":'
    )
    [read] = parse_document(doubled.encode(), "file.json")
    assert isinstance(read, Arrival)
    creation = match(read, fixtures.catalogue(), fixtures.settings())
    assert isinstance(creation, Creation)
    assert read.record.account == fixtures.ACCOUNT
    assert all(f":{fixtures.ACCOUNT}:" in resource.arn for resource in creation.resources)
