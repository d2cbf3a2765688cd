"""SQS's message move tasks, which moto lacks: a task moves what lies in a dead-letter queue when it begins.

Played after the API reference (StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask) and the developer
guide: the source is a dead-letter queue of an SQS queue, one task a queue runs at a time, the handle is listed only
while a task runs, at most ten are listed, the newest first, and a moved message is a new one with a new id. A message
that was sent to the queue by hand has no source, so a task without a destination fails at it with
`CouldNotDetermineMessageSource`. The texts of errors are as other emulators quote them from AWS.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any
from uuid import uuid4

from moto.sqs.models import sqs_backends

from ownertag.sandbox.calls import Call, Response, answer_json, refuse

OPERATIONS = frozenset({"StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask"})
#: SQS moves at most so many a second (doc).
MAX_RATE = 500
_MOST_LISTED = 10
_RUNNING = "RUNNING"


@dataclass(frozen=True)
class _Task:
    handle: str
    source: str
    destination: str | None
    rate: int | None
    to_move: int
    started: int
    status: str = _RUNNING
    moved: int = 0
    failure: str | None = None


class MessageMoveTasks:
    """The tasks of all accounts, each on a thread of its own.

    Args:
        lock: Held while moto's queues are changed.
        arrived: Is told that something came into a queue.
        run: Runs a task; a test may do it later.
    """

    def __init__(
        self,
        lock: AbstractContextManager[Any],
        arrived: Callable[[], None] = lambda: None,
        run: Callable[[Callable[[], None]], None] = lambda work: Thread(target=work, name="move", daemon=True).start(),
    ) -> None:
        self._lock = lock
        self.arrived = arrived
        self._run = run
        self._tasks: list[_Task] = []  # the newest first

    def answer(self, call: Call, account: str) -> Response:
        """Answers one of the three operations."""
        with self._lock:
            match call.operation:
                case "StartMessageMoveTask":
                    return self._start(call, account)
                case "ListMessageMoveTasks":
                    return self._list(call, account)
                case _:
                    return self._cancel(call)

    def _start(self, call: Call, account: str) -> Response:
        wanted = call.json()
        source, destination = str(wanted.get("SourceArn", "")), wanted.get("DestinationArn")
        rate = wanted.get("MaxNumberOfMessagesPerSecond")
        queue = _queue(source, account, call.region)
        if queue is None:
            return _not_found(call, "SourceArn")
        if not _sources(queue, account, call.region):
            return refuse(call, "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.", 400)
        if destination is not None and _queue(str(destination), account, call.region) is None:
            return _not_found(call, "DestinationArn")
        if rate is not None and not 1 <= rate <= MAX_RATE:
            return refuse(call, "InvalidParameterValue", f"The rate must be from 1 to {MAX_RATE}.", 400)
        if any(task.source == source and task.status in {_RUNNING, "CANCELLING"} for task in self._tasks):
            text = "There is already a task running. Only one active task is allowed for a source queue arn at a time."
            return refuse(call, "InvalidParameterValue", text, 400)
        handle = b64encode(f'{{"taskId":"{uuid4()}","sourceArn":"{source}"}}'.encode()).decode()
        to_move = sum(message.visible for message in queue.messages)
        started = max([time.time_ns() // 1_000_000, *(task.started + 1 for task in self._tasks[:1])])
        self._tasks.insert(0, _Task(handle, source, destination, rate, to_move, started))
        self._run(lambda: self._work(handle, account, call.region))
        return answer_json({"TaskHandle": handle})

    def _list(self, call: Call, account: str) -> Response:
        wanted = call.json()
        source, most = str(wanted.get("SourceArn", "")), wanted.get("MaxResults") or 1
        if _queue(source, account, call.region) is None:
            return _not_found(call, "SourceArn")
        if not 1 <= most <= _MOST_LISTED:
            return refuse(call, "InvalidParameterValue", f"MaxResults must be from 1 to {_MOST_LISTED}.", 400)
        found = [task for task in self._tasks if task.source == source][:most]
        return answer_json({"Results": [_listed(task) for task in found]})

    def _cancel(self, call: Call) -> Response:
        handle = str(call.json().get("TaskHandle", ""))
        for number, task in enumerate(self._tasks):
            if task.handle == handle and task.status == _RUNNING:
                self._tasks[number] = replace(task, status="CANCELLING")
                return answer_json({"ApproximateNumberOfMessagesMoved": task.moved})
        return refuse(call, "ResourceNotFoundException", "The task handle is not valid, or the task has ended.", 404)

    def _work(self, handle: str, account: str, region: str) -> None:
        while True:
            with self._lock:
                task = self._step(handle, account, region)
            self.arrived()
            if task.status != _RUNNING:
                return
            time.sleep(1 / (task.rate or MAX_RATE))

    def _step(self, handle: str, account: str, region: str) -> _Task:
        """Moves one message, or ends the task."""
        [(number, task)] = [(number, task) for number, task in enumerate(self._tasks) if task.handle == handle]
        queue = _queue(task.source, account, region)
        waiting = [message for message in queue.messages if message.visible] if queue is not None else []
        if task.status == "CANCELLING":
            task = replace(task, status="CANCELLED")
        elif queue is None:
            task = replace(task, status="FAILED", failure="AWS.SimpleQueueService.NonExistentQueue")
        elif task.moved == task.to_move or not waiting:
            task = replace(task, status="COMPLETED")
        else:
            task = self._moved(task, queue, waiting[0], account, region)
        self._tasks[number] = task
        return task

    @staticmethod
    def _moved(task: _Task, queue: Any, message: Any, account: str, region: str) -> _Task:
        target = (
            _queue(task.destination, account, region) if task.destination else _origin(queue, message, account, region)
        )
        if target is None:
            gone = "AWS.SimpleQueueService.NonExistentQueue"
            return replace(
                task, status="FAILED", failure=gone if task.destination else "CouldNotDetermineMessageSource"
            )
        sqs_backends[account][region].send_message(target.name, message.body, dict(message.message_attributes))
        queue._messages.remove(message)  # noqa: SLF001 - moto has no other way to take one out without a receipt
        return replace(task, moved=task.moved + 1)


def _queue(arn: str, account: str, region: str) -> Any:
    """The queue of this account and Region with this ARN."""
    queues = sqs_backends[account][region].queues
    return next((queue for queue in queues.values() if queue.queue_arn == arn), None)


def _sources(queue: Any, account: str, region: str) -> list[Any]:
    """The queues whose dead letters go to a queue."""
    return [other for other in sqs_backends[account][region].queues.values() if other.dead_letter_queue is queue]


def _origin(queue: Any, message: Any, account: str, region: str) -> Any:
    """The queue that a message came from. moto keeps no note of it: SQS moved what was received as often as allowed."""
    for source in _sources(queue, account, region):
        if message.approximate_receive_count >= source.redrive_policy["maxReceiveCount"]:
            return source
    return None


def _not_found(call: Call, parameter: str) -> Response:
    text = f"The resource that you specified for the {parameter} parameter doesn't exist."
    return refuse(call, "ResourceNotFoundException", text, 404)


def _listed(task: _Task) -> dict[str, Any]:
    found = {
        "TaskHandle": task.handle if task.status == _RUNNING else None,
        "Status": task.status,
        "SourceArn": task.source,
        "DestinationArn": task.destination,
        "MaxNumberOfMessagesPerSecond": task.rate,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "FailureReason": task.failure,
        "StartedTimestamp": task.started,
    }
    return {key: value for key, value in found.items() if value is not None}
