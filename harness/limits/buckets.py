"""AWS's token buckets: one for each account, Region and API. The only model of them, for real and modelled calls.

Source: "Request throttling for the Amazon EC2 API" in Amazon EC2's developer guide, its tables "Request token bucket
sizes and refill rates" and "Resource token bucket sizes and refill rates"; CloudTrail's API reference, LookupEvents
("two per second, per account, per Region"; that its bucket holds as many is assumed). A call that finds its bucket
empty is refused and takes nothing. Times are seconds, of whatever clock the caller goes by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Rate(NamedTuple):
    """How many tokens a bucket holds, and how many it gains in a second."""

    size: float
    per_second: float

    def within(self, seconds: float) -> float:
        """The most tokens that can be taken within so many seconds."""
        return self.size + self.per_second * seconds


UNFILTERED = " without filter or page"
RESOURCES = " resources"

_READ, _READ_ALL = Rate(100, 20), Rate(50, 10)
RATES: Mapping[str, Rate] = {
    "RunInstances": Rate(5, 2),
    "RunInstances" + RESOURCES: Rate(1000, 2),
    "CreateTags": Rate(100, 10),
    "DeleteTags": Rate(100, 10),
    "DescribeInstances": _READ,
    "DescribeInstances" + UNFILTERED: _READ_ALL,
    "DescribeVolumes": _READ,
    "DescribeVolumes" + UNFILTERED: _READ_ALL,
    "DescribeNetworkInterfaces": _READ,
    "DescribeNetworkInterfaces" + UNFILTERED: _READ_ALL,
    "DescribeTags": _READ,
    "DescribeTags" + UNFILTERED: _READ_ALL,
    "CreateVolume": Rate(100, 5),
    "CreateSnapshot": Rate(100, 5),
    "CreateNetworkInterface": Rate(100, 5),
    "LookupEvents": Rate(2, 2),
}

#: Tokens by the name of the bucket that they are taken from.
Tokens = Mapping[str, float]


def tokens_of(operation: str, params: Mapping[str, str]) -> Tokens:
    """The tokens that a call takes, by its query parameters; none for an API whose bucket isn't modelled."""
    if operation == "RunInstances":
        return {operation: 1, operation + RESOURCES: int(params.get("MaxCount") or 1)}
    if operation.startswith("Describe"):
        # Ids are counted as a filter, to the caller's favour: the guide names filters and pages only.
        narrowed = any(key.startswith(("Filter.", "MaxResults")) or "Id." in key for key in params)
        operation += "" if narrowed else UNFILTERED
    return {operation: 1} if operation in RATES else {}


class Bucket:
    """One bucket, full at first."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._level = rate.size
        self._at = float("-inf")

    def wait(self, tokens: float, at: float) -> float:
        """Seconds from `at` until it holds so many; endless for more than it can hold."""
        if tokens > self._rate.size:
            return float("inf")
        self._fill(at)
        # A hair's breadth is let pass: a caller who waits exactly as long as this says must not be refused.
        lacking = tokens - self._level - 1e-9
        return max(0.0, lacking / self._rate.per_second)

    def take(self, tokens: float, at: float) -> None:
        """Takes tokens that are there."""
        self._fill(at)
        self._level -= tokens

    def _fill(self, at: float) -> None:
        if at > self._at:
            gained = (at - self._at) * self._rate.per_second
            self._level = min(self._rate.size, self._level + gained)
            self._at = at


class Buckets:
    """The buckets of every account and Region."""

    def __init__(self, rates: Mapping[str, Rate] = RATES) -> None:
        self._rates = rates
        self._buckets: dict[tuple[str, str, str], Bucket] = {}

    def wait(self, account: str, region: str, tokens: Tokens, at: float) -> float:
        """Seconds from `at` until a call that takes these tokens would pass."""
        return max((self._bucket(account, region, name).wait(most, at) for name, most in tokens.items()), default=0.0)

    def take(self, account: str, region: str, tokens: Tokens, at: float) -> bool:
        """Whether a call passes at this time; if so its tokens are gone, if not none are."""
        if self.wait(account, region, tokens, at) > 0:
            return False
        for name, most in tokens.items():
            self._bucket(account, region, name).take(most, at)
        return True

    def _bucket(self, account: str, region: str, name: str) -> Bucket:
        key = (account, region, name)
        if key not in self._buckets:
            self._buckets[key] = Bucket(self._rates[name])
        return self._buckets[key]
