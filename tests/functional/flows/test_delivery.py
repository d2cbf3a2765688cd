"""When a message came is kept of the canary's alone: of others it would be stored for nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from harness import fixtures
from harness.fakes import FakeAccounts, FakeAws, FakeLookups, FakeTagger
from harness.memory_ledger import MemoryLedger
from ownertag.core.records import Delivery
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.handler.wiring import _message
from ownertag.ledger.entries import Created

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
CAME = Delivery(datetime(2026, 3, 2, 9, 14, 8, 123000, UTC), datetime(2026, 3, 2, 9, 14, 8, 456000, UTC))
#: As Lambda gives them (doc: Lambda developer guide, "Using Lambda with Amazon SQS", example event).
ATTRIBUTES = {
    "ApproximateReceiveCount": "1",
    "SentTimestamp": "1545082649183",
    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
    "ApproximateFirstReceiveTimestamp": "1545082649185",
}


def created(by: dict[str, Any], name: str = "CreatePlacementGroup") -> Created:
    """The ledger's entry for a creation by somebody, whose message says when it came."""
    group = {"groupId": "pg-0123456789abcdef0", "groupName": "ownertag-canary"}
    responses: dict[str, Any] = {
        "CreatePlacementGroup": {"CreatePlacementGroupResponse": {"placementGroup": group}},
        "CreateVolume": {"volumeId": "vol-0a1b2c3d4e5f60718"},
    }
    record = fixtures.record(name, responseElements=responses[name], userIdentity=by)
    aws, ledger = FakeAws(), MemoryLedger()
    ports = Ports(FakeAccounts({ACCOUNT}), FakeLookups(aws), FakeTagger(aws), lambda: fixtures.SOON, ledger=ledger)
    message = Message("m", json.dumps(fixtures.event(record)), delivery=CAME)
    assert handle([message], ports, fixtures.catalogue(), fixtures.settings()).done
    [found] = ledger.created.values()
    return found


def test_of_the_canary_it_is_kept_when_its_message_came() -> None:
    entry = created(fixtures.session("ownertag", "ownertag-canary"))
    assert entry.delivery == CAME
    stored = msgspec.json.encode(entry)
    assert len(stored) - len(msgspec.json.encode(msgspec.structs.replace(entry, delivery=None))) <= 100
    assert msgspec.json.decode(stored, type=Created) == entry


@pytest.mark.parametrize(
    ("by", "name"),
    [
        (fixtures.user("alice"), "CreatePlacementGroup"),
        (fixtures.session("ownertag-canary", "admin"), "CreatePlacementGroup"),
        (fixtures.session("ownertag", "ownertag-canary"), "CreateVolume"),
    ],
)
def test_of_others_nothing_more_is_stored(by: dict[str, Any], name: str) -> None:
    entry = created(by, name)
    assert entry.delivery is None
    assert b"delivery" not in msgspec.json.encode(entry)


def test_when_a_message_came_is_read_from_lambdas_event() -> None:
    message = _message({"messageId": "m", "body": "{}", "attributes": ATTRIBUTES})
    assert message.delivery == Delivery(
        datetime(2018, 12, 17, 21, 37, 29, 183000, UTC), datetime(2018, 12, 17, 21, 37, 29, 185000, UTC)
    )


@pytest.mark.parametrize(
    "attributes",
    [
        None,
        {},
        {"SentTimestamp": "1545082649183"},
        {**ATTRIBUTES, "SentTimestamp": ""},
        {**ATTRIBUTES, "SentTimestamp": "soon"},
        {**ATTRIBUTES, "ApproximateFirstReceiveTimestamp": None},
        {**ATTRIBUTES, "SentTimestamp": "9" * 400},
        {**ATTRIBUTES, "SentTimestamp": "9" * 20},
    ],
)
def test_a_message_that_does_not_say_when_it_came_is_handled_all_the_same(attributes: dict[str, Any] | None) -> None:
    assert _message({"messageId": "m", "body": "{}", "attributes": attributes}).delivery is None
