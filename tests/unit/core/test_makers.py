"""Which calls can have made what was found, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harness.events import CATALOGUE
from ownertag.core.backfill.found import FoundResource
from ownertag.core.backfill.makers import AFTER, BEFORE, makers_of, windows
from ownertag.core.values import Resource

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SINCE, UNTIL = NOON - timedelta(days=3), NOON
VOLUME = ("ec2.amazonaws.com", "CreateVolume")


def volume(number: int, hours: float | None) -> FoundResource:
    made_at = None if hours is None else NOON - timedelta(hours=hours)
    return FoundResource("111111111111", "eu-central-1", Resource(f"arn:{number}", f"{number}", "v"), None, made_at)


def wanted(*hours: float | None) -> list[tuple[datetime, datetime]]:
    found = [volume(number, one) for number, one in enumerate(hours)]
    return windows(found, {"v": (VOLUME,)}, SINCE, UNTIL).get(VOLUME, [])


def test_a_type_is_made_by_the_calls_that_name_it_and_those_beside_which_it_is_made() -> None:
    makers = makers_of(CATALOGUE)
    assert {name for _, name in makers["ec2:volume"]} == {"CreateVolume", "CopyVolumes", "RunInstances"}
    assert {name for _, name in makers["ec2:route-table"]} >= {"CreateRouteTable", "CreateVpc", "CreateDefaultVpc"}
    assert set(makers) <= set(CATALOGUE.types)


def test_a_record_is_looked_for_before_what_the_service_calls_the_time() -> None:
    at = NOON - timedelta(hours=10)
    assert wanted(10) == [(at - BEFORE, at + AFTER)]


def test_windows_end_where_records_do_and_begin_where_nobody_looks() -> None:
    assert wanted(0) == [(NOON - BEFORE, UNTIL)]
    assert wanted(71.5) == [(SINCE, NOON - timedelta(hours=71.5) + AFTER)]
    assert wanted(None) == [(SINCE, UNTIL)]
    assert wanted(80) == []


def test_what_overlaps_is_one_window() -> None:
    assert len(wanted(10, 10.5, 11, 30)) == 2
    assert len(wanted(10, None, 30)) == 1


def test_a_type_that_no_call_makes_is_not_looked_for() -> None:
    assert windows([volume(1, 1)], {}, SINCE, UNTIL) == {}
