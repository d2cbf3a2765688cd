"""How long a message stays away before it comes back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.values import Failure

_BATCH = 10  # SQS takes at most ten entries a call


class Queue:
    """The queue that the hub's function reads.

    Args:
        client: An SQS client of the hub.
        url: The queue's URL.
    """

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def delay(self, delays: Iterable[tuple[str, int]]) -> list[Failure]:
        """Hide messages, given as (receipt handle, seconds), until they come back.

        Returns what failed. That loses nothing: such a message comes back when its visibility ends, and one whose
        receipt is no longer valid is at another function already.
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
