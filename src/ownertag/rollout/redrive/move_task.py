"""SQS's own way to move dead letters: a task that runs at AWS, whoever waits for it.

Source: Amazon SQS API reference, StartMessageMoveTask and ListMessageMoveTasks (one active task per queue), and the
developer guide, "Troubleshoot dead-letter queue redrive": a message that was sent to the dead-letter queue by hand
fails with `CouldNotDetermineMessageSource` where no destination is named.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ownertag.core.values import Failure
from ownertag.rollout.redrive.queues import Call

#: A task that was begun may not be listed at once; after so many looks something is wrong.
MOST_LOOKS = 30

RUNNING = frozenset({"RUNNING", "CANCELLING"})
COMPLETED = "COMPLETED"


class MoveTask(Struct, frozen=True):
    """A task as SQS lists it: how many messages it has moved, of how many, why it failed, and when it began."""

    status: str
    moved: int = 0
    of: int = 0
    failure: str = ""
    started: int = 0

    @property
    def runs(self) -> bool:
        """Whether it goes on."""
        return self.status in RUNNING


def newest_task(call: Call, source: str) -> MoveTask | Failure | None:
    """The newest task of a dead-letter queue, named by its ARN; None if there was none."""

    def use(sqs: Any) -> MoveTask | None:
        found = sqs.list_message_move_tasks(SourceArn=source, MaxResults=1).get("Results", [])
        return _task(found[0]) if found else None

    answer: MoveTask | Failure | None = call(use)
    return answer


def move(
    call: Call,
    source: str,
    destination: str,
    progress: Callable[[MoveTask], None],
    pause: Callable[[], bool],
) -> MoveTask | Failure:
    """Moves all dead letters to a queue, and waits until that is done; a task that runs already is waited for instead.

    Args:
        call: Uses a client of the queues' account and Region.
        source: The ARN of the dead-letter queue.
        destination: The ARN of the queue that gets them.
        progress: Is told how far it is.
        pause: Waits between two looks; false once nobody waits any more. The task goes on then.
    """
    before = newest_task(call, source)
    if not isinstance(before, MoveTask) or not before.runs:
        begun = call(lambda sqs: sqs.start_message_move_task(SourceArn=source, DestinationArn=destination))
        if isinstance(begun, Failure):
            # Somebody may have begun one in between, which is refused by a code of many meanings.
            running = newest_task(call, source)
            if not isinstance(running, MoveTask) or not running.runs:
                return begun
    ended = before.started if isinstance(before, MoveTask) and not before.runs else None
    looks = 0
    while True:
        task = newest_task(call, source)
        if isinstance(task, Failure):
            return task
        if task is None or task.started == ended:
            looks += 1
            if looks == MOST_LOOKS:
                return Failure("NotListed", 200)
        else:
            progress(task)
            if not task.runs:
                return task
        if not pause():
            return task or MoveTask("RUNNING")


def _task(found: dict[str, Any]) -> MoveTask:
    return MoveTask(
        str(found.get("Status", "")),
        int(found.get("ApproximateNumberOfMessagesMoved") or 0),
        int(found.get("ApproximateNumberOfMessagesToMove") or 0),
        str(found.get("FailureReason") or ""),
        int(found.get("StartedTimestamp") or 0),
    )
