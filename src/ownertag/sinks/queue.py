"""Delays messages that are not done, and sends them to the dead-letter queue with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.arn import last_part
from ownertag.core.owner.principal import clean
from ownertag.core.values import Failure

_BATCH = 10  # SQS takes at most ten entries a call
#: The queue's redrive policy is read only when a message was received as often as this: none allows fewer receives
#: (doc: at least 5 for a queue that Lambda reads).
_ASK_FROM = 5
_MAX_REASON = 1000


class DeadLetter(Struct, frozen=True):
    """A message that can't be done, how often it was received, and why."""

    id: str
    body: str
    receives: int
    reasons: tuple[str, ...]


class Queue:
    """The queue that the hub's function reads.

    Args:
        client: An SQS client of the hub.
        url: The queue's URL.
    """

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url
        self._redrive: tuple[str, int] | None = None

    def delay(self, delays: Iterable[tuple[str, int]]) -> list[Failure]:
        """Hides messages, given as (receipt handle, seconds).

        Returns the failures. They lose nothing: such a message comes back when its visibility timeout ends, and one
        whose receipt handle is no longer valid is with another instance of the function already.
        """
        failures = []
        entries = [
            {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
            for number, (receipt, seconds) in enumerate(delays)
        ]
        for start in range(0, len(entries), _BATCH):
            try:
                answer = self._client.change_message_visibility_batch(
                    QueueUrl=self._url, Entries=entries[start : start + _BATCH]
                )
            except AWS_ERRORS as error:
                failures.append(failure_of(error))
            else:
                failures += [Failure(entry["Code"], 200) for entry in answer.get("Failed", ())]
        return failures

    def send_to_dead_letter_queue(self, messages: Iterable[DeadLetter]) -> set[str]:
        """Sends messages that were received for the last time to the dead-letter queue, with the reason.

        SQS would move them there as well, without the reason; EventBridge's dead letters have the same attributes.
        Returns the ids of those that were sent. SQS moves the others: a message that is sent twice does no harm.
        """
        dead_letters = set()
        for message in messages:
            if message.receives < _ASK_FROM:
                continue
            url, most = self._redrive_to()
            if not url or message.receives < most:
                continue
            reason = clean("; ".join(message.reasons))[:_MAX_REASON] or "unknown"
            attributes = {
                "ERROR_CODE": reason.partition(":")[0],
                "ERROR_MESSAGE": reason,
                "RECEIVES": str(message.receives),
            }
            try:
                self._client.send_message(
                    QueueUrl=url,
                    MessageBody=message.body,
                    MessageAttributes={
                        name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                    },
                )
            except AWS_ERRORS:
                continue
            dead_letters.add(message.id)
        return dead_letters

    def _redrive_to(self) -> tuple[str, int]:
        """(URL of the dead-letter queue, maxReceiveCount); ("", 0) if they can't be read."""
        if self._redrive is None:
            try:
                answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["RedrivePolicy"])
            except AWS_ERRORS:
                return "", 0
            policy = json.loads(answer.get("Attributes", {}).get("RedrivePolicy", "{}"))
            name = last_part(policy.get("deadLetterTargetArn", ""))
            # In the same account and Region (doc: RedrivePolicy), so the rest of the URL is the same.
            url = f"{self._url.rpartition('/')[0]}/{name}" if name else ""
            self._redrive = url, int(policy.get("maxReceiveCount", 0))
        return self._redrive
