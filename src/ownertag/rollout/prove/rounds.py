"""Measures all places, so many rounds, some at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from threading import Event

from msgspec import Struct

from ownertag.rollout.prove.result import CanaryResult, Ending, Place

#: Measures a canary in a place and a round. Several threads call it, never two for one place.
Measure = Callable[[Place, int], CanaryResult]
#: Is told of each canary that ended, its number and the number of all.
Progress = Callable[[CanaryResult, int, int], None]


class Rounds(Struct, frozen=True):
    """What became of all canaries, by round and place; whether Ctrl-C ended it before."""

    results: tuple[CanaryResult, ...]
    interrupted: bool = False


def measure_rounds(
    places: Sequence[Place],
    rounds: int,
    at_once: int,
    measure: Measure,
    stop: Event,
    progress: Progress,
    stopping: Callable[[], None] = lambda: None,
) -> Rounds:
    """Measures a canary in each place, then the next one in each place, and so on.

    A place where AWS refused it for good is not tried in a later round. At Ctrl-C no further one is created, those that
    are waited for are deleted, and what was measured until then is returned.

    Args:
        places: Where; no place twice.
        rounds: How many canaries in each place.
        at_once: How many places at a time.
        measure: Measures one.
        stop: Is set at Ctrl-C, for the waits of `measure` to end.
        progress: Is told of each.
        stopping: Is told of Ctrl-C, before what was created is deleted.
    """
    results: list[CanaryResult] = []
    left = list(places)
    number, of = 0, len(places) * rounds
    # Not by `with`, which would begin the others before it ends.
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="prove")
    try:
        for turn in range(1, rounds + 1):
            waiting: dict[Future[CanaryResult], Place] = {}
            try:
                for place in left:
                    waiting[pool.submit(measure, place, turn)] = place
                for done in as_completed(waiting):
                    number += 1
                    progress(done.result(), number, of)
            except BaseException as error:
                stop.set()
                for future in waiting:
                    future.cancel()
                if isinstance(error, KeyboardInterrupt):
                    stopping()
                pool.shutdown(wait=True)  # each deletes what it made
                if not isinstance(error, KeyboardInterrupt):
                    raise
                results += [future.result() for future in waiting if not future.cancelled()]
                results += [_not_begun(place, turn) for future, place in waiting.items() if future.cancelled()]
                return Rounds(_sorted(results), interrupted=True)
            ended = [future.result() for future in waiting]
            results += ended
            hopeless = {result.place for result in ended if result.ending is Ending.NOT_MEASURED and not result.again}
            of -= len(hopeless) * (rounds - turn)
            left = [place for place in left if place not in hopeless]
    finally:
        stop.set()
        pool.shutdown(wait=True)
    return Rounds(_sorted(results))


def _not_begun(place: Place, turn: int) -> CanaryResult:
    return CanaryResult(place, turn, Ending.NOT_MEASURED, reason="stopped before it was created")


def _sorted(results: Sequence[CanaryResult]) -> tuple[CanaryResult, ...]:
    return tuple(sorted(results, key=lambda result: (result.round, result.place)))
