"""Models when each call of a tool gets its token: plays its recorded calls against the endpoint's buckets.

For tools whose waits take hours. Each event is an invocation of its own, begun when it arrives; a refused call is tried
again as the tool's SDK does it; an invocation that fails or reaches its timeout is repeated by Lambda after one and
after two minutes (doc: asynchronous invocation), from its beginning, and is lost after that.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from harness.limits.buckets import Buckets
from harness.limits.faults import Faults
from harness.limits.protocol import TracedCall
from harness.simulated.events import START, BurstEvent
from harness.simulated.simulation import Process, Simulation

#: What Lambda waits before it repeats an asynchronous invocation that failed (doc).
AGAIN = (60.0, 120.0)


class Retries(Struct, frozen=True):
    """How a tool tries again: so many attempts of a call, after a random share of a doubling wait; and its timeout.

    botocore's legacy mode, its default until 2026: five attempts, after up to 1, 2, 4 and 8 seconds. `outer` is a loop
    of the tool's own around that (Cloud Custodian: eight attempts, after up to 1, 2, 4 ... 128 seconds).
    """

    attempts: int = 5
    outer: int = 1
    timeout: float = 180.0


@dataclass
class Modelled:
    """The result of the events."""

    calls: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    lost: int = 0  # events
    failed: int = 0  # invocations
    trace: list[TracedCall] = field(default_factory=list)
    tagged: dict[str, float] = field(default_factory=dict)


class Model:
    """Plays the calls of all events against the buckets.

    Args:
        steps: The calls that a tool makes for each event, by the event's number.
        retries: How it tries again.
        seed: Of its waits, and of how long a call takes.
    """

    def __init__(self, steps: Mapping[int, Sequence[TracedCall]], retries: Retries, seed: int) -> None:
        self._steps = steps
        self._retries = retries
        self._random = random.Random(f"{seed}/modelled")  # noqa: S311 - no secret
        self._faults = Faults(seed)
        self._buckets = Buckets()
        self._simulation = Simulation(START)
        self.came_to = Modelled()

    def run(self, events: Sequence[BurstEvent]) -> Modelled:
        """Plays all invocations."""
        for event in events:
            if self._steps.get(event.number):
                self._simulation.spawn(self._event(self._steps[event.number]), event.delivered - START)
        self._simulation.run()
        return self.came_to

    def _event(self, steps: Sequence[TracedCall]) -> Process:
        for pause in (*AGAIN, None):
            done = yield from self._invocation(steps)
            if done:
                return
            self.came_to.failed += 1
            if pause is None:
                self.came_to.lost += 1
            else:
                yield pause

    def _invocation(self, steps: Sequence[TracedCall]) -> Process:
        until = self._simulation.now + self._retries.timeout
        for step in steps:
            passed = yield from self._call(step, until)
            if not passed:
                return False
        return True

    def _call(self, step: TracedCall, until: float) -> Process:
        tokens = {step.operation: 1.0} if step.service == "ec2" else {}
        for wait in (0.0, *self._waits()):
            yield wait
            if self._simulation.now >= until:
                return False
            now = self._simulation.now
            _, seconds = self._faults.draw(step.account, step.region, step.operation)
            passed = self._buckets.take(step.account, step.region, tokens, now)
            outcome = "ok" if passed else "RequestLimitExceeded"
            self.came_to.calls[step.operation] += 1
            self.came_to.trace.append(
                TracedCall(now, seconds, step.account, step.region, step.service, step.operation, outcome)
            )
            yield seconds
            if passed:
                for id_ in step.ids if step.operation == "CreateTags" else ():
                    self.came_to.tagged.setdefault(id_, self._simulation.now)
                return True
            self.came_to.throttled += 1
        return False

    def _waits(self) -> Iterator[float]:
        """The waits before each further attempt."""
        for outer in range(self._retries.outer):
            for attempt in range(self._retries.attempts - 1):
                yield self._random.random() * 2**attempt
            if outer + 1 < self._retries.outer:
                yield self._random.random() * 2**outer
