"""The time by a server's clock is between the two bounds, however one's own clock stands."""

from __future__ import annotations

from math import floor

from hypothesis import given
from hypothesis import strategies as st

from harness.properties import examples
from ownertag.core.server_clock import DRIFT, ServerClock

SECONDS = st.floats(0, 300)


def test_nothing_is_known_before_the_first_answer() -> None:
    assert ServerClock().between(5.0) is None


def test_one_answer_tells_its_second_and_how_long_it_took() -> None:
    clock = ServerClock().with_answer(1000, sent=7.0, received=7.25)
    span = clock.between(7.25)
    assert span is not None
    assert span[0] == 1000
    assert 1001.25 <= span[1] < 1001.251


def test_answers_around_the_turn_of_a_second_tell_more() -> None:
    clock = ServerClock().with_answer(1000, sent=6.9, received=6.95).with_answer(1001, sent=7.0, received=7.05)
    span = clock.between(7.05)
    assert span is not None
    assert span[1] - span[0] < 0.16


def test_a_clock_that_stood_still_is_noticed_by_the_next_answer() -> None:
    """As it may when the function is frozen between two batches."""
    clock = ServerClock().with_answer(1000, sent=7.0, received=7.1).with_answer(1060, sent=8.0, received=8.0)
    assert clock.between(8.0) == (1060, 1061)


def test_what_contradicts_the_answers_before_counts_alone() -> None:
    clock = ServerClock().with_answer(1000, sent=7.0, received=7.1).with_answer(900, sent=8.0, received=8.1)
    span = clock.between(8.1)
    assert span is not None
    assert 900 <= span[0] < span[1] < 902


@examples(1000)
@given(
    offset=st.floats(-1e6, 1e6),
    rate=st.floats(1 - DRIFT / 2, 1 + DRIFT / 2),
    calls=st.lists(st.tuples(SECONDS, st.floats(0, 2), st.floats(0, 1)), min_size=1, max_size=8),
    later=SECONDS,
)
def test_the_time_is_always_between(
    offset: float, rate: float, calls: list[tuple[float, float, float]], later: float
) -> None:
    """`rate` and `offset` are this machine's clock; a call is (after, how long, when in it the answer was made)."""
    now, clock = 1_800_000_000.0, ServerClock()

    def own(at: float) -> float:
        return offset + (at - 1_800_000_000.0) * rate

    for after, took, part in calls:
        now += after
        clock = clock.with_answer(floor(now + took * part), own(now), own(now + took))
        now += took
    now += later
    span = clock.between(own(now))
    assert span is not None
    assert span[0] - 1e-6 <= now <= span[1] + 1e-6


@given(st.floats(-DRIFT, DRIFT), SECONDS, SECONDS)
def test_a_time_before_the_answer_is_between_its_bounds_too(rate: float, before: float, delay: float) -> None:
    """However slow or fast one's own clock was since."""

    def server(own: float) -> float:
        return 1000.5 + (own - 500) * (1 + rate)

    sent, received = 500.0, 500.0 + delay
    clock = ServerClock().with_answer(floor(server(received)), sent, received)
    span = clock.between(sent - before)
    assert span is not None
    assert span[0] - 1e-6 <= server(sent - before) <= span[1] + 1e-6
