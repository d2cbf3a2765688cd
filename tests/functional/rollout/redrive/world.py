"""A sandbox whose events were not delivered or not tagged: breaks it by hand, and reads its queues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.testing import CliRunner, Result

from harness.waiting import wait
from ownertag.cli.app import app
from ownertag.sandbox.demo_launches import IMAGE
from ownertag.sandbox.personas import ACCOUNTS, HOME_REGION, HUB
from ownertag.sandbox.sandbox import Sandbox

#: Where alice works.
MEMBER, REGION = "333333333333", "us-east-1"
DEAD_LETTERS, UNDELIVERED = "ownertag-dead-letters", "ownertag-undelivered"


class RedriveWorld:
    """The sandbox, and what lies in its queues."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.hub = sandbox.client(sandbox.account_session(HUB), "sqs")

    def redrive(self, *arguments: str, stdin: str | None = None) -> Result:
        """Runs the command as an operator of the hub's account."""
        where = ["--config", str(self.sandbox.settings_file), "--profile", f"admin-{ACCOUNTS[HUB]}"]
        answer = CliRunner().invoke(app, ["redrive", *where, *arguments], input=stdin)
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return answer

    def run(self, *arguments: str) -> tuple[int, dict[tuple[str, str, str], dict[str, Any]]]:
        """Its exit code, and its objects by queue, account and Region."""
        answer = self.redrive("--json", "--yes", *arguments)
        objects = [json.loads(line) for line in answer.stdout.splitlines()]
        return answer.exit_code, {(one["queue"], one["account"], one["region"]): one for one in objects}

    def sqs(self, account: str = MEMBER, region: str = REGION) -> Any:
        """A client of an account's root user."""
        return self.sandbox.client(self.sandbox.account_session(account, region), "sqs")

    def dead_letter(
        self, body: str, code: str = "", account: str = HUB, region: str = HOME_REGION, name: str = DEAD_LETTERS
    ) -> None:
        """Sends a message to a queue, with a code as EventBridge and the function do, or without."""
        attributes = {"ERROR_CODE": {"DataType": "String", "StringValue": code}} if code else {}
        sqs = self.sqs(account, region)
        sqs.send_message(
            QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=body, MessageAttributes=attributes
        )

    def refuse_too_often(self, body: str) -> None:
        """Lets SQS move a message to the dead letters, as it was received as often as allowed."""
        url = self.sandbox.queue_url
        self.hub.send_message(QueueUrl=url, MessageBody=body)
        for _ in range(17):
            self.hub.receive_message(QueueUrl=url, VisibilityTimeout=0, MaxNumberOfMessages=10)

    def bodies(self, name: str = "ownertag", account: str = HUB, region: str = HOME_REGION) -> list[str]:
        """What a queue holds, taken out of it."""
        sqs = self.sqs(account, region)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                found.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def depth(self, name: str, account: str = HUB, region: str = HOME_REGION) -> tuple[int, int]:
        """(messages to be received, hidden messages)."""
        sqs = self.sqs(account, region)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])

    @contextmanager
    def undeliverable(self, count: int) -> Iterator[None]:
        """Lets nobody be the member's forwarder, until so many events were not delivered."""
        iam = self.sandbox.client(self.sandbox.account_session(MEMBER), "iam")
        trust = iam.get_role(RoleName="ownertag-forwarder")["Role"]["AssumeRolePolicyDocument"]
        nobody = {**trust, "Statement": [{**trust["Statement"][0], "Effect": "Deny"}]}
        iam.update_assume_role_policy(RoleName="ownertag-forwarder", PolicyDocument=json.dumps(nobody))
        before = self.sandbox.bus.undelivered
        try:
            yield
            wait(lambda: self.sandbox.bus.undelivered == before + count)
        finally:
            iam.update_assume_role_policy(RoleName="ownertag-forwarder", PolicyDocument=json.dumps(trust))

    def launch_undelivered(self, count: int = 1) -> list[str]:
        """Launches as alice while nothing is delivered; returns the events' ids, which lie in her Region."""
        ec2 = self.sandbox.client(self.sandbox.session("alice"), "ec2")
        with self.undeliverable(count):
            for _ in range(count):
                ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
        return [
            record["eventID"]
            for record in self.sandbox.recorder.records(MEMBER, REGION)
            if record["eventName"] == "RunInstances"
        ][-count:]
