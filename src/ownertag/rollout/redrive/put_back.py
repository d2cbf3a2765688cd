"""Puts messages back one by one: sends each to the hub's queue, and deletes it where it lay once that queue has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from msgspec import Struct

from ownertag.core.values import Failure
from ownertag.rollout.redrive.access import RedriveAccess, Site
from ownertag.rollout.redrive.look import reason
from ownertag.rollout.redrive.messages import DeadLetterMessage
from ownertag.rollout.redrive.queues import Queue
from ownertag.rollout.redrive.restore import Kept, restored, wanted

#: Why a message is left that was not to be put back.
NOT_CHOSEN = "not-chosen"

#: What goes to the hub for a message; why it is left; or why that can't be said.
Decide = Callable[[DeadLetterMessage], str | Kept | Failure]


class Tally(Struct, frozen=True):
    """What became of the messages of a queue.

    Attributes:
        put_back: How many the hub's queue has.
        left: How many lie where they lay, by reason.
        twice: How many could not be deleted where they lay, so that they come twice, which does no harm.
        failed: Why it ended early.
    """

    put_back: int = 0
    left: Mapping[str, int] = {}
    twice: int = 0
    failed: str = ""


def put_back(
    source: Queue,
    hub: Queue,
    site: Site,
    decide: Decide,
    *,
    begun: datetime,
    expected: int = 0,
    limit: int | None = None,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Puts back what a queue holds.

    It ends at the latest where it has seen as many messages as there were, and only newer ones come: while what was the
    matter is not mended there are always more. It takes both, as the clock here may be wrong.

    Args:
        source: Where the messages lie.
        hub: The hub's queue.
        site: Where that is, for messages.
        decide: What goes to the hub for a message.
        begun: When this began.
        expected: About how many messages there were then.
        limit: How many to put back at most.
        stopped: True once it should end.
        progress: Is told after each batch how many were put back.
    """
    hidden: dict[str, DeadLetterMessage] = {}
    left: Counter[str] = Counter()
    seen, count, twice, failed = 0, 0, 0, ""
    try:
        while not failed and not stopped() and (limit is None or count < limit):
            batch = source.receive() if limit is None else source.receive(limit - count)
            if isinstance(batch, Failure):
                failed = reason(batch, site)
                break
            hidden |= {message.id: message for message in batch}
            seen += len(batch)
            newer = all(message.sent is not None and message.sent > begun for message in batch)
            if not batch or (newer and seen > expected):
                break
            ready: list[tuple[DeadLetterMessage, str]] = []
            for message in batch:
                decided = decide(message)
                if isinstance(decided, Failure):
                    failed = reason(decided, site)
                    break
                if isinstance(decided, Kept):
                    left[decided.reason] += 1
                else:
                    ready.append((message, decided))
            taken, failure = hub.send([body for _, body in ready])
            sent = [ready[number][0] for number in sorted(taken)]
            for message in sent:
                hidden.pop(message.id)
            undeleted = source.delete(sent)
            count, twice = count + len(sent), twice + len(undeleted)
            if failure is not None:
                failed = f"the hub's queue did not take all: {reason(failure, site)}"
            if undeleted:
                failed = failed or "what was sent could not be deleted, and comes twice"
            progress(count)
    finally:
        source.release(list(hidden.values()))
    return Tally(count, dict(left), twice, failed)


def chosen(codes: Collection[str], decide: Decide) -> Decide:
    """The same decision for messages with one of these codes, all where none is named; the others are left."""

    def decide_chosen(message: DeadLetterMessage) -> str | Kept | Failure:
        return decide(message) if not codes or message.code in codes else Kept(NOT_CHOSEN)

    return decide_chosen


def as_it_is(message: DeadLetterMessage) -> str:
    """A dead letter goes back as it is: nobody but the hub and EventBridge writes into that queue."""
    return message.body


def from_cloudtrail(access: RedriveAccess, site: Site, now: Callable[[], datetime]) -> Decide:
    """What an undelivered event becomes: CloudTrail's own record of it."""

    def decide(message: DeadLetterMessage) -> str | Kept | Failure:
        lookup = wanted(message.body, site.account, site.region)
        if isinstance(lookup, Kept):
            return lookup
        listed = access.record(site, lookup.event_id)
        if isinstance(listed, Failure):
            return listed
        return restored(message.body, listed, message.sent, now())

    return decide
