"""A token bucket: when the next call to an account may be sent, and the pause after AWS throttles."""

from __future__ import annotations

from math import inf

from msgspec import Struct
from msgspec.structs import replace

#: After AWS throttles, the next call waits for a token. After this many times on end, when the SDK gives up, nothing is
#: sent for one second, doubling to the longest. Then a single call tries whether it is over.
REFUSALS = 3
MAX_HOLD = 60.0


class TokenBucket(Struct, frozen=True):
    """Tokens at a time; all times are seconds by one clock.

    Attributes:
        size: How many tokens it holds.
        refill: How many come back a second.
        tokens: How many there were `at` this time; below zero where some were taken before they came.
        refusals: How often AWS refused on end.
        held: Until when nothing is sent.
    """

    size: float
    refill: float
    tokens: float
    at: float
    refusals: int = 0
    held: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next call may be sent; without end where it can't hold a token."""
        return inf if self.size < 1 else max(0.0, (1 - self._by(now)) / self.refill, self.held - now)

    def after_call(self, now: float) -> TokenBucket:
        """The bucket after a call, even if its token is still to come."""
        return replace(self, tokens=self._by(now) - 1, at=now)

    def after_answer(self, now: float, throttled: bool) -> TokenBucket:
        """The bucket after AWS's answer, which goes before our count: others use the same quota."""
        if not throttled:
            return replace(self, refusals=0, held=0.0) if self.refusals else self
        refusals = self.refusals + 1
        hold = min(2.0 ** (refusals - REFUSALS), MAX_HOLD) if refusals >= REFUSALS else 0.0
        return replace(self, tokens=min(self.tokens, 0.0), refusals=refusals, held=now + hold)

    def resized(self, now: float, size: float, refill: float) -> TokenBucket:
        """The bucket in another size, with the tokens that it holds, as far as they fit."""
        return replace(self, size=size, refill=refill, tokens=min(size, self._by(now)), at=now)

    def holds(self, now: float) -> bool:
        """Whether nothing is sent just now, as AWS refuses."""
        return self.held > now

    def full(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        return not self.holds(now) and self._by(now) >= self.size

    def _by(self, now: float) -> float:
        return min(self.size, self.tokens + (now - self.at) * self.refill)
