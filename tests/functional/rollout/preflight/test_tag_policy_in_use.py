"""A tag policy that is enforced after the deployment: the message comes back with the reason, until it may be done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.waiting import wait
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.personas import HOME_REGION
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import WEB, Console
from rollout.preflight.others import Policy, tag_policy


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def console(told: list[str], tmp_path: Path) -> Iterator[Console]:
    with Sandbox(ConsoleReporter(told.append)) as sandbox:
        yield Console(sandbox, sandbox.settings_file, tmp_path / "function.zip")


@pytest.mark.full
def test_what_the_policy_refuses_comes_back_with_the_reason_and_is_tagged_when_it_is_accepted(
    console: Console, told: list[str]
) -> None:
    def owner(volume: str) -> str | None:
        with console.client(WEB, "ec2") as ec2:
            tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [volume]}])["Tags"]
        return next((tag["Value"] for tag in tags if tag["Key"] == "owner"), None)

    with (
        Policy(console, "TAG_POLICY", tag_policy("Owner"), console.sandbox.organization.unit, "owners"),
        console.client(WEB, "ec2") as ec2,
    ):
        volume = ec2.create_volume(AvailabilityZone=f"{HOME_REGION}a", Size=1)["VolumeId"]
        wait(lambda: any("comes back" in line and "TagPolicyViolation" in line for line in told))
        assert owner(volume) is None
    # Nothing was lost: the same message is tried again.
    wait(lambda: owner(volume))
