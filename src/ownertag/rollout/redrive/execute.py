"""Puts back what the queues hold, all at once; the hub's dead letters by SQS's own task where all are meant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event

from ownertag.core.arn import Arn, partition_of
from ownertag.core.values import Failure
from ownertag.render.documents import BUS, DEAD_LETTERS
from ownertag.rollout.doctor.access import AT_ONCE
from ownertag.rollout.redrive.access import RedriveAccess, Site
from ownertag.rollout.redrive.look import Found, reason
from ownertag.rollout.redrive.move_task import COMPLETED, MoveTask, move
from ownertag.rollout.redrive.put_back import Tally, as_it_is, chosen, from_cloudtrail, put_back

#: How long to wait between two looks at a task of SQS.
PAUSE_SECONDS = 2


def execute(
    access: RedriveAccess,
    found: Sequence[Found],
    now: Callable[[], datetime],
    say: Callable[[str], None],
    codes: Collection[str] = (),
    limit: int | None = None,
) -> dict[Site, Tally]:
    """What became of the messages of each queue. After Ctrl-C the batches in hand are finished.

    Args:
        access: Makes the queues.
        found: The queues, and how many messages they had.
        now: Gives the time, with a time zone.
        say: Is told how far it is, by several threads.
        codes: Puts back messages with these codes only; all where none is named.
        limit: How many of each queue to put back at most.
    """
    begun, ended = now(), Event()

    def one(held: Found) -> Tally:
        site = held.site

        def progress(text: str) -> None:
            say(f"{site.queue}, {site.account} {site.region}: {text}")

        of_hub = site.queue == DEAD_LETTERS
        if of_hub and not codes and limit is None:
            return _moved(access, site, progress, lambda: not ended.wait(PAUSE_SECONDS))
        return put_back(
            access.queue(site),
            access.queue(Site(BUS, "", "")),
            site,
            chosen(codes, as_it_is if of_hub else from_cloudtrail(access, site, now)),
            begun=begun,
            expected=held.depth.waiting + held.depth.hidden if held.depth else 0,
            limit=limit,
            stopped=ended.is_set,
            progress=lambda count: progress(f"{count} put back"),
        )

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="redrive")
    try:
        working = {held.site: pool.submit(one, held) for held in found}
        return {site: done.result() for site, done in working.items()}
    finally:
        ended.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _moved(access: RedriveAccess, site: Site, progress: Callable[[str], None], pause: Callable[[], bool]) -> Tally:
    def arn(name: str) -> str:
        return str(Arn(partition_of(site.region), "sqs", site.region, site.account, name))

    def told(task: MoveTask) -> None:
        progress(f"SQS has moved {task.moved} of about {task.of}")

    task = move(access.hub, arn(site.queue), arn(BUS), told, pause)
    if isinstance(task, Failure):
        return Tally(failed=f"SQS can't move them: {reason(task, site)}")
    if task.status != COMPLETED:
        why = f": {task.failure}" if task.failure else ""
        return Tally(task.moved, failed=f"SQS's task is {task.status}{why}")
    return Tally(task.moved)
