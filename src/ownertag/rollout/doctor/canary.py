"""The canary: creates a placement group, which costs nothing, and measures the time until it is tagged.

Its request sets an owner tag. ownertag overwrites it and makes a finding of it, as of the tags that members set: so a
finding goes the whole way as well, from CloudTrail's record to the alarm topic, and says that it is a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import judge
from ownertag.core.settings import Settings
from ownertag.core.values import Failure, OutcomeKind
from ownertag.render.documents import CANARY
from ownertag.rollout.doctor.canary_finding import FindingTrace, check_finding
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.commands import Command, apply, aws
from ownertag.rollout.doctor.findings import Check, Finding, Location

#: Seconds between two calls that ask for the group.
POLL = 2.0
#: The owner that the request sets.
TEST_OWNER = "this is a test by ownertag doctor --canary"

_ABSENT = frozenset({"InvalidPlacementGroup.Unknown"})


class DescribedGroup(Struct, frozen=True):
    """The canary's placement group, as EC2 describes it."""

    id: str
    tags: Mapping[str, str]


class CanaryPlacementGroup(Protocol):
    """The canary's placement group, in one account and Region."""

    def create(self, tags: Mapping[str, str]) -> Failure | None:
        """Creates it, with these tags in the request."""

    def describe(self) -> DescribedGroup | Failure | None:
        """The group as it is now, or None if there is none."""

    def delete(self) -> Failure | None:
        """Deletes it; that there is none is no failure."""


class AwsPlacementGroup:
    """The canary's placement group in AWS, with the canary's role."""

    def __init__(self, sessions: Sessions, account: str, region: str) -> None:
        self._sessions = sessions
        self._account = account
        self._region = region

    def create(self, tags: Mapping[str, str]) -> Failure | None:
        """Creates it, with these tags in the request."""
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        specified = {"TagSpecifications": [{"ResourceType": "placement-group", "Tags": listed}]} if tags else {}
        return self._failure(lambda ec2: ec2.create_placement_group(GroupName=CANARY, Strategy="spread", **specified))

    def describe(self) -> DescribedGroup | Failure | None:
        """The group as it is now, or None if there is none; one that is being deleted is there."""

        def use(ec2: Any) -> DescribedGroup:
            [group] = ec2.describe_placement_groups(GroupNames=[CANARY])["PlacementGroups"]
            return DescribedGroup(group.get("GroupId", ""), {tag["Key"]: tag["Value"] for tag in group.get("Tags", ())})

        found = self._sessions.call("ec2", self._account, self._region, use)
        return None if isinstance(found, Failure) and found.code in _ABSENT else found

    def delete(self) -> Failure | None:
        """Deletes it; that there is none is no failure."""
        found = self._failure(lambda ec2: ec2.delete_placement_group(GroupName=CANARY))
        return None if found and found.code in _ABSENT else found

    def _failure(self, use: Callable[[Any], Any]) -> Failure | None:
        found = self._sessions.call("ec2", self._account, self._region, use)
        return found if isinstance(found, Failure) else None


