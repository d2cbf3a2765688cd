"""A member edits and deletes protected tags in the sandbox: one finding each; a transfer puts it right."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.waiting import wait
from ownertag.cli.app import app
from ownertag.core.ownership import ResourceKey
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.entries import TagChanged
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.personas import HOME_REGION, HUB
from ownertag.sandbox.sandbox import Sandbox

WEB, REGION = "333333333333", "us-east-1"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(lambda _: None)) as running:
        yield running


@pytest.fixture
def ledger(sandbox: Sandbox) -> Iterator[DynamoLedger]:
    session = sandbox.account_session(HUB, HOME_REGION)
    with closing(sandbox.client(session, "dynamodb")) as client:
        yield DynamoLedger(DynamoDBClient(client, "ownertag-ledger"))


@pytest.fixture
def mail(sandbox: Sandbox) -> Iterator[Callable[[], list[str]]]:
    """What the alarm topic sends: a queue that is subscribed to it."""
    session = sandbox.account_session(HUB, HOME_REGION)
    with closing(sandbox.client(session, "sns")) as sns, closing(sandbox.client(session, "sqs")) as sqs:
        url = sqs.create_queue(QueueName="mail")["QueueUrl"]
        topic = f"arn:aws:sns:{HOME_REGION}:{HUB}:ownertag-alarms"
        arn = f"arn:aws:sqs:{HOME_REGION}:{HUB}:mail"
        subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]

        def received() -> list[str]:
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            for message in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return [json.loads(message["Body"])["Message"] for message in found]

        yield received
        sns.unsubscribe(SubscriptionArn=subscribed)


def tags(ec2: Any, id_: str) -> dict[str, str]:
    found = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [id_]}])["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


def all_handled(sandbox: Sandbox) -> None:
    """Until every call so far has come through: the bus carries in order, so what comes last tells of all others."""
    with closing(sandbox.client(sandbox.session("alice"), "ec2")) as ec2:
        last = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
        wait(lambda: tags(ec2, last).get("owner") == "alice")
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    with closing(sandbox.client(sandbox.account_session(HUB, HOME_REGION), "sqs")) as sqs:
        ours = {"QueueUrl": sandbox.queue_url, "AttributeNames": names}
        wait(lambda: not any(map(int, sqs.get_queue_attributes(**ours)["Attributes"].values())))


def test_each_change_is_one_finding_with_old_and_new_and_ours_are_none(
    sandbox: Sandbox, ledger: DynamoLedger, mail: Callable[[], list[str]]
) -> None:
    with closing(sandbox.client(sandbox.session("alice"), "ec2")) as ec2:
        volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
        wait(lambda: tags(ec2, volume).get("owner") == "alice")
        ec2.create_tags(Resources=[volume], Tags=[{"Key": "owner", "Value": "mallory"}, {"Key": "Name", "Value": "x"}])
        told = wait(mail)  # of what is found in one batch, one mail tells
        ec2.delete_tags(Resources=[volume], Tags=[{"Key": "dateCreated"}])
        key = ResourceKey(WEB, REGION, f"arn:aws:ec2:{REGION}:{WEB}:volume/{volume}")

        def changes() -> list[TagChanged]:
            return [entry for entry in ledger.history(key) if isinstance(entry, TagChanged)]

        wait(lambda: len(changes()) >= 2)
        all_handled(sandbox)
        found = changes()
        told_of = sorted((one for entry in found for one in entry.changes), key=lambda change: change.key)
        assert [(change.key, change.new) for change in told_of] == [("dateCreated", None), ("owner", "mallory")]
        assert told_of[0].old
        assert told_of[1].old == "alice"
        assert {entry.actor.principal for entry in found} == {f"arn:aws:iam::{WEB}:user/alice"}
        told += wait(mail)
        assert len(told) == 2
        [overwritten] = [text for text in told if "tag       owner: " in text]
        lines = overwritten.splitlines()
        assert f"resource  {key.arn}" in lines
        assert "tag       owner: is now 'mallory', was 'alice'" in lines
        assert f"by        arn:aws:iam::{WEB}:user/alice" in lines
        assert f"  ownertag whois {key.arn}" in lines
        assert "transfer" not in overwritten

        # Nothing is restored by itself; the command that `whois` prints does it, and gives no finding of its own.
        assert tags(ec2, volume)["owner"] == "mallory"
        given = ["--config", str(sandbox.settings_file), "--profile", "admin-security"]
        told_by_whois = CliRunner().invoke(
            app, ["whois", key.arn, *given], env={"AWS_CONFIG_FILE": str(sandbox.config_file)}
        )
        [command] = [line for line in told_by_whois.stdout.splitlines() if line.startswith("    ownertag transfer")]
        arguments = shlex.split(command)[1:]
        assert arguments == ["transfer", key.arn, "--to", "alice", "--reason", "put back what was changed"]
        answer = CliRunner().invoke(app, [*arguments, *given], env={"AWS_CONFIG_FILE": str(sandbox.config_file)})
        assert answer.exit_code == 0, answer.output
        assert f"{key.arn}: alice's now, was alice's" in answer.stdout
        assert tags(ec2, volume)["owner"] == "alice"
        assert "dateCreated" in tags(ec2, volume)
        all_handled(sandbox)
        assert len(changes()) == 2
        assert mail() == []


def test_an_owner_that_a_launch_brings_is_overwritten_and_kept_and_wakes_nobody(
    sandbox: Sandbox, ledger: DynamoLedger, mail: Callable[[], list[str]]
) -> None:
    with closing(sandbox.client(sandbox.session("alice"), "ec2")) as ec2:
        brings = [{"ResourceType": "volume", "Tags": [{"Key": "owner", "Value": "ceo"}]}]
        volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, TagSpecifications=brings)["VolumeId"]
        assert tags(ec2, volume) == {"owner": "ceo"}
        wait(lambda: tags(ec2, volume)["owner"] == "alice")
    key = ResourceKey(WEB, REGION, f"arn:aws:ec2:{REGION}:{WEB}:volume/{volume}")
    [change] = wait(lambda: [entry for entry in ledger.history(key) if isinstance(entry, TagChanged)])
    assert [(tag_change.key, tag_change.old, tag_change.new) for tag_change in change.changes] == [
        ("owner", None, "ceo")
    ]
    all_handled(sandbox)
    assert mail() == []


def test_a_transfer_says_what_is_wrong(sandbox: Sandbox) -> None:
    given = ["--config", str(sandbox.settings_file), "--profile", "admin-security", "--json"]
    arguments = ["transfer", "vol-0ffffffffffffffff", "--to", "bob", "--reason", "x", *given]
    answer = CliRunner().invoke(app, arguments, env={"AWS_CONFIG_FILE": str(sandbox.config_file)})
    assert answer.exit_code == 1
    assert "name it by its ARN" in json.loads(answer.stdout)["detail"]
    answer = CliRunner().invoke(app, ["transfer", "vol-1", "--to", "", "--reason", "x", *given])
    assert answer.exit_code in {2, 3}
