"""Shares one token bucket among many functions: each token is a place on a line of time, taken from a counter.

The counter is one number for an account, Region and API: the time up to which all tokens are taken. Whoever takes one
moves it on by what a token costs, from where it stands or from now, whichever is later. A token at `base` may be used
from `Terms.ahead` before that time on, so that a full bucket's are used at once, and is lost `Terms.late` after it
could be. In any span of w seconds no more than `size + refill * w` are used, whoever ends meanwhile and however wrong
the functions' clocks are; docs/decisions/0037 has the proof.
"""

from __future__ import annotations

from msgspec import Struct

from ownertag.core.catalogue_types import Quota
from ownertag.core.server_clock import Span

#: A token that is taken and not used is lost after so many seconds, where the bucket is large enough to bear that.
LEASE_SECONDS = 2.0
#: How late a function may be beyond what it does not know of the time: it may be stopped between two instructions.
MARGIN = 0.1
#: The part of a share that the functions have for themselves, equal parts of it, so that few calls cost no asking.
OWN = 0.2


class Shares(Struct, frozen=True):
    """How a share of a quota is divided.

    Attributes:
        own: Each function's own bucket; None where it would hold no token.
        common: The bucket of all together.
        part: What each takes while the counter can't be asked, instead of both; None where that would hold no token.
    """

    own: Quota | None
    common: Quota
    part: Quota | None


def divide_share(quota: Quota, share: float, functions: int) -> Shares:
    """A share of a quota for so many functions. What a bucket holds is never less than one token."""
    own = _times(quota, share * OWN / functions)
    left = share if own is None else share * (1 - OWN)
    common = Quota(max(1.0, quota.size * left), quota.refill * left)
    return Shares(own, common, _times(quota, share / functions))


def _times(quota: Quota, part: float) -> Quota | None:
    # A bucket of 100 in 50 parts of a half is one of 1, whatever the machine's arithmetic makes of it.
    size = round(quota.size * part, 9)
    return Quota(size, quota.refill * part) if size >= 1 else None


class LeaseTerms(Struct, frozen=True):
    """On which terms a token of the common bucket is taken; all are seconds.

    Attributes:
        ahead: How long before its place in time it may be used.
        late: How long it may be used from then on.
        cost: How far it moves the counter on.
    """

    ahead: float
    late: float
    cost: float


def lease_terms(common: Quota, unsure: float) -> LeaseTerms:
    """The terms for a function that knows the counter's time to so many seconds.

    That a token is used late could bring two together. A bucket that holds several is taken for so much smaller; where
    it holds one, the time costs.
    """
    slack = (common.size - 1) / common.refill
    borne = min(slack, LEASE_SECONDS)
    late = max(borne, unsure + MARGIN)
    return LeaseTerms(slack - borne, late, 1 / common.refill + (late - borne))


class Taken(Struct, frozen=True):
    """Tokens were taken, the first at this time; each further one costs its way later."""

    base: float


class NoneFree(Struct, frozen=True):
    """None was taken: up to this time all are."""

    until: float


def take_tokens(until: float | None, at: float, latest: float) -> Taken | NoneFree:
    """The answer of a counter that is asked for tokens: it stands at `Taken.base` and what was taken afterwards.

    Args:
        until: Up to which time all are taken; None if it is new.
        at: What is before this time is over.
        latest: A token after this time is not wanted.
    """
    base = at if until is None else max(until, at)
    return Taken(base) if base <= latest else NoneFree(base if until is None else until)


class Lease(Struct, frozen=True):
    """Tokens that were taken and are not used yet.

    Attributes:
        base: The place in time of the next.
        left: How many there are.
        asked: The latest that it can have been when they were taken.
        terms: Theirs.
    """

    base: float
    left: int
    asked: float
    terms: LeaseTerms

    @property
    def begins(self) -> float:
        """From when on the next may be used."""
        return self.base - self.terms.ahead

    @property
    def ends(self) -> float:
        """Until when it may be used."""
        return max(self.begins, self.asked) + self.terms.late

    def rest(self) -> Lease | None:
        """The lease without its next token; None if that is the last."""
        if self.left == 1:
            return None
        return Lease(self.base + self.terms.cost, self.left - 1, self.asked, self.terms)

    def live(self, span: Span) -> Lease | None:
        """The lease without the tokens that are lost by now; None if all are."""
        lease: Lease | None = self
        while lease is not None and lease.ends < span[1]:
            lease = lease.rest()
        return lease
