"""What an undelivered event becomes: CloudTrail's record of it, or a reason to leave it where it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness import fixtures
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.rollout.redrive import restore
from ownertag.rollout.redrive.restore import Kept, Lookup, restored, wanted

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENT = NOW - timedelta(hours=1)
RECORD: dict[str, Any] = fixtures.record()
ACCOUNT, REGION = RECORD["recipientAccountId"], RECORD["awsRegion"]


def body(**changed: Any) -> str:
    return json.dumps({**fixtures.event(RECORD), **changed})


def test_the_event_of_the_queues_own_account_and_region_is_looked_up() -> None:
    assert wanted(body(), ACCOUNT, REGION) == Lookup(RECORD["eventID"])


@pytest.mark.parametrize(
    ("text", "account", "region", "reason"),
    [
        (body(), "999999999999", REGION, restore.OTHER_PLACE),
        (body(), ACCOUNT, "eu-north-1", restore.OTHER_PLACE),
        (body(account="999999999999"), "999999999999", REGION, restore.FORGED),
        (body(region="eu-north-1"), ACCOUNT, "eu-north-1", restore.FORGED),
        (body(source="evil.ec2"), ACCOUNT, REGION, restore.FORGED),
        (body(**{"detail-type": "Owner tag changed"}), ACCOUNT, REGION, restore.FORGED),
        ("", ACCOUNT, REGION, restore.FORGED),
        ("{}", ACCOUNT, REGION, restore.FORGED),
        ("[" * 100_000, ACCOUNT, REGION, restore.FORGED),
    ],
)
def test_what_is_no_event_of_the_queues_place_is_left(text: str, account: str, region: str, reason: str) -> None:
    assert wanted(text, account, region) == Kept(reason)


def test_what_cloudtrail_lists_is_sent_and_not_what_the_message_says() -> None:
    forged = {**RECORD, "userIdentity": {"type": "Root", "accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"}}
    made = restored(body(detail=forged), json.dumps(RECORD), SENT, NOW)
    assert isinstance(made, str)
    assert json.loads(made) == json.loads(body())
    assert isinstance(parse_event(made, ""), Arrival)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (NOW - timedelta(minutes=29), restore.NOT_LISTED_YET),
        (NOW - timedelta(minutes=31), restore.NOT_LISTED),
        (None, restore.NOT_LISTED_YET),
    ],
)
def test_what_cloudtrail_does_not_list_is_late_at_first_and_then_made_up(sent: datetime | None, reason: str) -> None:
    assert restored(body(), None, sent, NOW) == Kept(reason)


@pytest.mark.parametrize(
    "listed",
    [
        json.dumps({**RECORD, "eventID": "11111111-2222-4333-8444-555555555555"}),
        json.dumps({**RECORD, "recipientAccountId": "999999999999"}),
        json.dumps({**RECORD, "awsRegion": "eu-north-1"}),
        "",
        "no record",
        "null",
    ],
)
def test_a_listing_of_another_event_is_not_sent(listed: str) -> None:
    assert restored(body(), listed, SENT, NOW) == Kept(restore.FORGED)


def test_each_reason_says_what_to_do() -> None:
    assert set(restore.ADVICE) == {restore.FORGED, restore.OTHER_PLACE, restore.NOT_LISTED, restore.NOT_LISTED_YET}
