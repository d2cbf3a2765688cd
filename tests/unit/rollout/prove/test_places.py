"""Which accounts and Regions are measured."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ownertag.rollout.doctor.facts import Unread
from ownertag.rollout.prove.places import UnknownAccounts, UnknownPlace, places
from ownertag.rollout.prove.result import Place
from rollout.doctor import healthy
from rollout.doctor.healthy import HOME, HUB, MANAGEMENT, MEMBER, OTHER, REGIONS, wanted

DENIED = Unread("denied (AccessDenied)")
NONE: frozenset[str] = frozenset()


def test_everywhere_is_every_account_and_region_that_is_deployed_to() -> None:
    found = places(healthy.organization(), wanted(), NONE, NONE)
    assert {*found} == {Place(account, region) for account in (MANAGEMENT, HUB, MEMBER, OTHER) for region in REGIONS}
    # Those that are next to each other are of several accounts.
    assert len({place.account for place in found[:4]}) == 4


def test_some_are_measured_where_they_are_named() -> None:
    found = places(healthy.organization(), wanted(), frozenset({MEMBER}), frozenset({HOME}))
    assert found == (Place(MEMBER, HOME),)


@pytest.mark.parametrize(
    ("accounts", "regions", "said"),
    [
        (frozenset({"999999999999"}), NONE, "account 999999999999 is not deployed to"),
        (NONE, frozenset({"eu-north-9"}), "Region eu-north-9 is not deployed to"),
    ],
)
def test_what_is_not_deployed_to_is_refused(accounts: frozenset[str], regions: frozenset[str], said: str) -> None:
    with pytest.raises(UnknownPlace, match=said):
        places(healthy.organization(), wanted(), accounts, regions)


@pytest.mark.parametrize("whole", [DENIED, replace(healthy.organization(), accounts=DENIED)])
def test_where_the_accounts_can_not_be_read_they_are_not_guessed(whole: object) -> None:
    with pytest.raises(UnknownAccounts, match="denied"):
        places(whole, wanted(), NONE, NONE)  # type: ignore[arg-type] # one of two types
    named = places(whole, wanted(), frozenset({MEMBER}), frozenset({HOME}))  # type: ignore[arg-type] # the same
    assert named == (Place(MEMBER, HOME),)
