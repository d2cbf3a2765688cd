"""Everything around a backfill as fakes: AWS, the ledger, logs, the hub's orders, and moments to be killed at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace as with_fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from flows.hub import A, B
from harness.events import CATALOGUE, HOME, SETTINGS, volume, volume_id
from harness.fakes import NOON, Clock, FakeAccounts, FakeAws, FakeHistory, FakeInventory, FakeLookups, fake_ports
from harness.memory_ledger import MemoryLedger
from ownertag.core.ask import tags_question_in
from ownertag.core.backfill.found import FoundResource
from ownertag.core.backfill.logs import LogsRead
from ownertag.core.backfill.plan import PlanRow
from ownertag.core.ownership import ResourceKey
from ownertag.core.parse import parse_record
from ownertag.core.records import Arrival
from ownertag.core.transfer import TransferOrder
from ownertag.core.values import Found, Refusal, Resource, Unavailable
from ownertag.flows.backfill.applying import Application, Applied
from ownertag.flows.backfill.deciding import decide
from ownertag.flows.backfill.evidence import logs_read, look_up, read_logs
from ownertag.flows.backfill.here import OrdersHere
from ownertag.flows.backfill.listing import list_places
from ownertag.flows.backfill.ports import LogPart, RestoreTarget, ResultObject
from ownertag.ledger.read_only import DryRunLedger
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.values import BackfillRun
from ownertag.sinks.tagging import DryRun

DAY = timedelta(days=1)
OLD = NOON - 200 * DAY
RUN = BackfillRun("run", NOON, "all")


def arn_of(number: int, account: str = A) -> str:
    return f"arn:aws:ec2:{HOME}:{account}:volume/{volume_id(number)}"


def key_of(number: int, account: str = A) -> ResourceKey:
    return ResourceKey(account, HOME, arn_of(number, account))


def found(number: int, account: str = A, **fields: Any) -> FoundResource:
    return FoundResource(account, HOME, Resource(arn_of(number, account), volume_id(number), "ec2:volume"), **fields)


def arrival(number: int, user: str, at: datetime, account: str = A, **fields: Any) -> Arrival:
    data = volume(account, volume_id(number), number=number, user=user, at=at, **fields)
    parsed = parse_record(msgspec.json.encode(data), f"log-{number}")
    assert isinstance(parsed, Arrival)
    return parsed


class Killed(BaseException):
    """The process is killed here."""


class FakeLogs:
    """Logs in parts of two records."""

    def __init__(self, world: World, after: str) -> None:
        self._arrivals = world.logs
        self._after = after
        self._world = world

    def __iter__(self) -> Iterator[LogPart]:
        self._world.logs_listed += 1
        first = int(self._after or 0)
        return (
            Part(self._arrivals[start : start + 2], str(start + 2), self._world)
            for start in range(first, len(self._arrivals), 2)
        )

    def unlisted(self) -> LogsRead:
        return LogsRead(problems=("a prefix is denied: ask",), unreached=True)


class Part:
    def __init__(self, arrivals: Sequence[Arrival], end: str, world: World) -> None:
        self._arrivals = arrivals
        self._end = end
        self._world = world

    def records(self) -> Iterator[Arrival | Refusal]:
        for one in self._arrivals:
            self._world.end("record")
            yield one

    def read(self) -> LogsRead:
        return LogsRead(self._end, len(self._arrivals))


class World:
    """Everything around a run: AWS, the ledger, evidence, and a clock; and where the run's process is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.aws, self.ledger, self.clock = FakeAws(), MemoryLedger(), Clock(NOON)
        self.inventory, self.history = FakeInventory(self.aws), FakeHistory(self.clock)
        self.logs: list[Arrival] = []
        self.places = [(A, HOME)]
        self.steps = 0
        self.kill_at = 0
        self.logs_listed = 0
        self.ordered: list[int] = []
        self.late: list[Callable[[], object]] = []
        self.is_late = False
        self.given: list[TransferOrder] = []
        ports = fake_ports(self.aws, FakeAccounts({A, B}), self.clock, ledger=self.ledger)
        dry = with_fields(ports, tagger=DryRun(), remover=DryRun(), ledger=DryRunLedger(self.ledger))
        self._orders = OrdersHere(ports, dry, self.ledger, CATALOGUE, SETTINGS)
        self._lookups = FakeLookups(self.aws)

    def put(self, *resources: FoundResource) -> None:
        """These are there."""
        for one in resources:
            self.aws.places[one.account, one.region].listed.append(replace(one, tags=one.tags or {}))

    def end(self, _what: str) -> None:
        """A moment at which the process may be killed."""
        self.steps += 1
        if self.steps == self.kill_at:
            raise Killed

    # orders, each of which may be carried out and never be answered

    def tag(self, records: Sequence[bytes], *, dry_run: bool) -> list[ResultObject]:
        if not dry_run:
            self.ordered.append(len(records))
            if self.is_late:
                self.late = [lambda: None, lambda: None, lambda: self._orders.tag(records, dry_run=False)]
                raise Killed
        self.end("before")
        answer = self._orders.tag(records, dry_run=dry_run)
        self.end("after")
        return answer

    def adopt(self, resources: Sequence[FoundResource], *, dry_run: bool) -> list[ResultObject]:
        self.end("before")
        answer = self._orders.adopt(resources, dry_run=dry_run)
        self.end("after")
        return answer

    def transfer(self, order: TransferOrder) -> Mapping[str, Any]:
        self.given.append(order)
        self.end("before")
        answer = self._orders.transfer(order)
        self.end("after")
        return answer

    def restore(self, run: str, resources: Sequence[RestoreTarget], *, dry_run: bool) -> list[ResultObject]:
        return self._orders.restore(run, resources, dry_run=dry_run)

    def read_tags(self, asked: Sequence[FoundResource]) -> dict[ResourceKey, Mapping[str, str] | Unavailable]:
        self.end("read")
        questions = {tags_question_in(one.account, one.region, one.resource): one.key for one in asked}
        facts = self._lookups.find(questions)
        return {
            key: fact if isinstance(fact, Unavailable) else (fact.tags or {}) if isinstance(fact, Found) else {}
            for question, key in questions.items()
            for fact in [facts[question]]
        }

    def wait(self, seconds: float) -> None:
        self.clock.move(timedelta(seconds=seconds))
        if self.late:
            self.late.pop(0)()

    # the run

    def make_plan(self, store: BackfillStore) -> None:
        store.add_places(self.places)
        list_places(store, self.inventory, self.ledger, SETTINGS, self.clock, tell=lambda *_: self.end("list"))
        read_logs(store, FakeLogs(self, logs_read(store).end), CATALOGUE, SETTINGS)
        look_up(store, self.history, CATALOGUE, SETTINGS, self.clock, tell=lambda *_: self.end("history"))
        decide(store, self, SETTINGS, lambda account: f"the owner of {account}", lambda *_: self.end("decide"))

    def plan(self, edit: Callable[[PlanRow], PlanRow] = lambda row: row) -> dict[int | str, PlanRow]:
        store = BackfillStore(self.path, RUN)
        try:
            self.make_plan(store)
            store.keep_plan([edit(row) for row in store.plan()])
            return {row.key.arn: row for row in store.plan()}
        finally:
            store.close()

    def apply(self) -> Applied:
        store = BackfillStore(self.path, RUN)
        try:
            self.make_plan(store)
            return Application(store, self, self.read_tags, SETTINGS, "by", self.clock, self.wait, self._told).run()
        finally:
            store.close()

    def _told(self, *_: object) -> None:
        self.end("apply")

    def tags(self, number: int, account: str = A) -> dict[str, str]:
        return dict(self.aws.places[account, HOME].tags[volume_id(number)])

    def writes(self) -> list[str]:
        return [id_ for call in self.aws.calls if call.name in CATALOGUE.tag_apis for id_ in call.values]


