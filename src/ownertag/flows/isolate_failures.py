"""Isolates an unexpected failure: the message that causes it is separated from the others of its batch."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ownertag.core.values import OutcomeKind, Wait
from ownertag.flows.result import Result, Undecided, Unexpected

T = TypeVar("T")

_PACKAGE = Path(__file__).parents[1]
_NO_TIME = Wait(OutcomeKind.NOT_READY, "no time was left for it, after another message had failed")


def isolate_failures(
    arrivals: Sequence[T],
    work: Callable[[Sequence[T]], list[Result]],
    where: Callable[[T], str],
    expired: Callable[[], bool],
) -> list[Result]:
    """Works on all arrivals; where that raises, on each half, until the one that causes it is alone.

    What was done before the failure is worked on again.

    Args:
        arrivals: What was read from messages.
        work: Gives a result for each.
        where: The message of one.
        expired: True once there is no time for another try.
    """
    if not arrivals:
        return []
    try:
        return work(arrivals)
    except Exception as error:  # noqa: BLE001 - a fault of ours: nobody knows which it is
        if len(arrivals) == 1:
            return [Unexpected(where(arrivals[0]), wait_for(error))]
    middle = len(arrivals) // 2
    results: list[Result] = []
    for part in (arrivals[:middle], arrivals[middle:]):
        if expired():
            results += [Undecided(where(arrival), _NO_TIME) for arrival in part]
        else:
            results += isolate_failures(part, work, where, expired)
    return results


def wait_for(error: Exception) -> Wait:
    """The type of an exception, and the line of ours that raised it. Its text is left out: it may quote a record."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    line = f" at {Path(ours[-1].filename).relative_to(_PACKAGE)}:{ours[-1].lineno}" if ours else ""
    return Wait(OutcomeKind.FAILED, f"unexpected {type(error).__name__}{line}")
