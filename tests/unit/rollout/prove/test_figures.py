"""Percentiles are values that were measured, and are left out where there are too few for them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.properties import examples
from ownertag.rollout.prove.figures import Figures, figures, percentile
from ownertag.rollout.prove.hops import Latency

VALUES = st.lists(st.integers(-50, 5000), min_size=1, max_size=400)


@examples(200)
@given(VALUES, st.sampled_from([50, 90, 99]))
def test_a_percentile_is_the_smallest_value_that_so_many_per_cent_do_not_exceed(
    values: list[int], percent: int
) -> None:
    """The definition of the nearest rank, by counting."""
    found = percentile(sorted(values), percent)
    enough = len(values) * Fraction(100 - percent, 100) >= 1
    assert (found is not None) == enough
    if found is not None:
        wanted = Fraction(percent, 100)

        def share(most: float) -> Fraction:
            return Fraction(sum(value <= most for value in values), len(values))

        assert found == min(value for value in values if share(value) >= wanted)


@pytest.mark.parametrize(
    ("percent", "values", "found"),
    [
        (50, [15], None),
        (50, [15, 20], 15),
        (50, [15, 20, 35, 40, 50], 35),
        (90, list(range(9)), None),
        (90, list(range(1, 11)), 9),
        (99, list(range(99)), None),
        (99, list(range(1, 101)), 99),
        (99, list(range(1, 201)), 198),
    ],
)
def test_a_percentile_needs_a_value_beyond_it(percent: int, values: list[float], found: float | None) -> None:
    assert percentile(values, percent) == found


def test_the_figures_say_of_how_many_they_are() -> None:
    assert figures([]) is None
    [one] = [figures([Latency(2.5, 0.5)])]
    assert one == Figures(1, 2.5, None, None, None, 2.5, 0.5)
    many = figures([Latency(float(number), 0.1) for number in reversed(range(1, 201))])
    assert many == Figures(200, 1.0, 100.0, 180.0, 198.0, 200.0, 0.1)


def test_what_is_negative_is_counted_and_not_cut_off() -> None:
    """Below zero within the error may be right; beyond it two clocks disagree."""
    found = figures([Latency(-0.4, 0.5), Latency(-3.0, 0.5), Latency(1.0, 0.2)])
    assert found == Figures(3, -3.0, -0.4, None, None, 1.0, 0.5, negative=1, impossible=1)
