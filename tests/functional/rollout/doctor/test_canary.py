"""The canary: sent, timed, and always deleted."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness import fixtures
from ownertag.core.ownership import ResourceKey
from ownertag.core.values import Failure
from ownertag.ledger.port import LedgerError
from ownertag.rollout.doctor.canary import POLL, TEST_OWNER, CanaryClock, CanaryPlacementGroup, DescribedGroup, canary
from ownertag.rollout.doctor.canary_finding import FindingTrace
from ownertag.rollout.doctor.facts import Missing, Observed, Unread
from ownertag.rollout.doctor.findings import Check, CheckState, Finding, Location

PLACE = Location("111122223333", "eu-central-1")
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
        self.brought: dict[str, str] = {}

    def _call(self, name: str) -> Failure | None:
        self.calls.append(name)
        failure = self.fails.get(name)
        if isinstance(failure, BaseException):
            raise failure
        return failure

    def create(self, tags: Mapping[str, str]) -> Failure | None:
        if failed := self._call("create with a tag" if tags else "create") or self._call("create"):
            return failed
        self.created, self.brought = self.time, dict(tags)
        return None

    def describe(self) -> DescribedGroup | Failure | None:
        if failed := self._call("look"):
            return failed
        if self.created is None:
            return None
        late = self.tagged_after is not None and self.time - self.created >= self.tagged_after
        ours = {"owner": "x", "dateCreated": "y"} if late else {"dateCreated": "y"}
        return DescribedGroup("pg-1", {**self.brought, **ours})

    def delete(self) -> Failure | None:
        if failed := self._call("delete"):
            return failed
        self.created = None
        return None

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= POLL
        self.time += seconds


class FakeTrace:
    """A hub whose ledger gives these answers about the finding in turn; the last one is repeated."""

    def __init__(
        self, *answers: bool | LedgerError | None, subscriptions: Observed[tuple[str, ...]] = ("arn:aws:s",)
    ) -> None:
        self._answers = list(answers or (True,))
        self._subscriptions = subscriptions
        self.asked: list[tuple[ResourceKey, str]] = []

    def finding(self, key: ResourceKey, value: str) -> bool | None:
        self.asked.append((key, value))
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
        if isinstance(answer, LedgerError):
            raise answer
        return answer

    def subscriptions(self) -> Observed[tuple[str, ...]]:
        return self._subscriptions


def both(group: FakeGroup, trace: FindingTrace | None = None, timeout: float = 30.0, more: str = "") -> list[Finding]:
    port: CanaryPlacementGroup = group
    watch = CanaryClock(lambda: group.time, group.sleep)
    return canary(port, trace or FakeTrace(), PLACE, fixtures.settings(more), timeout, watch)


def send(group: FakeGroup, timeout: float = 30.0) -> list[Finding]:
    """The findings about the creation alone."""
    return [finding for finding in both(group, timeout=timeout) if finding.check is Check.CANARY]


def test_its_finding_is_told_with_what_was_seen_of_the_way_and_what_was_not() -> None:
    group, trace = FakeGroup(tagged_after=6.0), FakeTrace(None, False, True)
    [_, finding] = both(group, trace)
    assert (finding.check, finding.state) == (Check.CANARY_FINDING, CheckState.OK)
    assert finding.seen == (
        "its finding is in the ledger, and was taken by the bus and by topic ownertag-alarms within 10.0 s, "
        "for 1 confirmed subscriptions"
    )
    assert "not seen: that a mail was read" in finding.advice
    arn = "arn:aws:ec2:eu-central-1:111122223333:placement-group/pg-1"
    assert trace.asked[-1] == (ResourceKey("111122223333", "eu-central-1", arn), TEST_OWNER)
    assert group.brought == {"owner": TEST_OWNER}
    assert group.created is None


@pytest.mark.parametrize(
    ("trace", "state", "said"),
    [
        (FakeTrace(None), CheckState.FAULT, "no finding of the tag that it brought is in the ledger after 9 s"),
        (FakeTrace(False), CheckState.FAULT, "its finding is in the ledger, and was not told within 9 s"),
        (
            FakeTrace(True, subscriptions=()),
            CheckState.FAULT,
            "nobody hears of it: the topic has no subscription",
        ),
        (
            FakeTrace(True, subscriptions=("PendingConfirmation",)),
            CheckState.FAULT,
            "nobody hears of it: 1 subscriptions wait to be confirmed",
        ),
        (
            FakeTrace(True, subscriptions=Unread("denied")),
            CheckState.UNREACHABLE,
            "who is subscribed can't be read: denied",
        ),
        (
            FakeTrace(True, subscriptions=Missing()),
            CheckState.UNREACHABLE,
            "can't be read: there is no such topic",
        ),
        (
            FakeTrace(LedgerError("denied")),
            CheckState.UNREACHABLE,
            "what became of its finding can't be read: denied",
        ),
    ],
)
def test_a_finding_that_does_not_arrive_is_no_good_news(trace: FakeTrace, state: CheckState, said: str) -> None:
    group = FakeGroup(tagged_after=2.0)
    [tagged, finding] = both(group, trace, 9.0)
    assert tagged.state is CheckState.OK
    assert (finding.check, finding.state) == (Check.CANARY_FINDING, state)
    assert said in finding.seen
    assert finding.advice
    assert group.created is None


def test_what_the_group_brought_is_not_taken_for_ours() -> None:
    class Never(FakeGroup):
        def describe(self) -> DescribedGroup | Failure | None:
            return DescribedGroup("pg-1", {**self.brought, "dateCreated": "y"}) if self.created else None

    [finding] = both(Never(), timeout=9.0)
    assert finding.seen == "not tagged within 9 s"


def test_where_a_policy_denies_the_tag_that_is_said_and_the_rest_is_seen() -> None:
    group = FakeGroup()
    group.fails["create with a tag"] = DENIED
    [tagged, finding] = both(group)
    assert tagged.state is CheckState.OK
    assert (finding.check, finding.state) == (Check.CANARY_FINDING, CheckState.NOT_CHECKABLE)
    assert "may not set a tag at creation" in finding.seen


def test_a_kept_key_is_not_brought() -> None:
    group = FakeGroup()
    both(group, more='[existing_tags]\nowner = "keep"\n')
    assert list(group.brought) == ["WhatIsThis"]


def test_a_canary_that_is_tagged_says_after_how_long_and_is_deleted() -> None:
    group = FakeGroup(tagged_after=6.0)
    [finding] = send(group)
    assert (finding.state, finding.seen) == (CheckState.OK, "tagged 6.0 s after the call")
    assert (finding.account, finding.region) == ("111122223333", "eu-central-1")
    assert group.created is None
    assert group.calls[-1] == "delete"


def test_a_canary_that_is_not_tagged_in_time_says_where_to_look() -> None:
    group = FakeGroup(tagged_after=None)
    [finding] = send(group, 9.0)
    assert (finding.state, finding.seen) == (CheckState.FAULT, "not tagged within 9 s")
    order = ("rule", "ownertag-undelivered", "queue ownertag,", "ownertag-dead-letters", "function's log")
    places = [finding.advice.index(name) for name in order]
    assert places == sorted(places)
    assert group.created is None
    assert group.time == pytest.approx(109.0)


def test_what_an_earlier_run_left_is_removed_first() -> None:
    group = FakeGroup(tagged_after=4.0, leftover=True)
    [finding] = send(group)
    assert finding.seen == "tagged 4.0 s after the call"
    assert group.calls[:3] == ["delete", "look", "create with a tag"]


def test_a_leftover_that_goes_away_slowly_is_waited_for() -> None:
    class Slow(FakeGroup):
        def delete(self) -> Failure | None:
            self.calls.append("delete")
            return None

        def describe(self) -> DescribedGroup | Failure | None:
            return DescribedGroup("pg-0", {"owner": "old"}) if self.time < 105 else super().describe()

        def create(self, tags: Mapping[str, str]) -> Failure | None:
            assert self.time >= 105
            return super().create(tags)

    group = Slow(tagged_after=2.0)
    [finding] = send(group)
    assert finding.seen == "tagged 2.0 s after the call"

    class Stuck(Slow):
        def describe(self) -> DescribedGroup | Failure | None:
            return DescribedGroup("pg-0", {"owner": "old"})

    stuck = Stuck()
    [finding] = send(stuck, 9.0)
    assert finding.state is CheckState.FAULT
    assert "does not go away" in finding.seen
    assert "create" not in stuck.calls


@pytest.mark.parametrize("call", ["delete", "look", "create"])
def test_a_canary_that_aws_refuses_is_unreached(call: str) -> None:
    group = FakeGroup()
    group.fails[call] = DENIED
    [finding] = send(group)
    assert finding.state is CheckState.UNREACHABLE
    assert "denied (UnauthorizedOperation)" in finding.seen
    assert "ownertag-canary" in finding.advice
    assert group.created is None


def test_a_canary_of_which_nothing_is_seen_any_more_is_unreached_and_deleted() -> None:
    class Blind(FakeGroup):
        def describe(self) -> DescribedGroup | Failure | None:
            return DENIED if self.created is not None else super().describe()

    group = Blind()
    [finding] = send(group, 9.0)
    assert finding.state is CheckState.UNREACHABLE
    assert "could not be read to the end" in finding.seen
    assert group.calls[-1] == "delete"


def test_one_that_can_not_be_deleted_is_told_with_the_call_that_does_it() -> None:
    class Kept(FakeGroup):
        def delete(self) -> Failure | None:
            return super().delete() if "create" not in self.calls else DENIED

    findings = send(Kept())
    assert [finding.state for finding in findings] == [CheckState.OK, CheckState.FAULT]
    [command] = findings[1].commands
    assert "delete-placement-group" in command.words
    assert (command.account, command.region) == (PLACE.account, PLACE.region)


def test_a_look_that_fails_in_between_is_repeated() -> None:
    class Flaky(FakeGroup):
        def describe(self) -> DescribedGroup | Failure | None:
            return THROTTLED if self.created is not None and self.time < 105 else super().describe()

    [finding] = send(Flaky(tagged_after=2.0))
    assert finding.state is CheckState.OK


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
