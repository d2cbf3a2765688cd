"""The canary: creates a placement group, which costs nothing, and measures the time until it is tagged.

It brings an owner tag of its own. ownertag writes over that, and finds it as it finds what members bring: so a finding
goes through as well, from CloudTrail's record to the alarms' topic, and says that it is a test.
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
from ownertag.rollout.doctor.findings import Check, Finding, Location

#: Seconds between two looks.
POLL = 2.0
#: The owner that the placement group brings along.
BROUGHT = "this is a test by ownertag doctor --canary"

_ABSENT = frozenset({"InvalidPlacementGroup.Unknown"})


class CanaryGroup(Struct, frozen=True):
    """The canary's placement group, as it is seen."""

    id: str
    tags: Mapping[str, str]


class Groups(Protocol):
    """The canary's placement group, in one account and Region."""

    def create(self, tags: Mapping[str, str]) -> Failure | None:
        """Create it, with tags that it brings along."""

    def look(self) -> CanaryGroup | Failure | None:
        """As it is now, or None if there is no such group."""

    def delete(self) -> Failure | None:
        """Delete it; that there is none is no failure."""


class PlacementGroup:
    """The canary's placement group in AWS, with the canary's role."""

    def __init__(self, sessions: Sessions, account: str, region: str) -> None:
        self._sessions = sessions
        self._account = account
        self._region = region

    def create(self, tags: Mapping[str, str]) -> Failure | None:
        """Create it, with tags that it brings along."""
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        brings = {"TagSpecifications": [{"ResourceType": "placement-group", "Tags": listed}]} if tags else {}
        return self._failure(lambda ec2: ec2.create_placement_group(GroupName=CANARY, Strategy="spread", **brings))

    def look(self) -> CanaryGroup | Failure | None:
        """As it is now, or None if there is no such group; one that is being deleted is there."""

        def use(ec2: Any) -> CanaryGroup:
            [group] = ec2.describe_placement_groups(GroupNames=[CANARY])["PlacementGroups"]
            return CanaryGroup(group.get("GroupId", ""), {tag["Key"]: tag["Value"] for tag in group.get("Tags", ())})

        found = self._sessions.call("ec2", self._account, self._region, use)
        return None if isinstance(found, Failure) and found.code in _ABSENT else found

    def delete(self) -> Failure | None:
        """Delete it; that there is none is no failure."""
        found = self._failure(lambda ec2: ec2.delete_placement_group(GroupName=CANARY))
        return None if found and found.code in _ABSENT else found

    def _failure(self, use: Callable[[Any], Any]) -> Failure | None:
        found = self._sessions.call("ec2", self._account, self._region, use)
        return found if isinstance(found, Failure) else None


class CanaryClock(Struct, frozen=True):
    """The time: a clock that never goes back, and a way to let it pass."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


def canary(
    groups: Groups, told: FindingTrace, place: Location, settings: Settings, timeout: float, watch: CanaryClock
) -> list[Finding]:
    """Create the group, wait for its tags and for its finding, and delete it, whatever happens.

    Args:
        groups: The placement group.
        told: What became of findings.
        place: Its account and Region.
        settings: Which tags to wait for.
        timeout: Seconds, for both together.
        watch: The time.
    """
    if stuck := _cleared(groups, place, timeout, watch):
        return [stuck]
    findings = []
    try:
        findings += _sent(groups, told, place, settings, timeout, watch)
    finally:
        left = groups.delete()
    if left is not None:
        findings.append(
            place.fault(
                Check.CANARY,
                f"placement group {CANARY} could not be deleted: {_why(left, place)}",
                f"delete it by hand: `aws ec2 delete-placement-group --group-name {CANARY}` (it costs nothing)",
            )
        )
    return findings


def _cleared(groups: Groups, place: Location, timeout: float, watch: CanaryClock) -> Finding | None:
    """Remove what an earlier run left, or say why that does not go."""
    if failed := groups.delete():  # what an earlier run left would be tagged already
        return _unreached(place, f"a leftover placement group {CANARY} can't be deleted", failed)
    begun = watch.monotonic()
    while (left := groups.look()) is not None:
        if isinstance(left, Failure):
            return _unreached(place, f"placement group {CANARY} can't be looked at", left)
        if watch.monotonic() - begun >= timeout:
            return place.fault(
                Check.CANARY,
                f"a leftover placement group {CANARY} does not go away",
                "see what holds it, and delete it",
            )
        watch.sleep(POLL)
    return None


def _sent(
    groups: Groups, told: FindingTrace, place: Location, settings: Settings, timeout: float, watch: CanaryClock
) -> list[Finding]:
    begun = watch.monotonic()
    # Of a key whose value is kept, what is brought would stay, and is no finding.
    ours = [key for key in (*sorted(settings.owner_keys), *sorted(settings.tags)) if key not in settings.kept_keys]
    brings = dict.fromkeys(ours[:1], BROUGHT)
    without = None if brings else "the settings keep the value of every key"
    failed = groups.create(brings)
    if brings and failed and judge(failed, None, place.region or "").outcome is OutcomeKind.FORBIDDEN:
        without, brings = f"{CANARY} may not bring a tag along: {_why(failed, place)}", {}
        failed = groups.create({})
    if failed:
        return [_unreached(place, f"placement group {CANARY} can't be created", failed)]
    found = _tagged(groups, place, settings.owner_keys.union(brings), timeout, watch, begun)
    if isinstance(found, Finding):
        return [found]
    tagged = place.ok(Check.CANARY, f"tagged {watch.monotonic() - begun:.1f} s after the call")
    if without:
        return [tagged, place.not_checkable(Check.CANARY_FINDING, f"no finding was sent: {without}")]
    while True:
        seconds = watch.monotonic() - begun
        checked = check_finding(told, place, found.id, BROUGHT, seconds)
        if checked.ends or seconds >= timeout:
            return [tagged, checked.finding]
        watch.sleep(min(POLL, timeout - seconds))


def _tagged(
    groups: Groups, place: Location, keys: frozenset[str], timeout: float, watch: CanaryClock, begun: float
) -> CanaryGroup | Finding:
    """The group once it has all of these keys, and of none the value that it brought; or why it has not."""
    trouble: Failure | None = None
    while True:
        group = groups.look()
        seconds = watch.monotonic() - begun
        if isinstance(group, Failure):
            trouble = group
        elif group is not None and all(group.tags.get(key, BROUGHT) != BROUGHT for key in keys):
            return group
        if seconds >= timeout:
            break
        watch.sleep(min(POLL, timeout - seconds))
    if trouble is not None:
        return _unreached(place, f"placement group {CANARY} could not be looked at to the end", trouble)
    return place.fault(
        Check.CANARY,
        f"not tagged within {timeout:.0f} s",
        "follow the way: the rule's findings here, the queue ownertag-undelivered of this Region, at the hub the queue "
        "ownertag, then ownertag-dead-letters, then the function's log (`aws logs tail /aws/lambda/ownertag`)",
    )


def _unreached(place: Location, said: str, failure: Failure) -> Finding:
    return place.unreached(
        Check.CANARY,
        f"{said}: {_why(failure, place)}",
        "use credentials of the hub's account that may assume ownertag-canary there, or name another account",
    )


def _why(failure: Failure, place: Location) -> str:
    return judge(failure, None, place.region or "").reason
