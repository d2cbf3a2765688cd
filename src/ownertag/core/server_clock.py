"""Bounds the time by a server's clock, from the whole seconds in its answers.

So functions that share a counter go by one clock, the counter's, however wrong their own are. What they trust of their
own is that a second takes a second.
"""

from __future__ import annotations

from msgspec import Struct

#: A machine's seconds may be longer or shorter than the server's by this part: twice what NTP corrects by (500 ppm).
DRIFT = 0.001

#: (not before, not after), in seconds since 1970 by the server's clock.
Span = tuple[float, float]


class ServerClock(Struct, frozen=True):
    """What the answers so far say. Own times are seconds by a clock that only goes forward.

    Attributes:
        low: A second that the server told, and when its answer was there.
        high: The end of a second that it told, and when the question was sent.
    """

    low: Span | None = None
    high: Span | None = None

    def with_answer(self, second: float, sent: float, received: float) -> ServerClock:
        """The clock after one more answer, with this second in it (doc: RFC 9110, Date, has whole seconds)."""
        low = new = (second, received)
        high = last = (second + 1, sent)
        if self.low is not None and _low(self.low, received) > second:
            low = self.low
        if self.high is not None and _high(self.high, received) < _high(high, received):
            high = self.high
        if _low(low, received) > _high(high, received):
            return ServerClock(new, last)  # they can't all be right: a clock was put right, or stood still
        return ServerClock(low, high)

    def between(self, now: float) -> Span | None:
        """The earliest and the latest that it can be, or was, by the server's clock; None while that is not known."""
        if self.low is None or self.high is None:
            return None
        return _low(self.low, now), _high(self.high, now)


def _low(low: Span, now: float) -> float:
    since = now - low[1]  # negative for a time before the answer: drift makes it less certain as well
    return low[0] + since - abs(since) * DRIFT


def _high(high: Span, now: float) -> float:
    since = now - high[1]
    return high[0] + since + abs(since) * DRIFT
