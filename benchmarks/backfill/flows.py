"""Runs the flows of backfill and reconcile on prepared answers: `python -m` prints what they did as JSON.

Inventory, history, look-ups, flows and the run's file are the product's own; in the place of the SDK's clients stands
`harness.prepared.in_process`, and nothing is sent. The hub's function is the same flow in this process, as a dry run.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace as replace_struct

from benchmarks.backfill.modelled import call_seconds
from harness.fakes import FakeAccounts
from harness.prepared.in_process import PreparedSessions
from harness.prepared.ledger import OWNER, PreparedLedger
from harness.prepared.organization import NOON, Organization, PreparedPlace
from models.scale import REGIONS
from ownertag.aws.concurrency import concurrent
from ownertag.aws.sessions import Sessions
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.backfill.found import FoundResource
from ownertag.core.backfill.makers import makers_of
from ownertag.core.parse import parse_record
from ownertag.core.settings import Settings
from ownertag.flows.adopt import AdoptOrder, adopt
from ownertag.flows.backfill.deciding import decide
from ownertag.flows.backfill.evidence import look_up
from ownertag.flows.backfill.here import in_order
from ownertag.flows.backfill.listing import list_places
from ownertag.flows.backfill.ports import Orders, ResultObject
from ownertag.flows.ports import Ports
from ownertag.flows.reconcile.legs import SIDE_BY_SIDE, ReconcileOrder, places_of, reconcile_leg
from ownertag.flows.reconcile.world import World
from ownertag.flows.tag import results
from ownertag.ledger.port import Store
from ownertag.ledger.read_only import DryRunLedger, NoLedger
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.values import BackfillRun
from ownertag.sinks.tagging import DryRun
from ownertag.sources.history import EventHistory
from ownertag.sources.inventory import AwsInventory
from ownertag.sources.lookups import AwsLookups

#: As many accounts and Regions are listed at once by `ownertag backfill`, and LookupEvents asked in.
LISTED_AT_ONCE, LOOKED_UP_AT_ONCE = 16, 64
#: One in so many volumes of an account and Region was not delivered; in one in so many places something vanished.
MISSED, VANISHED = 20, 100
#: Seconds of a leg: the function's fifteen minutes, less one to end.
LEG = 840.0
SETTINGS = Settings(tags={"owner": "{owner}"})


class Step(Struct, frozen=True):
    """What a part of a flow did.

    Attributes:
        name: Its name.
        calls: Calls by API, in each of the places.
        seconds: Its processor time.
        peak: The most memory of the process until then, in MB.
        orders: Orders to the function, or legs of it.
    """

    name: str
    calls: dict[str, list[int]]
    seconds: float
    peak: float
    orders: int = 0


class Ran(Struct, frozen=True):
    """What a flow did; `counts` are the things that it found, `file` the size of the run's file in MB."""

    places: list[PreparedPlace]
    resources: int
    largest: int
    steps: list[Step]
    counts: dict[str, int]
    base: float
    file: float = 0.0


class _DryOrders:
    """The hub's function in this process."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._catalogue = load_catalogue()
        self.orders = 0

    def tag(self, records: Sequence[bytes], *, dry_run: bool) -> list[ResultObject]:
        """What would be tagged."""
        self.orders += 1
        arrivals = [parse_record(record, str(number)) for number, record in enumerate(records)]
        return in_order(results(arrivals, self._ports, self._catalogue, SETTINGS, dry_run))

    def adopt(self, resources: Sequence[FoundResource], *, dry_run: bool) -> list[ResultObject]:
        """What would be adopted."""
        self.orders += 1
        return in_order(adopt(AdoptOrder(list(resources), dry_run), self._ports, self._catalogue, SETTINGS)["results"])


class _Steps:
    """Measures one step after the other. What is counted is packed until the end."""

    def __init__(self, sessions: PreparedSessions) -> None:
        self._sessions = sessions
        self._began = time.process_time()
        self.base = peak()
        self._packed: list[tuple[dict[str, array[int]], Step]] = []

    @property
    def done(self) -> list[Step]:
        """All steps that have ended."""
        return [
            replace_struct(step, calls={api: list(counts) for api, counts in calls.items()})
            for calls, step in self._packed
        ]

    def end(self, name: str, orders: int = 0) -> None:
        """Ends a step."""
        now = time.process_time()
        self._packed.append((self._sessions.taken(), Step(name, {}, now - self._began, peak(), orders)))
        print(f"  {name}: {now - self._began:.0f} s, {peak():.0f} MB", file=sys.stderr, flush=True)
        self._began = time.process_time()


def peak() -> float:
    """The most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def organization(resources: int, accounts: int, ours: dict[str, str] | None = None, missed: int = 0) -> Organization:
    """So many resources in so many accounts, in the Regions of `models.scale` and by their shares."""
    names = [str(100_000_000_000 + number) for number in range(accounts)]
    return Organization(resources, names, {region: share for region, share, _ in REGIONS}, ours, missed)


