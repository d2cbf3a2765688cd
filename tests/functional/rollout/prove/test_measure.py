"""One canary: timed hop by hop, lost or not measured, and always deleted. A fake plays EC2, ledger and queues."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ownertag.core.values import Failure
from ownertag.ledger.port import LedgerError
from ownertag.rollout.doctor.facts import QueueFacts, Unread
from ownertag.rollout.prove.clocks import Clocks, Exchange
from ownertag.rollout.prove.hops import Hop, LedgerTimes
from ownertag.rollout.prove.measure import LEDGER_SECONDS, POLL, Interrupted, Measurement, Watch, measure
from ownertag.rollout.prove.placement_group import CreatedGroup, ExistingGroup, second_of
from ownertag.rollout.prove.result import CanaryResult, Ending, Place, SeenLast
from ownertag.rollout.prove.trace import LedgerTrace, Queues

PLACE = Place("111122223333", "eu-central-1")
DENIED = Failure("UnauthorizedOperation", 403)
REGION_OFF = Failure("OptInRequired", 403)
THROTTLED = Failure("RequestLimitExceeded", 503)
NO_ANSWER = Failure("ReadTimeoutError", answered=False)
#: EC2's time where the fake's clock says 0.
EPOCH = 1_772_442_848.3


class World:
    """A placement group that is tagged some seconds after its call, on a clock that waiting moves.

    Each call takes 0.1 s. `ledger_after` is when the ledger has the outcome, in seconds after the call.
    """

    def __init__(self, tagged_after: float | None = 6.0, ledger_after: float = 6.0) -> None:
        self.time = 100.0
        self.tagged_after, self.ledger_after = tagged_after, ledger_after
        self.created: float | None = None
        self.id = self.created_id = "pg-1"
        self.fails: dict[str, list[Failure | BaseException | None]] = {}
        self.calls: list[str] = []
        self.clocks = Clocks()
        self.ledger_fails: LedgerError | None = None
        self.held: Queues = Queues(*[QueueFacts(0, None, 0)] * 3)
        self.stop_at: float | None = None
        self.retried = False

    # --- EC2

    def _call(self, name: str) -> tuple[Failure | None, Exchange]:
        sent = self.time
        self.time += 0.1
        self.calls.append(name)
        exchange = Exchange(sent, self.time, int(EPOCH + self.time), retried=self.retried and name == "create")
        self.clocks.heard(PLACE.region, exchange)
        planned = self.fails.get(name, [])
        failure = planned.pop(0) if len(planned) > 1 else planned[0] if planned else None
        if isinstance(failure, BaseException):
            raise failure
        return failure, exchange

    def create(self) -> CreatedGroup | Failure:
        failure, exchange = self._call("create")
        if failure is None or not failure.answered:
            self.created = exchange.sent
        return failure or CreatedGroup(self.created_id, exchange)

    def describe(self) -> ExistingGroup | Failure | None:
        failure, exchange = self._call("describe")
        if failure:
            return failure
        if self.created is None:
            return None
        late = self.tagged_after is not None and exchange.sent - self.created >= self.tagged_after
        return ExistingGroup(self.id, {"owner": "x"} if late else {"dateCreated": "y"})

    def delete(self) -> Failure | None:
        failure, _ = self._call("delete")
        if failure is None:
            self.created = None
        return failure

    # --- the hub

    def ledger(self, place: Place, group: str) -> LedgerTrace:
        assert (place, group) == (PLACE, "pg-1")
        if self.ledger_fails:
            raise self.ledger_fails
        called = self.called
        if self.tagged_after is None or self.time < called + self.ledger_after:
            return LedgerTrace()

        def at(seconds: float) -> datetime:
            return datetime.fromtimestamp(EPOCH + called + seconds, UTC)

        return LedgerTrace(True, LedgerTimes(at(0).replace(microsecond=0), at(self.tagged_after), at(2.5), at(2.75)))

    def queues(self, place: Place) -> Queues:
        assert place == PLACE
        return self.held

    # --- the test

    @property
    def called(self) -> float:
        """When the call was sent."""
        return 100.1  # after a look

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= POLL
        self.time += seconds
        if self.stop_at is not None and self.time >= self.stop_at:
            raise Interrupted

    def run(self, timeout: float = 30.0) -> CanaryResult:
        watch = Watch(lambda: self.time, self.pause)
        return measure(self, PLACE, 2, Measurement(frozenset({"owner"}), timeout, watch, self.clocks, self))


def test_a_canary_that_is_tagged_has_the_latency_of_each_hop() -> None:
    world = World()
    result = world.run()
    assert (result.place, result.round, result.ending, result.reason) == (PLACE, 2, Ending.TAGGED, "")
    truth = {
        Hop.CALL_TO_QUEUE: 2.5, Hop.QUEUE_TO_FUNCTION: 0.25, Hop.QUEUE_TO_TAG: 3.5, Hop.CALL_TO_TAG: 6.0,
    }  # fmt: skip
    assert {*result.latencies} == {*Hop}
    for hop, seconds in truth.items():
        found = result.latencies[hop]
        assert abs(found.seconds - seconds) <= found.error + 1e-5, hop
    assert result.latencies[Hop.CALL_TO_TAG].error <= (POLL + 0.2) / 2 + 1e-5
    assert result.latencies[Hop.CALL_TO_QUEUE].error <= 0.5
    assert world.created is None
    assert world.calls[:3] == ["describe", "create", "describe"]
    assert world.calls[-1] == "delete"


def test_one_that_is_tagged_at_once_is_not_older_than_its_call() -> None:
    found = World(tagged_after=0.0).run().latencies[Hop.CALL_TO_TAG]
    assert found.seconds - found.error >= -1e-9


def test_an_answer_that_names_no_id_is_found_by_the_next_look() -> None:
    world = World()
    world.created_id = ""
    assert {*world.run().latencies} == {*Hop}
    lost = World(tagged_after=None)
    lost.created_id = ""
    assert lost.run(9.0).ending is Ending.LOST


@pytest.mark.parametrize(
    ("date", "second"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Sun, 06 Nov 1994 08:49:37 -0000", 784_111_777),
        ("soon", None),
        ("", None),
        (None, None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_the_second_of_an_answer_is_its_dates(date: str | None, second: int | None) -> None:
    assert second_of(date) == second


def test_a_call_that_the_sdk_repeated_has_a_larger_error() -> None:
    world = World()
    world.retried = True
    latencies = world.run().latencies
    assert latencies[Hop.CALL_TO_TAG].error > World().run().latencies[Hop.CALL_TO_TAG].error + 0.04
    assert latencies[Hop.QUEUE_TO_TAG] == World().run().latencies[Hop.QUEUE_TO_TAG]


def test_a_ledger_that_has_its_outcome_later_is_waited_for() -> None:
    assert {*World(ledger_after=20.0).run().latencies} == {*Hop}
    result = World(ledger_after=600.0).run()
    assert (result.ending, {*result.latencies}) == (Ending.TAGGED, {Hop.CALL_TO_TAG})
    assert result.reason == f"{LEDGER_SECONDS:.0f} s after its tag was seen the ledger has nothing of it"


def test_where_the_ledger_can_not_be_read_the_rest_is_measured() -> None:
    world = World()
    world.ledger_fails = LedgerError("no permission")
    result = world.run()
    assert (result.ending, {*result.latencies}) == (Ending.TAGGED, {Hop.CALL_TO_TAG})
    assert result.reason == "the ledger can't be read: no permission"


def test_one_that_is_not_tagged_in_time_is_lost_and_deleted() -> None:
    world = World(tagged_after=None)
    result = world.run(9.0)
    assert (result.ending, result.reason, result.latencies) == (Ending.LOST, "not tagged within 9 s", {})
    assert result.trail is not None
    assert result.trail.seen_last is SeenLast.NOWHERE
    assert 109.0 <= world.time <= 110.0
    assert world.created is None


def test_where_the_account_is_observed_nothing_is_lost_and_the_time_is_not_waited_for() -> None:
    world = World(tagged_after=None)
    world.ledger = lambda *_: LedgerTrace(True, None, "unchanged: observed", observed=True)  # type: ignore[method-assign] # what it says
    result = world.run(300.0)
    assert (result.ending, result.again) == (Ending.NOT_MEASURED, False)
    assert "the account is observed" in result.reason
    assert world.time < 115
    assert world.created is None
    short = World(tagged_after=None)
    short.ledger = world.ledger  # type: ignore[method-assign] # the same
    assert short.run(5.0).ending is Ending.NOT_MEASURED


@pytest.mark.parametrize(
    ("change", "seen_last"),
    [
        (lambda world: setattr(world, "held", Queues(QueueFacts(2, None, 0), *[QueueFacts(0, None, 0)] * 2)), "queues"),
        (lambda world: setattr(world, "held", Queues(*[Unread("denied")] * 3)), "not-known"),
        (lambda world: setattr(world, "ledger_fails", LedgerError("denied")), "not-known"),
    ],
)
def test_where_a_lost_one_was_seen_last_is_told(change: Callable[[World], None], seen_last: str) -> None:
    world = World(tagged_after=None)
    change(world)
    result = world.run(9.0)
    assert (result.ending, result.trail and result.trail.seen_last) == (Ending.LOST, seen_last)


@pytest.mark.parametrize(
    ("failure", "again", "said"),
    [
        (DENIED, False, "denied (UnauthorizedOperation)"),
        (REGION_OFF, False, "Region eu-central-1 is switched off"),
        (THROTTLED, True, "throttled (RequestLimitExceeded)"),
        (Failure("InvalidPlacementGroup.Duplicate", 400), True, "AWS refused (InvalidPlacementGroup.Duplicate)"),
    ],
)
@pytest.mark.parametrize("call", ["describe", "create"])
def test_what_aws_refuses_is_not_measured_and_never_lost(call: str, failure: Failure, again: bool, said: str) -> None:
    world = World()
    world.fails[call] = [failure]
    result = world.run()
    assert (result.ending, result.again, result.left) == (Ending.NOT_MEASURED, again, "")
    assert said in result.reason
    assert world.calls[-1] == call  # nothing is deleted that may be another's


def test_a_creation_without_an_answer_is_deleted_as_it_may_have_been_made() -> None:
    world = World()
    world.fails["create"] = [NO_ANSWER]
    result = world.run()
    assert (result.ending, result.left) == (Ending.NOT_MEASURED, "")
    assert world.calls[-2:] == ["create", "delete"]
    assert world.created is None


def test_one_that_can_not_be_seen_to_the_end_is_not_lost() -> None:
    world = World(tagged_after=None)
    world.fails["describe"] = [None, DENIED]
    result = world.run(9.0)
    assert result.ending is Ending.NOT_MEASURED
    assert "could not be read to the end: denied" in result.reason
    assert world.calls[-1] == "delete"


def test_a_look_that_fails_in_between_only_makes_the_time_less_certain() -> None:
    world = World()
    world.fails["describe"] = [None, None, *[THROTTLED] * 6, None]
    result = world.run()
    assert result.ending is Ending.TAGGED
    found = result.latencies[Hop.CALL_TO_TAG]
    assert abs(found.seconds - 6.0) <= found.error
    assert found.error > POLL


def test_what_an_earlier_run_left_is_deleted_first() -> None:
    world = World()
    world.created = 0.0
    result = world.run()
    assert result.ending is Ending.TAGGED
    assert world.calls[:4] == ["describe", "delete", "describe", "create"]


def test_a_leftover_that_can_not_be_deleted_or_stays_is_not_measured() -> None:
    world = World()
    world.created = 0.0
    world.fails["delete"] = [DENIED]
    result = world.run()
    assert (result.ending, result.again) == (Ending.NOT_MEASURED, False)
    assert "a leftover placement group ownertag-canary can't be deleted: denied" in result.reason

    stuck = World()
    stuck.created = 0.0
    stuck.delete = lambda: None  # type: ignore[method-assign] # it is accepted, and the group stays
    result = stuck.run(3.0)
    assert (result.ending, result.again) == (Ending.NOT_MEASURED, True)
    assert "does not go away" in result.reason
    for calls in (world.calls, stuck.calls):
        assert "create" not in calls


def test_another_canary_of_the_name_is_left_alone() -> None:
    world = World(tagged_after=None)
    world.id = "pg-2"
    result = world.run(9.0)
    assert result.ending is Ending.NOT_MEASURED
    assert "does another canary run here?" in result.reason
    assert "delete" not in world.calls
    gone = World(tagged_after=None)
    gone.describe = lambda: None  # type: ignore[method-assign] # somebody deleted it
    assert "disappeared while it was waited for" in gone.run(9.0).reason


def test_one_that_can_not_be_deleted_is_told() -> None:
    world = World()
    world.fails["delete"] = [DENIED]
    result = world.run()
    assert result.ending is Ending.TAGGED
    assert result.left.startswith("placement group ownertag-canary could not be deleted: denied")


@pytest.mark.parametrize(("stop_at", "said"), [(103.0, "stopped before it was tagged"), (108.0, "")])
def test_one_that_is_stopped_is_deleted_and_not_lost(stop_at: float, said: str) -> None:
    """After its tag was seen, while the ledger is waited for, it has that alone."""
    world = World(ledger_after=60.0)
    world.stop_at = stop_at
    result = world.run()
    if said:
        assert (result.ending, result.reason) == (Ending.NOT_MEASURED, said)
    else:
        assert (result.ending, result.reason) == (Ending.TAGGED, "stopped before the ledger had its outcome")
    assert world.created is None
    assert world.calls[-1] == "delete"


def test_whatever_else_ends_the_wait_it_is_deleted() -> None:
    world = World()
    world.fails["describe"] = [None, RuntimeError("a bug")]
    with pytest.raises(RuntimeError):
        world.run()
    assert world.created is None
