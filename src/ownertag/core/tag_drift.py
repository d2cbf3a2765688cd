"""Compares a resource's owner tag with the ledger: finds values that nobody whom the ledger knows wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ownertag.core.findings import MAX_CHANGES, TagChange, TamperFinding, truncated_changes
from ownertag.core.owner.principal import UNKNOWN
from ownertag.core.ownership import EventKey, ResourceKey, Standing, key_of
from ownertag.core.settings import Settings
from ownertag.core.values import Decision, Fact, Found


def differing_tags(standing: Standing, fact: Fact, kept: Iterable[str], settings: Settings) -> dict[str, str | None]:
    """The keys with the owner's name that differ from the ledger, and their values; None where one is missing.

    A resource without any tag has none of them: it is most often gone. Keys that stay as they are don't count.
    """
    carried = fact.tags if isinstance(fact, Found) else None
    if not carried:
        return {}
    wanted = {key: value for key, value in standing.tags if key in settings.owner_keys and key not in kept}
    return {key: carried.get(key) for key, value in wanted.items() if carried.get(key) != value}


def drift_finding(
    decision: Decision,
    standings: Mapping[ResourceKey, Standing],
    foreign: Mapping[ResourceKey, Mapping[str, str | None]],
    now: datetime,
) -> TamperFinding | None:
    """One finding of the values that differ, over which ours are written now, or when the creation comes back.

    Only the records of the calls that wrote them say who did.

    Args:
        decision: The creation that came to the resources again.
        standings: Whose each resource is.
        foreign: The values that were found on them.
        now: The time at which it was found.
    """
    keys = (key_of(resource, decision.creation) for resource in decision.resources)
    of_resources = {key: (standings[key], foreign[key]) for key in keys if key in foreign and key in standings}
    record = decision.creation.record
    return finding_of_drift(EventKey(record.account, record.region, record.event_id), of_resources, now)


def finding_of_drift(
    event: EventKey, foreign: Mapping[ResourceKey, tuple[Standing, Mapping[str, str | None]]], now: datetime
) -> TamperFinding | None:
    """The same for resources of one event: whose each is, and the values that were found on it."""
    changes: dict[TagChange, None] = {}
    changed: list[tuple[str, str]] = []
    for key, (standing, found) in foreign.items():
        # What is missing was removed, or is not shown yet.
        values = {name: value for name, value in found.items() if value is not None}
        if values:
            ours = dict(standing.tags)
            changes |= {TagChange(name, ours.get(name), value): None for name, value in values.items()}
            changed.append((key.arn, standing.owner.name))
    if not changed:
        return None
    first, owner = changed[0]
    return TamperFinding(
        event.account,
        event.region,
        first,
        len(changed),
        truncated_changes(tuple(changes)),
        UNKNOWN,
        event.event_id,
        now,
        owner,
        more_changes=max(0, len(changes) - MAX_CHANGES),
        overwritten=True,
    )
