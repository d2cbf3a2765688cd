"""A token bucket: never more calls than it allows, and a pause that grows while AWS refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.properties import examples
from ownertag.core.token_bucket import MAX_HOLD, REFUSALS, TokenBucket

SIZE, REFILL = 10.0, 2.0
NEW = TokenBucket(SIZE, REFILL, SIZE, 0.0)
gaps = st.lists(st.one_of(st.just(0.0), st.floats(0, 8)), min_size=1, max_size=60)


def sent(after: list[float], bucket: TokenBucket = NEW) -> list[float]:
    """When the calls are sent that are wanted so many seconds after one another, one by one."""
    now, times = 0.0, []
    for gap in after:
        now += gap
        wait = bucket.wait(now)
        bucket = bucket.after_call(now)
        now += wait
        times.append(now)
    return times


@examples(500)
@given(gaps)
def test_no_stretch_of_time_sees_more_calls_than_size_and_rate_allow(after: list[float]) -> None:
    times = sent(after)
    for first in range(len(times)):
        for last in range(first, len(times)):
            assert last - first + 1 <= SIZE + REFILL * (times[last] - times[first]) + 1e-6


def test_what_is_there_goes_at_once_and_the_rest_at_its_rate() -> None:
    assert sent([0.0] * 13) == pytest.approx([0.0] * 10 + [0.5, 1.0, 1.5])


def test_a_refusal_empties_it_and_from_the_third_on_it_holds_ever_longer() -> None:
    bucket, now, holds = NEW, 100.0, []
    for _ in range(9):
        now += bucket.wait(now)
        bucket = bucket.after_call(now).after_answer(now, throttled=True)
        holds.append(bucket.held - now)
        assert bucket.wait(now) == max(0.5, holds[-1])
    assert holds == [0.0] * (REFUSALS - 1) + [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, MAX_HOLD]
    assert bucket.holds(now)
    assert not bucket.holds(now + MAX_HOLD)
    assert not bucket.full(now + MAX_HOLD - 1)
    assert bucket.full(now + MAX_HOLD)
    healed = bucket.after_answer(now + 30, throttled=False)
    assert not healed.holds(now + 30)
    assert healed.after_answer(now + 30, throttled=True).held == now + 30


def test_an_answer_takes_no_token_away() -> None:
    assert NEW.after_answer(0.0, throttled=False) is NEW
    assert NEW.full(0.0)
    assert not NEW.after_call(0.0).full(0.0)
    assert NEW.after_call(0.0).full(0.5)
