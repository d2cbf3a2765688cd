"""Faults of calls to EC2, drawn by chance: with one seed, the n-th call of an API in a Region fares the same."""

from __future__ import annotations

import random
from collections import Counter
from enum import StrEnum

from msgspec import Struct


class Fault(StrEnum):
    """The fault of one call."""

    NONE = "none"
    ERROR = "error"  # a 5xx, and nothing was done
    RESET = "reset"  # the connection is reset before the call is carried out
    LOST = "lost"  # the same after it was carried out: the caller can't know
    SLOW = "slow"


class Chances(Struct, frozen=True):
    """The share of calls that each fault strikes, and how slow a slow answer is."""

    error: float = 0.0
    reset: float = 0.0
    lost: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 5.0


class Faults:
    """Draws a fault, and how long AWS takes, for each call.

    Args:
        seed: Of all chances.
        chances: Of each fault.
        seconds: Between how many AWS takes to answer; an assumption, AWS promises nothing.
    """

    def __init__(self, seed: int, chances: Chances | None = None, seconds: tuple[float, float] = (0.05, 0.35)) -> None:
        self._seed = seed
        self._chances = chances or Chances()
        self._seconds = seconds
        self._calls: Counter[tuple[str, str, str]] = Counter()

    def draw(self, account: str, region: str, operation: str) -> tuple[Fault, float]:
        """The fault of the next call, and the seconds that it takes."""
        key = (account, region, operation)
        self._calls[key] += 1
        chance = random.Random(f"{self._seed}/{'/'.join(key)}/{self._calls[key]}")  # noqa: S311 - no secret
        seconds, at = chance.uniform(*self._seconds), chance.random()
        for fault in (Fault.ERROR, Fault.RESET, Fault.LOST, Fault.SLOW):
            share: float = getattr(self._chances, fault.value)
            if at < share:
                return fault, seconds + (self._chances.slow_seconds if fault is Fault.SLOW else 0.0)
            at -= share
        return Fault.NONE, seconds

    def forget(self) -> None:
        """Begins again with the first call."""
        self._calls.clear()
