"""When a call was sent, by AWS's clock: this machine's clock is set right by the Date of EC2's answers."""

from __future__ import annotations

from collections import defaultdict
from threading import Lock

from msgspec import Struct

from ownertag.core.server_clock import ServerClock, Span
from ownertag.rollout.prove.hops import Bounds


class Exchange(Struct, frozen=True):
    """A call that was answered.

    Attributes:
        sent: When, by a clock of this machine that never goes back.
        received: When its answer was there, by the same.
        second: The second in the answer's Date (doc: RFC 9110 has whole seconds), None where there is none.
        retried: Whether the SDK sent it more than once: then only the first time is known.
    """

    sent: float
    received: float
    second: int | None
    retried: bool = False


class Clocks:
    """EC2's clock in each Region, as far as its answers tell. Threads may share it."""

    def __init__(self) -> None:
        self._clocks: defaultdict[str, ServerClock] = defaultdict(ServerClock)
        self._lock = Lock()

    def heard(self, region: str, exchange: Exchange) -> None:
        """Takes the time that an answer tells."""
        if exchange.second is None or exchange.retried:
            return
        with self._lock:
            clock = self._clocks[region]
            self._clocks[region] = clock.with_answer(exchange.second, exchange.sent, exchange.received)

    def bounds(self, region: str, exchange: Exchange) -> Bounds | None:
        """When this call was sent, by EC2's clock there; None where no answer told the time."""
        first = self._between(region, exchange.sent)
        last = self._between(region, exchange.received) if exchange.retried else first
        return (first[0], last[1]) if first and last else None

    def ahead(self, region: str, now: float, wall: float) -> Bounds | None:
        """How far this machine's clock, which says `wall`, is before EC2's there: at least, and at most."""
        span = self._between(region, now)
        return (wall - span[1], wall - span[0]) if span else None

    def _between(self, region: str, now: float) -> Span | None:
        with self._lock:
            return self._clocks[region].between(now)
