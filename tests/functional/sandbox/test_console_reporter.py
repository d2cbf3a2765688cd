"""What `ownertag sandbox` and `ownertag demo` print of tampering: who did what to which tags of what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from harness import fixtures
from harness.waiting import wait
from ownertag.core.findings import TagChange, TamperFinding
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.flows.live import Done, Message
from ownertag.flows.result import Tampered
from ownertag.sandbox.console_reporter import ConsoleReporter, line
from ownertag.sandbox.sandbox import Sandbox

WEB, REGION = "333333333333", "us-east-1"
LINES: list[str] = []


@pytest.fixture(scope="module")
def watched() -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(LINES.append)) as running:
        yield running


def finding_line() -> str:
    return wait(lambda: next((line for line in LINES if "finding: " in line), ""))


def test_who_changed_and_removed_which_tags_of_what_is_printed(watched: Sandbox) -> None:
    with closing(watched.client(watched.session("alice"), "ec2")) as ec2:
        volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
        wait(lambda: any("owner=alice" in line for line in LINES))
        LINES.clear()
        ec2.create_tags(Resources=[volume], Tags=[{"Key": "owner", "Value": "mallory"}])
        said = finding_line()
        for part in (
            f"web {REGION}",
            "CreateTags",
            f"arn:aws:iam::{WEB}:user/alice",
            "changed owner 'alice' to 'mallory'",
            f"on volume/{volume}",
        ):
            assert part in said
        LINES.clear()
        ec2.delete_tags(Resources=[volume], Tags=[{"Key": "owner"}])
        said = finding_line()
        assert "DeleteTags" in said
        assert "removed owner 'alice'" in said


def test_an_owner_in_the_request_of_a_creation_is_printed_with_its_creation(watched: Sandbox) -> None:
    LINES.clear()
    with closing(watched.client(watched.session("alice"), "ec2")) as ec2:
        tags: Any = [{"ResourceType": "volume", "Tags": [{"Key": "owner", "Value": "mallory"}]}]
        ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, TagSpecifications=tags)
    said = finding_line()
    assert "CreateVolume" in said
    assert "owner=alice" in said
    assert f"arn:aws:iam::{WEB}:user/alice" in said
    assert "to 'mallory'" in said
    assert "ownertag wrote over it" in said


def printed(**fields: Any) -> str:
    arrival = parse_event(fixtures.text_of(fixtures.event(fixtures.record())), "m")
    assert isinstance(arrival, Arrival)
    given: dict[str, Any] = {
        "account": "111122223333",
        "region": "eu-central-1",
        "resource": "arn:aws:ec2:eu-central-1:111122223333:volume/vol-1",
        "resources": 1,
        "changes": (TagChange("owner", "alice", "mallory"),),
        "by": "arn:aws:iam::111122223333:user/mallory",
        "event_id": "e",
        "at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    result = Tampered("m", TamperFinding(**(given | fields)), record=arrival.record)
    return line(Done(Message("m", ""), result))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"resources": 3}, "on volume/vol-1 and 2 more"),
        ({"changes": (TagChange("owner", None, "mallory"),)}, "set owner to 'mallory'"),
        ({"changes": (TagChange("owner", None, None),)}, "removed owner on"),
        (
            {"changes": tuple(TagChange(f"key-{number}", "a", "b") for number in range(5)), "more_changes": 2},
            "changed key-2 'a' to 'b' and 4 more tags",
        ),
        ({"omitted": True, "changes": ()}, "user/mallory changed tags, and CloudTrail left out which"),
        ({"resource": "lt-1", "typed": False}, "on lt-1"),
    ],
)
def test_each_kind_of_finding_has_its_words(fields: dict[str, Any], said: str) -> None:
    text = printed(**fields)
    assert said in text
    assert "CreateVolume  finding: " in text


def test_a_strangers_text_is_one_short_line_that_a_terminal_does_not_obey() -> None:
    evil = "\x1b[2J\n" + "x" * 500
    text = printed(by=evil, changes=(TagChange(evil, evil, evil),))
    assert text.isprintable()
    assert len(text) < 600
