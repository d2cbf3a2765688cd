from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from benchmarks.burst.figures import fewest, figures
from benchmarks.burst.modelled import Model, Retries
from benchmarks.burst.picture import picture
from harness.limits.buckets import Buckets, tokens_of
from harness.limits.faults import Chances, Fault, Faults
from harness.limits.protocol import TracedCall
from harness.results import percentile
from harness.simulated.event_source import MAX_PAYLOAD, DeployedHub, QueuedMessage, SimulatedMapping, deployed
from harness.simulated.events import START, BurstEvent
from harness.simulated.simulation import Process, Simulation

PLACE = ("333333333333", "us-east-1")
SETUP = DeployedHub(batch=1000, window=1.0, concurrency=2, receives=3, timeout=180.0, memory=1769, accounts_every=600.0)


def test_a_bucket_says_exactly_when_a_call_would_pass() -> None:
    buckets = Buckets()
    tokens = tokens_of("RunInstances", {"MaxCount": "600"})
    assert buckets.take(*PLACE, tokens, 0.0)
    wait = buckets.wait(*PLACE, tokens, 0.0)
    assert wait == pytest.approx(100)
    assert not buckets.take(*PLACE, tokens, wait - 0.01)
    assert buckets.take(*PLACE, tokens, wait)


def test_a_bucket_never_holds_more_than_its_size() -> None:
    buckets = Buckets()
    for _ in range(100):
        assert buckets.take(*PLACE, {"CreateTags": 1}, 1e6)
    assert not buckets.take(*PLACE, {"CreateTags": 1}, 1e6)
    assert buckets.wait(*PLACE, {"RunInstances": 6}, 0.0) == float("inf")


def test_processes_go_on_by_time_and_real_code_waits_with_them() -> None:
    simulation = Simulation(100.0)
    seen: list[tuple[float, str]] = []

    def plain() -> Process:
        for _ in range(2):
            yield 3.0
            seen.append((simulation.now, "plain"))

    def code() -> str:
        simulation.sleep(4.0)
        seen.append((simulation.now, "code"))
        return "done"

    def threaded() -> Process:
        found = yield from simulation.threaded(code)
        seen.append((simulation.now, found))

    simulation.spawn(plain())
    simulation.spawn(threaded())
    simulation.run()
    assert seen == [(103.0, "plain"), (104.0, "code"), (104.0, "done"), (106.0, "plain")]


def test_what_real_code_raises_is_raised() -> None:
    simulation = Simulation(0.0)

    def threaded() -> Process:
        yield from simulation.threaded(lambda: 1 / 0)

    simulation.spawn(threaded())
    with pytest.raises(ZeroDivisionError):
        simulation.run()


def batches(
    messages: Sequence[tuple[float, int]], setup: DeployedHub = SETUP, back: int = 0
) -> list[tuple[float, list[int]]]:
    """When which messages were handled, given (second, bytes) of each; each comes back so many times, after 15 s."""
    simulation = Simulation(0.0)
    seen: list[tuple[float, list[int]]] = []

    def function(_: int, batch: Sequence[QueuedMessage]) -> dict[int, float]:
        seen.append((simulation.now, sorted(queued.number for queued in batch)))
        simulation.sleep(10.0)
        return {queued.number: 15.0 for queued in batch if queued.receives <= back}

    mapping = SimulatedMapping(simulation, setup, function, 1)
    for number, (at, size) in enumerate(messages):
        simulation.spawn(mapping.arrive(QueuedMessage(number, size)), at)
    simulation.run()
    return seen


ALONE = DeployedHub(batch=1000, window=1.0, concurrency=1, receives=3, timeout=180.0, memory=1769, accounts_every=600.0)


def test_a_batch_is_filled_until_its_window_closes() -> None:
    assert batches([(0.0, 1), (0.9, 1), (1.1, 1)], ALONE) == [(1.0, [0, 1]), (12.0, [2])]


def test_a_batch_is_full_by_number_or_by_payload() -> None:
    two = DeployedHub(batch=2, window=1.0, concurrency=1, receives=3, timeout=180.0, memory=1769, accounts_every=600.0)
    assert batches([(0.0, 1), (0.1, 1), (0.2, 1)], two) == [(0.1, [0, 1]), (11.1, [2])]
    half = MAX_PAYLOAD // 2
    assert batches([(0.0, half), (0.1, half), (0.2, half)], ALONE) == [(0.2, [0, 1]), (11.2, [2])]


def test_as_many_run_at_once_as_are_allowed() -> None:
    found = batches([(number * 2.0, 1) for number in range(3)])
    assert [numbers for _, numbers in found] == [[0], [1], [2]]
    assert found[2][0] >= 11.0


def test_what_comes_back_is_handled_again_and_is_dead_in_the_end() -> None:
    assert batches([(0.0, 1)], ALONE, back=1) == [(1.0, [0]), (27.0, [0])]
    assert len(batches([(0.0, 1)], ALONE, back=9)) == 3


