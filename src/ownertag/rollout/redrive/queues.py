"""One queue, by whoever may use it: its depth, its messages, what is sent to it and deleted from it.

A message that was received is hidden for a while. Whatever happens then, it comes back by itself, so nothing is lost
where a command ends in the middle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from ownertag.core.values import Failure
from ownertag.rollout.redrive.messages import DeadLetterMessage, read_message

T = TypeVar("T")

#: Uses an SQS client of one account and Region; an error of AWS is returned.
Call = Callable[[Callable[[Any], Any]], Any]

#: How long a message is hidden while it is worked on: a look-up in CloudTrail can wait for its turn.
HIDDEN_SECONDS = 300
#: SQS takes ten entries a call, and 262,144 bytes of them where the queue has no larger limit (doc: SendMessageBatch).
_MOST = 10
_MOST_BYTES = 250_000
#: Long polling asks all of SQS's servers; an empty answer to a short poll means nothing (doc: ReceiveMessage).
_WAIT_SECONDS = 1

#: What SQS calls a queue that is not there, in its two protocols.
NO_QUEUE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


class Depth(Struct, frozen=True):
    """About how many messages a queue has: to be received, and hidden as somebody works on them (or delayed)."""

    waiting: int
    hidden: int


class Queue:
    """A queue of this name.

    Args:
        call: Uses a client of its account and Region.
        name: The queue's name.
    """

    def __init__(self, call: Call, name: str) -> None:
        self._call = call
        self._name = name
        self._url = ""

    def _use(self, use: Callable[[Any, str], T]) -> T | Failure:
        if not self._url:
            found = self._call(lambda sqs: sqs.get_queue_url(QueueName=self._name)["QueueUrl"])
            if isinstance(found, Failure):
                return found
            self._url = str(found)
        answer: T | Failure = self._call(lambda sqs: use(sqs, self._url))
        return answer

    def depth(self) -> Depth | Failure:
        """How many messages it has."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]

        def use(sqs: Any, url: str) -> Depth:
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            waiting, hidden, delayed = (int(found.get(name, 0)) for name in names)
            return Depth(waiting, hidden + delayed)

        return self._use(use)

    def receive(self, most: int = _MOST, hidden: int = HIDDEN_SECONDS) -> list[DeadLetterMessage] | Failure:
        """Some messages, at most ten, which are hidden from now on; none if there are no more to be received."""

        def use(sqs: Any, url: str) -> list[DeadLetterMessage]:
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(most, _MOST),
                VisibilityTimeout=hidden,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            return [read_message(message) for message in answer.get("Messages", [])]

        return self._use(use)

    def release(self, messages: Sequence[DeadLetterMessage]) -> None:
        """Shows messages again that were received. Where that fails they come back when their time is over."""
        for part in _parts(messages):
            entries = [{**entry, "VisibilityTimeout": 0} for entry in _receipts(part)]
            self._batch("change_message_visibility_batch", entries)

    def delete(self, messages: Sequence[DeadLetterMessage]) -> list[DeadLetterMessage]:
        """Deletes messages that were received. Returns those that it could not delete: they come back."""
        left: list[DeadLetterMessage] = []
        for part in _parts(messages):
            answer = self._batch("delete_message_batch", _receipts(part))
            gone = set() if isinstance(answer, Failure) else {entry["Id"] for entry in answer.get("Successful", ())}
            left += [message for number, message in enumerate(part) if str(number) not in gone]
        return left

    def send(self, bodies: Sequence[str]) -> tuple[set[int], Failure | None]:
        """Sends messages. Returns which of them the queue took, by their number, and why others failed."""
        taken: set[int] = set()
        failure: Failure | None = None
        for part in _by_size(bodies):
            answer = self._batch(
                "send_message_batch", [{"Id": str(number), "MessageBody": bodies[number]} for number in part]
            )
            if isinstance(answer, Failure):
                failure = answer
                continue
            taken |= {int(entry["Id"]) for entry in answer.get("Successful", ())}
            for entry in answer.get("Failed", ()):  # a 200 can have single failures
                failure = Failure(str(entry.get("Code", "Unknown")), 200)
        return taken, failure

    def _batch(self, operation: str, entries: list[dict[str, Any]]) -> dict[str, Any] | Failure:
        def use(sqs: Any, url: str) -> dict[str, Any]:
            answer: dict[str, Any] = getattr(sqs, operation)(QueueUrl=url, Entries=entries)
            return answer

        return self._use(use)


def _receipts(messages: Sequence[DeadLetterMessage]) -> list[dict[str, Any]]:
    return [{"Id": str(number), "ReceiptHandle": message.receipt} for number, message in enumerate(messages)]


def _parts(messages: Sequence[DeadLetterMessage]) -> Iterator[Sequence[DeadLetterMessage]]:
    for start in range(0, len(messages), _MOST):
        yield messages[start : start + _MOST]


def _by_size(bodies: Sequence[str]) -> Iterator[list[int]]:
    """The numbers of the bodies that go into one call."""
    part: list[int] = []
    size = 0
    for number, body in enumerate(bodies):
        own = len(body.encode())
        if part and (len(part) == _MOST or size + own > _MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(number)
        size += own
    if part:
        yield part
