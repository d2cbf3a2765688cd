"""From events to US dollars a month, by list prices. Pure but for reading its own table, `prices.toml`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from ownertag.rollout.preflight.facts import Sample

DAYS = 30
#: So many standard deviations, for 95 of 100 samples.
_SURE = 1.96


class Bounds(Struct, frozen=True):
    """A number that lies between two."""

    low: float
    high: float

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(self.low + other.low, self.high + other.high)


class _Prices(Struct, frozen=True, forbid_unknown_fields=True):
    region: str
    date: str
    million_events: float
    million_requests: float
    gigabyte_second: float
    million_invocations: float
    million_write_units: float
    million_read_units: float
    table_gigabyte_month: float
    log_gigabyte: float
    archive_gigabyte: float
    metric_month: float
    alarm_month: float
    key_month: float


_Pair = tuple[float, float]


class _Event(Struct, frozen=True, forbid_unknown_fields=True):
    write_units: _Pair
    read_units: _Pair
    requests: _Pair
    gigabyte_seconds: _Pair
    log_bytes: _Pair
    table_bytes: _Pair
    archive_bytes: _Pair


class _Idle(Struct, frozen=True, forbid_unknown_fields=True):
    requests: _Pair
    invocations: _Pair
    gigabyte_seconds: _Pair
    metrics: _Pair
    alarms: _Pair
    keys: _Pair


class PriceTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`prices.toml`: the prices, what an event takes, and what it takes to be there."""

    prices: _Prices
    event: _Event
    idle: _Idle


@cache
def price_table() -> PriceTable:
    """The table, read once."""
    return msgspec.toml.decode(files(__package__).joinpath("prices.toml").read_bytes(), type=PriceTable)


def events_a_day(samples: Iterable[Sample]) -> Bounds:
    """How many events a day the samples of all Regions come to: the bounds between which 95 of 100 days like it lie.

    Events are taken as independent of each other, so the true bounds are wider where they come in bursts. A place that
    was read in part counts by the hours that were read.
    """
    mean = variance = 0.0
    for sample in samples:
        factor = 24 / sample.hours
        mean += sample.matched * factor
        variance += sample.matched * factor**2
    spread = _SURE * math.sqrt(variance)
    # Of nothing seen there may still be three (rule of three).
    return Bounds(max(0.0, mean - spread), mean + spread if mean else 3.0)


def idle_price(table: PriceTable) -> Bounds:
    """What a month costs in which nothing is created."""
    prices, idle = table.prices, table.idle

    def at(bound: int) -> float:
        return (
            idle.requests[bound] / 1e6 * prices.million_requests
            + idle.invocations[bound] / 1e6 * prices.million_invocations
            + idle.gigabyte_seconds[bound] * prices.gigabyte_second
            + idle.metrics[bound] * prices.metric_month
            + idle.alarms[bound] * prices.alarm_month
            + idle.keys[bound] * prices.key_month
        )

    return Bounds(at(0), at(1))


def event_price(table: PriceTable) -> Bounds:
    """What one event costs, with its first month of storage."""
    prices, event = table.prices, table.event

    def at(bound: int) -> float:
        return (
            prices.million_events / 1e6
            + event.write_units[bound] / 1e6 * prices.million_write_units
            + event.read_units[bound] / 1e6 * prices.million_read_units
            + event.requests[bound] / 1e6 * prices.million_requests
            + event.gigabyte_seconds[bound] * prices.gigabyte_second
            + event.log_bytes[bound] / 1e9 * prices.log_gigabyte
            + event.table_bytes[bound] / 1e9 * prices.table_gigabyte_month
            + event.archive_bytes[bound] / 1e9 * prices.archive_gigabyte
        )

    return Bounds(at(0), at(1))


def month_price(a_day: Bounds, table: PriceTable) -> Bounds:
    """What a month of so many events a day costs."""
    one = event_price(table)
    return idle_price(table) + Bounds(a_day.low * DAYS * one.low, a_day.high * DAYS * one.high)
