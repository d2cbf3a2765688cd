"""The figures of a run: what was tagged and when, by which calls, and at what share of the account's quota."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from harness.limits.buckets import RATES
from harness.limits.fleet import Instance
from harness.limits.protocol import TracedCall
from harness.results import percentile
from harness.simulated.events import BurstEvent

_MINUTE = 60.0


class Figures(Struct):
    """The figures of one tool in one burst. Times are seconds from an event's arrival to the tag of each resource."""

    tool: str
    how: str  # "run" or "modelled"
    tagged: dict[str, int]
    resources: dict[str, int]
    calls: dict[str, int]  # in the accounts' own quota
    hub_calls: dict[str, int]
    throttled: int
    share: float
    share_of: str
    p50: float | None
    p99: float | None
    slowest: float | None
    peak_mb: float | None
    notes: dict[str, Any]
    #: (arrival in seconds since the first, seconds to the tag) of each event's slowest resource that was tagged.
    points: list[tuple[float, float]]

    @property
    def lost(self) -> int:
        """The number of resources without an owner at the end."""
        return sum(self.resources.values()) - sum(self.tagged.values())


def figures(
    tool: str,
    how: str,
    *,
    arrivals: Mapping[str, BurstEvent],
    tagged: Mapping[str, float],
    trace: Iterable[TracedCall],
    peak_kb: int | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Figures:
    """Counts calls and tags, and takes the times.

    Args:
        tool: Who tagged.
        how: Whether it ran, or its waits are computed.
        arrivals: The event of each resource, by the resource's id.
        tagged: When each resource was tagged.
        trace: Every call.
        peak_kb: The process's peak memory.
        notes: More to keep.
    """
    kinds = Counter(_kind(id_) for id_ in arrivals)
    done = {id_: at for id_, at in tagged.items() if id_ in arrivals}
    waits = sorted(at - arrivals[id_].delivered for id_, at in done.items())
    slowest: dict[int, float] = {}
    first = min(arrival.delivered for arrival in arrivals.values())
    events = {arrival.number: arrival for arrival in arrivals.values()}
    for id_, at in done.items():
        event = arrivals[id_]
        slowest[event.number] = max(slowest.get(event.number, 0.0), at - event.delivered)
    calls = list(trace)
    share, share_of = _share(calls)
    in_accounts = Counter(call.operation for call in calls if call.service == "ec2")
    return Figures(
        tool,
        how,
        dict(Counter(_kind(id_) for id_ in done)),
        dict(kinds),
        dict(sorted(in_accounts.items())),
        dict(sorted(Counter(call.operation for call in calls if call.service != "ec2").items())),
        sum(call.outcome == "RequestLimitExceeded" for call in calls),
        share,
        share_of,
        percentile(waits, 50),
        percentile(waits, 99),
        percentile(waits, 100),
        peak_kb / 1024 if peak_kb else None,
        dict(notes or {}),
        [(events[number].delivered - first, seconds) for number, seconds in sorted(slowest.items())],
    )


def arrivals_of(
    instances: Iterable[Instance], events: Sequence[BurstEvent], of_launch: Mapping[str, int]
) -> dict[str, BurstEvent]:
    """The event that tells of each resource, by its id; `of_launch` has the event of each reservation."""
    return {
        id_: events[of_launch[instance.reservation]]
        for instance in instances
        for id_ in (instance.id, *(part.id for part in (*instance.volumes, *instance.interfaces)))
    }


def fewest(instances: int, resources: int) -> int:
    """The fewest calls for so many resources in one Region: pages of a thousand, and a thousand ids a write."""
    return math.ceil(instances / 1000) + math.ceil(resources / 1000)


def _share(calls: Iterable[TracedCall]) -> tuple[float, str]:
    """The largest part of what any bucket gives in a minute that was taken, and of which API."""
    times: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for call in calls:
        if call.operation in RATES and call.outcome != "RequestLimitExceeded":
            times[call.account, call.region, call.operation].append(call.at)
    best, name = 0.0, ""
    for (_, _, operation), found in times.items():
        found.sort()
        most = max(number - bisect_left(found, at - _MINUTE) + 1 for number, at in enumerate(found))
        share = most / RATES[operation].within(_MINUTE)
        if share > best:
            best, name = share, operation
    return best, name


def _kind(id_: str) -> str:
    return {"i": "instances", "vol": "volumes", "eni": "interfaces"}[id_.partition("-")[0]]
