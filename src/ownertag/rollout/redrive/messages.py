"""What a dead letter says: why it lies there, and which call it is of. Nothing else of a record is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from ownertag.core.owner.principal import clean
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.core.values import Reason

#: What SQS moved by itself has no attribute that says why.
TOO_OFTEN = "received-too-often"
NOT_READABLE = "not readable"

_LONGEST_CODE, _LONGEST_CALL = 64, 80

#: What to know of a code before its messages are put back: EventBridge's (doc: "Using dead-letter queues to process
#: undelivered events"), and those that the function writes.
ADVICE = {
    TOO_OFTEN: "the function's log says why",
    "NO_PERMISSIONS": "the bus's policy or the forwarder's role refused them",
    "FAILED_TO_ASSUME_ROLE": "the forwarder's role could not be assumed",
    "NO_RESOURCE": "the hub's bus or queue was not there",
    "forbidden": "the tagger's role was refused; if it still is, they come back",
    **{reason.value: "nobody can read them: they would come straight back" for reason in Reason if reason.is_retried},
}


class DeadLetterMessage(Struct, frozen=True):
    """A message as it lies in a queue.

    Attributes:
        id: SQS's.
        receipt: The handle by which it is deleted, or shown again.
        body: The event.
        sent: When it was first sent to a queue.
        code: Why it lies there.
    """

    id: str
    receipt: str
    body: str
    sent: datetime | None
    code: str


class Contents(Struct, frozen=True):
    """What messages say together: by code, and by call."""

    codes: Mapping[str, int] = {}
    calls: Mapping[str, int] = {}
    oldest: datetime | None = None

    @property
    def messages(self) -> int:
        """How many were looked at."""
        return sum(self.codes.values())


def read_message(answer: Mapping[str, Any]) -> DeadLetterMessage:
    """A message of ReceiveMessage's answer."""
    attributes, system = answer.get("MessageAttributes", {}), answer.get("Attributes", {})
    code = clean(str(attributes.get("ERROR_CODE", {}).get("StringValue", "")))[:_LONGEST_CODE]
    sent = system.get("SentTimestamp")  # milliseconds
    return DeadLetterMessage(
        answer["MessageId"],
        answer["ReceiptHandle"],
        answer.get("Body", ""),
        datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
        code or TOO_OFTEN,
    )


def call_of(body: str) -> str:
    """The service and the name of the call that a message is of."""
    parsed = parse_event(body, "")
    record = parsed.record
    if not isinstance(parsed, Arrival) and record is None:
        return NOT_READABLE
    assert record is not None  # noqa: S101 - an arrival has one
    service = record.event_source.partition(".")[0]
    return clean(f"{service} {record.event_name}")[:_LONGEST_CALL]


def contents(messages: Iterable[DeadLetterMessage]) -> Contents:
    """What these messages say together."""
    seen = list(messages)
    codes, calls = Counter(message.code for message in seen), Counter(call_of(message.body) for message in seen)
    oldest = min((message.sent for message in seen if message.sent), default=None)
    return Contents(dict(codes.most_common()), dict(calls.most_common()), oldest)
