"""A price from the accounts' own events: bounds, what was cut, and prices that say where and when they hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ownertag.rollout.doctor.facts import Observed, Unread
from ownertag.rollout.preflight.check_price import check_price
from ownertag.rollout.preflight.facts import PreflightAccount, PreflightRegion, Sample
from ownertag.rollout.preflight.findings import PreflightFinding, Verdict
from ownertag.rollout.preflight.prices import Bounds, event_price, events_a_day, idle_price, month_price, price_table

TABLE = price_table()
ROOT = Path(__file__).parents[4]


def sample(matched: int, hours: float = 24, *, whole: bool = True) -> Sample:
    return Sample(matched + 5, matched, hours, whole)


def test_events_a_day_have_bounds_that_hold_for_95_of_100_days() -> None:
    one = events_a_day([sample(100)])
    assert one.low == pytest.approx(80.4)
    assert one.high == pytest.approx(119.6)
    # Two places add up, and their errors less than that.
    both = events_a_day([sample(100), sample(100)])
    assert both.low == pytest.approx(172.28, abs=0.01)
    assert both.high == pytest.approx(227.72, abs=0.01)


def test_what_was_read_in_part_counts_by_its_hours_and_is_less_sure() -> None:
    part = events_a_day([sample(100, 6, whole=False)])
    assert part.low == pytest.approx(321.6)
    assert part.high == pytest.approx(478.4)


def test_of_nothing_seen_there_may_still_be_a_few() -> None:
    assert events_a_day([sample(0)]) == Bounds(0.0, 3.0)
    assert events_a_day([sample(1)]).low == 0.0


def test_a_month_is_what_stands_and_what_the_events_cost() -> None:
    idle, one = idle_price(TABLE), event_price(TABLE)
    assert 0 < idle.low < idle.high < 50
    assert 1e-6 < one.low < one.high < 1e-4
    month = month_price(Bounds(1000, 2000), TABLE)
    assert month.low == pytest.approx(idle.low + 30_000 * one.low)
    assert month.high == pytest.approx(idle.high + 60_000 * one.high)
    assert month_price(Bounds(0, 0), TABLE) == idle


def test_an_event_costs_at_most_what_the_model_of_a_large_organization_has() -> None:
    """`models/scale.py` and this table must not tell different figures."""
    text = (ROOT / "models/scale.py").read_text("utf-8")
    [(units, log_bytes)] = re.findall(r"WRITE_UNITS_EVENT, LOG_BYTES_EVENT = (\d+), (\d+)", text)
    assert (TABLE.event.write_units[1], TABLE.event.log_bytes[1]) == (int(units), int(log_bytes))
    assert f"ran.events * {TABLE.event.requests[1]}" in text
    page = (ROOT / "docs/explanation/scale.md").read_text("utf-8")
    [seconds] = re.findall(r"\| Lambda \| ([\d,]+) GB-seconds", page)
    [events] = re.findall(r"onto the hub's bus \| ([\d,]+) \|", page)
    modelled = int(seconds.replace(",", "")) / int(events.replace(",", ""))
    assert TABLE.event.gigabyte_seconds[0] < modelled < TABLE.event.gigabyte_seconds[1] * 1.01


def check(*accounts: tuple[str, tuple[Observed[Sample], ...]], refused: bool = False) -> PreflightFinding:
    facts = [
        PreflightAccount(name, places=tuple(PreflightRegion("eu-central-1", (), None, one) for one in samples))
        for name, samples in accounts
    ]
    facts += [PreflightAccount("555555555555", Unread("denied"))] if refused else []
    [found] = check_price(facts, TABLE, "222222222222")
    return found


def test_the_price_says_its_region_its_date_and_how_many_accounts_it_is_from() -> None:
    found = check(("1", (sample(100), sample(0))), ("2", (sample(0),)))
    assert found.verdict is Verdict.TOLD
    for words in ("us-east-1", TABLE.prices.date, "80 to 120 events a day", "2 of 2 accounts", "whatever is created"):
        assert words in found.seen
    assert "stand for the rest" not in found.seen
    assert "on top" not in found.seen


def test_what_was_cut_and_what_could_not_be_counted_is_named() -> None:
    found = check(("1", (sample(100, 2, whole=False),)), ("2", (sample(0), Unread("denied"))), refused=True)
    assert "2 of 3 accounts; 1 of them had more than the newest 200 events" in found.seen
    assert "2 could not be counted in full" in found.seen


def test_without_any_count_the_price_is_not_known() -> None:
    found = check(("1", (Unread("denied"),)), refused=True)
    assert (found.verdict, "at least" in found.seen) == (Verdict.UNKNOWN, True)
