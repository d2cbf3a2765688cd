"""What was put back is done by the hub's function as if it had just arrived, creations and findings alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.waiting import wait
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.personas import HOME_REGION, HUB
from ownertag.sandbox.sandbox import Sandbox
from rollout.redrive.world import DEAD_LETTERS, MEMBER, REGION, UNDELIVERED, RedriveWorld

LINES: list[str] = []


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(LINES.append)) as running:
        yield running


@pytest.fixture
def world(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> RedriveWorld:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(sandbox.config_file))
    return RedriveWorld(sandbox)


def owners(world: RedriveWorld, event_id: str) -> set[str]:
    """The owner tags of the instances of a launch."""
    [record] = [one for one in world.sandbox.recorder.records(MEMBER, REGION) if one["eventID"] == event_id]
    ids = [item["instanceId"] for item in record["responseElements"]["instancesSet"]["items"]]
    ec2 = world.sandbox.client(world.sandbox.account_session(MEMBER, REGION), "ec2")
    tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": ids}, {"Name": "key", "Values": ["owner"]}])
    return {tag["Value"] for tag in tags["Tags"]}


def test_a_launch_that_was_not_delivered_is_tagged_by_its_owner(world: RedriveWorld) -> None:
    [event_id] = world.launch_undelivered()
    assert owners(world, event_id) == set()
    code, objects = world.run()
    assert (code, objects[UNDELIVERED, MEMBER, REGION]["put_back"]) == (0, 1)
    wait(lambda: owners(world, event_id) == {"alice"})
    assert world.redrive().exit_code == 0


def test_a_launch_from_the_dead_letters_is_tagged_and_its_second_copy_changes_nothing(
    world: RedriveWorld,
) -> None:
    [event_id] = world.launch_undelivered()
    [body] = world.bodies(UNDELIVERED, MEMBER, REGION)
    world.dead_letter(body, "throttled")
    world.dead_letter(body)
    code, objects = world.run()
    assert (code, objects[DEAD_LETTERS, HUB, HOME_REGION]["put_back"]) == (0, 2)
    wait(lambda: owners(world, event_id) == {"alice"})
    wait(lambda: world.depth("ownertag") == (0, 0))
    assert world.depth(DEAD_LETTERS) == (0, 0)


def test_a_tag_call_that_was_not_delivered_is_a_finding(world: RedriveWorld) -> None:
    """`ownertag tag` knows creations alone."""
    [event_id] = world.launch_undelivered()
    assert world.run()[0] == 0
    wait(lambda: owners(world, event_id) == {"alice"})
    LINES.clear()
    [record] = [one for one in world.sandbox.recorder.records(MEMBER, REGION) if one["eventID"] == event_id]
    instance = record["responseElements"]["instancesSet"]["items"][0]["instanceId"]
    with world.undeliverable(1):
        ec2 = world.sandbox.client(world.sandbox.account_session(MEMBER, REGION), "ec2")
        ec2.create_tags(Resources=[instance], Tags=[{"Key": "owner", "Value": "mallory"}])
    assert world.run()[0] == 0
    wait(lambda: any("changed owner 'alice' to 'mallory'" in line for line in LINES))
