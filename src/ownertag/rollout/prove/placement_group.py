"""The canary's placement group in AWS, with when each call was sent and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

from botocore.exceptions import ClientError
from msgspec import Struct

from ownertag.aws.sessions import Sessions
from ownertag.core.values import Failure
from ownertag.render.documents import CANARY
from ownertag.rollout.prove.clocks import Exchange
from ownertag.rollout.prove.result import Place

T = TypeVar("T")

#: EC2's code where there is no group of this name.
_ABSENT = frozenset({"InvalidPlacementGroup.Unknown"})


class CreatedGroup(Struct, frozen=True):
    """A group that was just created, and the call that did it."""

    id: str
    exchange: Exchange


class ExistingGroup(Struct, frozen=True):
    """A group as EC2 describes it."""

    id: str
    tags: Mapping[str, str]


class PlacementGroup(Protocol):
    """The canary's placement group in one place. It has one name, so there is one at a time."""

    def create(self) -> CreatedGroup | Failure:
        """Creates it, without a tag."""

    def describe(self) -> ExistingGroup | Failure | None:
        """The group as it is now, or None if there is none."""

    def delete(self) -> Failure | None:
        """Deletes it; that there is none is no failure."""


class AwsPlacementGroup:
    """The group in AWS, with the canary's role.

    Args:
        sessions: Sessions of the canary's role.
        place: Where.
        monotonic: A clock that never goes back.
        heard: Is told of each call that was answered.
    """

    def __init__(
        self, sessions: Sessions, place: Place, monotonic: Callable[[], float], heard: Callable[[Exchange], None]
    ) -> None:
        self._sessions = sessions
        self._place = place
        self._monotonic = monotonic
        self._heard = heard

    def create(self) -> CreatedGroup | Failure:
        """Creates it, without a tag."""

        def use(ec2: Any) -> CreatedGroup:
            answer, exchange = self._timed(lambda: ec2.create_placement_group(GroupName=CANARY, Strategy="spread"))
            return CreatedGroup(answer.get("PlacementGroup", {}).get("GroupId", ""), exchange)

        return self._call(use)

    def describe(self) -> ExistingGroup | Failure | None:
        """The group as it is now, or None if there is none; one that is being deleted is there."""

        def use(ec2: Any) -> ExistingGroup:
            answer, _ = self._timed(lambda: ec2.describe_placement_groups(GroupNames=[CANARY]))
            [group] = answer["PlacementGroups"]
            tags = {tag["Key"]: tag["Value"] for tag in group.get("Tags", ())}
            return ExistingGroup(group.get("GroupId", ""), tags)

        found = self._call(use)
        return None if isinstance(found, Failure) and found.code in _ABSENT else found

    def delete(self) -> Failure | None:
        """Deletes it; that there is none is no failure."""
        found = self._call(lambda ec2: self._timed(lambda: ec2.delete_placement_group(GroupName=CANARY)))
        return found if isinstance(found, Failure) and found.code not in _ABSENT else None

    def _call(self, use: Callable[[Any], T]) -> T | Failure:
        return self._sessions.call("ec2", self._place.account, self._place.region, use)

    def _timed(self, call: Callable[[], Any]) -> tuple[Any, Exchange]:
        """The answer of a call, and when it was sent and received; not when the role was assumed for it."""
        sent = self._monotonic()
        try:
            answer = call()
        except ClientError as error:  # that there is no group is an answer too, and tells the time
            self._answered(sent, error.response)
            raise
        return answer, self._answered(sent, answer)

    def _answered(self, sent: float, answer: Mapping[str, Any]) -> Exchange:
        metadata = answer.get("ResponseMetadata", {})
        second = second_of(metadata.get("HTTPHeaders", {}).get("date"))
        exchange = Exchange(sent, self._monotonic(), second, retried=bool(metadata.get("RetryAttempts")))
        self._heard(exchange)
        return exchange


def second_of(date: str | None) -> int | None:
    """The second that a Date header names (doc: RFC 9110, always GMT); None where it names none."""
    try:
        return int(parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp()) if date else None
    except (ValueError, OverflowError):
        return None
