"""Passes the hub's queue to the handler, as Lambda's event source mapping does with partial batch responses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError
from moto.sqs.models import sqs_backends

#: The function's timeout that the article advises.
TIMEOUT_SECONDS = 180.0
#: How long a batch is filled, and how large it gets.
WINDOW_SECONDS = 0.3
BATCH = 100

Handler = Callable[[Mapping[str, Any], Any], Any]


@dataclass
class InvocationContext:
    """What Lambda tells a function of its invocation."""

    function_name: str = "ownertag"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = ""
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    until: float = field(default_factory=lambda: time.monotonic() + TIMEOUT_SECONDS)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function would be stopped."""
        return max(0, int((self.until - time.monotonic()) * 1000))


class QueuePoller:
    """Polls a queue and calls the handler with batches, on one thread.

    Args:
        sqs: An SQS client of the hub.
        queue_url: The queue.
        queue_arn: Its ARN, as events name it.
        handler: The function.
        failed: Is told what a handler raised; its batch comes back.
        function_arn: The function's own.
        timeout: Of an invocation, in seconds.
        reports_failures: Whether the answer is read for messages that come back.
    """

    def __init__(
        self,
        sqs: Any,
        queue_url: str,
        queue_arn: str,
        handler: Handler,
        failed: Callable[[Exception], None],
        *,
        function_arn: str = "",
        timeout: float = TIMEOUT_SECONDS,
        reports_failures: bool = True,
    ) -> None:
        self._sqs = sqs
        self._url = queue_url
        self._arn = queue_arn
        self._handler = handler
        self._failed = failed
        self._function_arn = function_arn
        self._timeout = timeout
        self._reports_failures = reports_failures
        self._stop = Event()
        self._wake = Event()
        self._thread = Thread(target=self._poll, name="event-source", daemon=True)

    def start(self) -> None:
        """Starts polling."""
        self._thread.start()

    def stop(self) -> None:
        """Finishes the batch in hand, and ends."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """Looks into the queue now, not at the next turn."""
        self._wake.set()

    def poll_once(self) -> int:
        """Receives a batch, hands it to the handler, and returns the number of its messages."""
        messages = self._receive(BATCH)
        if messages and len(messages) < BATCH:
            self._stop.wait(WINDOW_SECONDS)
            messages += self._receive(BATCH - len(messages))
        if messages:
            self._invoke(messages)
        return len(messages)

    def _poll(self) -> None:
        while not self._stop.is_set():
            try:
                found = self.poll_once()
            except (BotoCoreError, ClientError) as error:
                self._failed(error)
                found = 0
            if not found:
                self._wake.wait(0.5)
                self._wake.clear()

    def _receive(self, most: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < most:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(10, most - len(found)),
                MessageSystemAttributeNames=["All"],
                WaitTimeSeconds=0,
            )
            messages = answer.get("Messages", [])
            if not messages:
                break
            found += messages
        return found

    def _invoke(self, messages: list[dict[str, Any]]) -> None:
        records = [_as_record(message, self._arn) for message in messages]
        try:
            context = InvocationContext(invoked_function_arn=self._function_arn, until=time.monotonic() + self._timeout)
            answer = self._handler({"Records": records}, context)
        except Exception as error:  # noqa: BLE001 - as Lambda: whatever a function raises fails its batch
            self._failed(error)
            return
        received = {message["MessageId"] for message in messages}
        back = failed_items(answer, received) if self._reports_failures else set()
        done = [message for message in messages if message["MessageId"] not in back]
        for start in range(0, len(done), 10):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(done[start : start + 10])
            ]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)


def failed_items(answer: Any, received: set[str]) -> set[str]:
    """The messages that come back, by Lambda's rules.

    None, an empty object or an empty list is complete success; an empty or unknown identifier, or an answer of another
    shape, fails the whole batch (doc: "Implementing partial batch responses").
    """
    if answer is None or answer == {}:
        return set()
    if not isinstance(answer, Mapping) or not isinstance(answer.get("batchItemFailures"), list | None):
        return received
    items = answer.get("batchItemFailures") or []
    named = {str(item.get("itemIdentifier")) if isinstance(item, Mapping) else "" for item in items}
    unknown = named - received
    return received if unknown else named


def _as_record(message: Mapping[str, Any], arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }


def keep_from_docker() -> None:
    """Takes the mappings off moto's queues, or moto would run their functions in Docker at the next message."""
    for regions in list(sqs_backends.values()):
        for backend in list(regions.values()):
            for queue in list(backend.queues.values()):
                queue.lambda_event_source_mappings.clear()
