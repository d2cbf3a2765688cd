"""One canary: created, waited for, and deleted, whatever happens."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.judge import judge
from ownertag.core.values import Failure, OutcomeKind
from ownertag.ledger.port import LedgerError
from ownertag.render.documents import CANARY
from ownertag.rollout.prove.clocks import Clocks
from ownertag.rollout.prove.hops import LedgerTimes, latencies, latency
from ownertag.rollout.prove.placement_group import CreatedGroup, ExistingGroup, PlacementGroup
from ownertag.rollout.prove.result import CanaryResult, Ending, Place
from ownertag.rollout.prove.trace import LedgerTrace, Trace, trail_of

#: Seconds between two looks at a group: half of it is the error of what this machine sees.
POLL = 1.0
#: How many seconds to wait for the ledger's entry of a tag that is seen: the function writes it after the tag.
LEDGER_SECONDS = 30.0


#: How many seconds from one look into the ledger to the next while there is no tag: the account may be observed.
OBSERVED_SECONDS = 10.0


class Interrupted(Exception):
    """A wait was ended: the command is to stop."""


class _AnotherGroup(Exception):
    """A group of another id has the canary's name."""


class Watch(Struct, frozen=True):
    """A clock that never goes back, and how to wait; `pause` raises `Interrupted` if the command is to stop."""

    monotonic: Callable[[], float]
    pause: Callable[[float], None]


class Measurement(Struct, frozen=True):
    """How each canary is measured.

    Attributes:
        keys: The tags that it must have in the end: those of the owner.
        timeout: How many seconds it is waited for.
        watch: The clock.
        clocks: EC2's clocks.
        trace: Reads what became of it.
    """

    keys: frozenset[str]
    timeout: float
    watch: Watch
    clocks: Clocks
    trace: Trace


class _Seen(Struct, frozen=True):
    """The last look at a group: when it was asked and answered, and what was found."""

    asked: float
    answered: float
    found: ExistingGroup | Failure | None


def measure(group: PlacementGroup, place: Place, number: int, how: Measurement) -> CanaryResult:
    """Creates the group, waits for its tags, deletes it, and reads what the ledger has of it.

    Args:
        group: The placement group.
        place: Its account and Region.
        number: The round.
        how: How it is measured.
    """
    try:
        cleared = _cleared(group, place, how)
    except Interrupted:
        cleared = "stopped before it was created", True
    if cleared is not None:
        reason, again = cleared
        return CanaryResult(place, number, Ending.NOT_MEASURED, reason=reason, again=again)
    created = group.create()
    if isinstance(created, Failure):
        # One that was refused is not there, or is somebody else's. Without an answer nobody knows.
        left = "" if created.answered else _deleted(group, place)
        reason = f"placement group {CANARY} can't be created: {_why(created, place)}"
        return CanaryResult(place, number, Ending.NOT_MEASURED, reason=reason, left=left, again=_again(created, place))
    ours = True
    try:
        result = _waited(group, created, place, number, how)
    except Interrupted:
        result = CanaryResult(place, number, Ending.NOT_MEASURED, reason="stopped before it was tagged")
    except _AnotherGroup:
        ours, result = False, _disappeared(place, number)
    finally:
        left = _deleted(group, place) if ours else ""
    return replace(result, left=left)


def _cleared(group: PlacementGroup, place: Place, how: Measurement) -> tuple[str, bool] | None:
    """Deletes what an earlier run left; or says why that fails, and whether another round may go better."""
    until: float | None = None
    while (left := group.describe()) is not None:
        if isinstance(left, Failure):
            return f"placement group {CANARY} can't be read: {_why(left, place)}", _again(left, place)
        if until is None:
            until = how.watch.monotonic() + how.timeout
            if failed := group.delete():
                reason = f"a leftover placement group {CANARY} can't be deleted: {_why(failed, place)}"
                return reason, _again(failed, place)
        elif how.watch.monotonic() >= until:
            return f"a leftover placement group {CANARY} does not go away: see what holds it, and delete it", True
        how.watch.pause(POLL)
    return None


