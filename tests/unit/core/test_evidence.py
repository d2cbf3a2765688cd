"""Of all that tells who made a living resource the best, and what does not say the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from harness import fixtures
from ownertag.core.backfill.evidence import Conflict, Evidence, conflicts, evidence_of, first_of_life
from ownertag.core.backfill.found import FoundResource
from ownertag.core.match import match
from ownertag.core.values import Confidence, Creation, Owner, Resource

NOW = fixtures.EVENT_TIME + timedelta(days=100)
DAY = timedelta(days=1)
QUEUE = Resource(f"arn:aws:sqs:{fixtures.REGION}:{fixtures.ACCOUNT}:jobs", "jobs", "sqs:queue")


def found(made_at: datetime | None = None, **tags: str) -> FoundResource:
    return FoundResource(fixtures.ACCOUNT, fixtures.REGION, QUEUE, tags, made_at)


def creation(name: str, days: int, queue: str = "jobs", account: str = fixtures.ACCOUNT) -> Creation:
    at = fixtures.EVENT_TIME + days * DAY
    plain = fixtures.record(
        "CreateQueue",
        eventSource="sqs.amazonaws.com",
        eventTime=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        eventID=f"00000000-0000-4000-8000-{days:012}",
        userIdentity=fixtures.user(name, account),
        recipientAccountId=account,
        requestParameters={"queueName": queue},
        responseElements={"queueUrl": f"https://sqs.{fixtures.REGION}.amazonaws.com/{account}/{queue}"},
    )
    made = match(fixtures.arrival(plain), fixtures.catalogue(), fixtures.settings())
    assert isinstance(made, Creation), made
    return made


def deleted(*days: int) -> tuple[datetime, ...]:
    return tuple(fixtures.EVENT_TIME + day * DAY for day in days)


@pytest.mark.parametrize(
    ("made_on", "deletions", "expected"),
    [
        (None, (), "alice"),  # nothing says that it ended: the first creation owns
        (None, (10,), "bob"),
        (None, (10, 30), "carol"),
        (None, (10, 30, 50), None),
        (20, (), "bob"),  # the first one is older than the resource by its service's word
        (40, (), "carol"),
        (41, (), "carol"),  # a date alone may be a day off
        (60, (), None),
        (None, (500,), "alice"),  # an end that is still to come ends nothing
    ],
)
def test_the_first_record_of_the_present_life_made_it_in_whatever_order_they_are_read(
    made_on: int | None, deletions: tuple[int, ...], expected: str | None
) -> None:
    made_at = None if made_on is None else fixtures.EVENT_TIME + made_on * DAY
    others = [creation("mallory", 1, "others"), creation("eve", 1, account=fixtures.OTHER_ACCOUNT)]
    for three in permutations([creation("alice", 0), creation("bob", 20), creation("carol", 40)]):
        made = first_of_life(found(made_at), [*others, *three], deleted(*deletions), NOW)
        assert (made and made.record.identity and made.record.identity.user_name) == expected


def test_what_is_made_after_it_was_found_did_not_make_it() -> None:
    assert first_of_life(found(), [creation("alice", 200)], (), NOW) is None


@pytest.mark.parametrize(
    ("owner", "source", "expected"),
    [
        (Owner("alice", "iam-user", Confidence.ASSERTED), "sqs.amazonaws.com", Evidence.RECORD),
        (Owner("ops", "account-owner", Confidence.ACCOUNT), "sqs.amazonaws.com", Evidence.RECORD),
        (Owner("alice", "stack", Confidence.INFERRED), "ownertag", Evidence.WORD),
        (Owner("alice", "owner-tag", Confidence.ASSERTED), "ownertag", Evidence.WORD),
        (Owner("ops", "account-owner", Confidence.ACCOUNT), "ownertag", Evidence.GUESS),
        (Owner("unknown", "not-seen", Confidence.NONE), "ownertag", Evidence.NOTHING),
    ],
)
def test_what_an_owner_rests_on(owner: Owner, source: str, expected: Evidence) -> None:
    assert evidence_of(owner, source) is expected


def test_what_names_another_is_listed_once() -> None:
    alice = Owner("alice", "iam-user", Confidence.ASSERTED)
    nobody = Owner("unknown", "not-seen", Confidence.NONE)
    others = [("word", Owner("bob", "stack", Confidence.INFERRED)), ("record", alice), ("word", nobody)]
    listed = conflicts(alice, found(owner="mallory"), fixtures.settings(), [*others, *others])
    assert listed == (Conflict("owner-tag", "mallory"), Conflict("word", "bob"))
    assert conflicts(alice, found(owner="alice"), fixtures.settings()) == ()
    assert conflicts(alice, found(), fixtures.settings()) == ()
