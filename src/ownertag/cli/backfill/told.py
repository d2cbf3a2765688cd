"""Tells on standard error how far a step is: how many of how many, how many a second, and how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ownertag.sources.logs.progress import Progress

#: So many seconds are between two lines of a step.
EVERY = 5.0


class Told:
    """Tells progress, seldom enough to be read. Threads may share it.

    Args:
        say: Writes a line.
        clock: Seconds that only grow.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._step = ""
        self._began = self._last = 0.0
        self._first = 0
        self._lock = Lock()

    def __call__(self, step: str, done: int, of: int | None, what: str) -> None:
        """Is told how far a step is."""
        with self._lock:
            now = self._clock()
            if step != self._step:
                self._step, self._began, self._first, self._last = step, now, done, now
                if of is None or done < of:
                    self._say(f"{step}: {_of(done, of)} {what}")
                return
            ended = of is not None and done >= of
            if now - self._last < EVERY and not ended:
                return
            self._last = now
            seconds = now - self._began
            rate = (done - self._first) / seconds if seconds else 0.0
            told = [f"{step}: {_of(done, of)} {what}"]
            if rate:
                told.append(f"{rate:,.1f} a second")
            if rate and of is not None and not ended:
                told.append(f"{lasting((of - done) / rate)} left")
            self._say(", ".join(told))

    def logs(self, progress: Progress) -> None:
        """Is told how far a part of the logs is."""
        with self._lock:
            now = self._clock()
            if now - self._last < EVERY:
                return
            self._last = now
            left = f", {lasting(progress.remaining)} left of this part" if progress.remaining else ""
            self._say(f"logs: {progress.objects:,} objects, {progress.rate / 1e6:,.1f} MB a second{left}")


def lasting(seconds: float) -> str:
    """A time that something takes, for a person."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _of(done: int, of: int | None) -> str:
    return f"{done:,}" if of is None else f"{done:,} of {of:,}"
