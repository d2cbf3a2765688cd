"""Every golden record gives the same owners and tags live, from a log file and by reconciling."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from flows.test_reconcile import Lists
from harness import fixtures, logs
from harness.fakes import Clock, FakeAccounts, FakeAws, FakeHistory, Launched, fake_ports
from harness.memory_ledger import MemoryLedger
from ownertag.core.backfill.found import FoundResource
from ownertag.core.backfill.makers import makers_of
from ownertag.core.match import match
from ownertag.core.ownership import ResourceKey
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Attached, Creation, LaunchedInstance, Owner, Resource, TagPairs
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.flows.reconcile.place import reconcile_place
from ownertag.flows.reconcile.world import World
from ownertag.flows.run import run
from ownertag.sources.logs.places import place_of
from ownertag.sources.logs.scan import LogScan
from ownertag.sources.logs.wanted import Wanted

CATALOGUE = fixtures.catalogue()
MAKERS = makers_of(CATALOGUE)
#: There are more golden records than this that make something.
MOST = 380

Owned = dict[ResourceKey, tuple[Owner, TagPairs]]


class Golden(NamedTuple):
    """A golden record with an event id of its own, and what it says."""

    name: str
    plain: dict[str, Any]
    arrival: Arrival
    creation: Creation
    settings: Settings

    @property
    def place(self) -> tuple[str, str]:
        return self.creation.record.account, self.creation.record.region


def golden() -> list[Golden]:
    found = []
    for number, one in enumerate(fixtures.golden()):
        plain = one.record | {"eventID": str(UUID(int=number + 1))}
        settings = fixtures.settings() if plain["awsRegion"].startswith("eu-central") else fixtures.anywhere()
        arrival = fixtures.arrival(plain, one.name)
        matched = match(arrival, CATALOGUE, settings)
        if isinstance(matched, Creation) and matched.resources:
            found.append(Golden(one.name, plain, arrival, matched, settings))
    return found


ALL = golden()


class Run:
    """One way through: a ledger and AWS as they are before it."""

    def __init__(self, one: Golden) -> None:
        self.one = one
        self.aws, self.ledger = FakeAws(), MemoryLedger()
        # No look-up of what a launch made is waited for any more.
        self.clock = Clock(one.creation.record.created_at + timedelta(hours=3))
        response = one.plain.get("responseElements") or {}
        for resource in one.creation.resources:
            if resource.type == "ec2:instance":
                self.aws.places[one.place].launched[resource.id] = Launched(
                    _launched(resource, one.creation.record.created_at), str(response.get("reservationId", ""))
                )

    @property
    def ports(self) -> Ports:
        return fake_ports(self.aws, FakeAccounts({self.one.place[0]}), self.clock, ledger=self.ledger)

    def owned(self) -> Owned:
        return {key: (held.owner, held.tags) for key, held in self.ledger.holdings.items()}

    def tags(self) -> dict[str, dict[str, str]]:
        return {id_: tags for id_, tags in self.aws.places[self.one.place].tags.items() if tags}


def _launched(resource: Resource, at: datetime) -> LaunchedInstance:
    volume = Attached(f"vol-{resource.id[2:]}", at + timedelta(seconds=1))
    return LaunchedInstance(resource.id, "running", "/dev/sda1", True, frozenset({"/dev/sda1"}), (volume,))


def live(one: Golden) -> Run:
    done = Run(one)
    handle([Message("m", fixtures.text_of(fixtures.event(one.plain)))], done.ports, CATALOGUE, one.settings)
    return done


def from_log(one: Golden, arrival: Arrival) -> Run:
    done = Run(one)
    run([arrival], done.ports, CATALOGUE, one.settings)
    return done


def reconciled(one: Golden, made: Owned) -> tuple[Run, int]:
    """The way through a list that shows what was made, and how many creations it calls missed."""
    done = Run(one)
    (account, region), at = one.place, one.creation.record.created_at
    inventory, history = Lists(done.aws), FakeHistory(done.clock)
    types = {resource.arn: resource for resource in one.creation.resources}
    for key in made:
        resource = types.get(key.arn) or Resource(key.arn, key.id, "ec2:volume")
        inventory.put(FoundResource(account, region, resource, None, at))
    history.told[one.place].append(one.arrival)
    world = World(done.ports, done.ledger, inventory, history, CATALOGUE, one.settings, MAKERS)
    report = reconcile_place(account, region, at - timedelta(days=1), world)
    return done, len(report.missed)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Arrival]:
    """All golden records, read from log files of their accounts and Regions; by their event's id."""
    files: dict[str, list[Any]] = {}
    for one in ALL:
        files.setdefault(logs.key(*one.place, one.creation.record.created_at), []).append(one.plain)
    folder = logs.in_folder(
        tmp_path_factory.mktemp("logs"), {name: logs.log_file(records) for name, records in files.items()}
    )
    scan = LogScan(place_of(str(Path(folder))), Wanted(frozenset(CATALOGUE.rows)), processes=0)
    return {one.record.event_id: one for one in scan.records() if isinstance(one, Arrival)}


def test_every_golden_record_gives_the_same_owner_live_from_a_log_file_and_by_reconciling(
    scanned: dict[str, Arrival],
) -> None:
    compared: Counter[bool] = Counter()
    for one in ALL:
        first = live(one)
        owned = first.owned()
        compared[bool(owned)] += 1
        logged = from_log(one, scanned[one.creation.record.event_id])
        assert (logged.owned(), logged.tags()) == (owned, first.tags()), one.name
        if owned:
            found, missed = reconciled(one, owned)
            assert (found.owned(), found.tags(), missed) == (owned, first.tags(), 1), one.name
    assert not compared[False]
    assert compared[True] > MOST
