"""A message that comes back, and one that comes too late: the table of the design, with the ledger's fake."""

from __future__ import annotations

import json
import zlib
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.hub import A, B, decision_of, kinds, on_fakes, verdicts
from flows.test_live import instance, put
from harness import fixtures
from harness.events import (
    CATALOGUE,
    HOME,
    SETTINGS,
    envelope,
    instance_id,
    launch,
    messages,
    omitted_launch,
    volume,
    volume_id,
)
from harness.fakes import NOON, Clock, FakeAccounts, FakeAws, FakeCall, Launched, fake_ports
from harness.memory_ledger import MemoryLedger
from harness.properties import examples
from ownertag.core.match import match
from ownertag.core.ownership import EventKey, ResourceKey
from ownertag.core.unnamed_launch import is_unnamed
from ownertag.core.values import Creation, Failure, LaunchedInstance, OutcomeKind, Unavailable
from ownertag.flows.live import BatchAnswer, Message, handle
from ownertag.flows.result import FinishedBefore
from ownertag.ledger.entries import Ended, Owned, Transferred
from ownertag.ledger.port import LedgerError

VOLUME = volume_id(1)
DOWN = LedgerError("ledger: is down", OutcomeKind.THROTTLED)


def key(id_: str = VOLUME, account: str = A) -> ResourceKey:
    return ResourceKey(account, HOME, f"arn:aws:ec2:{HOME}:{account}:volume/{id_}")


class World:
    """An organization whose function keeps its ledger from batch to batch."""

    def __init__(self) -> None:
        self.aws = FakeAws()
        self.ledger = MemoryLedger()
        self.clock = Clock()

    def handle(self, *details: dict[str, Any], **more: Any) -> BatchAnswer:
        return on_fakes(self.aws, *details, ledger=self.ledger, now=self.clock, **more)

    def owner(self, id_: str = VOLUME, account: str = A) -> str | None:
        return self.aws.places[account, HOME].tags[id_].get("owner")


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_finished_is_never_written_again_and_costs_no_call_but_one_to_the_ledger(world: World) -> None:
    record = volume(A, VOLUME)
    assert kinds(world.handle(record)) == {VOLUME: "tagged"}
    world.aws.calls.clear()
    world.ledger.calls.clear()
    world.aws.places[A, HOME].tags[VOLUME]["owner"] = "somebody"  # by hand: that is another flow's to notice
    [done] = world.handle(record).done
    assert isinstance(done.result, FinishedBefore)
    assert (world.aws.calls, world.ledger.calls) == ([], ["seen"])
    assert world.owner() == "somebody"


def test_what_is_unfinished_is_finished_and_only_what_is_left_is_written(world: World) -> None:
    put(world.aws, instance(1), instance(2))
    record = launch(A, [instance_id(1), instance_id(2)])
    slow = {instance_id(2), *(attached.id for attached in instance(2).volumes)}
    world.aws.refuses = lambda call: Failure("InvalidID", 400) if slow & set(call.values) else None
    world.aws.refuses = lambda call: (
        Failure("InvalidInstanceID.NotFound", 400)
        if call.name == "ec2.CreateTags" and slow & set(call.values)
        else None
    )
    first = world.handle(record)
    assert set(verdicts(first)["m0"].split(": ")) >= {"not-ready"}
    ended = world.ledger.history(ResourceKey(A, HOME, f"arn:aws:ec2:{HOME}:{A}:instance/{instance_id(2)}"))
    assert [(outcome.kind, outcome.final) for outcome in ended if isinstance(outcome, Ended)] == [
        (OutcomeKind.NOT_READY, False)
    ]
    world.aws.refuses = lambda _: None
    world.aws.calls.clear()
    redelivered = world.handle(record)
    assert not redelivered.returned
    written = {id_ for call in world.aws.calls if call.name == "ec2.CreateTags" for id_ in call.values}
    assert written == slow
    assert set(kinds(redelivered).values()) == {"tagged", "unchanged"}


def test_the_stored_decision_stands_though_the_settings_changed(world: World) -> None:
    record = volume(A, VOLUME)
    world.aws.refuses = lambda _: Failure("RequestLimitExceeded", 503)
    assert world.handle(record).returned
    world.aws.refuses = lambda _: None
    changed = replace_settings(tags={"owner": "changed {owner}"})
    [done] = world.handle(record, settings=changed).done
    decision = decision_of(done)
    assert dict(decision.tags)["owner"] == "alice"
    assert world.owner() == "alice"


