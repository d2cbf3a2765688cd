"""One harmless creation through the whole way, and how long it took: a placement group, which costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import judge
from ownertag.core.values import Failure
from ownertag.render.documents import CANARY
from ownertag.rollout.doctor.findings import Check, Finding, Place

#: Seconds between two looks.
POLL = 2.0

_ABSENT = frozenset({"InvalidPlacementGroup.Unknown"})


class Group(Protocol):
    """The canary's placement group, in one account and Region."""

    def create(self) -> Failure | None:
        """Create it."""

    def tags(self) -> Mapping[str, str] | Failure | None:
        """Its tags, or None if there is no such group."""

    def delete(self) -> Failure | None:
        """Delete it; that there is none is no failure."""


class PlacementGroup:
    """The canary's placement group in AWS, with the canary's role."""

    def __init__(self, sessions: Sessions, account: str, region: str) -> None:
        self._sessions = sessions
        self._account = account
        self._region = region

    def create(self) -> Failure | None:
        """Create it."""
        return self._failure(lambda ec2: ec2.create_placement_group(GroupName=CANARY, Strategy="spread"))

    def tags(self) -> Mapping[str, str] | Failure | None:
        """Its tags, or None if there is no such group; one that is being deleted is there."""

        def use(ec2: Any) -> dict[str, str]:
            [group] = ec2.describe_placement_groups(GroupNames=[CANARY])["PlacementGroups"]
            return {tag["Key"]: tag["Value"] for tag in group.get("Tags", ())}

        found = self._sessions.call("ec2", self._account, self._region, use)
        return None if isinstance(found, Failure) and found.code in _ABSENT else found

    def delete(self) -> Failure | None:
        """Delete it; that there is none is no failure."""
        found = self._failure(lambda ec2: ec2.delete_placement_group(GroupName=CANARY))
        return None if found and found.code in _ABSENT else found

    def _failure(self, use: Callable[[Any], Any]) -> Failure | None:
        found = self._sessions.call("ec2", self._account, self._region, use)
        return found if isinstance(found, Failure) else None


class Watch(Struct, frozen=True):
    """The time: a clock that never goes back, and a way to let it pass."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


def canary(group: Group, place: Place, keys: Iterable[str], timeout: float, watch: Watch) -> list[Finding]:
    """Create the group, wait for its tags, and delete it, whatever happens.

    Args:
        group: The placement group.
        place: Its account and Region.
        keys: The tags to wait for.
        timeout: Seconds.
        watch: The time.
    """
    if stuck := _cleared(group, place, timeout, watch):
        return [stuck]
    findings = []
    try:
        findings.append(_sent(group, place, frozenset(keys), timeout, watch))
    finally:
        left = group.delete()
    if left is not None:
        findings.append(
            place.fault(
                Check.CANARY,
                f"placement group {CANARY} could not be deleted: {_why(left, place)}",
                f"delete it by hand: `aws ec2 delete-placement-group --group-name {CANARY}` (it costs nothing)",
            )
        )
    return findings


def _cleared(group: Group, place: Place, timeout: float, watch: Watch) -> Finding | None:
    """Remove what an earlier run left, or say why that does not go."""
    if failed := group.delete():  # what an earlier run left would be tagged already
        return _unreached(place, f"a leftover placement group {CANARY} can't be deleted", failed)
    begun = watch.monotonic()
    while (left := group.tags()) is not None:
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


def _sent(group: Group, place: Place, keys: frozenset[str], timeout: float, watch: Watch) -> Finding:
    begun = watch.monotonic()
    if failed := group.create():
        return _unreached(place, f"placement group {CANARY} can't be created", failed)
    trouble: Failure | None = None
    while True:
        tags = group.tags()
        seconds = watch.monotonic() - begun
        if isinstance(tags, Failure):
            trouble = tags
        elif tags is not None and keys <= set(tags):
            return place.ok(Check.CANARY, f"tagged {seconds:.1f} s after the call")
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


def _unreached(place: Place, said: str, failure: Failure) -> Finding:
    return place.unreached(
        Check.CANARY,
        f"{said}: {_why(failure, place)}",
        "use credentials of the hub's account that may assume ownertag-canary there, or name another account",
    )


def _why(failure: Failure, place: Place) -> str:
    return judge(failure, None, place.region or "").reason
