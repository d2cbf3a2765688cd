"""Findings on the bus and by mail, by the SDK's real calls: what fits a call, who fails alone, and how many mails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from contracts.emulated import ONCE, Call, Wire, answer
from ownertag.core.findings import MAX_BY, MAX_CHANGES, MAX_ID, MAX_KEY, MAX_VALUE, TagChange, TamperFinding
from ownertag.core.values import Failure
from ownertag.flows.findings import AllPublishers
from ownertag.sinks.findings import FindingsBus
from ownertag.sinks.mail import MOST_MAILS, FindingsMail

REGION, BUS = "eu-central-1", "ownertag"
#: What EventBridge takes in one call (doc: PutEvents, calculating event entry size).
MOST_BYTES = 256 * 1024
AT = datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)
HOSTILE = '"}, "x": <new> \n \u202e \\ https://evil.example'


def finding(number: int = 1, account: str = "111122223333", value: str = "mallory", **fields: Any) -> TamperFinding:
    arn = f"arn:aws:ec2:{REGION}:{account}:volume/vol-{number:017x}"
    changes = fields.pop("changes", (TagChange("owner", "alice", value),))
    return TamperFinding(
        account, REGION, arn, 1, changes, "arn:aws:iam::1:user/mallory", f"event-{number}", AT, **fields
    )


def largest(number: int) -> TamperFinding:
    """As large as a record can make it: four bytes a character."""
    char = "\U0001d51e"
    changes = tuple(
        TagChange(f"{char * (MAX_KEY - 3)}{number:03}", char * MAX_VALUE, char * MAX_VALUE)
        for number in range(MAX_CHANGES)
    )
    return TamperFinding(
        "111122223333", REGION, char * MAX_ID, 10_000, changes, char * MAX_BY, f"event-{number}", AT, char * MAX_VALUE
    )


@dataclass
class World:
    """A bus, a topic with a queue that is subscribed to it, and a clock that moves by hand."""

    wire: Wire
    bus: FindingsBus
    mail: FindingsMail
    sqs: Any
    queue: str
    clock: list[float]

    def put(self) -> list[list[dict[str, Any]]]:
        """The entries of each call so far."""
        return [_entries(call) for call in self.wire.calls if call.operation == "PutEvents"]

    def mails(self) -> list[tuple[str, str]]:
        """(subject, text) of what arrived since."""
        found = []
        while got := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in got:
                body = json.loads(message["Body"])
                found.append((body["Subject"], body["Message"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found


def _clients(session: Any, *services: str) -> list[Any]:
    return [session.client(service, config=ONCE) for service in services]


def _entries(call: Call) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(call.request.body)["Entries"]  # type: ignore[arg-type] # it is bytes
    return entries


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        session = boto3.Session(region_name=REGION)
        wire = Wire(session)
        events, sns, sqs = _clients(session, "events", "sns", "sqs")
        events.create_event_bus(Name=BUS)
        topic = sns.create_topic(Name="ownertag-alarms")["TopicArn"]
        queue = sqs.create_queue(QueueName="mail")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        clock = [1000.0]
        yield World(wire, FindingsBus(events, BUS), FindingsMail(sns, topic, lambda: clock[0]), sqs, queue, clock)


# --- the bus


def test_an_event_has_all_of_a_finding_whatever_stands_in_it(world: World) -> None:
    assert world.bus.publish([finding(value=HOSTILE)]) == [None]
    [[entry]] = world.put()
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == ("ownertag", "Owner tag changed", BUS)
    detail = json.loads(entry["Detail"])
    assert detail["schema"] == 1
    assert detail["changes"] == [{"key": "owner", "old": "alice", "new": HOSTILE}]
    assert (detail["resources"], detail["at"]) == (1, "2026-03-02T09:14:05+00:00")
    assert entry["Resources"] == [detail["resource"]]


def test_a_resource_of_no_known_type_is_no_arn_of_the_event(world: World) -> None:
    world.bus.publish([finding(typed=False)])
    assert world.put()[0][0]["Resources"] == []


def test_a_call_takes_ten_and_no_more_bytes_than_aws_takes(world: World) -> None:
    assert world.bus.publish([finding(number) for number in range(25)]) == [None] * 25
    assert [len(call) for call in world.put()] == [10, 10, 5]
    world.wire.clear()
    assert world.bus.publish([largest(number) for number in range(7)]) == [None] * 7
    for entries in world.put():
        sizes = [
            14 + sum(len(entry[field].encode()) for field in ("Source", "DetailType", "Detail"))
            + sum(len(arn.encode()) for arn in entry["Resources"])
            for entry in entries
        ]  # fmt: skip
        assert sum(sizes) <= MOST_BYTES


def test_one_entry_that_fails_costs_the_others_nothing(world: World) -> None:
    def rule(call: Call) -> Any:
        bad, good = {"ErrorCode": "MalformedDetail"}, {"EventId": "1"}
        said = [bad if "event-3" in entry["Detail"] else good for entry in _entries(call)]
        return answer(call, 200, json.dumps({"FailedEntryCount": 1, "Entries": said}))

    world.wire.rule(rule)
    told = world.bus.publish([finding(number) for number in range(12)])
    assert told == [Failure("MalformedDetail", 200) if number == 3 else None for number in range(12)]


def test_a_bus_that_is_away_is_not_asked_a_hundred_times(world: World) -> None:
    world.wire.fail("PutEvents", "InternalException", 500)
    told = world.bus.publish([finding(number) for number in range(1000)])
    assert told == [Failure("InternalException", 500)] * 1000
    assert world.wire.counts["PutEvents"] == 3


# --- mails


def test_a_mail_an_account_that_counts_the_rest(world: World) -> None:
    found = [finding(number) for number in range(5)] + [finding(9, "444455556666")]
    assert world.mail.publish(found) == [None] * 6
    mails = dict(world.mails())
    assert set(mails) == {
        f"ownertag: protected tags were changed in account {a}" for a in ("111122223333", "444455556666")
    }
    [text] = [mail for subject, mail in mails.items() if "111122223333" in subject]
    assert found[0].resource in text
    assert "4 more such calls" in text


def test_what_we_wrote_over_wakes_nobody_but_a_test_is_mailed_as_one(world: World) -> None:
    assert world.mail.publish([finding(1, overwritten=True)]) == [None]
    assert world.mails() == []
    world.mail.publish([finding(2, overwritten=True, test=True), finding(3)])
    assert sorted(subject for subject, _ in world.mails()) == [
        "ownertag: protected tags were changed in account 111122223333",
        "ownertag: this is a test, account 111122223333",
    ]


def test_nobody_can_make_mails_without_end_and_what_is_not_mailed_is_counted(world: World) -> None:
    for number in range(200):
        assert world.mail.publish([finding(2 * number), finding(2 * number + 1)]) == [None, None]
    assert len(world.mails()) == MOST_MAILS
    assert world.mail.publish([finding(900, "444455556666")]) == [None]
    assert len(world.mails()) == 1
    world.clock[0] += 600
    assert world.mail.publish([finding(901)]) == [None]
    [(_, text)] = world.mails()
    assert f"{2 * (200 - MOST_MAILS):,} earlier ones were not mailed" in text
    world.clock[0] += 600
    world.mail.publish([finding(902)])
    [(_, text)] = world.mails()
    assert "not mailed" not in text


def test_a_topic_that_can_not_be_reached_costs_no_mail_and_is_tried_again(world: World) -> None:
    world.wire.fail("Publish", EndpointConnectionError(endpoint_url="https://sns.example"), times=1)
    [failure] = world.mail.publish([finding()])
    assert failure is not None
    assert not failure.answered
    for _ in range(MOST_MAILS):
        assert world.mail.publish([finding()]) == [None]
    assert len(world.mails()) == MOST_MAILS


def test_a_topic_that_is_denied_is_not_asked_for_every_account(world: World) -> None:
    world.wire.fail("Publish", "AuthorizationError", 403)
    told = world.mail.publish([finding(number, f"{number:012}") for number in range(200)])
    assert told == [Failure("AuthorizationError", 403)] * 200
    assert world.wire.counts["Publish"] == 3


# --- both


def test_what_one_of_both_did_not_take_has_failed_and_the_other_is_told(world: World) -> None:
    both = AllPublishers(world.bus, world.mail)
    world.wire.fail("Publish", "InternalError", 500, times=1)
    assert both.publish([finding(1), finding(2, overwritten=True)]) == [Failure("InternalError", 500), None]
    assert [len(call) for call in world.put()] == [2]
    world.wire.fail("PutEvents", "InternalException", 500, times=1)
    assert both.publish([finding(1)]) == [Failure("InternalException", 500)]
    assert len(world.mails()) == 1
    assert both.publish([]) == []
