"""The checks of `make load` in small: that they hold, and that each can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from harness.limits.protocol import TracedCall
from harness.sampling import count
from harness.sandbox_process import SAME_PATH
from harness.simulated.events import START
from load import neighbour as beside
from load import orders as in_orders
from load.checks import Check
from load.creations import Fate, copies, create, fate_of
from load.drain import drain
from load.flood import flood
from load.healed import beyond_the_share, healed
from load.neighbour import neighbour
from load.orders import orders
from load.storm import storm


def holding(check: Check) -> Any:
    assert check.holds, check.wrong
    return check.figures


def test_tagged_and_refused_and_dead_letters_are_all_there_is() -> None:
    figures = holding(storm(300))
    assert figures["sum"] == 300
    assert min(figures["tagged"], figures["refused"], figures["dead letters"]) > 0


def test_a_seed_gives_one_storm_whatever_the_order_of_sets() -> None:
    """So that what goes wrong in a run can be had again."""
    code = "from load.storm import storm; print(storm(SIZE).figures)".replace("SIZE", str(count(1500)))
    environment = {**os.environ, **SAME_PATH}
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, check=True,
        ).stdout
        for seed in "12"
    }  # fmt: skip
    assert len(printed) == 1


def test_the_order_changes_neither_tags_nor_ledger() -> None:
    assert holding(orders(5, workers=1))["ends"] == 1


def test_orders_that_end_otherwise_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_orders, "one_order", lambda number, **_: ("one" if number else "other", 0))
    assert orders(3, workers=1).wrong == ("1 orders end otherwise, such as 0",)


def test_a_throttled_minute_costs_nothing_but_time() -> None:
    assert holding(healed(30, 1))["dead letters"] == 0


def test_a_call_beyond_the_share_is_seen() -> None:
    calls = [TracedCall(START, 0.1, "333333333300", "us-east-1", "ec2", "CreateTags") for _ in range(51)]
    assert len(beyond_the_share(calls, 0.5)) == 1
    assert not beyond_the_share(calls[:50], 0.5)


def test_a_throttled_account_holds_up_nobody() -> None:
    assert holding(neighbour(20, 5))["the other's"] == 15


def test_an_account_that_is_held_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "MOST", 0.1)
    assert "times as long" in neighbour(1, 2).wrong[0]


@pytest.mark.parametrize(("name", "entries"), [("CreateTags", 12), ("DeleteTags", 0)])
def test_one_who_tags_without_end_holds_up_nobody(name: str, entries: int) -> None:
    figures = holding(flood(name, 12))
    assert figures["the other account's creation"] == "done"
    assert figures["ledger entries, events, mails in all"].startswith(f"{entries}, {entries}, ")


def test_an_outage_is_drained() -> None:
    check = drain(1500, before=0)
    assert check.figures["done"] == 1500
    assert not [text for text in check.wrong if "memory" not in text]


def test_the_mix_has_all_that_can_become_of_a_creation() -> None:
    made = create(2000, 1, START, 60.0)
    fates = [fate_of(creation, made.untaggable) for creation in made.all]
    assert {fates.count(fate) > 20 for fate in Fate} == {True}
    people: dict[str, set[str]] = {}
    for creation in made.all:
        for id_ in creation.ids:
            people.setdefault(id_, set()).add(creation.person)
    assert sum(len(names) > 1 for names in people.values()) > 100
    numbers = copies(made.all, 1)
    assert {numbers.count(creation.number) for creation in made.all[:200]} == {1, 2, 3}
