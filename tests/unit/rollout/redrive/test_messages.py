"""What a dead letter says of itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from harness import fixtures
from ownertag.core.values import Reason
from ownertag.rollout.redrive.messages import ADVICE, NOT_READABLE, TOO_OFTEN, call_of, contents, read_message


def answer(code: str | None = None, body: str = "{}", sent: str | None = "1772366400123") -> dict[str, Any]:
    found: dict[str, Any] = {"MessageId": "m", "ReceiptHandle": "r", "Body": body}
    if sent:
        found["Attributes"] = {"SentTimestamp": sent}
    if code is not None:
        found["MessageAttributes"] = {"ERROR_CODE": {"DataType": "String", "StringValue": code}}
    return found


def test_a_message_says_when_it_was_sent_and_why_it_lies_there() -> None:
    message = read_message(answer("NO_PERMISSIONS"))
    assert (message.code, message.sent) == ("NO_PERMISSIONS", datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC))


@pytest.mark.parametrize("given", [None, ""])
def test_what_sqs_moved_has_no_code(given: str | None) -> None:
    message = read_message(answer(given, sent=None))
    assert (message.code, message.sent) == (TOO_OFTEN, None)


def test_a_code_that_somebody_made_up_is_cut_and_can_not_be_obeyed_by_a_terminal() -> None:
    code = read_message(answer("\x1b[31m" + "x" * 500)).code
    assert len(code) <= 64
    assert code.isprintable()


@pytest.mark.parametrize(
    ("body", "call"),
    [
        (json.dumps(fixtures.event(fixtures.record())), "ec2 CreateVolume"),
        (json.dumps({**fixtures.event(fixtures.record()), "source": "evil.ec2"}), "ec2 CreateVolume"),
        ("", NOT_READABLE),
        ('{"detail": 1}', NOT_READABLE),
    ],
)
def test_of_a_record_only_the_call_is_named(body: str, call: str) -> None:
    assert call_of(body) == call


def test_messages_are_counted_by_code_and_call_with_the_oldest() -> None:
    event = json.dumps(fixtures.event(fixtures.record()))
    older, newer = read_message(answer("a", event, "1000")), read_message(answer("b", "", "2000"))
    found = contents([newer, older, read_message(answer("b", event, None))])
    assert found.codes == {"b": 2, "a": 1}
    assert found.calls == {"ec2 CreateVolume": 2, NOT_READABLE: 1}
    assert found.oldest == datetime.fromtimestamp(1, UTC)
    assert found.messages == 3
    assert contents([]).oldest is None


def test_what_would_come_straight_back_is_said_of_every_reason_that_nobody_can_read() -> None:
    assert {code for code, advice in ADVICE.items() if "straight back" in advice} == {
        reason.value for reason in Reason if reason.is_retried
    }