def replace_settings(**fields: Any) -> Any:
    from msgspec.structs import replace as changed  # noqa: PLC0415 - beside dataclasses.replace

    return changed(SETTINGS, **fields)


def test_a_part_that_shows_late_is_tagged_by_the_stored_decision(world: World) -> None:
    put(world.aws, instance(1, state="pending", root=False))
    record = launch(A, [instance_id(1)])
    assert world.handle(record).returned
    put(world.aws, instance(1))
    assert not world.handle(record).returned
    assert world.owner(volume_id(16)) == "alice"
    [known] = world.ledger.by_id(volume_id(16))
    assert not known.holding.claim.named
    assert {known.id for known in world.ledger.by_parent(instance_id(1))} == {
        volume_id(16),
        volume_id(17),
        "eni-00000000000000001",
    }


def test_without_the_ledger_only_what_has_no_owner_is_tagged_and_all_comes_back(world: World) -> None:
    world.aws.places[A, HOME].tags[VOLUME]["owner"] = "bob"
    records = [volume(A, VOLUME, number=1), volume(A, volume_id(2), number=2)]
    for failing in ("seen", "claim"):
        world.ledger.fails, world.ledger.fails_after = DOWN, 0 if failing == "seen" else 1
        world.ledger.calls.clear()
        answer = world.handle(*records)
        assert world.ledger.calls[-1] == failing
        assert not answer.done
        assert all("the ledger can't be used: ledger: is down" in returned.reasons[-1] for returned in answer.returned)
        assert world.aws.places[A, HOME].tags[VOLUME] == {"owner": "bob"}
        assert world.owner(volume_id(2)) == "alice"
        world.aws.places[A, HOME].tags.pop(volume_id(2))
    world.ledger.fails = None
    assert len(world.handle(*records).done) == 2
    assert [world.owner(), world.owner(volume_id(2))] == ["alice", "alice"]


def test_without_the_ledger_and_the_tags_nothing_is_written(world: World) -> None:
    world.ledger.fails = DOWN
    world.aws.refuses = lambda call: Failure("UnauthorizedOperation", 403) if call.name == "tags" else None
    assert world.handle(volume(A, VOLUME)).returned
    assert world.aws.count("ec2.CreateTags") == 0


def test_what_the_ledger_could_not_keep_comes_back(world: World) -> None:
    """E12: the tag is there, its line is not."""
    record = volume(A, VOLUME)
    world.ledger.fails, world.ledger.fails_after = DOWN, 2
    [returned] = world.handle(record).returned
    assert "the ledger can't be used" in returned.reasons[-1]
    assert world.owner() == "alice"
    world.ledger.fails = None
    assert len(world.handle(record).done) == 1
    assert not world.handle(record).returned
    assert world.ledger.seen([EventKey(A, HOME, record["eventID"])])[EventKey(A, HOME, record["eventID"])].finished


def test_an_account_that_is_not_known_to_be_ours_writes_nothing_into_the_ledger(world: World) -> None:
    world.handle(volume("999999999999", VOLUME))
    away = FakeAccounts(set(), Unavailable(OutcomeKind.THROTTLED, "down"))
    assert world.handle(volume(A, VOLUME), accounts=away).returned
    assert (world.ledger.created, world.ledger.holdings) == ({}, {})


def test_a_launch_of_which_nothing_can_be_seen_yet_is_kept_when_it_can(world: World) -> None:
    record = omitted_launch(A, "token", count=2)
    assert world.handle(record).returned
    assert world.ledger.created == {}
    put(world.aws, instance(1), token="token")
    assert world.handle(record).returned
    put(world.aws, instance(2), token="token")
    assert len(world.handle(record).done) == 1
    assert [created.event_name for created in world.ledger.created.values()] == ["RunInstances"]
    assert {len(world.ledger.history(holding)) for holding in world.ledger.holdings} == {
        2
    }  # decided and tagged, once each


def test_a_batch_asks_the_ledger_three_times(world: World) -> None:
    put(world.aws, *(instance(number) for number in range(100)))
    records = [launch(A, [instance_id(number)], number=number) for number in range(100)]
    world.handle(*records)
    assert world.ledger.calls == ["seen", "claim", "append"]


