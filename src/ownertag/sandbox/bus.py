"""Records to the hub's queue, as EventBridge delivers them: the account's rule, the hub's rule, the queue."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError
from moto.events.models import EventPattern

from ownertag.core.parse import CLOUDTRAIL_DETAIL_TYPE
from ownertag.sandbox.recorder import Record

#: Larger events are never sent to EventBridge (doc).
MAX_EVENT = 256 * 1024

Pattern = dict[str, Any]


class Bus:
    """Carries events on a thread of its own, as EventBridge does: the caller waits for nothing.

    Args:
        spoke_patterns: The patterns of the rules in every account and Region; one that matches is enough.
        hub_pattern: The pattern of the rule on the hub's bus.
        send: Puts an event's text into the hub's queue.
    """

    def __init__(self, spoke_patterns: Sequence[Pattern], hub_pattern: Pattern, send: Callable[[str], None]) -> None:
        self._spoke = [EventPattern(None, pattern) for pattern in spoke_patterns]
        self._hub = EventPattern(None, hub_pattern)
        self._send = send
        self._waiting: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._thread = Thread(target=self._carry, name="bus", daemon=True)
        self.delivered = 0
        self.too_large = 0
        self.undelivered = 0

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """Deliver what is there, and end."""
        self._waiting.put(None)
        self._thread.join()

    def put(self, record: Record) -> None:
        """Take a record that CloudTrail has written."""
        self._waiting.put(record)

    def _carry(self) -> None:
        while (record := self._waiting.get()) is not None:
            event: Any = as_event(record)
            text = json.dumps(event)
            if len(text) > MAX_EVENT:
                self.too_large += 1
            elif any(pattern.matches_event(event) for pattern in self._spoke) and self._hub.matches_event(event):
                try:
                    self._send(text)
                except (BotoCoreError, ClientError):  # one event that the queue does not take must not end the hop
                    self.undelivered += 1
                else:
                    self.delivered += 1


def as_event(record: Record) -> dict[str, Any]:
    """The event that EventBridge makes of a record; `source`, `account` and `region` are its own words."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": CLOUDTRAIL_DETAIL_TYPE,
        "source": f"aws.{record['eventSource'].partition('.')[0]}",
        "account": record["recipientAccountId"],
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    }
