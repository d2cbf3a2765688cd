"""The function killed with SIGKILL before and after every call that it makes: the end is that of an undisturbed run.

What is compared: all tags, every item of the ledger's table, the queue, the bodies of the dead letters, and the
findings that were told. A dead letter may be there twice: the function was killed between putting it there and saying
so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.killing import Kill, points, share, staged
from faults.scenarios import SCENARIOS, Scenario, crowd

Say = Callable[[str, object], None]


@pytest.mark.parametrize("scenario", SCENARIOS[::3], ids=lambda scenario: scenario.name)
def test_killed_here_and_there_the_end_is_the_same(scenario: Scenario, tmp_path: Path) -> None:
    _all_the_same(scenario, tmp_path, lambda kills: kills[SCENARIOS.index(scenario) % 7 :: 7])


@pytest.mark.full
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_killed_before_and_after_every_call_the_end_is_the_same(
    scenario: Scenario, tmp_path: Path, record_property: Say
) -> None:
    record_property("kills", _all_the_same(scenario, tmp_path, lambda kills: kills))


def _all_the_same(scenario: Scenario, folder: Path, choose: Callable[[list[Kill]], list[Kill]]) -> int:
    with staged(scenario, folder) as (stage, function):
        calls, _ = stage.play()
        wanted = stage.end()
        assert wanted["tags"]
        assert wanted["ledger"]
        assert wanted["queue"] == 0
        kills = choose(points(calls))
        assert kills
        for kill in kills:
            _, deaths = stage.play(kill)
            assert deaths == 1, kill
            found = stage.end()
            for name, value in wanted.items():
                assert found[name] == value, (kill, calls[kill[0] - 1], name)
        assert function.end()["-9"] == len(kills)
    return len(kills)


@pytest.mark.full
def test_two_functions_over_one_queue_killed_a_hundred_times_at_random(tmp_path: Path, record_property: Say) -> None:
    """Messages come back when their visibility ends, after a second: also while another function works on them."""
    with staged(Scenario("a crowd", crowd), tmp_path, receives=1000, visibility=1) as (stage, function):
        assert share(stage, 1, 0, seed=0)[0] == 0
        wanted = stage.end()
        deaths, redelivered = share(stage, 2, 100, seed=11)
        found = stage.end()
        for name, value in wanted.items():
            assert found[name] == value, name
        assert deaths == 100
        assert redelivered > 50
        assert function.end()["-9"] == 100
        record_property("kills", deaths)
