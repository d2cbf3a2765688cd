"""Reads the trails that reach a Region: whether they log, and whether they record management events that write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from ownertag.rollout.doctor.facts import Observed, TrailFacts

T = TypeVar("T")


class AccountReader(Protocol):
    """An account that can be read, with whatever role."""

    def read(self, service: str, region: str, use: Callable[[Any], T]) -> Observed[T]:
        """What `use` makes of a client, or why there is nothing."""


def read_trails(
    account: AccountReader, region: str, known: Mapping[str, TrailFacts] | None = None
) -> Observed[tuple[TrailFacts, ...]]:
    """The trails that reach a Region: its own, those of other Regions, and the organization's.

    Args:
        account: Where to read.
        region: The Region.
        known: Trails that were read before, by ARN: the organization's is the same for every member.
    """
    found = account.read(
        "cloudtrail", region, lambda client: client.describe_trails(includeShadowTrails=True)["trailList"]
    )
    if not isinstance(found, list):
        return found
    before = known or {}

    def one(trail: dict[str, Any]) -> TrailFacts:
        arn = trail["TrailARN"]
        if arn in before:
            return before[arn]
        logging: Observed[bool] = account.read(
            "cloudtrail", region, lambda client: bool(client.get_trail_status(Name=arn)["IsLogging"])
        )
        writes: Observed[bool] = True
        # Without selectors of its own a trail logs all management events (doc: logging management events).
        if trail.get("HasCustomEventSelectors"):
            writes = account.read(
                "cloudtrail", region, lambda client: _writes(client.get_event_selectors(TrailName=arn))
            )
        return TrailFacts(arn, trail["HomeRegion"], bool(trail["IsMultiRegionTrail"]), logging, writes)

    return tuple(one(trail) for trail in found)


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
