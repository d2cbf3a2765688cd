"""The canary: sent, timed, and always deleted."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ownertag.core.values import Failure
from ownertag.rollout.doctor.canary import POLL, Group, Watch, canary
from ownertag.rollout.doctor.findings import Finding, Place, State

PLACE = Place("111122223333", "eu-central-1")
DENIED = Failure("UnauthorizedOperation", 403)
THROTTLED = Failure("RequestLimitExceeded", 503)


class FakeGroup:
    """A placement group that is tagged some seconds after it was created, on a clock that sleeping moves."""

    def __init__(self, tagged_after: float | None = 6.0, leftover: bool = False) -> None:
        self.time = 100.0
        self.tagged_after = tagged_after
        self.created: float | None = 0.0 if leftover else None
        self.fails: dict[str, Failure | BaseException] = {}
        self.calls: list[str] = []

    def _call(self, name: str) -> Failure | None:
        self.calls.append(name)
        failure = self.fails.get(name)
        if isinstance(failure, BaseException):
            raise failure
        return failure

    def create(self) -> Failure | None:
        if failed := self._call("create"):
            return failed
        self.created = self.time
        return None

    def tags(self) -> Mapping[str, str] | Failure | None:
        if failed := self._call("tags"):
            return failed
        if self.created is None:
            return None
        late = self.tagged_after is not None and self.time - self.created >= self.tagged_after
        return {"owner": "x", "dateCreated": "y"} if late else {"dateCreated": "y"}

    def delete(self) -> Failure | None:
        if failed := self._call("delete"):
            return failed
        self.created = None
        return None

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= POLL
        self.time += seconds


def send(group: FakeGroup, timeout: float = 30.0) -> list[Finding]:
    port: Group = group
    return canary(port, PLACE, {"owner"}, timeout, Watch(lambda: group.time, group.sleep))


def test_a_canary_that_is_tagged_says_after_how_long_and_is_deleted() -> None:
    group = FakeGroup(tagged_after=6.0)
    [finding] = send(group)
    assert (finding.state, finding.seen) == (State.OK, "tagged 6.0 s after the call")
    assert (finding.account, finding.region) == ("111122223333", "eu-central-1")
    assert group.created is None
    assert group.calls[-1] == "delete"


def test_a_canary_that_is_not_tagged_in_time_says_where_to_look() -> None:
    group = FakeGroup(tagged_after=None)
    [finding] = send(group, 9.0)
    assert (finding.state, finding.seen) == (State.FAULT, "not tagged within 9 s")
    order = ("rule", "ownertag-undelivered", "queue ownertag,", "ownertag-dead-letters", "function's log")
    places = [finding.advice.index(name) for name in order]
    assert places == sorted(places)
    assert group.created is None
    assert group.time == pytest.approx(109.0)


def test_what_an_earlier_run_left_is_removed_first() -> None:
    group = FakeGroup(tagged_after=4.0, leftover=True)
    [finding] = send(group)
    assert finding.seen == "tagged 4.0 s after the call"
    assert group.calls[:3] == ["delete", "tags", "create"]


def test_a_leftover_that_goes_away_slowly_is_waited_for() -> None:
    class Slow(FakeGroup):
        def delete(self) -> Failure | None:
            self.calls.append("delete")
            return None

        def tags(self) -> Mapping[str, str] | Failure | None:
            return {"owner": "old"} if self.time < 105 else super().tags()

        def create(self) -> Failure | None:
            assert self.time >= 105
            return super().create()

    group = Slow(tagged_after=2.0)
    [finding] = send(group)
    assert finding.seen == "tagged 2.0 s after the call"

    class Stuck(Slow):
        def tags(self) -> Mapping[str, str] | Failure | None:
            return {"owner": "old"}

    stuck = Stuck()
    [finding] = send(stuck, 9.0)
    assert finding.state is State.FAULT
    assert "does not go away" in finding.seen
    assert "create" not in stuck.calls


@pytest.mark.parametrize("call", ["delete", "tags", "create"])
def test_a_canary_that_aws_refuses_is_unreached(call: str) -> None:
    group = FakeGroup()
    group.fails[call] = DENIED
    [finding] = send(group)
    assert finding.state is State.UNREACHED
    assert "denied (UnauthorizedOperation)" in finding.seen
    assert "ownertag-canary" in finding.advice
    assert group.created is None


def test_a_canary_of_which_nothing_is_seen_any_more_is_unreached_and_deleted() -> None:
    class Blind(FakeGroup):
        def tags(self) -> Mapping[str, str] | Failure | None:
            return DENIED if self.created is not None else super().tags()

    group = Blind()
    [finding] = send(group, 9.0)
    assert finding.state is State.UNREACHED
    assert "could not be looked at to the end" in finding.seen
    assert group.calls[-1] == "delete"


def test_one_that_can_not_be_deleted_is_told_with_the_call_that_does_it() -> None:
    class Kept(FakeGroup):
        def delete(self) -> Failure | None:
            return super().delete() if "create" not in self.calls else DENIED

    findings = send(Kept())
    assert [each.state for each in findings] == [State.OK, State.FAULT]
    assert "delete-placement-group" in findings[1].advice


def test_a_look_that_fails_in_between_is_repeated() -> None:
    class Flaky(FakeGroup):
        def tags(self) -> Mapping[str, str] | Failure | None:
            return THROTTLED if self.created is not None and self.time < 105 else super().tags()

    [finding] = send(Flaky(tagged_after=2.0))
    assert finding.state is State.OK


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_whatever_ends_the_wait_it_is_deleted(error: BaseException) -> None:
    class Ended(FakeGroup):
        def sleep(self, seconds: float) -> None:
            assert seconds
            raise error

    group = Ended()
    with pytest.raises(type(error)):
        send(group)
    assert group.created is None
    assert group.calls[-1] == "delete"
