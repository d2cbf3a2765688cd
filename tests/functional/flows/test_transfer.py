"""A resource is given to somebody by hand: ledger and tags change together, and later events respect it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from harness import fixtures
from harness.fakes import FakeAccounts, FakeAws, FakeLookups, FakeTagger
from harness.memory_ledger import MemoryLedger
from ownertag.core.ownership import ResourceKey
from ownertag.core.transfer import TransferOrder
from ownertag.core.values import Failure, OutcomeKind, Unavailable
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.flows.transfer import Transfer, transfer
from ownertag.ledger.entries import Transferred
from ownertag.ledger.port import LedgerError

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
VOLUME = "vol-0a1b2c3d4e5f60718"
ARN = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{VOLUME}"
ORDER = TransferOrder("1", VOLUME, "bob", "arn:aws:iam::777788889999:user/ops", "alice has left")


class World:
    """A hub over fakes, with a ledger that remembers."""

    def __init__(self) -> None:
        self.aws, self.ledger = FakeAws(), MemoryLedger()
        self.accounts = FakeAccounts({ACCOUNT})

    @property
    def ports(self) -> Ports:
        look, tagger = FakeLookups(self.aws), FakeTagger(self.aws)
        return Ports(self.accounts, look, tagger, lambda: fixtures.SOON, ledger=self.ledger)

    def deliver(self, *records: dict[str, Any]) -> None:
        messages = [Message(str(number), json.dumps(fixtures.event(record))) for number, record in enumerate(records)]
        answer = handle(messages, self.ports, fixtures.catalogue(), fixtures.settings())
        assert answer.returned == ()

    def order(self, order: TransferOrder = ORDER) -> Transfer:
        return transfer(order, self.ports, self.ledger, fixtures.catalogue(), fixtures.settings())

    @property
    def tags(self) -> dict[str, str]:
        return self.aws.places[ACCOUNT, REGION].tags[VOLUME]

    @property
    def holder(self) -> str:
        [known] = self.ledger.by_id(VOLUME)
        return known.holding.owner.name


def created(user: str = "alice", event: int = 1) -> dict[str, Any]:
    return fixtures.record(
        "CreateVolume",
        responseElements={"volumeId": VOLUME},
        userIdentity=fixtures.user(user),
        eventID=f"00000000-0000-4000-8000-{event:012}",
    )


@pytest.fixture
def world() -> World:
    found = World()
    found.deliver(created())
    assert found.tags["owner"] == "alice"
    return found


def test_tag_and_ledger_change_together_and_the_history_stays(world: World) -> None:
    before = dict(world.tags)
    done = world.order()
    assert (done.done, done.arn, done.was) == (True, ARN, "alice")
    assert world.tags == {**before, "owner": "bob"}
    assert world.holder == "bob"
    history = world.ledger.history(ResourceKey(ACCOUNT, REGION, ARN))
    [given] = [entry for entry in history if isinstance(entry, Transferred)]
    assert (given.to, given.by, given.reason) == ("bob", ORDER.by, "alice has left")
    assert len(history) > 1


def test_templates_of_several_fields_are_filled_from_the_creation(world: World) -> None:
    settings = fixtures.anywhere('team = "{owner} ({confidence}) in {region}, {event_name} {date}"\n')
    assert transfer(ORDER, world.ports, world.ledger, fixtures.catalogue(), settings).done
    assert world.tags["team"] == f"bob _asserted_ in {REGION}_ CreateVolume 2026-03-02"


def test_later_events_respect_it(world: World) -> None:
    world.order()
    world.deliver(created())
    world.deliver(created("mallory", 2))
    assert (world.tags["owner"], world.holder) == ("bob", "bob")


def test_a_resource_that_nobody_saw_created_is_given_by_its_arn(world: World) -> None:
    other = ARN.replace(VOLUME, "vol-0ffffffffffffffff")
    done = world.order(replace(ORDER, resource=other))
    assert (done.done, done.was) == (True, None)
    assert world.aws.places[ACCOUNT, REGION].tags["vol-0ffffffffffffffff"] == {"owner": "bob"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"to": ""}, "is no name"),
        ({"to": "bob\u202e"}, "is no name"),
        ({"to": "x" * 257}, "at most 256"),
        ({"reason": " "}, "there is no reason"),
        ({"by": ""}, "who orders it"),
        ({"id": ""}, "no id"),
        ({"resource": "vol-0ffffffffffffffff"}, "name it by its ARN"),
        ({"resource": "vol-*"}, "name it by its ARN"),
        ({"resource": "arn:aws:ec2:eu-central-1:111122223333:volume/../x"}, "name it by its ARN"),
        ({"resource": ARN.replace(":ec2:", ":s3:")}, "name it by its ARN"),
        ({"resource": ARN.replace(ACCOUNT, fixtures.OUTSIDE_ACCOUNT)}, "is not one of the organization's"),
    ],
)
def test_a_wrong_order_says_what_is_wrong_and_changes_nothing(world: World, changes: dict[str, str], said: str) -> None:
    writes = world.aws.count("ec2.CreateTags")
    done = world.order(replace(ORDER, **changes))
    assert not done.done
    assert said in done.detail
    assert (world.aws.count("ec2.CreateTags"), world.holder) == (writes, "alice")


def test_an_id_that_is_there_twice_is_asked_for_by_its_arn(world: World) -> None:
    world.accounts = FakeAccounts({ACCOUNT, fixtures.OTHER_ACCOUNT})
    world.deliver({**created(event=5), "recipientAccountId": fixtures.OTHER_ACCOUNT})
    done = world.order()
    assert not done.done
    assert "is there 2 times" in done.detail
    assert ARN in done.detail
    assert world.order(replace(ORDER, resource=ARN)).done


def test_without_the_ledger_nothing_is_changed(world: World) -> None:
    world.ledger.fails = LedgerError("throttled", OutcomeKind.THROTTLED)
    done = world.order()
    assert (done.done, "nothing was changed: the ledger can't be used: throttled" in done.detail) == (False, True)
    assert world.tags["owner"] == "alice"


def test_without_the_accounts_nothing_is_changed(world: World) -> None:
    world.accounts.unavailable = Unavailable(OutcomeKind.THROTTLED, "busy")
    assert "can't be told: busy" in world.order().detail
    assert world.holder == "alice"


def test_a_tag_that_can_not_be_written_is_written_by_the_same_order_again(world: World) -> None:
    world.aws.refuses = lambda call: Failure("UnauthorizedOperation", 403) if call.name == "ec2.CreateTags" else None
    done = world.order()
    assert not done.done
    assert "give the same order again" in done.detail
    assert (world.tags["owner"], world.holder) == ("alice", "bob")
    world.aws.refuses = lambda _: None
    assert world.order().done
    assert world.tags["owner"] == "bob"
    history = world.ledger.history(ResourceKey(ACCOUNT, REGION, ARN))
    assert sum(isinstance(entry, Transferred) for entry in history) == 1