def test_an_older_creation_takes_its_resource_back_and_a_replay_does_not(world: World) -> None:
    alice = volume(A, VOLUME, user="alice", number=1, at=NOON - timedelta(minutes=5))
    mallory = volume(A, VOLUME, user="mallory", number=2, at=NOON - timedelta(minutes=1))
    world.handle(mallory)
    assert world.owner() == "mallory"
    world.handle(alice)
    assert world.owner() == "alice"
    for record in (mallory, alice, mallory):  # T4
        world.handle(record)
    assert world.owner() == "alice"


def test_a_transfer_stands_against_later_and_earlier_events(world: World) -> None:
    world.handle(volume(A, VOLUME, number=1))
    tags = (("owner", "bob"),)
    world.ledger.append([Transferred(key(), "t", "bob", "carol", "moved", tags, NOON)])
    world.aws.places[A, HOME].tags[VOLUME]["owner"] = "bob"
    for number, minutes in ((2, 1), (3, -30)):
        at = NOON + timedelta(minutes=minutes)
        answer = world.handle(volume(A, VOLUME, number=number, user="mallory", at=at))
        assert kinds(answer) == {VOLUME: "unchanged"}
    assert world.owner() == "bob"


def test_who_wrote_for_somebody_that_lost_it_meanwhile_comes_back_and_puts_it_right(world: World) -> None:
    """E15: alice's record is handled by another function between mallory's claim and mallory's write."""
    mallory = volume(A, VOLUME, user="mallory", number=2)
    alice = volume(A, VOLUME, user="alice", number=1, at=NOON - timedelta(minutes=5))

    def meanwhile(call: FakeCall) -> None:
        if call.name == "ec2.CreateTags":
            world.aws.refuses = lambda _: None
            assert not world.handle(alice).returned
            assert world.owner() == "alice"

    world.aws.refuses = meanwhile
    [returned] = world.handle(mallory).returned
    assert "an earlier creation of it was recorded meanwhile" in returned.reasons[0]
    assert world.owner() == "mallory"
    assert not world.handle(mallory).returned
    assert world.owner() == "alice"
    world.aws.calls.clear()
    for record in (alice, mallory):
        world.handle(record)
    assert world.aws.calls == []


# --- T4 and T5 for every row of EC2, whose tags the fake keeps

GOLDEN = [
    (name, plain)
    for name, plain, _ in fixtures.golden()
    if name.startswith("ec2/")
    and isinstance(made := match(fixtures.arrival(plain), fixtures.catalogue(), fixtures.anywhere()), Creation)
    and not is_unnamed(made)  # without a token nothing can be repeated
]


def _shown(aws: FakeAws, creation: Creation) -> None:
    """Put the launched instances where they are looked for."""
    if creation.asked_by is None:
        return
    ids = [resource.id for resource in creation.resources if resource.type == "ec2:instance"]
    ids = ids or [f"i-{number:017x}" for number in range(creation.at_least)]
    place = aws.places[creation.record.account, creation.record.region]
    for id_ in ids:
        seen = LaunchedInstance(id_, "running", "/dev/xvda", True, frozenset({"/dev/xvda"}))
        place.launched[id_] = Launched(seen, creation.asked_by[1], creation.asked_by[1])


