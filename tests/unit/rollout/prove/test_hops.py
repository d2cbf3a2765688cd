"""Latencies from times of several clocks: what was the case lies within the error that is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from ownertag.rollout.prove.clocks import Clocks, Exchange
from ownertag.rollout.prove.hops import Hop, Latency, LedgerTimes, latencies, latency

START = datetime(2026, 3, 2, 9, 14, 8, tzinfo=UTC)
#: Rounding of a float of the size of today's time.
TINY = 1e-5
SHORT = st.floats(0, 90)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_latency_is_the_middle_of_what_it_can_be() -> None:
    assert latency((10, 10), (12, 13)) == Latency(2.5, 0.5)
    assert latency((10, 10.5), (12, 12)) == Latency(1.75, 0.25)
    assert not Latency(-0.4, 0.5).impossible
    assert Latency(-0.6, 0.5).impossible


@given(st.floats(0, 1), SHORT, SHORT, SHORT, SHORT, st.floats(0, 0.4))
def test_each_hop_is_within_its_error(
    fraction: float, event: float, queued: float, received: float, tagged: float, unsure: float
) -> None:
    """Whatever part of a second the call was sent in: eventTime has whole seconds."""
    began = START.timestamp() + fraction
    ends = [began, began + event, began + event + queued]
    ends += [ends[-1] + received, ends[-1] + received + tagged]
    times = LedgerTimes(
        datetime.fromtimestamp(floor(ends[1]), UTC), datetime.fromtimestamp(ends[4], UTC),
        datetime.fromtimestamp(ends[2], UTC), datetime.fromtimestamp(ends[3], UTC),
    )  # fmt: skip
    seen = Latency(ends[4] - began + 0.5, 0.5)
    found = latencies((began - unsure / 2, began + unsure / 2), times, seen)
    truth = {
        Hop.CALL_TO_EVENT: event,
        Hop.EVENT_TO_QUEUE: queued,
        Hop.CALL_TO_QUEUE: event + queued,
        Hop.QUEUE_TO_FUNCTION: received,
        Hop.QUEUE_TO_TAG: received + tagged,
        Hop.CALL_TO_TAG: ends[4] - began,
    }
    assert {*found} == {*Hop}
    for hop, seconds in truth.items():
        assert abs(found[hop].seconds - seconds) <= found[hop].error + TINY, hop
    both = found[Hop.CALL_TO_EVENT].seconds + found[Hop.EVENT_TO_QUEUE].seconds
    assert abs(both - found[Hop.CALL_TO_QUEUE].seconds) < TINY
    assert found[Hop.QUEUE_TO_FUNCTION].error == 0


def test_a_clock_of_aws_that_is_late_gives_a_negative_latency() -> None:
    times = LedgerTimes(at(3), at(1.5), queued=at(2), received=at(2.1))
    found = latencies((at(3.1).timestamp(),) * 2, times, Latency(4.0))
    assert found[Hop.EVENT_TO_QUEUE] == Latency(-1.5, 0.5)
    assert {hop for hop, latency in found.items() if latency.impossible} == {
        Hop.EVENT_TO_QUEUE, Hop.CALL_TO_QUEUE, Hop.QUEUE_TO_TAG,
    }  # fmt: skip


def test_what_is_not_known_is_left_out() -> None:
    seen, called = Latency(4.0, 0.5), (at(0.2).timestamp(), at(0.3).timestamp())
    assert latencies(called, None, seen) == {Hop.CALL_TO_TAG: seen}
    alone = LedgerTimes(at(0), at(2))
    assert {*latencies(called, alone, seen)} == {Hop.CALL_TO_EVENT, Hop.CALL_TO_TAG}
    whole = LedgerTimes(at(0), at(2), at(1), at(1.5))
    from_call = {Hop.CALL_TO_EVENT, Hop.CALL_TO_QUEUE}
    assert {*latencies(None, whole, seen)} == {*Hop} - from_call


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(st.floats(0, 60), st.floats(0.01, 2)), min_size=1, max_size=20))
def test_a_call_is_dated_by_the_servers_clock_however_wrong_ones_own_is(
    ahead: float, answers: list[tuple[float, float]]
) -> None:
    """The own clock is only asked how many seconds have gone by."""
    clocks, server = Clocks(), START.timestamp()
    call = Exchange(1000.0, 1000.2, floor(server + 0.1))
    clocks.heard("eu-central-1", call)
    for after, took in sorted(answers):
        sent = 1000.0 + after
        clocks.heard("eu-central-1", Exchange(sent, sent + took, floor(server + after + took / 2)))
    bounds = clocks.bounds("eu-central-1", call)
    assert bounds is not None
    assert bounds[0] - TINY <= server <= bounds[1] + TINY
    told = clocks.ahead("eu-central-1", 1000.0, server + ahead)
    assert told is not None
    assert told[0] - TINY * 100 <= ahead <= told[1] + TINY * 100


def test_a_region_whose_answers_tell_no_time_dates_no_call() -> None:
    clocks = Clocks()
    call = Exchange(1000.0, 1000.2, None)
    clocks.heard("eu-central-1", call)
    clocks.heard("us-east-1", Exchange(1000.0, 1000.2, 5))
    assert clocks.bounds("eu-central-1", call) is None
    assert clocks.ahead("eu-central-1", 1000.0, 5.0) is None


def test_of_a_call_that_the_sdk_repeated_only_the_first_time_and_the_answer_are_known() -> None:
    clocks = Clocks()
    clocks.heard("eu-central-1", Exchange(1000.0, 1000.1, int(START.timestamp())))
    once, twice = Exchange(1001.0, 1005.0, None), Exchange(1001.0, 1005.0, None, retried=True)
    narrow, wide = clocks.bounds("eu-central-1", once), clocks.bounds("eu-central-1", twice)
    assert narrow is not None
    assert wide is not None
    assert wide[0] == narrow[0]
    assert wide[1] - narrow[1] > 3.9
    clocks.heard(
        "us-east-1", Exchange(1000.0, 1009.0, 7, retried=True)
    )  # nor is its Date of the call that was sent first
    assert clocks.bounds("us-east-1", once) is None
