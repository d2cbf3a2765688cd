"""`make bench-backfill` counts what the flows call: every page, every resource once, and what that comes to in AWS."""

from __future__ import annotations

import pytest

from benchmarks.backfill.__main__ import call_rows, growth_rows, run
from benchmarks.backfill.flows import Ran, organization, run_backfill
from benchmarks.backfill.modelled import call_seconds, quota_of, seconds_of, share_of
from harness.prepared.organization import KINDS

ACCOUNTS, RESOURCES = 2, 3000


@pytest.fixture(scope="module")
def ran() -> Ran:
    return run_backfill(RESOURCES, ACCOUNTS)


def total(ran: Ran, step: int, api: str) -> int:
    return sum(ran.steps[step].calls.get(api, ()))


def test_every_resource_is_listed_and_decided_once(ran: Ran) -> None:
    assert ran.resources == RESOURCES
    assert sum(ran.counts.values()) == RESOURCES


def test_what_cloudtrail_still_has_is_decided_by_its_record(ran: Ran) -> None:
    there = organization(RESOURCES, ACCOUNTS)
    young = sum(
        there.is_young(name, number)
        for counts in there.counts.values()
        for name in counts
        for number in range(counts[name])
    )
    assert young > 0
    assert ran.counts["by a record"] == young


def test_lists_are_called_once_for_each_page(ran: Ran) -> None:
    there = organization(RESOURCES, ACCOUNTS)
    for name, kind in KINDS.items():
        counts = [of_place.get(name, 0) for of_place in there.counts.values()]
        pages = sum(max(1, -(-count // kind.page)) for count in counts)
        if not kind.is_global:
            assert total(ran, 0, f"{kind.client}:{kind.operation}") == pages, name
    roles = sum(of_place.get("iam:role", 0) for of_place in there.counts.values())
    assert total(ran, 0, "iam:list_role_tags") == roles


def test_lookup_events_takes_half_of_its_quota_at_most(ran: Ran) -> None:
    share = share_of("cloudtrail:lookup_events", ran.places, ran.steps[1].calls)
    assert share is not None
    assert 0 < share <= 0.5
    assert call_seconds("cloudtrail:lookup_events", ran.places[0]) == 1.0


def test_quotas_are_those_of_the_catalogue() -> None:
    quota = quota_of("ec2:describe_volumes")
    assert quota is not None
    assert (quota.size, quota.refill) == (100, 20)
    assert quota_of("sns:list_topics") is None


def test_more_places_at_once_take_less_time_until_the_processor_bounds_it(ran: Ran) -> None:
    calls = ran.steps[0].calls
    one, eight, all_ = (seconds_of(ran.places, calls, at_once) for at_once in (1, 8, 10_000))
    assert one > eight > all_ > 0


def test_reconciling_finds_what_was_missed_and_lists_anew_where_something_vanished() -> None:
    done = run("reconcile", RESOURCES, ACCOUNTS)
    there = organization(RESOURCES, ACCOUNTS, missed=20)
    missed = sum(of_place.get("ec2:volume", 0) // 20 for of_place in there.counts.values())
    assert done.counts["missed"] == missed > 0
    assert (done.counts["gone"], done.counts["places"]) == (1, 34)
    assert sum(done.steps[0].calls["ec2:describe_vpcs"]) == 34 + 1
    assert {row["step"] for row in growth_rows("reconcile", done)} == {"reconcile"}
    assert sum(int(row["calls"].replace(",", "")) for row in call_rows(done)) == sum(
        map(sum, done.steps[0].calls.values())
    )
