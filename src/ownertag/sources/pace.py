"""A token bucket for each place: so many calls a second, and a wait before the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta


class Pace:
    """Spaces calls to one account and Region.

    Args:
        per_second: How many calls AWS takes.
        now: Gives the time, with a time zone.
        wait: Waits so many seconds.
    """

    def __init__(self, per_second: float, now: Callable[[], datetime], wait: Callable[[float], None]) -> None:
        self._gap = timedelta(seconds=1 / per_second)
        self._now = now
        self._wait = wait
        self._next: dict[tuple[str, str], datetime] = {}

    def take(self, place: tuple[str, str]) -> None:
        """Wait until the next call to this account and Region may be made."""
        now = self._now()
        due = max(self._next.get(place, now), now)
        self._next[place] = due + self._gap
        if due > now:
            self._wait((due - now).total_seconds())
