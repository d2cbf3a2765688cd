"""Isolates an unexpected failure: the message that causes it is separated from the others of its batch."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ownertag.core.values import OutcomeKind, Wait
from ownertag.flows.result import Result

T = TypeVar("T")

_PACKAGE = Path(__file__).parents[1]
_NO_TIME = Wait(OutcomeKind.NOT_READY, "no time was left for it, after another message had failed")


def isolate_failures(
    items: Sequence[T],
    work: Callable[[Sequence[T]], list[Result]],
    where: Callable[[T], str],
    expired: Callable[[], bool],
) -> list[Result]:
    """Work on all of these; where that raises, on each half, until what it is about is alone.

    What is done already is worked on again.

    Args:
        items: What messages hold.
        work: Gives a result for each.
        where: The message of one.
        expired: True once there is no time for another try.
    """
    if not items:
        return []
    try:
        return work(items)
    except Exception as error:  # noqa: BLE001 - a fault of ours: nobody knows which it is
        if len(items) == 1:
            return [Result(where(items[0]), waits=(_said(error),), unexpected=True)]
    middle = len(items) // 2
    results: list[Result] = []
    for half in (items[:middle], items[middle:]):
        if expired():
            results += [Result(where(each), waits=(_NO_TIME,)) for each in half]
        else:
            results += isolate_failures(half, work, where, expired)
    return results


def _said(error: Exception) -> Wait:
    """What was raised, and by which line of ours. Its text is left out: it may quote a record."""
    ours = [each for each in traceback.extract_tb(error.__traceback__) if Path(each.filename).is_relative_to(_PACKAGE)]
    line = f" at {Path(ours[-1].filename).relative_to(_PACKAGE)}:{ours[-1].lineno}" if ours else ""
    return Wait(OutcomeKind.FAILED, f"unexpected {type(error).__name__}{line}")
