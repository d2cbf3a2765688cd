"""A creation that wrote over its resource's owner without knowing it, and comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from flows.hub import A
from flows.test_ledger import VOLUME, World
from harness import fixtures
from harness.events import HOME, SETTINGS, tags_for, volume
from harness.fakes import NOON, FakeCall
from ownertag.core.values import Failure

EARLIER, LATER = NOON - timedelta(seconds=60), NOON - timedelta(seconds=50)
FIRST: dict[str, Any] = volume(A, VOLUME, number=1, user="alice", at=EARLIER)
AGAIN: dict[str, Any] = volume(A, VOLUME, number=2, user="bob", at=LATER)
BOBS = tags_for("bob", "CreateVolume", LATER)
ALICES = tags_for("alice", "CreateVolume", EARLIER)


@pytest.fixture
def world() -> World:
    found = World()
    found.handle(FIRST)
    return found


def carry(world: World, tags: dict[str, str]) -> None:
    world.aws.places[A, HOME].tags[VOLUME] = dict(tags)
    world.aws.calls.clear()


def test_its_own_late_write_is_put_right_by_whoever_made_it(world: World) -> None:
    carry(world, BOBS)
    answer = world.handle(AGAIN)
    assert len(answer.done) == 1
    assert world.aws.places[A, HOME].tags[VOLUME] == ALICES
    assert [call.name for call in world.aws.calls] == ["tags", "ec2.CreateTags"]


def test_a_late_write_is_put_right_when_its_message_comes_back_even_if_another_copy_finished_meanwhile(
    world: World,
) -> None:
    """One copy of an event wrote without the ledger; another was received and finished before that write was there."""
    world.handle(AGAIN)
    carry(world, BOBS)
    assert len(world.handle(AGAIN).done) == 1  # yet another copy: it wrote nothing
    assert world.aws.calls == []
    assert len(world.handle(AGAIN, receives=2).done) == 1
    assert world.aws.places[A, HOME].tags[VOLUME] == ALICES
    world.aws.calls.clear()
    assert len(world.handle(AGAIN, receives=3).done) == 1
    assert [call.name for call in world.aws.calls] == ["tags"]


def test_what_somebody_else_wrote_is_tampering_and_stays(world: World) -> None:
    carry(world, ALICES | {"owner": "mallory"})
    world.handle(AGAIN)
    assert world.owner() == "mallory"
    assert world.aws.count("ec2.CreateTags") == 0


def test_whoever_holds_it_asks_for_nothing(world: World) -> None:
    world.aws.calls.clear()
    world.handle(FIRST)
    assert not world.aws.calls


def test_it_waits_where_the_tags_can_not_be_read(world: World) -> None:
    carry(world, BOBS)

    def refuse(call: FakeCall) -> Failure | None:
        return Failure("RequestLimitExceeded", 503) if call.name == "tags" else None

    world.aws.refuses = refuse
    assert len(world.handle(AGAIN).returned) == 1
    world.aws.refuses = lambda _: None
    assert len(world.handle(AGAIN).done) == 1
    assert world.owner() == "alice"


def test_a_value_that_its_request_brought_is_not_taken_for_its_own(world: World) -> None:
    carry(world, BOBS)
    keep = replace(SETTINGS, existing=dict.fromkeys(SETTINGS.tags, "keep"))
    brought = {"requestParameters": fixtures.brings(BOBS, "volume")}
    world.handle(AGAIN | brought, settings=keep)
    assert world.owner() == "bob"
    world.handle(AGAIN, settings=keep, receives=2)
    assert world.owner() == "alice"