@pytest.mark.parametrize(("name", "plain"), GOLDEN, ids=[name for name, _ in GOLDEN])
def test_whoever_repeats_a_creation_in_a_later_batch_gets_nothing_and_is_seen(name: str, plain: dict[str, Any]) -> None:
    """T5: alice creates, mallory repeats with the same token and gets alice's resource as success; T4: all replayed."""
    creation = match(fixtures.arrival(plain), fixtures.catalogue(), fixtures.anywhere())
    assert isinstance(creation, Creation)
    aws, ledger = FakeAws(), MemoryLedger()
    _shown(aws, creation)
    account, time = plain["recipientAccountId"], creation.record.created_at
    alice = {**deepcopy(plain), "userIdentity": fixtures.user("alice", account)}
    later = (time + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    mallory = {**alice, "userIdentity": fixtures.user("mallory", account), "eventTime": later, "eventID": "the-repeat"}
    if "originalEventID" in (plain.get("addendum") or {}):
        mallory["addendum"] = None
    clock = Clock(time + timedelta(minutes=6))
    ports = fake_ports(aws, FakeAccounts({account}), clock, ledger=ledger)

    def deliver(record: dict[str, Any]) -> None:
        body = json.dumps(envelope(record, source=f"aws.{record['eventSource'].partition('.')[0]}"))
        assert not handle([Message("m", body)], ports, CATALOGUE, fixtures.anywhere()).returned

    def owners() -> set[str]:
        return {tags["owner"] for place in aws.places.values() for tags in place.tags.values() if tags}

    for record in (alice, mallory):
        deliver(record)
        assert owners() == {"alice"}
    aws.calls.clear()
    for record in (mallory, alice, mallory):
        deliver(record)
    assert owners() == {"alice"}
    assert not [call for call in aws.calls if call.name == "ec2.CreateTags"]
    assert {held.owner.name for held in ledger.holdings.values()} == {"alice"}
    for resource in ledger.holdings:
        owned = [entry for entry in ledger.history(resource) if isinstance(entry, Owned)]
        assert [entry.owner.name for entry in owned] == ["alice", "mallory"], name
    repeat = ledger.creation(EventKey(account, plain["awsRegion"], "the-repeat"))
    assert repeat is not None
    assert repeat.actor.principal.endswith("user/mallory")


# --- any order, any number of invocations, any fault


def _made(account: str, number: int, user: str, minutes: int, launched: bool) -> dict[str, Any]:
    id_ = zlib.crc32(f"{account} {number} {user} {minutes} {launched}".encode())
    at = NOON - timedelta(minutes=minutes)
    if launched:
        return launch(account, [instance_id(number)], user=user, number=id_, at=at)
    # The volumes of the launched instances are among these: a record that names one goes before its launch.
    return volume(account, volume_id(number * 16), user=user, number=id_, at=at)


_RECORDS = st.lists(
    st.builds(
        _made,
        st.sampled_from([A, B]),
        st.integers(0, 2),
        st.sampled_from(["alice", "bob", "mallory"]),
        st.integers(0, 3),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def _deliver(batches: list[list[dict[str, Any]]], faults: list[bool]) -> tuple[Any, Any]:
    """All batches, each its own invocation; what comes back is delivered again until nothing does."""
    world = World()
    left = list(faults)
    for account in (A, B):
        put(world.aws, *(instance(number) for number in range(3)), account=account)

    def refuses(_: FakeCall) -> Failure | None:
        return Failure("RequestLimitExceeded", 503) if left and left.pop() else None

    world.aws.refuses = refuses
    for _ in range(60):
        if not batches:
            break
        batch, *batches = batches
        world.ledger.fails = DOWN if left and left.pop() else None
        world.ledger.fails_after = len(world.ledger.calls) + (left.pop() if left else 0)
        answer = world.handle(*batch)
        back = [batch[int(returned.message.id[1:])] for returned in answer.returned]
        batches += [back] if back else []
    assert not batches
    tags = {place: {id_: tags for id_, tags in held.tags.items() if tags} for place, held in world.aws.places.items()}
    return tags, world.ledger.state()


@examples(400)
@given(st.data(), _RECORDS)
def test_order_repeats_and_invocations_change_neither_tags_nor_ledger(
    data: st.DataObject, records: list[dict[str, Any]]
) -> None:
    redelivered = data.draw(st.permutations(records + data.draw(st.lists(st.sampled_from(records), max_size=4))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(redelivered)), max_size=4)) | {len(redelivered)})
    batches = [redelivered[start:end] for start, end in zip([0, *cuts], cuts, strict=False) if redelivered[start:end]]
    assert _deliver([records], []) == _deliver(batches, [])


@examples(400)
@given(st.data(), _RECORDS, st.lists(st.booleans(), max_size=12))
def test_neither_throttling_nor_a_ledger_that_is_down_changes_what_it_comes_to(
    data: st.DataObject, records: list[dict[str, Any]], faults: list[bool]
) -> None:
    shuffled = data.draw(st.permutations(records))
    middle = data.draw(st.integers(0, len(shuffled)))
    batches = [batch for batch in (shuffled[:middle], shuffled[middle:]) if batch]
    assert _deliver([records], []) == _deliver(batches, faults)


def test_nothing_of_a_dry_run_is_kept_if_it_has_no_ledger(world: World) -> None:
    ports = replace(fake_ports(world.aws, FakeAccounts({A})), now=world.clock)
    assert handle(messages(volume(A, VOLUME)), ports, CATALOGUE, SETTINGS).done
    assert world.ledger.calls == []


def test_times_of_entries_are_the_functions_own(world: World) -> None:
    world.clock.move(timedelta(minutes=1))
    world.handle(volume(A, VOLUME))
    at: set[datetime] = {entry.at for entry in world.ledger.history(key()) if isinstance(entry, Ended)}
    assert at == {NOON + timedelta(minutes=1)}
