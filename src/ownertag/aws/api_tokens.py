"""The tokens of one API in an account and Region: a function's own bucket, and its lease of the common counter."""

from __future__ import annotations

from math import inf
from threading import Lock

from msgspec.structs import replace

from ownertag.core.catalogue_types import Quota
from ownertag.core.token_bucket import TokenBucket
from ownertag.core.token_leases import LEASE_SECONDS, Lease, Shares


class ApiTokens:
    """The tokens that a function has for one API of an account and Region. Whoever uses it holds its lock.

    Attributes:
        bucket: Its own tokens, and the pause after AWS refused.
        lease: The tokens that it took from the counter.
        until: What the counter is at least.
        not_before: When the next token of the counter may be used at the earliest.
        alone: Whether it uses its bucket only.
        was_alone: Whether it did so since the counter was asked last.
    """

    def __init__(self, shares: Shares, alone: bool, now: float) -> None:
        self.lock = Lock()
        self.shares = shares
        self.lease: Lease | None = None
        self.until = -inf
        self.not_before = -inf
        self.alone = alone
        self.was_alone = False
        self._never_shared = alone
        self._part: TokenBucket | None = None
        self._count = 1
        self._asked = -inf
        own = shares.own or Quota(0.0, shares.common.refill)
        self.bucket = TokenBucket(own.size, own.refill, own.size, now)

    def turn(self, now: float, alone: bool) -> None:
        """Uses the bucket only from now on, which then is the function's whole part; or shares again."""
        if alone == self.alone or self._never_shared:
            return
        self.alone = alone
        before = self.bucket
        if alone:
            part = self.shares.part or Quota(0.0, self.shares.common.refill)
            self.bucket = self._part or before.resized(now, part.size, part.refill)
            self.was_alone = True
        else:  # until the counter answers the part is kept, and none of its tokens are counted twice
            self._part = before
            own = self.shares.own or Quota(0.0, self.shares.common.refill)
            self.bucket = TokenBucket(own.size, own.refill, 0.0, now)
        self.bucket = replace(self.bucket, refusals=before.refusals, held=before.held)

    def shared(self, until: float) -> None:
        """Notes that the counter answered, and what it is."""
        self.was_alone, self._part, self.until = False, None, until

    def next_lease(self, now: float) -> int:
        """How many to take: twice as many while they are used up, so that at most half of them are lost."""
        most = max(1, int(self.shares.common.refill * LEASE_SECONDS))
        self._count = (
            min(self._count * 2, most) if self.lease is None and now - self._asked < LEASE_SECONDS else min(2, most)
        )
        return self._count

    def taken(self, now: float, count: int) -> None:
        """Notes how many were taken, and when."""
        self._count, self._asked = count, now

    def answered(self, now: float, throttled: bool) -> None:
        """Notes AWS's answer. It outweighs all counting, since others use the same quota."""
        self.bucket = self.bucket.after_answer(now, throttled)
        if throttled:
            self.lease = None
            self.not_before = now + 1 / self.shares.common.refill

    def full(self, now: float) -> bool:
        """Whether it is as a new one would be."""
        return self.bucket.full(now) and not self.was_alone and now - self._asked > LEASE_SECONDS
