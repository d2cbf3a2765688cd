"""All places of an organization in legs: each once, whenever the time runs out, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_fields
from datetime import timedelta

import msgspec
import pytest

from flows.hub import A, B
from flows.test_reconcile import LATER, OnePlace, arn_of
from harness.events import HOME
from harness.fakes import FakeCall
from ownertag.aws.concurrency import concurrent, sequential
from ownertag.core.values import Failure
from ownertag.flows.reconcile.legs import LONGEST, SIDE_BY_SIDE, SPAN, Leg, ReconcileOrder, places_of, reconcile_leg
from ownertag.flows.reconcile.report import Totals

ACCOUNTS = [f"{number:012d}" for number in range(1, 31)]
REGIONS = ["eu-west-1", "us-east-1"]
ALL = ReconcileOrder()


class Chain:
    """Legs over fakes, one after the other, each with time for so many lists."""

    def __init__(self, lists_a_leg: int = 10**6) -> None:
        self.place = OnePlace()
        self.lists_a_leg = lists_a_leg
        self.legs: list[Leg] = []

    def listed(self) -> list[tuple[str, str]]:
        return [(call.account, call.region) for call in self.place.aws.calls if call.name == "list"]

    def expires_after(self, begun: int) -> Callable[[], bool]:
        return lambda: len(self.listed()) - begun >= self.lists_a_leg

    def run(self, order: ReconcileOrder = ALL, accounts: list[str] = ACCOUNTS, most: int = 100) -> Leg:
        world = self.place.world()
        following: ReconcileOrder | None = order
        while following is not None and len(self.legs) < most:
            begun = len(self.listed())
            timed = with_fields(world, ports=with_fields(world.ports, expired=self.expires_after(begun)))
            leg = reconcile_leg(following, places_of(following, accounts, REGIONS), timed, sequential)
            self.legs.append(leg)
            following = leg.next and msgspec.json.decode(msgspec.json.encode(leg.next), type=ReconcileOrder)
        return self.legs[-1]


def test_every_place_is_done_once_in_one_leg_where_there_is_time() -> None:
    chain = Chain()
    leg = chain.run()
    assert (leg.next, leg.totals) == (None, Totals(places=60))
    assert sorted(chain.listed()) == sorted((account, region) for account in ACCOUNTS for region in REGIONS)


def test_places_that_are_done_side_by_side_are_of_different_accounts() -> None:
    places = places_of(ALL, ACCOUNTS, REGIONS)
    blocks = [places[start : start + SIDE_BY_SIDE] for start in range(0, len(places), SIDE_BY_SIDE)]
    assert all(len({account for account, _ in block}) == len(block) for block in blocks)


@pytest.mark.parametrize("lists_a_leg", [1, 3, 7, 8, 9, 20, 59])
def test_where_time_runs_out_the_next_leg_goes_on_and_all_places_are_done(lists_a_leg: int) -> None:
    chain = Chain(lists_a_leg)
    leg = chain.run()
    assert (leg.next, leg.totals.places) == (None, 60)
    assert {*chain.listed()} == {(account, region) for account in ACCOUNTS for region in REGIONS}
    assert len(chain.legs) > 1
    assert [leg.number for leg in chain.legs] == [*range(1, len(chain.legs) + 1)]
    told = [(report.account, report.region) for leg in chain.legs for report in leg.reports]
    assert len(told) == len(set(told)) == 60


def test_a_place_that_takes_longer_than_a_leg_is_told_as_not_reached_and_holds_up_no_other() -> None:
    chain = Chain(1)
    chain.place.make(1)
    leg = chain.run(accounts=[A, B])
    assert leg.next is None
    assert leg.totals.places == 4
    assert 0 < leg.totals.not_reached <= 4


def test_an_account_that_appears_or_goes_between_two_legs_costs_no_other_its_turn() -> None:
    chain = Chain(20)
    chain.run(most=1)
    following = chain.legs[0].next
    assert following is not None
    chain.lists_a_leg = 10**6
    leg = chain.run(following, [*ACCOUNTS[5:], "999999999999"])
    assert leg.next is None
    assert set(chain.listed()) >= {(account, region) for account in ACCOUNTS[5:] for region in REGIONS}


def test_what_refuses_or_breaks_costs_its_own_place_alone() -> None:
    chain = Chain()
    chain.place.make(1)

    def refuse(call: FakeCall) -> Failure | None:
        if call.account == B:
            raise ZeroDivisionError
        return Failure("AccessDenied", 403) if call.account == ACCOUNTS[0] else None

    chain.place.aws.refuses = refuse
    leg = chain.run(ReconcileOrder(region=HOME), [A, B, ACCOUNTS[0]])
    assert leg.totals.places == 0
    leg = Chain.run(chain, ReconcileOrder(region="eu-west-1"), [A, B, ACCOUNTS[0]])
    assert (leg.totals.places, leg.totals.not_reached) == (3, 2)
    [broken] = [report for report in leg.reports if report.account == B]
    assert (broken.is_reached, broken.left[0].startswith("failed: unexpected ZeroDivisionError")) == (False, True)


def test_a_chain_that_takes_too_long_ends_and_says_how_much_it_left() -> None:
    chain = Chain(8)
    chain.run(most=1)
    following = chain.legs[0].next
    chain.place.clock.move(LONGEST)
    assert following is not None
    leg = chain.run(following)
    # Of the last block of the first leg, one was at work when its time ran out: it had been left for a second time.
    assert (leg.next, leg.unreached) == (None, 53)
    assert (leg.totals.places, leg.totals.not_reached) == (60, 53)


def test_all_legs_look_back_to_the_same_time() -> None:
    chain = Chain(8)
    chain.run(most=1)
    following = chain.legs[0].next
    assert following is not None
    assert following.since == LATER - SPAN
    assert len(msgspec.json.encode({"reconcile": following})) < 1000  # Lambda takes 256 KB of an asynchronous call


def test_one_place_is_done_alone_and_side_by_side_changes_nothing() -> None:
    chain = Chain()
    chain.place.make(1)
    order = ReconcileOrder(A, HOME, since=LATER - timedelta(hours=5))
    assert order.is_one_place
    leg = reconcile_leg(order, places_of(order, [A, B], [HOME, *REGIONS]), chain.place.world(), concurrent(4))
    [report] = leg.reports
    assert [missed.resources for missed in report.missed] == [(arn_of(1),)]
    assert leg.totals == Totals(places=1, listed=1, missed=1)
