"""Tasks that know nothing of each other, in turn or at once: most of the function's time is waiting for AWS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

#: Accounts and Regions that are worked on at once. A call to another Region takes up to a third of a second, and nearly
#: all of that is waiting.
WORKERS = 16

Tasks = Sequence[Callable[[], None]]
Together = Callable[[Tasks], None]


def in_turn(tasks: Tasks) -> None:
    """Do one after the other."""
    for task in tasks:
        task()


def at_once(workers: int) -> Together:
    """Do so many at the same time, on threads that are kept. They begin in their order; none runs on afterwards."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="together")

    def run(tasks: Tasks) -> None:
        if len(tasks) < 2:
            in_turn(tasks)
            return
        begun = [pool.submit(task) for task in tasks]
        wait(begun)
        for each in begun:
            each.result()

    return run