def fill(world: World) -> None:
    """Two accounts with resources whose records are in the logs, in CloudTrail's 90 days, or nowhere."""
    for account in (A, B):
        world.put(*(found(number, account) for number in range(1, 7)))
    world.places = [(A, HOME), (B, HOME)]
    world.put(found(7, tags={"owner": "mallory", "note": "kept"}))
    world.logs = [arrival(number, "alice", OLD + number * DAY, A) for number in (1, 2, 3, 7)]
    world.logs += [arrival(number, "bob", OLD + number * DAY, B) for number in (1, 2)]
    world.history.told[A, HOME] = [arrival(number, "carol", NOON - number * DAY, A) for number in (4, 5)]
    world.history.told[B, HOME] = [arrival(3, "dave", NOON - DAY, B)]


def outcome(world: World) -> tuple[Any, ...]:
    """What came of a run: the tags, what the ledger knows, and the run's journal."""
    tags = {account: {number: world.tags(number, account) for number in range(1, 8)} for account in (A, B)}
    keys = [key_of(number, account) for account in (A, B) for number in range(1, 8)]
    known = {one.key: (one.holding.owner.name, one.holding.outcome) for one in world.ledger.by_key(keys)}
    store = BackfillStore(world.path)
    journal = {one.key: (one.outcome, dict(one.before), dict(one.written)) for one in store.whole_journal()}
    store.close()
    return tags, known, journal
