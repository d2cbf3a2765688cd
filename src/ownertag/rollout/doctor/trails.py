"""Reads the trails that reach a Region: whether they log, and whether they record management events that write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from ownertag.rollout.doctor.facts import Missing, NotGiven, Observed, TrailFacts, Unread

T = TypeVar("T")


class AccountReader(Protocol):
    """An account that can be read, with whatever role, from its home Region."""

    @property
    def home(self) -> str:
        """The home Region."""

    def read(self, service: str, region: str, use: Callable[[Any], T]) -> Observed[T]:
        """What `use` makes of a client, or why there is nothing."""


class Trails:
    """The trails of an account, each read once, whichever Regions it reaches.

    A trail logs or does not in all of its Regions alike: it is started in its home Region alone, and its selectors
    hold for all (doc: StartLogging, PutEventSelectors). So where one of all Regions logs what counts, no other is
    looked for.

    Args:
        account: Where to read.
        known: Trails that were read before, by ARN: the organization's is the same for every member.
    """

    def __init__(self, account: AccountReader, known: Mapping[str, TrailFacts] | None = None) -> None:
        self._account = account
        self._read: dict[str, TrailFacts] = dict(known or {})
        self._home = self._of(account.home)

    def reaching(self, region: str) -> Observed[tuple[TrailFacts, ...]]:
        """Those that reach a Region: its own, those of other Regions, and the organization's."""
        found = self._home
        if region == self._account.home or (isinstance(found, tuple) and any(map(suffices, found))):
            return found
        return self._of(region)

    def _of(self, region: str) -> Observed[tuple[TrailFacts, ...]]:
        found = self._account.read(
            "cloudtrail", region, lambda client: client.describe_trails(includeShadowTrails=True)["trailList"]
        )
        if not isinstance(found, list):
            return found
        for trail in found:
            if trail["TrailARN"] not in self._read:
                self._read[trail["TrailARN"]] = self._one(trail, region)
        return tuple(self._read[trail["TrailARN"]] for trail in found)

    def _one(self, trail: dict[str, Any], region: str) -> TrailFacts:
        arn, account = trail["TrailARN"], self._account
        logging: Observed[bool] = account.read(
            "cloudtrail", region, lambda client: bool(client.get_trail_status(Name=arn)["IsLogging"])
        )
        writes: Observed[bool] = True
        selectors = None
        # Without selectors of its own a trail logs all management events (doc: logging management events).
        if trail.get("HasCustomEventSelectors"):
            found = account.read(
                "cloudtrail", region, lambda client: _selectors(client.get_event_selectors(TrailName=arn))
            )
            selectors = found if isinstance(found, dict) else None
            writes = found if isinstance(found, Missing | NotGiven | Unread) else _writes(found)
        return TrailFacts(arn, trail["HomeRegion"], bool(trail["IsMultiRegionTrail"]), logging, writes, selectors)


def suffices(trail: TrailFacts) -> bool:
    """Whether a trail of all Regions logs what counts."""
    return trail.multi_region and trail.logging is True and trail.writes is True


def _selectors(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The selectors of an answer; a malformed one raises here, where that becomes a fact."""
    _writes(answer)
    return {name: answer[name] for name in ("EventSelectors", "AdvancedEventSelectors") if answer.get(name)}


def _writes(selectors: Mapping[str, Any]) -> bool:
    """Whether the event selectors include management events that write."""
    basic = any(
        event_selector.get("IncludeManagementEvents", True)
        and event_selector.get("ReadWriteType", "All") in {"All", "WriteOnly"}
        for event_selector in selectors.get("EventSelectors") or ()
    )
    return basic or any(
        _advanced(advanced_event_selector) for advanced_event_selector in selectors.get("AdvancedEventSelectors") or ()
    )


def _advanced(selector: Mapping[str, Any]) -> bool:
    fields = {field_selector["Field"]: field_selector for field_selector in selector["FieldSelectors"]}
    management = "Management" in fields.get("eventCategory", {}).get("Equals", ())
    return management and "true" not in fields.get("readOnly", {}).get("Equals", ())
