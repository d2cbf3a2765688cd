"""Runs independent tasks, sequentially or concurrently: most of the function's time is waiting for AWS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

#: Accounts and Regions that are worked on at once. A call to another Region takes up to a third of a second, and nearly
#: all of that is waiting.
WORKERS = 16

Tasks = Sequence[Callable[[], None]]
Concurrency = Callable[[Tasks], None]


def sequential(tasks: Tasks) -> None:
    """Runs the tasks one after the other."""
    for task in tasks:
        task()


def concurrent(workers: int) -> Concurrency:
    """Returns a function that runs up to this many tasks at the same time, on threads that are kept.

    Tasks start in order, and all have ended when it returns.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="concurrent")

    def run(tasks: Tasks) -> None:
        if len(tasks) < 2:
            sequential(tasks)
            return
        futures = [pool.submit(task) for task in tasks]
        wait(futures)
        for future in futures:
            future.result()

    return run
