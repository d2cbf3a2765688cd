"""Time in AWS, and the part of AWS's quotas, from counted calls: a model, since nothing was sent.

A call takes as long as `models.scale` assumes for its Region. Calls of one account and Region follow each other; so
many places are worked on at once, in order. What has a quota (`catalogue.quotas`, each with its source) waits for half
of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache

from harness.prepared.organization import PreparedPlace
from models.scale import (
    CPU_CALL,
    CPU_EVENT,
    EC2_SECONDS,
    LEDGER_CALLS_BATCH,
    LEDGER_CALLS_EVENT,
    LEDGER_SECONDS,
    REGIONS,
)
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.catalogue_types import Quota
from ownertag.core.settings import Settings
from ownertag.handler.wiring import LEDGER_CALLS

_WAY = {region: seconds for region, _, seconds in REGIONS}
#: Calls by API, in each of the places.
Calls = Mapping[str, Sequence[int]]


@cache
def quota_of(api: str) -> Quota | None:
    """AWS's bucket of an API (`client:operation`, as the SDK names it) in each account and Region."""
    client, _, operation = api.partition(":")
    name = operation.replace("_", "").lower()
    quotas = load_catalogue().quotas.get(client, ())
    return next((quota for pattern, quota in quotas if fnmatchcase(name, pattern.lower())), None)


def call_seconds(api: str, place: PreparedPlace) -> float:
    """Seconds of a call: the way to its Region and back, and at AWS; or until there is a token of our share."""
    quota, share = quota_of(api), Settings().limits.quota_share
    takes = EC2_SECONDS + _WAY[place[1]]
    # A small bucket is empty at once.
    return max(takes, 1 / (share * quota.refill)) if quota and quota.size * share < 10 else takes


def place_seconds(places: Sequence[PreparedPlace], calls: Calls) -> list[float]:
    """Seconds of the calls of each account and Region, one after the other."""
    seconds = [0.0] * len(places)
    for api, counts in calls.items():
        for index, number in enumerate(counts):
            if number:
                seconds[index] += number * call_seconds(api, places[index])
    return seconds


def seconds_of(places: Sequence[PreparedPlace], calls: Calls, at_once: int) -> float:
    """Seconds of all places, so many at once, in order; or the processor time of their calls on one core, if longer."""
    free = [0.0] * at_once
    for seconds in place_seconds(places, calls):
        heapq.heapreplace(free, free[0] + seconds)
    return max(*free, CPU_CALL * sum(map(sum, calls.values())))


def share_of(api: str, places: Sequence[PreparedPlace], calls: Calls) -> float | None:
    """The largest part of a quota that an account and Region gives for it: of what AWS lets through in that time."""
    quota = quota_of(api)
    if quota is None:
        return None
    seconds = place_seconds(places, calls)
    return max(
        number / (quota.size + quota.refill * took) for number, took in zip(calls[api], seconds, strict=True)
    )  # fmt: skip


def by_api(calls: Calls) -> dict[str, tuple[int, int]]:
    """(all calls, most in one account and Region) by API, the most first."""
    sums = {api: (sum(counts), max(counts)) for api, counts in calls.items()}
    return dict(sorted(sums.items(), key=lambda item: -item[1][0]))


def function_seconds(resources: int, orders: int) -> float:
    """Seconds of the hub's function for orders, one after the other, beside the calls that it makes in accounts."""
    ledger = (resources * LEDGER_CALLS_EVENT / LEDGER_CALLS + orders * LEDGER_CALLS_BATCH) * LEDGER_SECONDS
    return resources * CPU_EVENT + ledger
