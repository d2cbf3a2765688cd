"""A counter in memory, for functions in one process; it passes the same contract suite as the table's."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable
from threading import Lock

from ownertag.aws.pacing import CounterKey
from ownertag.core.server_clock import Span
from ownertag.core.token_leases import NoneFree, Taken, take_tokens


class SharedCounters:
    """The counters that all functions share; `asked` counts the calls, and `away` loses them."""

    def __init__(self) -> None:
        self.until: dict[CounterKey, float] = {}
        self.asked: Counts[str] = Counts()
        self.away = False
        self.lock = Lock()


class MemoryCounter:
    """One function's access to the shared counters.

    Args:
        numbers: The same for all functions.
        now: The time.
        unsure: How little of it this function knows: so many seconds before, and after.
        call: Waits as long as a call takes.
    """

    def __init__(
        self,
        numbers: SharedCounters,
        now: Callable[[], float],
        unsure: tuple[float, float] = (0.0, 0.0),
        call: Callable[[], None] = lambda: None,
    ) -> None:
        self._numbers = numbers
        self._now = now
        self._unsure = unsure
        self._call = call

    def between(self) -> Span | None:
        """The times between which the present lies."""
        now = self._now()
        return None if self._numbers.away else (now - self._unsure[0], now + self._unsure[1])

    def take(self, key: CounterKey, at: float, cost: float, latest: float) -> Taken | NoneFree | None:
        """Takes tokens that cost so many seconds."""
        with self._numbers.lock:
            self._numbers.asked["take"] += 1
            answer: Taken | NoneFree | None = None
            if not self._numbers.away:
                answer = take_tokens(self._numbers.until.get(key), at, latest)
                if isinstance(answer, Taken):
                    self._numbers.until[key] = answer.base + cost
        self._call()
        return answer