def run_backfill(resources: int, accounts: int) -> Ran:
    """Plans a backfill of what nobody knows: lists, looks up, decides."""
    there = organization(resources, accounts)
    prepared = PreparedSessions(there)
    sessions, catalogue = cast("Sessions", prepared), load_catalogue()
    orders = _DryOrders(_ports(prepared))
    with tempfile.TemporaryDirectory(prefix="ownertag-backfill-") as folder:
        path = Path(folder) / "run.sqlite"
        store = BackfillStore(path, BackfillRun("run", NOON, "all"))
        store.add_places(there.counts)
        steps = _Steps(prepared)
        inventory = AwsInventory(sessions, catalogue)
        list_places(store, inventory, NoLedger(), SETTINGS, lambda: NOON, concurrent(LISTED_AT_ONCE))
        steps.end("list")
        history = EventHistory(sessions, lambda: NOON)
        look_up(store, history, catalogue, SETTINGS, lambda: NOON, concurrent(LOOKED_UP_AT_ONCE))
        steps.end("look up")
        decide(store, cast("Orders", orders), SETTINGS, lambda account: account)
        steps.end("decide", orders.orders)
        counts = Counter("by a record" if row.event_id else "by its own word" for row in store.plan())
        store.close()
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
    return Ran(prepared.places, there.resources, _largest(there), steps.done, dict(counts), steps.base, size)


def run_reconcile(resources: int, accounts: int) -> Ran:
    """Reconciles what the ledger knows, with a few creations that were never delivered."""
    there = organization(resources, accounts, {"owner": OWNER}, MISSED)
    prepared = PreparedSessions(there, call_seconds)
    sessions, catalogue = cast("Sessions", prepared), load_catalogue()
    ledger = PreparedLedger(there, VANISHED)
    began = 0.0

    def expired() -> bool:
        return (prepared.spent - began) / SIDE_BY_SIDE > LEG

    ports = replace(_ports(prepared), ledger=ledger, expired=expired)
    world = World(
        ports, cast("Store", ledger), AwsInventory(sessions, catalogue, expired),
        EventHistory(sessions, lambda: NOON, expired), catalogue, SETTINGS, makers_of(catalogue),
    )  # fmt: skip
    places = places_of(ReconcileOrder(), there.accounts, there.regions)
    steps, side_by_side = _Steps(prepared), concurrent(SIDE_BY_SIDE)
    order: ReconcileOrder | None = ReconcileOrder()
    legs = 0
    while order is not None:
        began = prepared.spent
        leg = reconcile_leg(order, places, world, side_by_side)
        order, legs = leg.next, legs + 1
    steps.end("reconcile", legs)
    counts = {name: value for name, value in msgspec.to_builtins(leg.totals).items() if value}
    counts |= {f"ledger, {name}": number for name, number in ledger.asked.items()}
    return Ran(prepared.places, there.resources, _largest(there), steps.done, counts, steps.base)


def _ports(prepared: PreparedSessions) -> Ports:
    catalogue = load_catalogue()
    lookups = AwsLookups(
        cast("Sessions", prepared), SETTINGS, catalogue.parents, lambda: NOON, catalogue=catalogue
    )  # fmt: skip
    accounts = FakeAccounts(set(prepared.organization.accounts))
    return Ports(accounts, lookups, DryRun(), lambda: NOON + timedelta(minutes=1), ledger=DryRunLedger(NoLedger()))


def _largest(there: Organization) -> int:
    return max(sum(counts.values()) for counts in there.counts.values())


FLOWS = {"backfill": run_backfill, "reconcile": run_reconcile}


def main() -> None:
    """Runs one flow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flow", choices=FLOWS)
    parser.add_argument("--resources", type=int, required=True)
    parser.add_argument("--accounts", type=int, required=True)
    given = parser.parse_args()
    sys.setswitchinterval(0.05)  # nothing waits here: threads that take turns more often only cost time
    ran: Any = FLOWS[given.flow](given.resources, given.accounts)
    sys.stdout.buffer.write(msgspec.json.encode(ran))


if __name__ == "__main__":
    main()
