"""Looks what lies where, before anything is moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from msgspec import Struct

from ownertag.core.judge import judge
from ownertag.core.values import Failure
from ownertag.rollout.doctor.access import AT_ONCE
from ownertag.rollout.redrive.access import RedriveAccess, Site
from ownertag.rollout.redrive.messages import Contents, DeadLetterMessage, contents
from ownertag.rollout.redrive.queues import NO_QUEUE, Depth, Queue

#: How many messages of a queue are looked at, and for how many seconds each is hidden meanwhile at most.
SAMPLE = 100
_HIDDEN_SECONDS = 60


class Found(Struct, frozen=True):
    """What lies in a queue.

    Attributes:
        site: The queue.
        depth: About how many messages; None where that is not known or there is no queue.
        contents: What those say that were looked at.
        unreached: Why it can't be read.
        missing: Whether there is no such queue.
    """

    site: Site
    depth: Depth | None = None
    contents: Contents = Contents()
    unreached: str = ""
    missing: bool = False

    @property
    def holds(self) -> bool:
        """Whether there is something to put back."""
        return self.depth is not None and self.depth.waiting > 0


def look(
    access: RedriveAccess, sites: Sequence[Site], progress: Callable[[str, int, int], None] = lambda *_: None
) -> list[Found]:
    """What lies in these queues, accounts concurrently; sorted as the queues are given.

    Args:
        access: Makes the queues.
        sites: The queues.
        progress: Is told of each account that was looked at, with its number and the number of all.
    """
    by_account: dict[str, list[Site]] = {}
    for site in sites:
        by_account.setdefault(site.account, []).append(site)
    found: dict[Site, Found] = {}
    # Not by `with`, which would wait for all accounts after Ctrl-C.
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="redrive")
    try:
        waiting = {
            pool.submit(lambda held: [look_into(access.queue(site), site) for site in held], held): account
            for account, held in by_account.items()
        }
        for number, done in enumerate(as_completed(waiting), 1):
            found |= {one.site: one for one in done.result()}
            progress(waiting[done], number, len(by_account))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [found[site] for site in sites]


def look_into(queue: Queue, site: Site, most: int = SAMPLE) -> Found:
    """What lies in a queue; what was received for it is shown again at once."""
    depth = queue.depth()
    if isinstance(depth, Failure):
        return Found(site, missing=True) if depth.code in NO_QUEUE else Found(site, unreached=reason(depth, site))
    seen: list[DeadLetterMessage] = []
    try:
        wanted = min(most, depth.waiting)
        while len(seen) < wanted:
            received = queue.receive(wanted - len(seen), _HIDDEN_SECONDS)
            if isinstance(received, Failure):
                return Found(site, depth, contents(seen), reason(received, site))
            if not received:
                break
            seen += received
    finally:
        queue.release(seen)
    return Found(site, depth, contents(seen))


def reason(failure: Failure, site: Site) -> str:
    """What an error of AWS means, for a person."""
    return judge(failure, None, site.region).reason
