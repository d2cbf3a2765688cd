"""The hub's queue and Lambda's event source mapping on it, as the hub's template deploys them.

What AWS documents of it ("Using Lambda with Amazon SQS"): each of the pollers fills a batch of its own, until the
window closes, the batch is full, or its payload reaches 6 MB; as many of the function run at once as is deployed.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from harness.simulated.simulation import Process, Simulation
from ownertag.sandbox.schedules import interval

TEMPLATE = Path(__file__).parents[2] / "infra" / "hub" / "template.yaml"
#: Lambda's limit on what one invocation is given.
MAX_PAYLOAD = 6 * 1024 * 1024


class DeployedHub(Struct, frozen=True):
    """The settings of the queue and the function in the hub's template; times in seconds."""

    batch: int
    window: float
    concurrency: int
    receives: int
    timeout: float
    memory: int
    accounts_every: float


def deployed(template: Path = TEMPLATE) -> DeployedHub:
    """Reads the settings from the template, so that the benchmark runs what is deployed."""

    class Loader(yaml.SafeLoader):
        """Takes CloudFormation's short forms for what they hold."""

    def short_form(loader: Any, _suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return loader.construct_scalar(node)
        build = loader.construct_sequence if isinstance(node, yaml.SequenceNode) else loader.construct_mapping
        return build(node, deep=True)

    Loader.add_multi_constructor("!", short_form)
    found = yaml.load(template.read_text("utf-8"), Loader)  # noqa: S506 - a safe loader, and this project's own file
    resources = found["Resources"]
    source = resources["Source"]["Properties"]
    schedule = resources["AccountsRule"]["Properties"]["ScheduleExpression"]
    seconds = interval(schedule)
    if seconds is None:
        raise ValueError(f"{template}: AccountsRule: {schedule} is no rate")
    return DeployedHub(
        int(source["BatchSize"]),
        float(source["MaximumBatchingWindowInSeconds"]),
        int(found["Parameters"]["MaximumConcurrency"]["Default"]),
        int(resources["Queue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]),
        float(resources["Function"]["Properties"]["Timeout"]),
        int(resources["Function"]["Properties"]["MemorySize"]),
        float(seconds),
    )


@dataclass
class QueuedMessage:
    """A message: the number of its event, its bytes, and how often it was received."""

    number: int
    size: int
    receives: int = 0


#: Done by the function of so many: who comes back, with how many seconds. It may wait by the simulation's `sleep`.
Function = Callable[[int, Sequence[QueuedMessage]], dict[int, float]]


@dataclass
class _Poller:
    number: int
    batch: list[QueuedMessage] = field(default_factory=list)
    size: int = 0
    busy: bool = False


class SimulatedMapping:
    """The queue and Lambda's event source mapping.

    Args:
        simulation: Whose time it is.
        setup: As deployed.
        function: Is given the number of its environment and a batch.
        seed: Of which poller gets a message.
    """

    def __init__(self, simulation: Simulation, setup: DeployedHub, function: Function, seed: int) -> None:
        self._simulation = simulation
        self._setup = setup
        self._function = function
        self._random = random.Random(f"{seed}/queue")  # noqa: S311 - no secret
        self._pollers = [_Poller(number) for number in range(setup.concurrency)]
        self._backlog: deque[QueuedMessage] = deque()
        self.invocations = 0
        self.returned = 0
        self.dead: list[QueuedMessage] = []

    def arrive(self, message: QueuedMessage) -> Process:
        """Makes a message visible, as a process that begins at that time."""
        self._take(message)
        yield from ()

    def _take(self, message: QueuedMessage) -> None:
        free = [poller for poller in self._pollers if not poller.busy]
        if not free:
            self._backlog.append(message)
            return
        self._put(self._random.choice(free), message)

    def _put(self, poller: _Poller, message: QueuedMessage) -> None:
        if poller.batch and poller.size + message.size > MAX_PAYLOAD:
            self._backlog.append(message)
            self._close(poller)
            return
        poller.batch.append(message)
        poller.size += message.size
        if len(poller.batch) == 1:
            self._simulation.spawn(self._window(poller, poller.batch), self._setup.window)
        if len(poller.batch) >= self._setup.batch:
            self._close(poller)

    def _window(self, poller: _Poller, batch: list[QueuedMessage]) -> Process:
        if poller.batch is batch and not poller.busy:
            self._close(poller)
        yield from ()

    def _close(self, poller: _Poller) -> None:
        batch, poller.batch, poller.size, poller.busy = poller.batch, [], 0, True
        self._simulation.spawn(self._invoke(poller, batch))

    def _invoke(self, poller: _Poller, batch: list[QueuedMessage]) -> Process:
        self.invocations += 1
        for message in batch:
            message.receives += 1
        back = yield from self._simulation.threaded(lambda: self._function(poller.number, batch))
        for message in batch:
            if message.number not in back:
                continue
            self.returned += 1
            if message.receives >= self._setup.receives:
                self.dead.append(message)
            else:
                self._simulation.spawn(self.arrive(message), back[message.number])
        poller.busy = False
        while self._backlog and not poller.busy:
            self._put(poller, self._backlog.popleft())
