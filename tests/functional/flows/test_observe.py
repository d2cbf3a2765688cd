"""Observed accounts: all is decided and kept, nothing is written and nobody is told; then it is tagged as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as with_fields
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from flows.hub import A, B, decision_of, kinds, outcomes, verdicts
from flows.test_ledger import key
from flows.test_live import instance, put
from flows.test_tamper import Told
from harness.events import CATALOGUE, HOME, SETTINGS, instance_id, launch, messages, record, tags_for, volume, volume_id
from harness.fakes import NOON, Budget, Clock, FakeAccounts, FakeAws, FakeTagger, fake_ports
from harness.memory_ledger import MemoryLedger
from ownertag.core.findings import TagChange
from ownertag.core.ownership import ResourceKey
from ownertag.core.settings import Settings
from ownertag.core.transfer import TransferOrder
from ownertag.core.values import Failure, OutcomeKind, Unavailable, Write, WriteResult
from ownertag.flows.live import BatchAnswer, handle
from ownertag.flows.ports import Ports
from ownertag.flows.result import Decided, Tampered
from ownertag.flows.tag_observed import TaggedObserved, tag_observed
from ownertag.flows.transfer import Transfer, transfer
from ownertag.flows.whois import Wanted, whois
from ownertag.ledger.entries import Ended, Entry, TagChanged
from ownertag.ledger.port import LedgerError
from ownertag.sinks.observing import ObservingPublisher, ObservingTagger

VOLUME = volume_id(1)
MADE = NOON - timedelta(minutes=1)
DENIED = Unavailable(OutcomeKind.FORBIDDEN, "the organization's units can't be read: denied")


class World:
    """An organization, some accounts of which are observed; the ledger is kept from batch to batch."""

    def __init__(self, *observed: str) -> None:
        self.aws, self.ledger, self.told, self.clock = FakeAws(), MemoryLedger(), Told(), Clock()
        self.observed: set[str] = set(observed)
        self.unknown: set[str] = set()
        self.throttled: set[tuple[str, str]] = set()
        self.settings: Settings = SETTINGS

    def is_observed(self, account: str) -> bool | Unavailable:
        return DENIED if account in self.unknown else account in self.observed

    def ports(self, **more: Any) -> Ports:
        ports = fake_ports(self.aws, FakeAccounts({A, B}), self.clock, ledger=self.ledger, **more)
        return with_fields(
            ports,
            tagger=ObservingTagger(FakeTagger(self.aws), self.is_observed),
            findings=ObservingPublisher(self.told, self.is_observed),
            throttled=lambda account, region, _: (account, region) in self.throttled,
        )

    def handle(self, *details: dict[str, Any], receives: int = 1) -> BatchAnswer:
        return handle(messages(*details, receives=receives), self.ports(), CATALOGUE, self.settings)

    def end(self, *accounts: str, **more: Any) -> TaggedObserved:
        """The accounts are observed no longer, and the schedule invokes the function once."""
        self.observed -= set(accounts)
        return tag_observed(accounts, self.ports(**more), self.ledger, CATALOGUE, self.settings)

    def transfer(self, to: str, id_: str = VOLUME) -> Transfer:
        order = TransferOrder("1", id_, to, "arn:aws:iam::777788889999:user/ops", "moved")
        return transfer(order, self.ports(), self.ledger, CATALOGUE, self.settings)

    def tags(self, id_: str = VOLUME, account: str = A) -> dict[str, str]:
        return self.aws.places[account, HOME].tags[id_]

    def writes(self) -> int:
        return self.aws.count("ec2.CreateTags")

    def waiting(self, account: str = A) -> list[str]:
        return [known.id for portion in self.ledger.observed(account, 100) for known in portion]


@pytest.fixture
def world() -> World:
    return World(A)


def tag_call(name: str, ids: Sequence[str], tags: dict[str, str | None], **fields: Any) -> dict[str, Any]:
    items = [{"key": key} if value is None else {"key": key, "value": value} for key, value in tags.items()]
    request = {"resourcesSet": {"items": [{"resourceId": id_} for id_ in ids]}, "tagSet": {"items": items}}
    return record(name, A, HOME, {"_return": True}, request, **fields)


# --- while it is observed


def test_all_is_decided_and_kept_and_nothing_is_written(world: World) -> None:
    answer = world.handle(volume(A, VOLUME), volume(B, volume_id(2)))
    assert kinds(answer) == {VOLUME: "observed", volume_id(2): "tagged"}
    assert answer.returned == ()
    assert world.tags() == {}
    assert [call.account for call in world.aws.calls if call.name == "ec2.CreateTags"] == [B]
    [found] = whois(Wanted(VOLUME), world.ledger).answers
    assert (found.owner.name, dict(found.tags)) == ("alice", tags_for("alice", "CreateVolume", MADE))
    assert found.observed == NOON
    assert (world.ledger.observed_accounts(), world.waiting()) == ([A], [VOLUME])


def test_a_launch_with_all_that_came_with_it_is_observed_in_one_go(world: World) -> None:
    put(world.aws, instance(1), instance(2))
    answer = world.handle(launch(A, [instance_id(1), instance_id(2)]))
    found = outcomes(answer)
    assert {outcome.kind for outcome in found.values()} == {OutcomeKind.OBSERVED}
    assert len(found) > 2
    assert (len(answer.done), world.writes(), sorted(world.waiting())) == (1, 0, sorted(found))


def test_a_message_that_comes_again_finds_it_finished(world: World) -> None:
    made = volume(A, VOLUME)
    world.handle(made)
    assert verdicts(world.handle(made)) == {"m0": "done"}
    assert kinds(world.handle(made, receives=2)) == {VOLUME: "observed"}
    assert (world.writes(), world.waiting()) == (0, [VOLUME])


def test_what_is_not_known_is_neither_taken_for_observed_nor_for_free(world: World) -> None:
    world.observed, world.unknown = set(), {A}
    answer = world.handle(volume(A, VOLUME))
    [returned] = answer.returned
    assert "whether the account is observed is not known" in returned.reasons[0]
    assert (world.writes(), world.ledger.observed_accounts()) == (0, [])
    world.unknown = set()
    assert kinds(world.handle(volume(A, VOLUME), receives=2)) == {VOLUME: "tagged"}


def test_while_the_ledger_is_away_nothing_is_written_either(world: World) -> None:
    world.ledger.fails = LedgerError("ledger: is down", OutcomeKind.THROTTLED)
    assert len(world.handle(volume(A, VOLUME)).returned) == 1
    assert world.writes() == 0


def test_tags_that_were_written_before_stay_and_an_overwritten_one_is_not_put_right(world: World) -> None:
    world.observed = set()
    made = volume(A, VOLUME)
    world.handle(made)
    world.observed = {A}
    world.tags()["owner"] = "mallory"
    before = world.writes()
    assert kinds(world.handle(made, receives=2)) == {VOLUME: "observed"}
    assert (world.writes(), world.tags()["owner"], world.told.findings) == (before, "mallory", [])
    assert [entry.changes for entry in world.ledger.history(key()) if isinstance(entry, TagChanged)] == [
        (TagChange("owner", "alice", "mallory"),)
    ]
    world.end(A)
    assert world.tags()["owner"] == "alice"


# --- what others do to the tags meanwhile


def test_who_writes_an_owner_is_kept_and_nobody_is_told(world: World) -> None:
    world.handle(volume(A, VOLUME))
    answer = world.handle(tag_call("CreateTags", [VOLUME], {"owner": "bob"}, user="bob"))
    [done] = answer.done
    assert isinstance(done.result, Tampered)
    assert (done.result.observed, world.told.findings) == (True, [])
    [kept] = [entry for entry in world.ledger.history(key()) if isinstance(entry, TagChanged)]
    assert kept.changes == (TagChange("owner", None, "bob"),)


def test_whoever_removes_tags_removes_none_of_ours(world: World) -> None:
    world.handle(volume(A, VOLUME))
    [done] = world.handle(tag_call("DeleteTags", [VOLUME], {"owner": None})).done
    assert not isinstance(done.result, Tampered)


def test_a_finding_of_which_it_is_not_known_whether_anybody_is_to_be_told_comes_back(world: World) -> None:
    world.handle(volume(A, VOLUME))
    world.observed, world.unknown = set(), {A}
    [returned] = world.handle(tag_call("CreateTags", [VOLUME], {"owner": "bob"})).returned
    assert "is not known" in returned.reasons[0]
    assert world.told.findings == []


def test_an_owner_that_the_request_brings_is_kept_and_not_told(world: World) -> None:
    brought = {
        "tagSpecificationSet": {"items": [{"resourceType": "volume", "tags": [{"key": "owner", "value": "ceo"}]}]}
    }
    answer = world.handle(volume(A, VOLUME, requestParameters=brought))
    [done] = answer.done
    assert isinstance(done.result, Decided)
    assert done.result.finding is not None
    assert (done.result.observed, done.result.finding.overwritten, world.told.findings) == (True, False, [])
    world.tags()["owner"] = "ceo"
    world.end(A)
    assert world.tags()["owner"] == "alice"
    [told] = world.told.findings
    assert (told.changes, told.by, told.overwritten) == ((TagChange("owner", "alice", "ceo"),), "unknown", True)


def test_a_transfer_is_kept_and_written_when_the_account_is_observed_no_longer(world: World) -> None:
    world.handle(volume(A, VOLUME))
    done = world.transfer("bob")
    assert (done.done, done.was) == (True, "alice")
    assert "is observed" in done.detail
    assert (world.writes(), world.tags()) == (0, {})
    [found] = whois(Wanted(VOLUME), world.ledger).answers
    assert (found.owner.name, found.observed) == ("bob", NOON)
    world.end(A)
    assert world.tags()["owner"] == "bob"
    assert world.waiting() == []


def test_a_transfer_of_what_nobody_saw_created_is_written_then_as_well(world: World) -> None:
    arn = key().arn
    assert world.transfer("bob", arn).done
    assert (world.writes(), world.waiting()) == (0, [VOLUME])
    world.end(A)
    assert (world.tags()["owner"], world.waiting()) == ("bob", [])


# --- when it is observed no longer


def test_all_is_tagged_with_the_owner_that_was_observed_and_nothing_is_decided_anew(world: World) -> None:
    put(world.aws, instance(1))
    world.handle(volume(A, VOLUME), launch(A, [instance_id(1)], user="bob"))
    [known] = world.ledger.by_id(VOLUME)
    world.clock.move(timedelta(days=20))
    world.settings = replace(SETTINGS, tags={"owner": "{owner}", "team": "{account}"})  # decided anew it would be other
    tagged = world.end(A)
    assert (tagged.is_left, tagged.reasons) == (False, ())
    assert world.tags() == tags_for("alice", "CreateVolume", MADE) == dict(known.holding.tags)
    assert world.tags(instance_id(1))["owner"] == "bob"
    assert tagged.outcomes == {OutcomeKind.TAGGED: len(outcomes_in(world))}
    assert world.waiting() == []
    [found] = whois(Wanted(VOLUME), world.ledger).answers
    assert (found.observed, found.owner.name) == (None, "alice")
    calls = len(world.aws.calls)
    assert world.end(A) == TaggedObserved()
    assert len(world.aws.calls) == calls


def outcomes_in(world: World) -> list[ResourceKey]:
    """The resources that the ledger says are tagged."""
    return [key for key, held in world.ledger.holdings.items() if held.outcome is OutcomeKind.TAGGED]


def test_another_account_that_is_still_observed_is_left(world: World) -> None:
    world.observed = {A, B}
    world.handle(volume(A, VOLUME), volume(B, volume_id(2)))
    world.end(A)
    assert (bool(world.tags()), world.tags(volume_id(2), B)) == (True, {})
    assert world.waiting(B) == [volume_id(2)]


def test_an_account_that_is_observed_again_meanwhile_keeps_what_waits(world: World) -> None:
    world.handle(volume(A, VOLUME))
    tagged = tag_observed([A], world.ports(), world.ledger, CATALOGUE, SETTINGS)
    assert (tagged.outcomes, world.writes(), world.waiting()) == ({OutcomeKind.OBSERVED: 1}, 0, [VOLUME])


def test_what_is_gone_ends_as_gone(world: World) -> None:
    world.handle(volume(A, VOLUME), volume(A, volume_id(2), number=2))
    world.clock.move(timedelta(hours=1))
    world.aws.refuses = lambda call: (
        Failure("InvalidVolume.NotFound", 400) if call.name == "ec2.CreateTags" and VOLUME in call.values else None
    )
    assert world.end(A).outcomes == {OutcomeKind.GONE: 1, OutcomeKind.TAGGED: 1}
    assert world.waiting() == []
    [known] = world.ledger.by_id(VOLUME)
    assert known.holding.outcome is OutcomeKind.GONE


def test_what_carries_the_tags_already_is_not_written(world: World) -> None:
    world.handle(volume(A, VOLUME))
    world.tags().update(tags_for("alice", "CreateVolume", MADE))
    assert world.end(A).outcomes == {OutcomeKind.UNCHANGED: 1}
    assert (world.writes(), world.told.findings, world.waiting()) == (0, [], [])


def test_an_owner_that_somebody_wrote_meanwhile_is_told_before_it_is_written_over(world: World) -> None:
    world.handle(volume(A, VOLUME))
    world.tags()["owner"] = "mallory"
    world.told.failure = Failure("ThrottlingException", 400)
    tagged = world.end(A)
    assert (tagged.is_left, world.tags()["owner"], world.waiting()) == (True, "mallory", [VOLUME])
    world.told.failure = None
    world.end(A)
    assert (world.tags()["owner"], world.waiting()) == ("alice", [])
    [told] = world.told.findings
    assert (told.changes, told.overwritten) == ((TagChange("owner", "alice", "mallory"),), True)


def test_what_the_request_set_under_keep_stays(world: World) -> None:
    world.settings = replace(SETTINGS, existing_tags={"owner": "keep"})
    brought = {
        "tagSpecificationSet": {"items": [{"resourceType": "volume", "tags": [{"key": "owner", "value": "me"}]}]}
    }
    world.handle(volume(A, VOLUME, requestParameters=brought))
    world.tags()["owner"] = "me"
    world.end(A)
    assert world.tags() == tags_for("alice", "CreateVolume", MADE) | {"owner": "me"}
    assert world.told.findings == []


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "UnauthorizedOperation", "ConnectTimeoutError"])
def test_what_can_not_be_written_now_waits_for_the_next_time(world: World, code: str) -> None:
    world.handle(volume(A, VOLUME))
    world.aws.refuses = lambda call: Failure(code, 400) if call.name == "ec2.CreateTags" else None
    tagged = world.end(A)
    assert (tagged.is_left, len(tagged.reasons), world.waiting()) == (True, 1, [VOLUME])
    world.aws.refuses = lambda _: None
    assert world.end(A).outcomes == {OutcomeKind.TAGGED: 1}
    assert (world.tags()["owner"], world.waiting()) == ("alice", [])


def test_what_can_not_be_compared_is_not_written(world: World) -> None:
    world.handle(volume(A, VOLUME))
    world.aws.refuses = lambda call: Failure("RequestLimitExceeded", 503) if call.name == "tags" else None
    assert world.end(A).is_left
    assert (world.writes(), world.waiting()) == (0, [VOLUME])


def test_where_aws_throttles_an_account_nothing_is_tried(world: World) -> None:
    world.observed = {A, B}
    world.handle(volume(A, VOLUME), volume(B, volume_id(2)))
    world.throttled = {(A, HOME)}
    world.aws.calls.clear()
    tagged = world.end(A, B)
    assert tagged.outcomes == {OutcomeKind.THROTTLED: 1, OutcomeKind.TAGGED: 1}
    assert {call.account for call in world.aws.calls} == {B}
    assert world.waiting() == [VOLUME]


def test_without_time_nothing_is_begun_and_all_is_left(world: World) -> None:
    world.handle(volume(A, VOLUME))
    assert world.end(A, expired=lambda: True) == TaggedObserved({}, (), is_left=True)
    assert world.waiting() == [VOLUME]


def test_it_goes_by_portions_and_each_account_gets_its_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ownertag.flows.tag_observed.PORTION", 2)
    monkeypatch.setattr("ownertag.flows.tag_observed.MOST_AT_ONCE", 2)
    world.observed = {A, B}
    world.handle(*(volume(A, volume_id(number), number=number) for number in range(1, 8)), volume(B, volume_id(9)))
    world.end(A, B, expired=Budget(6))
    assert world.tags(volume_id(9), B)["owner"] == "alice"
    assert 0 < len(world.waiting()) < 7
    while world.end(A, B).is_left:
        pass
    assert world.waiting() == []


class Killed(BaseException):
    """The function ends here, and nothing after it happens."""


@pytest.mark.parametrize("at", range(1, 12))
def test_whenever_the_function_is_killed_the_end_is_the_same(world: World, at: int) -> None:
    world.handle(*(volume(A, volume_id(number), number=number, user=f"user-{number % 3}") for number in range(1, 9)))
    world.tags(volume_id(3))["owner"] = "mallory"
    steps = 0

    def step(_: object = None) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            raise Killed

    class KilledLedger(MemoryLedger):
        """Ends the function before an entry is kept, or after."""

        def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
            step()
            lost = super().append(entries)
            step()
            return lost

    world.aws.refuses = step
    killed = KilledLedger()
    killed.__dict__ |= world.ledger.__dict__
    world.ledger = killed
    try:
        world.end(A)
    except Killed:
        world.end(A)
    assert {number: world.tags(volume_id(number))["owner"] for number in range(1, 9)} == {
        number: f"user-{number % 3}" for number in range(1, 9)
    }
    assert world.waiting() == []
    assert {found.changes for found in world.told.findings} == {(TagChange("owner", "user-0", "mallory"),)}


def test_a_ledger_that_is_away_is_told_and_all_is_left(world: World) -> None:
    world.handle(volume(A, VOLUME))
    world.ledger.fails, world.ledger.fails_after = LedgerError("ledger: is down", OutcomeKind.THROTTLED), 0
    tagged = world.end(A)
    assert (tagged.is_left, "the ledger can't be used" in tagged.reasons[0]) == (True, True)


def test_a_type_without_a_row_any_more_ends_as_failed_and_holds_up_nothing(world: World) -> None:
    world.handle(volume(A, VOLUME), volume(A, volume_id(2), number=2))
    catalogue = replace(CATALOGUE, types={})
    tagged = tag_observed(
        [A], with_fields(world.ports(), tagger=FakeTagger(world.aws)), world.ledger, catalogue, SETTINGS
    )
    assert tagged.outcomes == {OutcomeKind.FAILED: 2}
    assert world.waiting() == []


def test_a_fault_of_ours_costs_the_resource_that_causes_it_and_no_other(world: World) -> None:
    world.handle(*(volume(A, volume_id(number), number=number) for number in range(1, 6)))

    class Odd(FakeTagger):
        def write(self, write: Write) -> WriteResult:
            if any(resource.id == volume_id(4) for resource in write.resources):
                raise ValueError("odd")
            return super().write(write)

    ports = with_fields(world.ports(), tagger=Odd(world.aws))
    tagged = tag_observed([A], ports, world.ledger, CATALOGUE, SETTINGS)
    assert (tagged.is_left, world.waiting()) == (True, [volume_id(4)])
    assert "unexpected ValueError" in tagged.reasons[0]


def test_a_creation_that_comes_late_decides_and_the_observation_ends_with_it(world: World) -> None:
    """An earlier creation of the same volume is heard of after a later one was observed."""
    world.handle(volume(A, VOLUME, number=2, user="bob", at=NOON - timedelta(seconds=50)))
    world.observed = set()
    world.handle(volume(A, VOLUME, number=1, user="alice", at=NOON - timedelta(seconds=60)))
    assert world.tags()["owner"] == "alice"
    before = world.writes()
    world.end(A)
    assert (world.tags()["owner"], world.writes(), world.waiting()) == ("alice", before, [])


def test_the_history_says_what_was_observed_and_what_was_written(world: World) -> None:
    world.handle(volume(A, VOLUME))
    world.clock.move(timedelta(days=1))
    world.end(A)
    ended = [entry for entry in world.ledger.history(key()) if isinstance(entry, Ended)]
    assert [(entry.observed is not None, entry.kind.value, entry.owner) for entry in ended] == [
        (True, "unchanged", "alice"),
        (False, "tagged", "alice"),
    ]


def test_the_decision_that_was_kept_is_that_of_the_message(world: World) -> None:
    [done] = world.handle(volume(A, VOLUME)).done
    [found] = whois(Wanted(VOLUME), world.ledger).answers
    assert decision_of(done).tags == found.tags
