"""The behaviour of every `Inventory`, and the lists, pages and tags of the real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from msgspec.structs import replace

from contracts.emulated import HOME, ONCE, Emulated, emulated
from harness.fakes import Clock, FakeAws, FakeCall, FakeInventory
from harness.fixtures import catalogue
from ownertag.aws.sessions import Sessions
from ownertag.core.arn import fill_template
from ownertag.core.backfill.found import FoundResource, Unlisted
from ownertag.core.values import Failure, OutcomeKind, Resource
from ownertag.flows.ports import Inventory
from ownertag.sources.inventory import AwsInventory

TOPICS, ROLE = "sns:topic", "ownertag-audit"
#: The other type of which the stages have some.
TABLES = "dynamodb:table"
GLOBAL = "us-east-1"


class Stage(Protocol):
    """Accounts with something in them, the port, and a way to make AWS refuse."""

    inventory: Inventory
    spokes: list[str]

    def put(self, account: str, type_: str, names: Sequence[str], tags: dict[str, str], region: str = HOME) -> None:
        """Makes topics or tables with these names and tags."""

    def fail(self, type_: str, code: str, page: int = 1) -> None:
        """Refuses the list of a type, from a page on."""

    def without_time(self) -> Inventory:
        """The same inventory, without time for a single call."""

    def calls(self) -> int:
        """How many lists' pages were asked for."""


class FakeStage:
    """The fake."""

    def __init__(self) -> None:
        self.spokes = ["111111111111", "222222222222"]
        self.aws = FakeAws()
        self.inventory: Inventory = FakeInventory(self.aws, (TOPICS, TABLES))

    def put(self, account: str, type_: str, names: Sequence[str], tags: dict[str, str], region: str = HOME) -> None:
        template = catalogue().types[type_].arn
        for name in names:
            resource = Resource(fill_template(template, "aws", region, account, name), name, type_)
            self.aws.places[account, region].listed.append(FoundResource(account, region, resource, tags))

    def fail(self, type_: str, code: str, page: int = 1) -> None:
        def refuses(call: FakeCall) -> Failure | None:
            failing = call.values[0] == type_ and int(call.values[1]) >= page
            return Failure(code, 403) if failing else None

        self.aws.refuses = refuses

    def without_time(self) -> Inventory:
        return FakeInventory(self.aws, (TOPICS, TABLES), expired=lambda: True)

    def calls(self) -> int:
        return self.aws.count("list")


class MotoStage:
    """The adapter, on moto."""

    def __init__(self, world: Emulated) -> None:
        self.world = world
        self.spokes = world.spokes
        # moto's credentials expire by the real time, so this clock begins with it.
        self.clock = Clock(datetime.now(UTC))
        self.sessions = Sessions(
            world.session, role_name=ROLE, region=HOME, now=self.clock, config=ONCE, max_clients=200
        )
        self.inventory: Inventory = self.of(TOPICS, TABLES)

    def of(self, *types: str, expired: Callable[[], bool] = lambda: False) -> AwsInventory:
        """The inventory of these types alone."""
        known = catalogue()
        return AwsInventory(self.sessions, replace(known, types={name: known.types[name] for name in types}), expired)

    def client(self, service: str, account: str, region: str = HOME) -> Any:
        """A client of a principal in this account, whose calls the wire does not count."""
        return self.world.client(service, account, region)

    def put(self, account: str, type_: str, names: Sequence[str], tags: dict[str, str], region: str = HOME) -> None:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        for name in names:
            if type_ == TOPICS:
                self.client("sns", account, region).create_topic(Name=name, Tags=listed)
            else:
                self.client("dynamodb", account, region).create_table(
                    TableName=name, Tags=listed, BillingMode="PAY_PER_REQUEST", **TABLE
                )

    def fail(self, type_: str, code: str, page: int = 1) -> None:
        operation, token = {TOPICS: ("ListTopics", "NextToken"), TABLES: ("ListTables", "Exclusive")}[type_]
        self.world.wire.fail(
            operation, code, 403, when=lambda call: page == 1 or any(token in key for key in call.parameters)
        )

    def without_time(self) -> Inventory:
        return self.of(TOPICS, TABLES, expired=lambda: True)

    def calls(self) -> int:
        return sum(call.operation.startswith("List") for call in self.world.wire.calls)


TABLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}


@pytest.fixture(params=["fake", "moto"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    with emulated() as world:
        yield MotoStage(world)


@pytest.fixture
def moto_stage() -> Iterator[MotoStage]:
    """The adapter alone, for what the fake does not have: services, calls, tags of other sources."""
    with emulated() as world:
        yield MotoStage(world)


def listed(inventory: Inventory, account: str, region: str = HOME) -> tuple[list[FoundResource], list[Unlisted]]:
    everything = list(inventory.resources(account, region))
    found = [one for one in everything if isinstance(one, FoundResource)]
    return found, [one for one in everything if isinstance(one, Unlisted)]


def named(found: Sequence[FoundResource]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for one in found:
        ids.setdefault(one.resource.type, set()).add(one.resource.id)
    return ids


def test_what_is_there_is_listed_with_its_tags(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.put(account, TOPICS, ["orders"], {"owner": "alice", "team": ""})
    stage.put(account, TABLES, ["prices"], {"owner": "bob"})
    found, unlisted = listed(stage.inventory, account)
    assert unlisted == []
    by_type = {one.resource.type: one for one in found}
    topic, table = by_type[TOPICS], by_type[TABLES]
    assert len(found) == 2
    assert topic.resource == Resource(f"arn:aws:sns:{HOME}:{account}:orders", "orders", TOPICS)
    assert topic.tags == {"owner": "alice", "team": ""}
    assert (topic.account, topic.region) == (account, HOME)
    assert table.resource.arn == f"arn:aws:dynamodb:{HOME}:{account}:table/prices"
    assert table.tags == {"owner": "bob"}


def test_what_is_elsewhere_is_not_listed_here(stage: Stage) -> None:
    here, there = stage.spokes
    stage.put(here, TOPICS, ["orders"], {"owner": "alice"})
    for account, region in ((there, HOME), (here, "us-west-2")):
        assert listed(stage.inventory, account, region) == ([], [])


def test_each_of_1200_resources_is_listed_once_over_all_pages(stage: Stage) -> None:
    account = stage.spokes[0]
    names = [f"topic-{number:04}" for number in range(1200)]
    stage.put(account, TOPICS, names, {"owner": "alice"})
    found, unlisted = listed(stage.inventory, account)
    assert unlisted == []
    assert Counter(one.resource.id for one in found) == Counter(names)
    assert all(one.tags == {"owner": "alice"} for one in found)
    assert stage.calls() >= 12 + 1


def test_a_list_that_is_forbidden_is_told_and_the_others_are_read(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.put(account, TOPICS, ["orders"], {})
    stage.put(account, TABLES, ["prices"], {"owner": "bob"})
    stage.fail(TOPICS, "AccessDenied")
    found, [unlisted] = listed(stage.inventory, account)
    assert named(found) == {TABLES: {"prices"}}
    assert (unlisted.account, unlisted.region, unlisted.types) == (account, HOME, (TOPICS,))
    assert unlisted.why.outcome is OutcomeKind.FORBIDDEN
    assert "AccessDenied" in unlisted.why.reason
    assert not unlisted.lasting


def test_a_page_that_fails_is_told_and_what_came_before_is_kept(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.put(account, TOPICS, [f"topic-{number:04}" for number in range(250)], {})
    stage.fail(TOPICS, "Throttling", page=2)
    found, [unlisted] = listed(stage.inventory, account)
    assert len({one.resource.id for one in found}) == len(found) == 100
    assert unlisted.types == (TOPICS,)
    assert unlisted.why.outcome is OutcomeKind.THROTTLED


def test_without_time_nothing_is_asked_and_nothing_counts_as_not_there(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.put(account, TOPICS, ["orders"], {})
    before = stage.calls()
    found, unlisted = listed(stage.without_time(), account)
    assert found == []
    assert {name for one in unlisted for name in one.types} == {TOPICS, TABLES}
    assert all(one.why.outcome is OutcomeKind.THROTTLED for one in unlisted)
    assert stage.calls() == before


# --- the real one
