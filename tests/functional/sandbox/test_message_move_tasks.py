"""Message move tasks as SQS's API reference has them: moto has none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from harness.waiting import wait
from ownertag.sandbox.gaps.message_move_tasks import MessageMoveTasks
from ownertag.sandbox.personas import HUB
from ownertag.sandbox.sandbox import Sandbox


class Queues:
    """A queue with its dead letters, and another queue."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sqs = sandbox.client(sandbox.account_session(HUB), "sqs")
        name = uuid4().hex
        self.dead, self.dead_arn = self._made(f"dead-{name}")
        policy = json.dumps({"deadLetterTargetArn": self.dead_arn, "maxReceiveCount": 2})
        self.source, self.source_arn = self._made(f"source-{name}", RedrivePolicy=policy)
        self.other, self.other_arn = self._made(f"other-{name}")

    def _made(self, name: str, **attributes: str) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def refuse(self, body: str) -> None:
        """Receives a message too often."""
        self.sqs.send_message(QueueUrl=self.source, MessageBody=body)
        for _ in range(3):
            self.sqs.receive_message(QueueUrl=self.source, VisibilityTimeout=0)

    def bodies(self, url: str) -> list[str]:
        """What a queue has, which stays there."""
        answer = self.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, MaxNumberOfMessages=10)
        return sorted(message["Body"] for message in answer.get("Messages", []))

    def tasks(self, most: int = 1) -> list[dict[str, Any]]:
        """The newest tasks."""
        return list(self.sqs.list_message_move_tasks(SourceArn=self.dead_arn, MaxResults=most)["Results"])

    def ended(self) -> dict[str, Any]:
        """The newest task, once it runs no more."""
        return wait(
            lambda: next((task for task in self.tasks() if task["Status"] not in {"RUNNING", "CANCELLING"}), {})
        )


@pytest.fixture
def queues(sandbox: Sandbox) -> Queues:
    return Queues(sandbox)


@pytest.fixture
def held(sandbox: Sandbox) -> Iterator[list[Callable[[], None]]]:
    """Tasks that were begun and do not move anything until they are called."""
    work: list[Callable[[], None]] = []
    before, sandbox.front.move_tasks = sandbox.front.move_tasks, MessageMoveTasks(sandbox.front.lock, run=work.append)
    yield work
    sandbox.front.move_tasks = before


def refused(use: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as raised:
        use()
    return str(raised.value.response["Error"]["Code"])


def test_dead_letters_go_back_to_the_queue_that_they_came_from(queues: Queues) -> None:
    queues.refuse("a")
    queues.refuse("b")
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)
    task = queues.ended()
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]) == (
        "COMPLETED",
        2,
        2,
    )
    assert (queues.bodies(queues.source), queues.bodies(queues.dead)) == (["a", "b"], [])


def test_what_was_sent_by_hand_has_no_source_and_needs_a_destination(queues: Queues) -> None:
    queues.sqs.send_message(QueueUrl=queues.dead, MessageBody="by hand")
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)
    task = queues.ended()
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert queues.bodies(queues.dead) == ["by hand"]
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn, DestinationArn=queues.other_arn)
    wait(lambda: queues.ended()["Status"] == "COMPLETED")
    assert queues.bodies(queues.other) == ["by hand"]
    assert [task["Status"] for task in queues.tasks(10)] == ["COMPLETED", "FAILED"]


def test_a_moved_message_is_a_new_one_with_its_attributes(queues: Queues) -> None:
    attribute = {"ERROR_CODE": {"DataType": "String", "StringValue": "forbidden"}}
    sent = queues.sqs.send_message(QueueUrl=queues.dead, MessageBody="a", MessageAttributes=attribute)
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn, DestinationArn=queues.other_arn)
    queues.ended()
    [message] = queues.sqs.receive_message(
        QueueUrl=queues.other, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
    )["Messages"]
    assert message["MessageId"] != sent["MessageId"]
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "forbidden"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


@pytest.mark.parametrize(
    ("source", "destination", "more", "code"),
    [
        ("other_arn", None, {}, "InvalidParameterValue"),  # no dead-letter queue of a queue
        ("source_arn", None, {}, "InvalidParameterValue"),
        (None, None, {}, "ResourceNotFoundException"),
        ("dead_arn", "gone", {}, "ResourceNotFoundException"),
        ("dead_arn", "other_arn", {"MaxNumberOfMessagesPerSecond": 501}, "InvalidParameterValue"),
    ],
)
def test_what_sqs_does_not_move_is_refused(
    queues: Queues, source: str | None, destination: str | None, more: dict[str, Any], code: str
) -> None:
    gone = f"{queues.dead_arn}-gone"
    given = {"SourceArn": getattr(queues, source) if source else gone, **more}
    if destination:
        given["DestinationArn"] = getattr(queues, destination, gone)
    assert refused(lambda: queues.sqs.start_message_move_task(**given)) == code


def test_one_task_a_queue_runs_at_a_time(queues: Queues, held: list[Callable[[], None]]) -> None:
    queues.refuse("a")
    handle = queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)["TaskHandle"]
    assert refused(lambda: queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)) == "InvalidParameterValue"
    [task] = queues.tasks()
    assert (task["Status"], task["TaskHandle"]) == ("RUNNING", handle)
    held.pop()()
    [task] = queues.tasks()
    assert (task["Status"], "TaskHandle" in task) == ("COMPLETED", False)
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)
    held.pop()()


def test_a_task_that_is_cancelled_leaves_what_it_has_not_moved(queues: Queues, held: list[Callable[[], None]]) -> None:
    queues.refuse("a")
    handle = queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)["TaskHandle"]
    assert queues.sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"] == 0
    held.pop()()
    assert (queues.tasks()[0]["Status"], queues.bodies(queues.dead)) == ("CANCELLED", ["a"])
    assert refused(lambda: queues.sqs.cancel_message_move_task(TaskHandle=handle)) == "ResourceNotFoundException"


def test_what_comes_into_the_queue_after_the_beginning_is_not_moved(
    queues: Queues, held: list[Callable[[], None]]
) -> None:
    queues.refuse("a")
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn, DestinationArn=queues.other_arn)
    queues.sqs.send_message(QueueUrl=queues.dead, MessageBody="later")
    held.pop()()
    assert (queues.bodies(queues.other), queues.bodies(queues.dead)) == (["a"], ["later"])
