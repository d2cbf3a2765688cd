"""Waits for what happens in another thread or process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait(until: Callable[[], T], seconds: float = 60.0) -> T:
    """Returns the first answer that is true. Fails after so many seconds: many, as machines may be slow."""
    end = time.monotonic() + seconds
    while not (found := until()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s"
        time.sleep(0.02)
    return found