class CanaryClock(Struct, frozen=True):
    """A clock that never goes back, and how to wait."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


def canary(
    group: CanaryPlacementGroup,
    trace: FindingTrace,
    place: Location,
    settings: Settings,
    timeout: float,
    clock: CanaryClock,
) -> list[Finding]:
    """Creates the group, waits for its tags and for its finding, and deletes it, whatever happens.

    Args:
        group: The placement group.
        trace: Reads what became of its finding.
        place: Its account and Region.
        settings: Which tags to wait for.
        timeout: Seconds, for both together.
        clock: Measures the time.
    """
    if stuck := _cleared(group, place, timeout, clock):
        return [stuck]
    findings = []
    try:
        findings += _created(group, trace, place, settings, timeout, clock)
    finally:
        left = group.delete()
    if left is not None:
        findings.append(
            place.fault(
                Check.CANARY,
                f"placement group {CANARY} could not be deleted: {_why(left, place)}",
                "delete it by hand (it costs nothing)",
                _deletion(place),
                cause=Cause.CANARY_LEFT,
            )
        )
    return findings


def _cleared(group: CanaryPlacementGroup, place: Location, timeout: float, clock: CanaryClock) -> Finding | None:
    """Deletes what an earlier run left, or says why that fails."""
    if failed := group.delete():  # what an earlier run left would be tagged already
        return _unreached(place, f"a leftover placement group {CANARY} can't be deleted", failed)
    started = clock.monotonic()
    while (left := group.describe()) is not None:
        if isinstance(left, Failure):
            return _unreached(place, f"placement group {CANARY} can't be read", left)
        if clock.monotonic() - started >= timeout:
            return place.fault(
                Check.CANARY,
                f"a leftover placement group {CANARY} does not go away",
                "see what holds it, and delete it",
                _deletion(place),
                cause=Cause.CANARY_STUCK,
            )
        clock.sleep(POLL)
    return None


def _created(
    group: CanaryPlacementGroup,
    trace: FindingTrace,
    place: Location,
    settings: Settings,
    timeout: float,
    clock: CanaryClock,
) -> list[Finding]:
    started = clock.monotonic()
    # A key whose value is kept would keep that of the request, which is no finding then.
    ours = [key for key in (*sorted(settings.owner_keys), *sorted(settings.tags)) if key not in settings.kept_keys]
    request_tags = dict.fromkeys(ours[:1], TEST_OWNER)
    without = None if request_tags else "the settings keep the value of every key"
    failed = group.create(request_tags)
    if request_tags and failed and judge(failed, None, place.region or "").outcome is OutcomeKind.FORBIDDEN:
        without, request_tags = f"{CANARY} may not set a tag at creation: {_why(failed, place)}", {}
        failed = group.create({})
    if failed:
        return [_unreached(place, f"placement group {CANARY} can't be created", failed)]
    hub = settings.organization.hub_account if settings.organization else place.account
    found = _tagged(group, place, hub, settings.owner_keys.union(request_tags), timeout, clock, started)
    if isinstance(found, Finding):
        return [found]
    tagged = place.ok(Check.CANARY, f"tagged {clock.monotonic() - started:.1f} s after the call")
    if without:
        return [tagged, place.not_checkable(Check.CANARY_FINDING, f"no finding was sent: {without}")]
    while True:
        seconds = clock.monotonic() - started
        checked = check_finding(trace, place, found.id, TEST_OWNER, seconds)
        if checked.ends or seconds >= timeout:
            return [tagged, checked.finding]
        clock.sleep(min(POLL, timeout - seconds))


def _tagged(
    group: CanaryPlacementGroup,
    place: Location,
    hub: str,
    keys: frozenset[str],
    timeout: float,
    clock: CanaryClock,
    started: float,
) -> DescribedGroup | Finding:
    """The group once it has all of these keys, none with the value of the request; or why it has not."""
    failed: Failure | None = None
    while True:
        found = group.describe()
        seconds = clock.monotonic() - started
        if isinstance(found, Failure):
            failed = found
        elif found is not None and all(found.tags.get(key, TEST_OWNER) != TEST_OWNER for key in keys):
            return found
        if seconds >= timeout:
            break
        clock.sleep(min(POLL, timeout - seconds))
    if failed is not None:
        return _unreached(place, f"placement group {CANARY} could not be read to the end", failed)
    return place.fault(
        Check.CANARY,
        f"not tagged within {timeout:.0f} s",
        "check in this order: the rules here and the queue ownertag-undelivered of this Region, the hub's queue "
        "ownertag, its ownertag-dead-letters, the function's log",
        Command("ownertag", ("doctor", "--accounts", place.account, "--regions", place.region or ""), hub),
        Command("ownertag", ("doctor", "--accounts", hub), hub),
        cause=Cause.CANARY_UNTAGGED,
    )


def _deletion(place: Location) -> Command:
    return aws(place.account, place.region, "ec2", "delete-placement-group", "--group-name", CANARY)


def _unreached(place: Location, said: str, failure: Failure) -> Finding:
    return place.unreached(
        Check.CANARY,
        f"{said}: {_why(failure, place)}",
        "put the role ownertag-canary back; if it is there, use credentials of the hub's account that may assume it",
        apply(place.account),
        cause=Cause.CANARY_UNREACHED,
    )


def _why(failure: Failure, place: Location) -> str:
    return judge(failure, None, place.region or "").reason
