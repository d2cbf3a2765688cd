"""The hub's queue and its event source mapping, in real time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from msgspec import Struct


class StreamMessage(Struct, frozen=True):
    """An event on its way to the function."""

    number: int
    body: str
    receives: int = 1


class StreamQueue:
    """Messages that wait, and those that came back and are hidden.

    Args:
        coming: (time, body) of each event, in their order.
    """

    def __init__(self, coming: Sequence[tuple[float, str]]) -> None:
        self._coming = deque((at, StreamMessage(number, body)) for number, (at, body) in enumerate(coming))
        self._there: deque[StreamMessage] = deque()
        self._hidden: list[tuple[float, StreamMessage]] = []

    def __len__(self) -> int:
        return len(self._there) + len(self._hidden)

    @property
    def over(self) -> bool:
        """Whether the queue is empty and nothing more comes."""
        return not (self._coming or self._there or self._hidden)

    def take(self, most: int, window: float) -> list[StreamMessage]:
        """A batch, as the event source mapping fills it: from its first message on it waits for so long at most."""
        self._arrive()
        until = time.time() + window
        while len(self._there) < most and time.time() < until and not self.over:
            time.sleep(0.01)
            self._arrive()
        return [self._there.popleft() for _ in range(min(most, len(self._there)))]

    def back(self, message: StreamMessage, seconds: float) -> None:
        """Hides a message for so many seconds."""
        self._hidden.append((time.time() + seconds, StreamMessage(message.number, message.body, message.receives + 1)))

    def _arrive(self) -> None:
        now = time.time()
        while self._coming and self._coming[0][0] <= now:
            self._there.append(self._coming.popleft()[1])
        self._there.extend(message for at, message in self._hidden if at <= now)
        self._hidden = [message for message in self._hidden if message[0] > now]
