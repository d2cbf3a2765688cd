"""Which accounts are observed: by the settings, the kept list, or Organizations; what is not known is not guessed.

moto plays Organizations: ListParents, ListAccountsForParent and ListOrganizationalUnitsForParent, as its
API reference has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.emulated import HOME, ONCE, Call, Emulated, answer, emulated
from harness.fakes import Clock
from harness.memory_account_list import MemoryAccountList
from ownertag.core.settings import ObserveSettings
from ownertag.core.values import AccountList, OutcomeKind, Unavailable
from ownertag.sources.observed_accounts import FAILED_FOR, ObservedAccounts, accounts_below
from ownertag.sources.organization import LOOK_AGAIN, STALE, OrganizationAccounts

STRANGER = "999999999999"


class World:
    """An organization with a unit in a unit; the first account is in the inner one, the second in another."""

    def __init__(self, emulated: Emulated) -> None:
        self.emulated, self.clock, self.kept = emulated, Clock(), MemoryAccountList()
        organizations: Any = emulated.organizations
        self.root: str = organizations.list_roots()["Roots"][0]["Id"]
        self.outer = self.unit(self.root, "outer")
        self.inner = self.unit(self.outer, "inner")
        self.other = self.unit(self.root, "other")
        self.inside, self.outside, self.under_root = (
            emulated.spokes[0],
            emulated.spokes[1],
            emulated.add_account("last"),
        )
        self.move(self.inside, self.root, self.inner)
        self.move(self.outside, self.root, self.other)
        emulated.wire.clear()

    def unit(self, parent: str, name: str) -> str:
        made: Any = self.emulated.organizations.create_organizational_unit(ParentId=parent, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def move(self, account: str, source: str, to: str) -> None:
        self.emulated.organizations.move_account(AccountId=account, SourceParentId=source, DestinationParentId=to)

    @property
    def client(self) -> Any:
        return self.emulated.session.client("organizations", region_name=HOME, config=ONCE)

    def observe(self, *units: str, accounts: tuple[str, ...] = (), kept: bool = False) -> ObservedAccounts:
        observe = ObserveSettings(units=units, accounts=accounts)
        return ObservedAccounts(self.client, observe, self.clock, self.kept if kept else None)

    def keep(self, observed: ObservedAccounts, *units: str) -> int | Unavailable:
        return OrganizationAccounts(self.client, self.clock, kept=self.kept).keep_list(units, observed.members)


@pytest.fixture
def world() -> Iterator[World]:
    with emulated() as found:
        yield World(found)


def test_where_nothing_is_observed_nothing_is_asked(world: World) -> None:
    assert world.observe().is_observed(world.inside) is False
    assert not world.emulated.wire.calls


def test_an_account_that_is_named_needs_no_call_and_another_is_not_meant(world: World) -> None:
    observed = world.observe(accounts=(world.inside,))
    assert (observed.is_observed(world.inside), observed.is_observed(world.outside)) == (True, False)
    assert not world.emulated.wire.calls


def test_the_root_means_every_account_without_a_call(world: World) -> None:
    observed = world.observe(world.root)
    assert [observed.is_observed(account) for account in (world.inside, world.under_root, STRANGER)] == [True] * 3
    assert observed.members() == ()
    assert not world.emulated.wire.calls


def test_an_account_is_observed_however_deep_below_the_unit_it_is(world: World) -> None:
    for unit in (world.outer, world.inner):
        observed = world.observe(unit)
        assert [observed.is_observed(account) for account in (world.inside, world.outside, world.under_root)] == [
            True,
            False,
            False,
        ]
    assert world.observe(world.other).is_observed(world.inside) is False
    assert set(world.emulated.wire.counts) == {"ListParents"}


def test_what_was_asked_is_known_for_a_while_and_units_are_asked_once_for_all_their_accounts(world: World) -> None:
    observed = world.observe(world.outer)
    world.move(world.outside, world.other, world.inner)
    world.emulated.wire.clear()
    for _ in range(3):
        assert (observed.is_observed(world.inside), observed.is_observed(world.outside)) == (True, True)
    assert world.emulated.wire.counts == {"ListParents": 3}  # of each account, and of the inner unit
    world.clock.move(STALE)
    world.move(world.inside, world.inner, world.other)
    assert observed.is_observed(world.inside) is False


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException", "ChildNotFoundException"])
def test_what_can_not_be_read_is_neither_yes_nor_no_and_not_asked_for_each_account(world: World, code: str) -> None:
    observed = world.observe(world.outer)
    world.emulated.wire.fail("ListParents", code)
    for account in (world.inside, world.outside, world.inside):
        found = observed.is_observed(account)
        assert isinstance(found, Unavailable)
        assert "units can't be read" in found.reason
    assert world.emulated.wire.counts == {"ListParents": 1}
    world.emulated.wire.heal()
    world.clock.move(FAILED_FOR)
    assert observed.is_observed(world.inside) is True


def test_parents_without_end_are_no_answer(world: World) -> None:
    def circle(call: Call) -> Any:
        return answer(call, 200, json.dumps({"Parents": [{"Id": "ou-ab12-circle00", "Type": "ORGANIZATIONAL_UNIT"}]}))

    world.emulated.wire.rule(circle)
    assert isinstance(world.observe("ou-ab12-c3d4e5f6").is_observed(world.inside), Unavailable)


# --- by the list that the schedule keeps


def test_the_kept_list_answers_without_a_call(world: World) -> None:
    assert world.keep(world.observe(world.outer), world.outer) == len(world.emulated.spokes) + 2
    assert world.kept.read() is not None
    world.emulated.wire.clear()
    observed = world.observe(world.outer, kept=True)
    assert [observed.is_observed(account) for account in (world.inside, world.outside)] == [True, False]
    assert not world.emulated.wire.calls


def test_an_account_that_is_newer_than_the_list_is_asked_for(world: World) -> None:
    world.keep(world.observe(world.outer), world.outer)
    new = world.emulated.add_account("new")
    world.move(new, world.root, world.inner)
    observed = world.observe(world.outer, kept=True)
    assert observed.is_observed(new) is True


def test_a_list_that_was_read_for_other_units_answers_nothing(world: World) -> None:
    world.keep(world.observe(world.other), world.other)
    observed = world.observe(world.outer, kept=True)
    assert observed.is_observed(world.inside) is True
    assert world.emulated.wire.counts["ListParents"] > 0


def test_a_list_of_an_earlier_version_answers_nothing(world: World) -> None:
    world.kept.keep(AccountList(world.clock(), {world.inside: "inside"}))
    assert world.observe(world.outer, kept=True).is_observed(world.inside) is True


def test_an_account_that_was_moved_counts_so_once_the_next_list_has_it(world: World) -> None:
    world.keep(world.observe(world.outer), world.outer)
    observed = world.observe(world.outer, kept=True)
    assert observed.is_observed(world.inside) is True
    world.move(world.inside, world.inner, world.other)
    world.clock.move(LOOK_AGAIN)
    world.keep(world.observe(world.outer), world.outer)
    world.emulated.wire.clear()
    assert observed.is_observed(world.inside) is False
    assert not world.emulated.wire.calls


@pytest.mark.parametrize("operation", ["ListAccountsForParent", "ListOrganizationalUnitsForParent"])
def test_where_the_units_can_not_be_read_the_list_is_kept_and_knows_of_no_unit(world: World, operation: str) -> None:
    world.emulated.wire.fail(operation, "AccessDeniedException")
    failed = world.keep(world.observe(world.outer), world.outer)
    assert isinstance(failed, Unavailable)
    assert (failed.outcome, "units can't be read" in failed.reason) == (OutcomeKind.FORBIDDEN, True)
    kept = world.kept.read()
    assert kept is not None
    assert (world.inside in kept.names, kept.units, kept.observed) == (True, (), ())


def test_all_pages_of_all_units_are_read(world: World) -> None:
    def small_pages(call: Call) -> None:
        if call.operation == "ListAccountsForParent":
            call.request.body = json.dumps({**json.loads(call.text), "MaxResults": 1})

    more = {world.emulated.add_account(f"more{number}") for number in range(3)}
    for account in more:
        world.move(account, world.root, world.outer)
    world.emulated.wire.rule(small_pages)
    assert accounts_below(world.client, [world.outer, world.inner]) == more | {world.inside}
