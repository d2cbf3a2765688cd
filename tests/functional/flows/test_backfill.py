"""A backfill over fakes: what is listed, found, decided, ordered and undone, whenever it is ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from flows.backfill_fakes import DAY, OLD, RUN, Killed, World, arn_of, arrival, fill, found, key_of, outcome
from flows.hub import A, B
from harness.events import CATALOGUE, HOME, SETTINGS, tags_for, volume_id
from harness.fakes import NOON, FakeInventory
from ownertag.core.backfill.found import State
from ownertag.core.backfill.plan import Action, PlanRow
from ownertag.core.values import Confidence, Failure, OutcomeKind, Unavailable
from ownertag.flows.backfill.evidence import logs_read, look_up, unread_history
from ownertag.flows.backfill.ports import RestoreTarget, ResultObject
from ownertag.flows.backfill.undoing import undo
from ownertag.runs.backfill import BackfillStore


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
    [row] = store.plan()
    assert row.reason.startswith(
        "CloudTrail's records could not all be read (forbidden: AccessDenied: denied); not all logs could be read; "
    )
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
