"""An upgrade and a rollback by `ownertag deploy` in the sandbox: the release's commands, then ours, then the release's.

The sandbox plays AWS, and runs this version's code whatever package is deployed: what the release's function does is
shown in `tests/functional/upgrade`. Here it is what each version's commands deploy over the other's: that queues, the
ledger and the bus stay the same ones, with what is in them, that what is made meanwhile is tagged, and that nothing is
left.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from harness import sandbox_process
from harness.releases import last_release, path_of
from harness.waiting import wait

HOME = "eu-central-1"
#: In each of them the release makes rules, named or not: us-east-1 and us-west-2 it adds by itself.
REGIONS = [HOME, "us-east-1", "us-west-2"]
_RUN = "from ownertag.cli.main import run; run()"


@dataclass(frozen=True)
class Sandbox:
    """The organization, and the settings and package of a user in it."""

    told: dict[str, Any]
    settings: Path
    package: Path
    release: Path

    def __call__(self, command: str, *arguments: str, released: bool, profile: str) -> tuple[int, list[Any], str]:
        """The exit code of a command of the release, or of this version; its objects, and what it said."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OWNERTAG_"))},
            **(path_of(self.release) if released else {}),
            "AWS_CONFIG_FILE": self.told["config_file"],
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        given = [*command.split(), *arguments, "--json", "--config", str(self.settings), "--profile", profile]
        done = subprocess.run(
            [sys.executable, "-c", _RUN, *given], env=environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def deploy(self, command: str, *, released: bool) -> tuple[int, list[Any], str]:
        """`ownertag deploy plan`, `apply` or `destroy`."""
        options = [] if command == "destroy" else ["--package", str(self.package)]
        options += [] if command == "plan" else ["--yes"]
        options += [] if command == "destroy" else ["--lookback-days", "0"]
        return self(f"deploy {command}", *options, released=released, profile="admin-management")

    def faults(self, *, released: bool) -> dict[str, str]:
        """What `doctor` of a version finds wrong, by check, with what it saw there."""
        _, findings, told = self("doctor", released=released, profile="admin-security")
        assert findings, told
        return {one["check"]: one["seen"] for one in findings if one.get("state") == "fault"}

    def client(self, profile: str, service: str, region: str = HOME) -> closing[Any]:
        """A client of somebody in the organization."""
        core = botocore.session.Session(profile=profile)
        core.set_config_variable("config_file", self.told["config_file"])
        return closing(boto3.Session(botocore_session=core).client(service, region_name=region))  # type: ignore[call-overload] # any service

    def holding(self) -> dict[str, Any]:
        """What tells the resources that hold data from others of the same name, and how much is in them."""
        found: dict[str, Any] = {"queues": {}}
        for profile, region in [("admin-security", HOME), *(("admin-web", region) for region in REGIONS)]:
            with self.client(profile, "sqs", region) as sqs:
                for url in sqs.list_queues().get("QueueUrls", []):
                    names = ["CreatedTimestamp", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
                    given = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
                    found["queues"][url, region] = (given[names[0]], int(given[names[1]]) + int(given[names[2]]))
        with self.client("admin-security", "dynamodb") as dynamodb:
            [name] = dynamodb.list_tables()["TableNames"]
            table = dynamodb.describe_table(TableName=name)["Table"]
            found["table"] = (name, table["CreationDateTime"].isoformat())
        with self.client("admin-security", "events") as events:
            found["bus"] = events.describe_event_bus(Name="ownertag")["Arn"]
        with self.client("admin-security", "logs") as logs:
            groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/ownertag")["logGroups"]
            found["log groups"] = [(group["arn"], group["creationTime"]) for group in groups]
        with self.client("admin-security", "cloudformation") as cloudformation:
            found["hub"] = cloudformation.describe_stacks(StackName="ownertag-hub")["Stacks"][0]["StackId"]
        return found

    def leave_messages(self) -> None:
        """Puts messages where they wait: a creation of what is not there yet, a dead letter, and one undelivered."""
        with self.client("admin-security", "sqs") as sqs:
            for name in ("ownertag", "ownertag-dead-letters"):
                sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody="no json")
        with self.client("admin-web", "sqs", "us-west-2") as sqs:
            url = sqs.get_queue_url(QueueName="ownertag-undelivered")["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody="{}")

    def volume(self) -> str:
        """A volume that alice makes, as soon as it is tagged as hers."""
        with self.client("alice", "ec2", "us-east-1") as ec2:
            volume: str = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
            filters = [{"Name": "resource-id", "Values": [volume]}, {"Name": "key", "Values": ["owner"]}]
            [tag] = wait(lambda: ec2.describe_tags(Filters=filters)["Tags"])
        assert tag["Value"] == "alice"
        return volume

    def owner(self, volume: str, *, released: bool) -> tuple[int, str]:
        """Whose it is by the ledger, as `whois` of a version answers."""
        code, answered, _ = self("whois", volume, released=released, profile="admin-security")
        return code, answered[0]["owner"]["name"] if answered and "owner" in answered[0] else str(answered)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox_process.sandbox("--no-deploy", "--json") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        settings = Path(told["settings_file"])
        yield Sandbox(told, settings, Path(told["package_file"]), last_release().unpack(tmp_path))


def _unchanged(steps: list[Any]) -> bool:
    return {step["action"] for step in steps if step.get("kind") == "step"} <= {"unchanged"}


@pytest.mark.timeout(900)
@pytest.mark.full
def test_up_and_back_and_away(sandbox: Sandbox) -> None:
    assert sandbox.deploy("apply", released=True)[0] == 0
    sandbox.leave_messages()
    made = [sandbox.volume()]
    before = sandbox.holding()
    assert sum(count for _, count in before["queues"].values()) >= 3

    for released in (False, True):
        code, steps, told = sandbox.deploy("plan", released=released)
        assert code == 1, told  # at least the package has another version
        planned = [step for step in steps if step.get("kind") == "step" and step["action"] != "unchanged"]
        assert any("PackageKey" in line for step in planned for line in step.get("changes", ())), planned
        assert not [line for step in planned for line in step.get("changes", ()) if "(replaced)" in line]

        code, _, told = sandbox.deploy("apply", released=released)
        assert code == 0, told
        assert sandbox.holding() == before
        made.append(sandbox.volume())
        for reader in (False, True):
            assert {sandbox.owner(volume, released=reader) for volume in made} == {(0, "alice")}
        assert _unchanged(sandbox.deploy("plan", released=released)[1])

        assert sandbox.faults(released=released).keys() == {"dead-letters", "undelivered"}  # those that were left there
        seen = sandbox.faults(released=not released)["package"]
        assert last_release().version in seen, seen

    code, _, told = sandbox.deploy("destroy", released=False)
    assert code == 0, told
