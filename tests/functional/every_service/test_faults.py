"""Tag calls that fail: one service throttles, while another is tagged at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from harness.waiting import wait
from ownertag.sandbox.calls import Call, Response, refuse
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.identities import SandboxActor
from ownertag.sandbox.sandbox import Sandbox

OWNER = "carol@example.com"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(lambda _: None)) as running:
        yield running


@pytest.fixture
def made(sandbox: Sandbox) -> Iterator[tuple[Any, Any]]:
    session = sandbox.session("carol")
    with closing(sandbox.client(session, "sns")) as sns, closing(sandbox.client(session, "sqs")) as sqs:
        yield sns, sqs
    sandbox.front.fault = lambda *_: None


def test_a_service_that_throttles_keeps_no_other_waiting_and_is_tagged_once_it_answers(
    sandbox: Sandbox, made: tuple[Any, Any]
) -> None:
    sns, sqs = made
    refused: list[str] = []
    throttled = True

    def fault(call: Call, _: SandboxActor) -> Response | None:
        if not throttled or (call.service, call.operation) != ("sns", "TagResource"):
            return None
        refused.append(call.operation)
        return refuse(call, "Throttling", "Rate exceeded", 400)

    sandbox.front.fault = fault
    topic = sns.create_topic(Name="slow")["TopicArn"]
    queue = sqs.create_queue(QueueName="quick")["QueueUrl"]
    wait(lambda: sqs.list_queue_tags(QueueUrl=queue).get("Tags", {}).get("owner") == OWNER)
    wait(lambda: refused)
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == []
    throttled = False
    wait(lambda: {"Key": "owner", "Value": OWNER} in sns.list_tags_for_resource(ResourceArn=topic)["Tags"], 120)
