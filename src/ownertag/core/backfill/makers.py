"""Which calls can have made a resource that was found, and when: what to look for in CloudTrail's records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from ownertag.core.backfill.found import FoundResource
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.request_tags import created_types

#: An event: its source, its name.
Event = tuple[str, str]
#: From when to when, both with a time zone.
Window = tuple[datetime, datetime]

#: What a service calls the time of its making can be that at which it was ready, an hour after the call that asked for
#: it (RDS: `InstanceCreateTime`); and a clock of another service can be a little ahead of CloudTrail's.
BEFORE, AFTER = timedelta(hours=1), timedelta(minutes=5)
#: Windows that are nearer than this are asked for as one: a page of LookupEvents has 50 events, whatever their times.
NEAR = timedelta(minutes=30)


def makers_of(catalogue: Catalogue) -> dict[str, tuple[Event, ...]]:
    """The events whose calls make resources of each type, by the type. Builds every row: once for a process."""
    found: dict[str, dict[Event, None]] = defaultdict(dict)
    for event, row in catalogue.rows.items():
        for type_ in created_types(row):
            found[type_][event] = None
    return {type_: tuple(events) for type_, events in found.items()}


def windows(
    found: Iterable[FoundResource], makers: Mapping[str, tuple[Event, ...]], since: datetime, until: datetime
) -> dict[Event, list[Window]]:
    """When to look for each event, so that a record of the making of each of these is seen; no two windows overlap.

    Args:
        found: The resources, of one account and Region.
        makers: The events of each type.
        since: No record from before is looked for.
        until: CloudTrail has all records up to then.
    """
    wanted: dict[Event, set[Window]] = defaultdict(set)
    for one in found:
        start, end = since, until
        if one.made_at is not None:
            start, end = max(since, one.made_at - BEFORE), min(until, one.made_at + AFTER)
        if start < end:
            for event in makers.get(one.resource.type, ()):
                wanted[event].add((start, end))
    return {event: _joined(sorted(of_event)) for event, of_event in wanted.items()}


def _joined(ordered: Iterable[Window]) -> list[Window]:
    joined: list[Window] = []
    for start, end in ordered:
        if joined and start <= joined[-1][1] + NEAR:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
