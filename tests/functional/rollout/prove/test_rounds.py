"""All places, so many rounds: never two canaries in one place, and Ctrl-C loses nothing that was measured."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from ownertag.rollout.prove.result import CanaryResult, Ending, Place
from ownertag.rollout.prove.rounds import Rounds, measure_rounds

PLACES = tuple(Place(f"{number:012}", region) for region in ("eu-central-1", "us-east-1") for number in range(3))


class Canaries:
    """Measures canaries, and counts how many there are at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: Counter[Place] = Counter()
        self.most = 0
        self.stop = threading.Event()
        self.told: list[tuple[int, int]] = []
        self.hopeless: set[Place] = set()

    def measure(self, place: Place, number: int) -> CanaryResult:
        with self.lock:
            self.running[place] += 1
            assert self.running[place] == 1
            self.most = max(self.most, self.running.total())
        result = self.one(place, number)
        with self.lock:
            self.running[place] -= 1
        return result

    def one(self, place: Place, number: int) -> CanaryResult:
        if place in self.hopeless:
            return CanaryResult(place, number, Ending.NOT_MEASURED, reason="denied", again=False)
        return CanaryResult(place, number, Ending.TAGGED)

    def progress(self, _: CanaryResult, number: int, of: int) -> None:
        self.told.append((number, of))

    def run(self, rounds: int = 2, at_once: int = 4) -> Rounds:
        return measure_rounds(PLACES, rounds, at_once, self.measure, self.stop, self.progress)


def test_each_place_has_a_canary_in_each_round() -> None:
    canaries = Canaries()
    found = canaries.run(3)
    assert not found.interrupted
    assert [(result.round, result.place) for result in found.results] == sorted(
        (number, place) for number in (1, 2, 3) for place in PLACES
    )
    assert canaries.told == [(number, 18) for number in range(1, 19)]
    assert canaries.most <= 4


def test_places_are_measured_side_by_side() -> None:
    meeting = threading.Barrier(4, timeout=10)

    class Meeting(Canaries):
        def one(self, place: Place, number: int) -> CanaryResult:
            if place in PLACES[:4]:
                meeting.wait()
            return super().one(place, number)

    assert len(Meeting().run(1).results) == len(PLACES)


def test_where_aws_refused_for_good_no_other_round_tries_again() -> None:
    canaries = Canaries()
    canaries.hopeless = {PLACES[0]}
    found = canaries.run(3)
    assert Counter(result.place for result in found.results) == {**dict.fromkeys(PLACES, 3), PLACES[0]: 1}
    assert canaries.told[-1] == (16, 16)


def test_ctrl_c_keeps_what_was_measured_and_waits_for_what_is_deleted() -> None:
    """Those that run end by the event that is set, and those that have not begun never do."""

    class Stopped(Canaries):
        def one(self, place: Place, number: int) -> CanaryResult:
            if place == PLACES[0]:
                return super().one(place, number)
            assert self.stop.wait(10)
            return CanaryResult(place, number, Ending.NOT_MEASURED, reason="stopped before it was tagged")

        def progress(self, result: CanaryResult, number: int, of: int) -> None:
            super().progress(result, number, of)
            raise KeyboardInterrupt  # as the main thread meets it

    canaries = Stopped()
    found = canaries.run(2, at_once=3)
    assert found.interrupted
    assert [result.place for result in found.results] == sorted(PLACES)
    assert Counter(result.ending for result in found.results) == {Ending.TAGGED: 1, Ending.NOT_MEASURED: 5}
    assert "stopped before it was created" in {result.reason for result in found.results}
    assert canaries.running.total() == 0


def test_a_bug_in_one_ends_all_and_is_told() -> None:
    class Broken(Canaries):
        def one(self, place: Place, number: int) -> CanaryResult:
            if place == PLACES[0]:
                raise RuntimeError("a bug")
            return super().one(place, number)

    canaries = Broken()
    with pytest.raises(RuntimeError):
        canaries.run()
    assert canaries.stop.is_set()