def test_the_deployed_mapping_is_read_from_the_template() -> None:
    found = deployed()
    assert (found.batch, found.window, found.concurrency) == (1000, 1.0, 5)
    assert (found.receives, found.timeout) == (16, 180.0)


# --- what is modelled


def model(calls: int, retries: Retries, events: int = 1) -> tuple[Model, list[BurstEvent]]:
    steps = [TracedCall(0, 0, *PLACE, "ec2", "CreateTags", ids=(f"i-{number:017x}",)) for number in range(calls)]
    found = [BurstEvent(number, START, *PLACE, 0, 0) for number in range(events)]
    return Model({event.number: steps for event in found}, retries, 1), found


def test_calls_within_the_bucket_are_not_refused() -> None:
    played, events = model(100, Retries(timeout=900))
    came_to = played.run(events)
    assert (came_to.throttled, came_to.lost, len(came_to.tagged)) == (0, 0, 100)


def test_a_crowd_is_refused_tries_again_and_is_lost_after_two_repeats() -> None:
    played, events = model(1, Retries(attempts=1), events=150)
    came_to = played.run(events)
    assert (came_to.throttled, came_to.failed, came_to.lost) == (50, 50, 0)
    played, events = model(1000, Retries(timeout=180), events=20)
    came_to = played.run(events)
    assert came_to.lost == 20
    assert came_to.failed == 60


def test_a_tool_waits_as_long_as_its_retries_say() -> None:
    played, events = model(1, Retries(attempts=5), events=150)
    came_to = played.run(events)
    assert came_to.throttled >= 50
    assert (came_to.failed, came_to.lost) == (0, 0)
    assert max(came_to.tagged.values()) < START + 15 + 5


def test_figures_count_time_from_the_events_arrival() -> None:
    arrivals = {
        "i-1": BurstEvent(0, 10.0, *PLACE, 0, 0),
        "vol-1": BurstEvent(0, 10.0, *PLACE, 0, 0),
        "vol-2": BurstEvent(1, 20.0, *PLACE, 0, 0),
    }
    trace = [TracedCall(at, 0.1, *PLACE, "ec2", "CreateTags") for at in (11.0, 12.0, 80.0)]
    found = figures("tool", "run", arrivals=arrivals, tagged={"i-1": 11.0, "vol-1": 14.0}, trace=trace)
    assert (found.lost, found.p50, found.p99) == (1, 1.0, 4.0)
    assert (found.tagged, found.resources) == ({"instances": 1, "volumes": 1}, {"instances": 1, "volumes": 2})
    assert found.share == pytest.approx(2 / 700)
    assert found.points == [(0.0, 4.0)]
    assert "tool" in picture([found])


def test_percentiles_and_fewest_calls() -> None:
    assert [percentile(range(1, 101), percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile([], 50) is None
    assert fewest(10_000, 30_000) == 40


def test_tasks_together_wait_at_the_same_time_and_so_many_at_once() -> None:
    simulation = Simulation(0.0)
    seen: list[tuple[float, str]] = []

    def task(name: str) -> None:
        simulation.sleep(2.0)
        seen.append((simulation.now, name))

    def code() -> None:
        simulation.concurrency(2)([partial(task, name) for name in "abc"])
        seen.append((simulation.now, "all"))

    def threaded() -> Process:
        yield from simulation.threaded(code)

    simulation.spawn(threaded())
    simulation.run()
    assert seen == [(2.0, "a"), (2.0, "b"), (4.0, "c"), (4.0, "all")]


def test_what_a_task_raises_is_raised_when_all_have_ended() -> None:
    simulation = Simulation(0.0)
    done: list[str] = []

    def code() -> None:
        simulation.concurrency(2)([lambda: 1 / 0, lambda: done.append("done")])  # type: ignore[list-item] # never returns

    def threaded() -> Process:
        yield from simulation.threaded(code)

    simulation.spawn(threaded())
    with pytest.raises(ZeroDivisionError):
        simulation.run()
    assert done == ["done"]


def test_faults_are_drawn_by_the_seed_whatever_comes_between() -> None:
    def drawn(seed: int, between: int) -> list[tuple[Fault, float]]:
        faults = Faults(seed, Chances(error=0.3, reset=0.1, slow=0.1))
        found = []
        for _ in range(50):
            found.append(faults.draw(*PLACE, "CreateTags"))
            for _ in range(between):
                faults.draw(*PLACE, "DescribeInstances")
        return found

    assert drawn(1, 0) == drawn(1, 3)
    assert drawn(1, 0) != drawn(2, 0)
    assert {Fault.NONE, Fault.ERROR, Fault.SLOW} <= {fault for fault, _ in drawn(1, 0)}
