"""What Lambda does around the function: its context, and the poller that reads the queue and deletes what is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.emulated import HOME, HUB, Emulated
from ownertag.handler.settings import Environment, read_environment
from ownertag.handler.wiring import Handler

CONFIG = f"""
[organization]
id = "o-a1b2c3d4e5"
management_account = "{HUB}"
hub_account = "{HUB}"
home_region = "{HOME}"

[tags]
owner = "{{owner}}"
dateCreated = "{{created_at}}"
WhatIsThis = "made by {{event_name}}"
"""


@dataclass
class Context:
    """Lambda's context, as far as it is used."""

    milliseconds: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


class Poller:
    """A queue and the event source mapping that hands its messages to a function."""

    def __init__(self, world: Emulated, visibility: int = 30, receives: int | None = None) -> None:
        self.client: Any = world._plain.client("sqs", region_name=HOME)
        attributes: Any = {"VisibilityTimeout": str(visibility)}
        if receives is not None:
            self.dead_letters: str = self.client.create_queue(QueueName="ownertag-dead-letters")["QueueUrl"]
            arn = f"arn:aws:sqs:{HOME}:{HUB}:ownertag-dead-letters"
            policy = {"deadLetterTargetArn": arn, "maxReceiveCount": receives}
            attributes["RedrivePolicy"] = json.dumps(policy)
        self.url: str = self.client.create_queue(QueueName="ownertag", Attributes=attributes)["QueueUrl"]

    def send(self, *bodies: str) -> list[str]:
        """Put these on the queue: their message ids."""
        return [self.client.send_message(QueueUrl=self.url, MessageBody=body)["MessageId"] for body in bodies]

    def receive(self, limit: int = 1_000_000) -> dict[str, Any]:
        """What is on the queue, so many at most, as the event that Lambda makes of it."""
        received: list[dict[str, Any]] = []
        while len(received) < limit:
            answer = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(10, limit - len(received)),
                AttributeNames=["All"],
                WaitTimeSeconds=0,
            )
            if not answer.get("Messages"):
                break
            received += answer["Messages"]
        return {"Records": [_lambda_record(message) for message in received]}

    def settle(self, event: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Delete what the function didn't name."""
        named = {batch_item_failure["itemIdentifier"] for batch_item_failure in answer["batchItemFailures"]}
        done = [record["receiptHandle"] for record in event["Records"] if record["messageId"] not in named]
        for start in range(0, len(done), 10):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(done[start : start + 10])
            ]
            self.client.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def run(self, function: Handler, context: Context | None = None) -> dict[str, Any]:
        """Hand over what is on the queue, and delete what is done: the function's answer."""
        event = self.receive()
        answer = function(event, context or Context())
        self.settle(event, answer)
        return answer

    def size(self) -> int:
        """How many messages are on the queue, hidden ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


def _lambda_record(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{HOME}:{HUB}:ownertag",
        "awsRegion": HOME,
    }


def environment(folder: Path, queue_url: str, table: str | None = None, more: str = "") -> Environment:
    """The function's environment, with a file of settings in this folder; the ledger is there too, or in a table."""
    path = folder / "ownertag.toml"
    path.write_text(CONFIG + more, "utf-8")
    return read_environment(
        {
            "OWNERTAG_CONFIG": str(path),
            "OWNERTAG_QUEUE_URL": queue_url,
            "OWNERTAG_LEDGER": f"dynamodb:{table}" if table else f"sqlite:{path.parent / 'ledger.sqlite'}",
            "OWNERTAG_CONCURRENCY": "5",
        }
    )


def lines(output: str) -> list[dict[str, Any]]:
    """What was printed, a JSON object a line."""
    return [json.loads(line) for line in output.splitlines()]
