"""However many functions take tokens from one counter: no more are used in any time than the bucket would give."""

from __future__ import annotations

import random
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.properties import examples
from ownertag.core.catalogue_types import Quota
from ownertag.core.token_leases import (
    LEASE_SECONDS,
    MARGIN,
    Lease,
    NoneFree,
    Taken,
    divide_share,
    lease_terms,
    take_tokens,
)

TAGS, LOOKUPS, SOME = Quota(100, 10), Quota(2, 2), Quota(15, 15)


def test_a_new_counter_begins_now_and_one_that_is_over_as_well() -> None:
    assert take_tokens(None, 10.0, 11.0) == Taken(10.0)
    assert take_tokens(7.0, 10.0, 11.0) == Taken(10.0)


def test_a_token_comes_after_those_that_are_taken_or_is_refused() -> None:
    assert take_tokens(10.5, 10.0, 11.0) == Taken(10.5)
    assert take_tokens(11.0, 10.0, 11.0) == Taken(11.0)
    assert take_tokens(11.5, 10.0, 11.0) == NoneFree(11.5)


def test_a_scarce_call_is_not_cut_into_parts() -> None:
    shares = divide_share(LOOKUPS, 0.5, 5)
    assert (shares.own, shares.part) == (None, None)
    assert shares.common == Quota(1, 1)


def test_of_a_generous_one_each_has_a_few_for_itself_and_all_together_no_more_than_the_share() -> None:
    for functions in (1, 2, 5, 10, 11, 50, 1000):
        shares = divide_share(TAGS, 0.5, functions)
        own = shares.own or Quota(0, 0)
        assert own.size * functions + shares.common.size <= 50 + 1e-9
        assert own.refill * functions + shares.common.refill <= 5 + 1e-9
        assert own.size == 0 or own.size >= 1
        assert shares.part is None or shares.part.size * functions <= 50 + 1e-9
    assert divide_share(TAGS, 0.5, 5).own == Quota(2, 0.2)
    assert divide_share(TAGS, 0.5, 50).part == Quota(1, 0.1)


def test_a_bucket_that_holds_several_bears_that_tokens_are_used_late_and_one_that_holds_one_pays() -> None:
    common = divide_share(TAGS, 0.5, 5).common
    given_ = lease_terms(common, 0.5)
    assert (given_.late, given_.cost) == (LEASE_SECONDS, 1 / common.refill)
    assert given_.ahead == pytest.approx((common.size - 1) / common.refill - LEASE_SECONDS)
    for refill in (1.0, 2.5, 3.0, 5.0, 7.0, 10.0):  # what makes a token cost more is its price, not the arithmetic
        assert lease_terms(Quota(10 * refill, refill), 0.7).cost == 1 / refill
    scarce = lease_terms(Quota(1, 1), 0.25)
    assert (scarce.ahead, scarce.late, scarce.cost) == (0, 0.25 + MARGIN, 1 + 0.25 + MARGIN)


def test_what_is_not_used_in_time_is_lost_one_after_the_other() -> None:
    lease = Lease(base=100.0, left=3, asked=90.0, terms=lease_terms(Quota(1, 1), 0.0))
    assert lease.live((99.0, 99.0)) == lease
    second = lease.rest()
    assert second is not None
    assert lease.live((100.5, 100.5)) == second
    assert lease.live((200.0, 200.0)) is None


@examples(1000)
@given(
    quota=st.sampled_from([Quota(1, 1), Quota(2.5, 2.5), Quota(7.5, 7.5), Quota(40, 4), Quota(3, 0.1)]),
    functions=st.integers(1, 12),
    seed=st.integers(0, 2**32),
    most_unsure=st.sampled_from([0.0, 0.3, 1.2, 3.0]),
)
def test_in_no_span_of_time_more_is_used_than_the_bucket_gives(
    quota: Quota, functions: int, seed: int, most_unsure: float
) -> None:
    """Functions know the time more or less well, take one or many, use them soon or late, or end."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    until: float | None = None
    used: list[float] = []
    now = 1000.0
    for _ in range(80):
        now += chance.choice([0.0, 0.0, 0.05, 0.4, chance.uniform(0, 20)])
        for _function in range(chance.randint(1, functions)):
            before, after = chance.uniform(0, most_unsure), chance.uniform(0, most_unsure)
            given_ = lease_terms(quota, before + after)
            count = 1 if given_.cost > 1 / quota.refill else chance.randint(1, 8)
            answer = take_tokens(until, now + after, now + after + given_.ahead + chance.uniform(0, 5))
            if isinstance(answer, NoneFree):
                continue
            until = answer.base + count * given_.cost
            lease: Lease | None = Lease(answer.base, count, now + after, given_)
            while lease is not None and chance.random() > 0.05:  # it ends between two of them
                # As soon as it knows for certain, or as late as it still knows to be in time.
                soon = max(now, lease.begins + before)
                late = lease.ends - after
                used += [chance.choice([soon, late, chance.uniform(soon, max(soon, late))])] if soon <= late else []
                lease = lease.rest()
    # That no span holds too many is that a bucket which is full at first never lacks a token.
    held, at = quota.size, 0.0
    for time in sorted(used):
        held, at = min(quota.size, held + (time - at) * quota.refill) - 1, time
        assert held > -1e-5
    assert until is None or until < inf
