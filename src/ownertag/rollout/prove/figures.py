"""Percentiles of latencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from msgspec import Struct

from ownertag.rollout.prove.hops import Latency


class Figures(Struct, frozen=True):
    """Latencies of one hop, in seconds. A percentile is None where there are too few.

    Attributes:
        n: How many there are.
        least: The shortest.
        p50: Half of them are no longer.
        p90: Nine tenths of them are no longer.
        p99: 99 of a hundred are no longer.
        most: The longest.
        error: By how much any of them may be wrong, at most.
        negative: How many are below zero, though they may be right by their error.
        impossible: How many are below zero by more than their error: clocks disagree.
    """

    n: int
    least: float
    p50: float | None
    p90: float | None
    p99: float | None
    most: float
    error: float
    negative: int = 0
    impossible: int = 0


def figures(latencies: Iterable[Latency]) -> Figures | None:
    """The figures of these latencies, None if there are none."""
    measured = list(latencies)
    if not measured:
        return None
    seconds = sorted(latency.seconds for latency in measured)
    impossible = sum(latency.impossible for latency in measured)
    return Figures(
        len(seconds),
        seconds[0],
        percentile(seconds, 50),
        percentile(seconds, 90),
        percentile(seconds, 99),
        seconds[-1],
        max(latency.error for latency in measured),
        sum(value < 0 for value in seconds) - impossible,
        impossible,
    )


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The smallest value that so many per cent do not exceed: one that was measured (nearest rank).

    None where there are fewer values than it takes to have one beyond it: 2 for the 50th, 10 for the 90th, 100 for the
    99th. With fewer it would be the longest, by another name.
    """
    if len(ordered) * (100 - percent) < 100:
        return None
    return ordered[ceil(len(ordered) * percent / 100) - 1]
