"""The stages on which the contract suites run: the fakes, and the real adapters on moto (see emulated.py)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

import pytest

from contracts.emulated import HOME, ONCE, ROLE, Emulated, emulated, error, instance_ids
from harness import fixtures
from harness.fakes import Clock, FakeAccounts, FakeAws, FakeLookups, FakeRemover, FakeTagger, Launched
from ownertag.aws.sessions import Sessions
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.values import Attached, Failure, LaunchedInstance, OutcomeKind, Unavailable
from ownertag.flows.ports import Accounts, Lookups, TagWriter
from ownertag.sinks.tagging import Tagger, TagRemover
from ownertag.sources.lookups import AwsLookups
from ownertag.sources.organization import OrganizationAccounts

Tags = dict[str, dict[str, str]]


class Stage(Protocol):
    """Accounts with something in them, the ports to them, and a way to make AWS refuse."""

    accounts: Accounts
    lookups: Lookups
    tagger: TagWriter
    remover: TagWriter
    spokes: list[str]

    def launch(self, account: str, region: str = HOME, count: int = 1, token: str = "") -> tuple[str, list[str]]:
        """Launches instances with two volumes and an interface each; returns (reservation, ids)."""

    def tags(self) -> dict[tuple[str, str], Tags]:
        """All tags by account and Region."""

    def deny(self) -> None:
        """Refuses every call from now on."""

    def add_volumes(self, account: str, *ids: str, region: str = HOME) -> None:
        """Creates volumes with these ids."""

    def fail_ids(self, ids: set[str]) -> None:
        """Answers that none of these ids exists when they are tagged, or tags are removed."""


class FakeStage:
    """The fakes."""

    def __init__(self) -> None:
        self.spokes = ["111111111111", "222222222222"]
        self.aws = FakeAws()
        self._accounts = FakeAccounts(set(self.spokes))
        self.accounts: Accounts = self._accounts
        self.lookups: Lookups = FakeLookups(self.aws)
        self.tagger: TagWriter = FakeTagger(self.aws)
        self.remover: TagWriter = FakeRemover(self.aws)
        self._next = 0

    def launch(self, account: str, region: str = HOME, count: int = 1, token: str = "") -> tuple[str, list[str]]:
        self._next += 1
        reservation = f"r-{self._next:017x}"
        ids = [f"i-{self._next:08x}{number:09x}" for number in range(count)]
        for id_ in ids:
            volumes = tuple(Attached(id_.replace("i-", f"vol-{number}")[:21]) for number in range(2))
            interfaces = (Attached(id_.replace("i-", "eni-")),)
            devices = frozenset({"/dev/sda1", "/dev/sdb"})
            instance = LaunchedInstance(id_, "running", "/dev/sda1", True, devices, volumes, interfaces)
            self.aws.places[account, region].launched[id_] = Launched(instance, reservation, token)
        return reservation, ids

    def tags(self) -> dict[tuple[str, str], Tags]:
        found = {
            place: {id_: tags for id_, tags in held.tags.items() if tags} for place, held in self.aws.places.items()
        }
        return {place: tags for place, tags in found.items() if tags}

    def deny(self) -> None:
        self._accounts.unavailable = Unavailable(OutcomeKind.FORBIDDEN, "denied")
        self.aws.refuses = lambda _: Failure("UnauthorizedOperation", 403)

    def add_volumes(self, account: str, *ids: str, region: str = HOME) -> None:
        pass  # the fake tags whatever it is told to

    def fail_ids(self, ids: set[str]) -> None:
        self.aws.refuses = lambda call: Failure("InvalidID", 400) if ids.intersection(call.values) else None


class MotoStage:
    """The adapters, on moto."""

    def __init__(self, world: Emulated) -> None:
        self.world = world
        self.spokes = world.spokes
        # moto's credentials expire by the real time, so this clock begins with it.
        self.sessions = sessions = Sessions(
            world.session, role_name=ROLE, region=HOME, now=Clock(datetime.now(UTC)), config=ONCE
        )
        client = world.session.client("organizations", region_name=HOME, config=ONCE)
        self.accounts: Accounts = OrganizationAccounts(client, Clock())
        clock = Clock(datetime.now(UTC))
        self.lookups: Lookups = AwsLookups(sessions, fixtures.settings(), fixtures.catalogue().parents, clock)
        self.tagger: TagWriter = Tagger(sessions, load_catalogue().tag_apis, clock)
        self.remover: TagWriter = TagRemover(lambda: sessions, load_catalogue().tag_apis)

    def launch(self, account: str, region: str = HOME, count: int = 1, token: str = "") -> tuple[str, list[str]]:
        answered = self.world.launch(account, region, count, token=token)
        return answered["ReservationId"], instance_ids(answered)

    def tags(self) -> dict[tuple[str, str], Tags]:
        return self.world.all_tags()

    def deny(self) -> None:
        denied = {"ec2": "UnauthorizedOperation", "organizations": "AccessDeniedException"}
        self.world.wire.rule(lambda call: error(call, denied[call.service], 403) if call.service in denied else None)

    def add_volumes(self, account: str, *ids: str, region: str = HOME) -> None:
        self.world.add_volumes(account, ids, region)

    def fail_ids(self, ids: set[str]) -> None:
        self.world.wire.fail(
            "CreateTags", "InvalidID", when=lambda call: bool(ids.intersection(call.values("ResourceId")))
        )
        self.world.wire.fail(
            "DeleteTags", "InvalidID", when=lambda call: bool(ids.intersection(call.values("ResourceId")))
        )


@pytest.fixture(params=["fake", "moto"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    with emulated() as world:
        yield MotoStage(world)


@pytest.fixture
def moto_stage() -> Iterator[MotoStage]:
    """The adapters alone, for what fakes do not have: pages, calls, filters."""
    with emulated() as world:
        yield MotoStage(world)
