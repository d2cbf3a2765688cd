"""From the queue to the handler: what Lambda makes of a handler's answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from harness.waiting import wait
from ownertag.sandbox.organization import sandbox_session
from ownertag.sandbox.personas import HOME_REGION
from ownertag.sandbox.queue_poller import QueuePoller, failed_items
from ownertag.sandbox.sandbox import Sandbox


@pytest.mark.parametrize(
    ("answer", "back"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": "z"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "z"}]}, {"a", "b"}),
        ({"batchItemFailures": [{}]}, {"a", "b"}),
        ({"batchItemFailures": ["a"]}, {"a", "b"}),
        ({"batchItemFailures": "a"}, {"a", "b"}),
        ("done", {"a", "b"}),
    ],
)
def test_which_messages_come_back(answer: Any, back: set[str]) -> None:
    assert failed_items(answer, {"a", "b"}) == back


class Queue:
    """A queue of the hub whose messages come back after a second, and twice at most."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sqs = sandbox.client(sandbox_session(sandbox.organization.hub_keys, HOME_REGION), "sqs")
        self.dead = self.sqs.create_queue(QueueName="test-dead")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
        attributes = {"VisibilityTimeout": "1", "RedrivePolicy": redrive}
        self.url = self.sqs.create_queue(QueueName="test", Attributes=attributes)["QueueUrl"]
        self.failures: list[Exception] = []

    def source(self, handler: Any) -> QueuePoller:
        arn = f"arn:aws:sqs:{HOME_REGION}:222222222222:test"
        return QueuePoller(self.sqs, self.url, arn, handler, self.failures.append)

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def left(self, url: str) -> list[str]:
        answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]


@pytest.fixture
def queue(sandbox: Sandbox) -> Iterator[Queue]:
    made = Queue(sandbox)
    yield made
    for url in (made.url, made.dead):
        made.sqs.delete_queue(QueueUrl=url)
    made.sqs.close()


def test_what_the_handler_names_comes_back_and_the_rest_is_deleted(queue: Queue) -> None:
    seen: list[dict[str, Any]] = []

    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        seen.extend(event["Records"])
        assert context.get_remaining_time_in_millis() > 100_000
        back = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in back]}

    queue.send("good", "bad", "fine")
    assert queue.source(handler).poll_once() == 3
    assert {record["eventSource"] for record in seen} == {"aws:sqs"}
    assert {record["attributes"]["ApproximateReceiveCount"] for record in seen} == {"1"}
    assert wait(lambda: queue.left(queue.url)) == ["bad"]


def test_an_exception_fails_the_batch_and_a_poisoned_message_ends_in_the_dead_letter_queue(queue: Queue) -> None:
    def handler(*_: Any) -> None:
        raise ValueError

    source = queue.source(handler)
    queue.send("poison")
    for _ in range(2):
        assert wait(source.poll_once) == 1

    def dead() -> list[str]:
        assert source.poll_once() == 0
        return queue.left(queue.dead)

    assert wait(dead) == ["poison"]
    assert [type(error) for error in queue.failures] == [ValueError, ValueError]


def test_an_answer_is_not_read_where_the_mapping_does_not_say_so(queue: Queue) -> None:
    def handler(event: Mapping[str, Any], _: Any) -> dict[str, Any]:
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]]}

    queue.send("lost")
    source = QueuePoller(
        queue.sqs, queue.url, "arn:aws:sqs:::test", handler, queue.failures.append, reports_failures=False
    )
    assert source.poll_once() == 1
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = queue.sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)["Attributes"]
    assert {int(left[name]) for name in names} == {0}
