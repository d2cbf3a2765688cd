"""A creation that wrote over its resource's owner without knowing it, and comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from flows.hub import A
from flows.test_ledger import VOLUME, World, key
from flows.test_live import instance
from flows.test_tamper import Told
from harness import fixtures
from harness.events import HOME, SETTINGS, instance_id, launch, tags_for, volume
from harness.fakes import NOON, FakeCall, Launched
from ownertag.core.findings import TagChange
from ownertag.core.record_details import Actor
from ownertag.core.values import Failure, OutcomeKind
from ownertag.flows.live import BatchAnswer
from ownertag.flows.result import Decided
from ownertag.ledger.entries import TagChanged, Transferred
from ownertag.ledger.port import LedgerError

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


def found_of(answer: BatchAnswer) -> list[tuple[str | None, str | None, str, bool]]:
    findings = [done.result.finding for done in answer.done if isinstance(done.result, Decided) and done.result.finding]
    return [(change.old, change.new, found.by, found.overwritten) for found in findings for change in found.changes]


@pytest.mark.parametrize("value", ["mallory", "", "unknown", "Alice"])
def test_an_owner_that_the_ledger_does_not_know_is_written_over_and_found(world: World, value: str) -> None:
    """By whom it was written only the record of that call says: least of all by whoever created something."""
    carry(world, ALICES | {"owner": value})
    answer = world.handle(AGAIN)
    assert world.owner() == "alice"
    assert found_of(answer) == [("alice", value, "unknown", True)]
    [kept] = [entry for entry in world.ledger.history(key()) if isinstance(entry, TagChanged)]
    assert (kept.changes, kept.actor) == ((TagChange("owner", "alice", value),), Actor("unknown"))
    assert found_of(world.handle(AGAIN, receives=2)) == []


def test_the_holder_s_own_event_that_comes_back_is_compared_as_well(world: World) -> None:
    carry(world, ALICES | {"owner": "mallory"})
    answer = world.handle(FIRST, receives=2)
    assert world.owner() == "alice"
    assert found_of(answer) == [("alice", "mallory", "unknown", True)]


def test_what_a_person_gave_away_is_compared_with_whom_it_was_given_to(world: World) -> None:
    given = Transferred(key(), "1", "carol", "operator", "hers", tuple({**ALICES, "owner": "carol"}.items()), NOON)
    world.ledger.append([given])
    carry(world, ALICES | {"owner": "carol"})
    assert found_of(world.handle(FIRST, receives=2)) == []
    assert world.owner() == "carol"
    carry(world, ALICES)  # its own late write: nobody else's
    assert found_of(world.handle(FIRST, receives=2)) == []
    assert world.owner() == "carol"
    carry(world, ALICES | {"owner": "mallory"})
    assert found_of(world.handle(FIRST, receives=2)) == [("carol", "mallory", "unknown", True)]
    assert world.owner() == "carol"


def test_an_owner_that_is_missing_beside_other_tags_is_written_and_no_finding(world: World) -> None:
    carry(world, {"Name": "web"})
    assert found_of(world.handle(FIRST, receives=2)) == []
    assert world.owner() == "alice"


def test_what_carries_no_tag_at_all_is_left_since_it_may_be_gone(world: World) -> None:
    carry(world, {})
    assert len(world.handle(FIRST, receives=2).done) == 1
    assert [call.name for call in world.aws.calls] == ["tags"]


def test_other_keys_than_those_with_the_owner_are_not_compared(world: World) -> None:
    carry(world, ALICES | {"dateCreated": "yesterday", "WhatIsThis": "mine"})
    assert found_of(world.handle(FIRST, receives=2)) == []
    assert [call.name for call in world.aws.calls] == ["tags"]


def test_a_value_that_its_request_brought_is_not_compared_under_keep(world: World) -> None:
    keep = replace(SETTINGS, existing_tags={"owner": "keep"})
    carry(world, ALICES | {"owner": "ceo"})
    brought = FIRST | {"requestParameters": fixtures.brings({"owner": "ceo"}, "volume")}
    assert found_of(world.handle(brought, receives=2, settings=keep)) == []
    assert world.owner() == "ceo"


def test_one_that_could_not_be_written_again_comes_back_and_is_found_then(world: World) -> None:
    carry(world, ALICES | {"owner": "mallory"})
    world.aws.refuses = lambda call: Failure("SlowDown", 503) if call.name == "ec2.CreateTags" else None
    assert len(world.handle(FIRST, receives=2).returned) == 1
    world.aws.refuses = lambda _: None
    assert found_of(world.handle(FIRST, receives=3)) == [("alice", "mallory", "unknown", True)]
    assert world.owner() == "alice"


def test_what_was_written_over_is_found_though_another_of_its_resources_comes_back() -> None:
    """When it is all done nothing shows any more what stood on the first."""
    world, ids = World(), [instance_id(number) for number in (1, 2)]
    record = launch(A, ids, user="alice", at=EARLIER)
    launched = {id_: Launched(instance(n, volumes=1), "r-0000000000000aaaa") for n, id_ in enumerate(ids, 1)}
    world.aws.places[A, HOME].launched |= launched
    assert len(world.handle(record).done) == 1
    tags = world.aws.places[A, HOME].tags
    for id_ in ids:
        tags[id_] = tags[id_] | {"owner": "mallory"}
    busy = {ids[1]}

    def refuse(call: FakeCall) -> Failure | None:
        return Failure("IncorrectState", 400) if call.name == "ec2.CreateTags" and busy & {*call.values} else None

    world.aws.refuses = refuse
    first = world.handle(record, receives=2)
    world.aws.refuses = lambda _: None
    redelivered = world.handle(record, receives=3)
    results = [verdict.result for verdict in first.returned] + [verdict.result for verdict in redelivered.done]
    assert [tags[id_]["owner"] for id_ in ids] == ["alice", "alice"]
    assert {result.finding.resource for result in results if isinstance(result, Decided) and result.finding} == {
        f"arn:aws:ec2:{HOME}:{A}:instance/{id_}" for id_ in ids
    }


def test_what_can_not_be_kept_is_not_written_over(world: World) -> None:
    """Once ours is written nothing shows any more what stood there."""
    carry(world, ALICES | {"owner": "mallory"})
    world.ledger.calls.clear()
    world.ledger.fails, world.ledger.fails_after = LedgerError("ledger: is busy", OutcomeKind.THROTTLED), 2
    assert len(world.handle(FIRST, receives=2).returned) == 1
    assert (world.ledger.calls[:3], world.owner()) == (["seen", "claim", "append"], "mallory")
    world.ledger.fails = None
    assert found_of(world.handle(FIRST, receives=3)) == [("alice", "mallory", "unknown", True)]
    assert world.owner() == "alice"


def test_what_can_not_be_told_is_not_written_over(world: World) -> None:
    told = Told()
    carry(world, ALICES | {"owner": "mallory"})
    told.failure = Failure("ThrottlingException", 400)
    assert len(world.handle(FIRST, receives=2, findings=told).returned) == 1
    assert (told.findings, world.owner()) == ([], "mallory")
    told.failure = None
    assert len(world.handle(FIRST, receives=3, findings=told).done) == 1
    assert ([finding.changes for finding in told.findings], world.owner()) == (
        [(TagChange("owner", "alice", "mallory"),)],
        "alice",
    )


def test_an_owner_that_stood_there_while_the_ledger_was_away_is_written_over_when_it_comes_back() -> None:
    world = World()
    carry(world, {"owner": "mallory"})
    world.ledger.fails = LedgerError("ledger: is down", OutcomeKind.THROTTLED)
    assert len(world.handle(FIRST).returned) == 1
    assert world.owner() == "mallory"
    world.ledger.fails = None
    assert len(world.handle(FIRST, receives=2).done) == 1
    assert world.owner() == "alice"


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
    keep = replace(SETTINGS, existing_tags=dict.fromkeys(SETTINGS.tags, "keep"))
    brought = {"requestParameters": fixtures.brings(BOBS, "volume")}
    world.handle(AGAIN | brought, settings=keep)
    assert world.owner() == "bob"
    world.handle(AGAIN, settings=keep, receives=2)
    assert world.owner() == "alice"
