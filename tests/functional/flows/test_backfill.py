"""A backfill over fakes: what is listed, found, decided, ordered and undone, whenever it is ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace as with_fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from flows.hub import A, B
from harness.events import CATALOGUE, HOME, SETTINGS, tags_for, volume, volume_id
from harness.fakes import NOON, Clock, FakeAccounts, FakeAws, FakeHistory, FakeInventory, FakeLookups, fake_ports
from harness.memory_ledger import MemoryLedger
from ownertag.core.ask import tags_question_in
from ownertag.core.backfill.found import FoundResource, State
from ownertag.core.backfill.logs import LogsRead
from ownertag.core.backfill.plan import Action, PlanRow
from ownertag.core.ownership import ResourceKey
from ownertag.core.parse import parse_record
from ownertag.core.records import Arrival
from ownertag.core.transfer import TransferOrder
from ownertag.core.values import Confidence, Failure, Found, OutcomeKind, Refusal, Resource, Unavailable
from ownertag.flows.backfill.applying import Application, Applied
from ownertag.flows.backfill.deciding import decide
from ownertag.flows.backfill.evidence import logs_read, look_up, read_logs, unread_history
from ownertag.flows.backfill.here import OrdersHere
from ownertag.flows.backfill.listing import list_places
from ownertag.flows.backfill.ports import LogPart, RestoreTarget, ResultObject
from ownertag.flows.backfill.undoing import undo
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
        dry = with_fields(ports, tagger=DryRun(), ledger=DryRunLedger(self.ledger))
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


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "run.sqlite")


def test_each_resource_gets_the_owner_of_the_best_evidence_that_is_there(world: World) -> None:
    world.put(found(1), found(2), found(3), found(4, tags={"owner": "bob"}))
    world.logs = [arrival(1, "alice", OLD), arrival(9, "nobody", OLD)]
    world.history.told[A, HOME] = [arrival(2, "carol", NOON - DAY)]
    rows = world.plan()
    by_log, by_history, by_nothing, by_tag = (rows[arn_of(number)] for number in (1, 2, 3, 4))
    assert (by_log.owner, by_log.source, by_log.action) == ("alice", "log log-1", Action.TAG)
    assert (by_history.owner, by_history.source.split()[0]) == ("carol", "lookup-events")
    assert (by_nothing.owner, by_nothing.action, by_nothing.confidence) == ("", Action.LEAVE, Confidence.NONE)
    assert by_nothing.reason
    assert by_nothing.ask == f"the owner of {A}"
    assert (by_tag.state, by_tag.owner, by_tag.tag_now) == (State.UNKNOWN_OWNER, "bob", "bob")
    assert world.writes() == []
    assert not world.ledger.by_key([key_of(number) for number in (1, 2, 3, 4)])

    applied = world.apply()
    assert (applied.left, applied.unreached) == (0, 0)
    assert world.tags(1) == tags_for("alice", "CreateVolume", OLD)
    assert world.tags(2) == tags_for("carol", "CreateVolume", NOON - DAY)
    assert world.tags(3) == {}
    assert world.tags(4)["owner"] == "bob"
    [known] = world.ledger.by_key([key_of(1)])
    assert (known.holding.owner.name, known.holding.claim.created_at) == ("alice", OLD)


def test_what_is_right_is_not_touched_and_only_counted(world: World) -> None:
    world.put(found(1))
    world.logs = [arrival(1, "alice", OLD)]
    world.apply()
    writes = len(world.writes())
    again = World(world.path.with_name("again.sqlite"))
    again.aws, again.ledger, again.inventory = world.aws, world.ledger, FakeInventory(world.aws)
    assert again.plan() == {}
    assert len(world.writes()) == writes


def test_an_owner_that_a_person_wrote_is_given_after_tagging_and_what_is_left_is_not_touched(world: World) -> None:
    world.put(found(1), found(2), found(3))
    world.logs = [arrival(1, "alice", OLD), arrival(2, "alice", OLD)]

    def edit(row: PlanRow) -> PlanRow:
        changes: dict[str, dict[str, Any]] = {
            arn_of(1): {"chosen": Action.TAG, "given": "team-data"},
            arn_of(2): {"chosen": Action.LEAVE},
            arn_of(3): {"chosen": Action.TAG, "given": "erin"},
        }
        return replace(row, **changes[row.key.arn])

    world.plan(edit)
    applied = world.apply()
    assert (applied.given, applied.left) == (2, 0)
    assert [world.tags(number).get("owner") for number in (1, 2, 3)] == ["team-data", None, "erin"]
    assert {order.to for order in world.given} == {"team-data", "erin"}
    world.apply()
    assert len(world.given) == 2


def test_what_is_not_listed_or_not_read_is_told_and_is_never_none(world: World) -> None:
    denied = Unavailable(OutcomeKind.FORBIDDEN, "AccessDenied: denied")
    world.places = [(A, HOME), (B, HOME)]
    world.put(found(1))
    world.inventory = FakeInventory(world.aws, ["ec2:volume"])
    world.aws.refuses = lambda call: Failure("AccessDenied", 403) if (call.name, call.account) == ("list", B) else None
    world.history.unread = lambda _account, _region: denied
    world.plan()
    store = BackfillStore(world.path)
    listed = store.places()[B, HOME]
    assert listed is not None
    [unlisted] = listed.unlisted
    assert (unlisted.types, unlisted.why.outcome) == (("ec2:volume",), OutcomeKind.FORBIDDEN)
    assert unread_history(store) == {(A, HOME): "forbidden: AccessDenied: denied"}
    assert (logs_read(store).problems, logs_read(store).unreached) == (("a prefix is denied: ask",), True)
    store.close()


def test_a_history_that_was_throttled_is_asked_again(world: World) -> None:
    world.put(found(1))
    world.history.unread = lambda _account, _region: Unavailable(OutcomeKind.THROTTLED, "AWS is busy")
    assert world.plan()[arn_of(1)].owner == ""
    world.history.unread = lambda _account, _region: None
    world.history.told[A, HOME] = [arrival(1, "carol", NOON - DAY)]
    store = BackfillStore(world.path, RUN)
    look_up(store, world.history, CATALOGUE, SETTINGS, world.clock)
    assert unread_history(store) == {}
    assert [one.source for one in store.candidates(key_of(1))] == ["lookup-events"]
    store.close()


def test_what_can_not_be_looked_up_is_decided_when_the_run_goes_on(world: World) -> None:
    world.put(found(1))
    world.logs = [arrival(1, "alice", OLD)]
    asked = world._orders._dry.accounts
    asked.unavailable = Unavailable(OutcomeKind.THROTTLED, "Organizations is busy")  # type: ignore[attr-defined] # the fake's
    row = world.plan()[arn_of(1)]
    assert row.waits
    assert not row.is_tagged
    asked.unavailable = None  # type: ignore[attr-defined] # as above
    row = world.plan()[arn_of(1)]
    assert (row.owner, row.waits, row.is_tagged) == ("alice", False, True)


def test_of_a_name_that_was_used_again_the_last_maker_counts(world: World) -> None:
    world.put(found(1, made_at=NOON - 10 * DAY))
    world.logs = [arrival(1, "alice", OLD), arrival(1, "carol", NOON - 10 * DAY, eventID="another")]
    assert world.plan()[arn_of(1)].owner == "carol"


def test_tags_that_can_not_be_read_before_are_not_written_over(world: World) -> None:
    world.put(found(1))
    world.logs = [arrival(1, "alice", OLD)]
    world.plan()
    world.clock.move(DAY)
    world.aws.refuses = lambda call: Failure("UnauthorizedOperation", 403) if call.name == "tags" else None
    applied = world.apply()
    assert (applied.outcomes, applied.left, applied.unreached) == ({"tags-unreadable": 1}, 1, 1)
    assert world.writes() == []
    world.aws.refuses = lambda _: None
    assert world.apply().left == 0
    assert world.tags(1)["owner"] == "alice"


def fill(world: World) -> None:
    for account in (A, B):
        world.put(*(found(number, account) for number in range(1, 7)))
    world.places = [(A, HOME), (B, HOME)]
    world.put(found(7, tags={"owner": "mallory", "note": "kept"}))
    world.logs = [arrival(number, "alice", OLD + number * DAY, A) for number in (1, 2, 3, 7)]
    world.logs += [arrival(number, "bob", OLD + number * DAY, B) for number in (1, 2)]
    world.history.told[A, HOME] = [arrival(number, "carol", NOON - number * DAY, A) for number in (4, 5)]
    world.history.told[B, HOME] = [arrival(3, "dave", NOON - DAY, B)]


def outcome(world: World) -> tuple[Any, ...]:
    tags = {account: {number: world.tags(number, account) for number in range(1, 8)} for account in (A, B)}
    keys = [key_of(number, account) for account in (A, B) for number in range(1, 8)]
    known = {one.key: (one.holding.owner.name, one.holding.outcome) for one in world.ledger.by_key(keys)}
    store = BackfillStore(world.path)
    journal = {one.key: (one.outcome, dict(one.before), dict(one.written)) for one in store.whole_journal()}
    store.close()
    return tags, known, journal


def test_killed_at_any_moment_and_resumed_it_ends_as_without_and_writes_nothing_twice(tmp_path: Path) -> None:
    undisturbed = World(tmp_path / "undisturbed.sqlite")
    fill(undisturbed)
    undisturbed.apply()
    wanted, moments = outcome(undisturbed), undisturbed.steps
    assert moments > 20
    for moment in range(1, moments + 1):
        world = World(tmp_path / f"{moment}.sqlite")
        fill(world)
        world.kill_at = moment
        with pytest.raises(Killed):
            world.apply()
        applied = world.apply()
        assert applied.left == 0, moment
        assert outcome(world) == wanted, moment
        assert sorted(world.writes()) == sorted(undisturbed.writes()), moment


def one_order(world: World) -> None:
    world.put(found(1), found(2))
    world.logs = [arrival(number, "alice", OLD) for number in (1, 2)]
    world.plan()


def test_an_order_whose_answer_nobody_heard_is_not_given_again_where_the_tags_are_there(world: World) -> None:
    one_order(world)
    while not world.tags(1):  # killed a moment later each time, up to the one at which it was carried out
        world.steps, world.kill_at = 0, world.kill_at + 1
        with pytest.raises(Killed):
            world.apply()
    world.kill_at = 0
    given = len(world.ordered)
    applied = world.apply()
    assert (len(world.ordered), applied.outcomes) == (given, {"tagged": 2})


def test_the_function_may_still_be_at_work_on_an_order_and_is_waited_for(world: World) -> None:
    one_order(world)
    world.is_late = True
    with pytest.raises(Killed):
        world.apply()
    world.is_late = False
    assert world.tags(1) == {}
    applied = world.apply()
    assert (world.ordered, applied.outcomes) == ([2], {"tagged": 2})
    assert sorted(world.writes()) == sorted([volume_id(1), volume_id(2)])


def test_nobody_is_waited_for_once_the_function_can_not_run_any_more(world: World) -> None:
    one_order(world)
    world.is_late = True
    with pytest.raises(Killed):
        world.apply()
    world.is_late, world.late = False, []
    world.clock.move(timedelta(minutes=4))
    before = world.clock()
    assert world.apply().outcomes == {"tagged": 2}
    assert world.clock() == before
    assert world.ordered == [2, 2]


def test_what_was_ordered_twice_and_found_written_was_written_by_the_run(world: World) -> None:
    one_order(world)
    world.is_late = True
    with pytest.raises(Killed):
        world.apply()
    world.is_late = False
    for late in world.late:
        late()
    world.late = []
    world.aws.refuses = lambda call: (
        Failure("RequestLimitExceeded", 503) if not world.ordered[1:] and call.name == "tags" else None
    )
    applied = world.apply()
    assert (world.ordered, applied.outcomes) == ([2, 2], {"tagged": 2})
    assert sorted(world.writes()) == sorted([volume_id(1), volume_id(2)])


def test_only_the_keys_that_were_written_are_put_back(world: World) -> None:
    world.put(found(1, tags={"owner": "mallory", "note": "kept"}))
    world.logs = [arrival(1, "alice", OLD)]
    world.apply()
    asked: list[RestoreTarget] = []

    class Orders(World):
        def restore(self, run: str, resources: Sequence[RestoreTarget], *, dry_run: bool) -> list[ResultObject]:
            assert (run, dry_run) == (RUN.id, False)
            asked.extend(resources)
            return [{"outcome": "restored", "reason": None} for _ in resources]

    store = BackfillStore(world.path)
    [entry] = store.whole_journal()
    store.keep_journal([replace(entry, written=(("owner", "alice"),))])
    undone = undo(store, Orders(world.path), dry_run=False)
    assert (undone.outcomes, undone.left) == ({"restored": 1}, ())
    assert asked == [RestoreTarget(key_of(1), {"owner": "mallory"}, {"owner": "alice"})]
    assert undo(store, Orders(world.path), dry_run=False).outcomes == {"restored": 1}
    assert len(asked) == 1
    store.close()


def test_logs_that_are_read_are_not_read_again(world: World) -> None:
    one_order(world)
    assert world.logs_listed == 1
    world.apply()
    assert world.logs_listed == 1


def test_killed_again_and_again_it_ends(tmp_path: Path) -> None:
    undisturbed, world = World(tmp_path / "undisturbed.sqlite"), World(tmp_path / "killed.sqlite")
    fill(undisturbed)
    fill(world)
    undisturbed.apply()
    kills = 0
    while True:
        world.steps, world.kill_at = 0, 4 + kills % 3
        try:
            world.apply()
            break
        except Killed:
            kills += 1
            assert kills < 200
    assert kills > 5
    assert outcome(world) == outcome(undisturbed)
    assert sorted(world.writes()) == sorted(undisturbed.writes())