def _waited(group: PlacementGroup, created: CreatedGroup, place: Place, number: int, how: Measurement) -> CanaryResult:
    """What became of the group that was created."""
    watch, until = how.watch, created.exchange.sent + how.timeout
    before = created.exchange.sent  # it had no tag then
    asked = before
    while True:
        seen = _look(group, watch)
        if isinstance(seen.found, ExistingGroup) and created.id and seen.found.id != created.id:
            raise _AnotherGroup
        if isinstance(seen.found, ExistingGroup) and not created.id:
            created = replace(created, id=seen.found.id)
        if isinstance(seen.found, ExistingGroup) and all(seen.found.tags.get(key) for key in how.keys):
            return _tagged(created, (before, seen.answered), place, number, how)
        if isinstance(seen.found, ExistingGroup):
            before = seen.asked
        if seen.answered >= until:
            return _over(created, seen, place, number, how)
        if seen.answered >= asked + OBSERVED_SECONDS:
            asked = seen.answered
            if _is_observed(_of_ledger(created, place, how)):
                return _observed(place, number)
        watch.pause(min(POLL, until - seen.answered))


def _look(group: PlacementGroup, watch: Watch) -> _Seen:
    asked = watch.monotonic()
    found = group.describe()
    return _Seen(asked, watch.monotonic(), found)


def _over(created: CreatedGroup, seen: _Seen, place: Place, number: int, how: Measurement) -> CanaryResult:
    """What became of a group that has no tags when the time is over."""
    if isinstance(seen.found, Failure):
        reason = f"placement group {CANARY} could not be read to the end: {_why(seen.found, place)}"
        return CanaryResult(place, number, Ending.NOT_MEASURED, reason=reason, again=_again(seen.found, place))
    if seen.found is None:
        return _disappeared(place, number)
    ledger = _of_ledger(created, place, how)
    if _is_observed(ledger):
        return _observed(place, number)
    trail = trail_of(ledger, lambda: how.trace.queues(place))
    return CanaryResult(place, number, Ending.LOST, reason=f"not tagged within {how.timeout:.0f} s", trail=trail)


def _tagged(
    created: CreatedGroup, between: tuple[float, float], place: Place, number: int, how: Measurement
) -> CanaryResult:
    """The latencies of a group whose tags came between these two times."""
    exchange = created.exchange
    called = (exchange.sent, exchange.received if exchange.retried else exchange.sent)
    seen = latency(called, between)
    times, reason = _times(created, place, how)
    bounds = how.clocks.bounds(place.region, exchange)
    if times and bounds is None:
        reason = "no answer of EC2 told the time, so the hops from the call are not known"
    if times and times.queued is None:
        reason = "the ledger has not kept when its message came: the function is of an older version"
    return CanaryResult(place, number, Ending.TAGGED, latencies(bounds, times, seen), reason)


def _times(created: CreatedGroup, place: Place, how: Measurement) -> tuple[LedgerTimes | None, str]:
    """The ledger's times, once it has the outcome; or why there are none."""
    until = how.watch.monotonic() + LEDGER_SECONDS
    while True:
        found = _of_ledger(created, place, how)
        if isinstance(found, str):
            return None, f"the ledger can't be read: {found}"
        if found.times:
            return found.times, ""
        if how.watch.monotonic() >= until:
            what = found.outcome or ("no outcome" if found.decided else "nothing")
            return None, f"{LEDGER_SECONDS:.0f} s after its tag was seen the ledger has {what} of it"
        try:
            how.watch.pause(POLL)
        except Interrupted:
            return None, "stopped before the ledger had its outcome"


def _of_ledger(created: CreatedGroup, place: Place, how: Measurement) -> LedgerTrace | str:
    try:
        return how.trace.ledger(place, created.id)
    except LedgerError as error:
        return str(error)


def _is_observed(ledger: LedgerTrace | str) -> bool:
    return isinstance(ledger, LedgerTrace) and ledger.observed


def _observed(place: Place, number: int) -> CanaryResult:
    """Its event came the whole way, and was decided."""
    reason = "the account is observed: the function decided, and writes nothing there"
    return CanaryResult(place, number, Ending.NOT_MEASURED, reason=reason, again=False)


def _disappeared(place: Place, number: int) -> CanaryResult:
    reason = f"placement group {CANARY} disappeared while it was waited for: does another canary run here?"
    return CanaryResult(place, number, Ending.NOT_MEASURED, reason=reason)


def _deleted(group: PlacementGroup, place: Place) -> str:
    failed = group.delete()
    return f"placement group {CANARY} could not be deleted: {_why(failed, place)}" if failed else ""


def _why(failure: Failure, place: Place) -> str:
    return judge(failure, None, place.region).reason


def _again(failure: Failure, place: Place) -> bool:
    return judge(failure, None, place.region).outcome is not OutcomeKind.FORBIDDEN
