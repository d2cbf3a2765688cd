"""Simulated time, which passes only when everybody waits: an hour takes seconds, always in the same order."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Sequence
from threading import Semaphore, Thread, local
from typing import Any, TypeVar

T = TypeVar("T")

#: Waited by who goes on when somebody spawns it again.
PARKED = float("inf")

#: Yields how many seconds it waits.
Process = Generator[float, None, Any]


class Simulation:
    """Runs processes by the time at which each goes on.

    Attributes:
        now: Seconds since 1970 in the simulation.
    """

    def __init__(self, start: float) -> None:
        self.now = start
        self._due: list[tuple[float, int, Process]] = []
        self._number = 0
        self._here = local()
        self._going: Process | None = None

    def spawn(self, process: Process, seconds: float = 0.0) -> None:
        """Begins a process, now or later."""
        self._number += 1
        heapq.heappush(self._due, (self.now + seconds, self._number, process))

    def run(self) -> None:
        """Runs until every process has ended."""
        while self._due:
            self.now, _, process = heapq.heappop(self._due)
            self._going = process
            try:
                seconds = next(process)
            except StopIteration:
                continue
            if seconds != PARKED:
                self.spawn(process, seconds)

    def sleep(self, seconds: float) -> None:
        """Waits, in code that runs by `threaded`."""
        turn: _Turn = self._here.turn
        turn.wait(seconds)

    def concurrency(self, workers: int) -> Callable[[Sequence[Callable[[], None]]], None]:
        """Does what `ownertag.aws.concurrency.concurrent` does, in simulated time, for code run by `threaded`."""

        def run(tasks: Sequence[Callable[[], None]]) -> None:
            if len(tasks) < 2:
                for task in tasks:
                    task()
                return
            waiting, caller = deque(tasks), self._going
            left = len(tasks)
            failed: list[BaseException] = []

            def worker() -> Process:
                nonlocal left
                while waiting:
                    try:
                        yield from self.threaded(waiting.popleft())
                    except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                        failed.append(error)
                    left -= 1
                if not left and caller is not None:
                    left = -1
                    self.spawn(caller)

            for _ in range(min(workers, len(tasks))):
                self.spawn(worker())
            self.sleep(PARKED)
            if failed:
                raise failed[0]

        return run

    def threaded(self, work: Callable[[], T]) -> Generator[float, None, T]:
        """Runs ordinary code as a process: it waits by `sleep`, and while it runs nothing else does."""
        turn: _Turn = _Turn()
        found: list[T] = []
        failed: list[BaseException] = []

        def run() -> None:
            self._here.turn = turn
            turn.begin()
            try:
                found.append(work())
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                failed.append(error)
            turn.end()

        Thread(target=run, name="process", daemon=True).start()
        while (seconds := turn.go()) is not None:
            yield seconds
        if failed:
            raise failed[0]
        return found[0]


class _Turn:
    """Passes the turn between the simulation and a thread."""

    def __init__(self) -> None:
        self._thread, self._simulation = Semaphore(0), Semaphore(0)
        self._asked: float | None = None

    def go(self) -> float | None:
        """Lets the thread run until it waits, for so many seconds, or ends."""
        self._asked = None
        self._thread.release()
        self._simulation.acquire()
        return self._asked

    def begin(self) -> None:
        self._thread.acquire()

    def wait(self, seconds: float) -> None:
        self._asked = max(0.0, seconds)
        self._simulation.release()
        self._thread.acquire()

    def end(self) -> None:
        self._simulation.release()
