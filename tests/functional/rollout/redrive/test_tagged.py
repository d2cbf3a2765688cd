"""What was put back is done by the hub's function as if it had just arrived, creations and findings alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.waiting import wait
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.personas import HOME_REGION, HUB
from ownertag.sandbox.sandbox import Sandbox
from rollout.redrive.buried import DEAD_LETTERS, MEMBER, REGION, UNDELIVERED, Buried

LINES: list[str] = []


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(LINES.append)) as running:
        yield running


@pytest.fixture
def buried(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Buried:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(sandbox.config_file))
    return Buried(sandbox)


def owners(buried: Buried, event_id: str) -> set[str]:
    """The owner tags of the instances of a launch."""
    [record] = [one for one in buried.sandbox.recorder.records(MEMBER, REGION) if one["eventID"] == event_id]
    ids = [item["instanceId"] for item in record["responseElements"]["instancesSet"]["items"]]
    ec2 = buried.sandbox.client(buried.sandbox.account_session(MEMBER, REGION), "ec2")
    tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": ids}, {"Name": "key", "Values": ["owner"]}])
    return {tag["Value"] for tag in tags["Tags"]}


def test_a_launch_that_was_not_delivered_is_tagged_by_its_owner(buried: Buried) -> None:
    [event_id] = buried.launch_undelivered()
    assert owners(buried, event_id) == set()
    code, objects = buried.run()
    assert (code, objects[UNDELIVERED, MEMBER, REGION]["put_back"]) == (0, 1)
    wait(lambda: owners(buried, event_id) == {"alice"})
    assert buried.redrive().exit_code == 0


def test_a_launch_that_lay_in_the_dead_letters_is_tagged_and_its_second_copy_changes_nothing(buried: Buried) -> None:
    [event_id] = buried.launch_undelivered()
    [body] = buried.bodies(UNDELIVERED, MEMBER, REGION)
    buried.bury(body, "throttled")
    buried.bury(body)
    code, objects = buried.run()
    assert (code, objects[DEAD_LETTERS, HUB, HOME_REGION]["put_back"]) == (0, 2)
    wait(lambda: owners(buried, event_id) == {"alice"})
    wait(lambda: buried.depth("ownertag") == (0, 0))
    assert buried.depth(DEAD_LETTERS) == (0, 0)


def test_a_tag_call_that_was_not_delivered_is_a_finding(buried: Buried) -> None:
    """`ownertag tag` knows creations alone."""
    [event_id] = buried.launch_undelivered()
    assert buried.run()[0] == 0
    wait(lambda: owners(buried, event_id) == {"alice"})
    LINES.clear()
    [record] = [one for one in buried.sandbox.recorder.records(MEMBER, REGION) if one["eventID"] == event_id]
    instance = record["responseElements"]["instancesSet"]["items"][0]["instanceId"]
    with buried.undeliverable(1):
        ec2 = buried.sandbox.client(buried.sandbox.account_session(MEMBER, REGION), "ec2")
        ec2.create_tags(Resources=[instance], Tags=[{"Key": "owner", "Value": "mallory"}])
    assert buried.run()[0] == 0
    wait(lambda: any("changed owner 'alice' to 'mallory'" in line for line in LINES))
