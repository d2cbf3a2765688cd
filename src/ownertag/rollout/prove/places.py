"""Which accounts and Regions to measure: those that are deployed to."""

from __future__ import annotations

from collections.abc import Iterable

from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import Missing, NotGiven, OrganizationFacts, Unread
from ownertag.rollout.prove.result import Place


class UnknownPlace(Exception):
    """An account or a Region is named that is not deployed to; the text lists those that are."""


class UnknownAccounts(Exception):
    """Which accounts there are can't be read, and none is named; the text says why."""


def places(
    whole: OrganizationFacts | Unread, expected: Expected, accounts: frozenset[str], regions: frozenset[str]
) -> tuple[Place, ...]:
    """The places, a Region after the other, so that those that are measured at once are of several accounts.

    Args:
        whole: The organization, as its management account has it.
        expected: What is deployed.
        accounts: The accounts that are wanted; all that are deployed to where none is named.
        regions: The Regions that are wanted, likewise.

    Raises:
        UnknownPlace: An account or a Region is not deployed to.
        UnknownAccounts: The accounts can't be read, and none is named.
    """
    organization = expected.organization
    found = whole.accounts if isinstance(whole, OrganizationFacts) else whole
    enabled = whole.enabled if isinstance(whole, OrganizationFacts) else None
    deployed = expected.regions(enabled if isinstance(enabled, frozenset) else frozenset())
    _refuse(regions - {*deployed}, "Region", deployed)
    if isinstance(found, frozenset):
        known = found | {organization.management_account, organization.hub_account}
        _refuse(accounts - known, "account", known)
        accounts = accounts or known
    elif not accounts:
        raise UnknownAccounts(_why(found))
    wanted = [region for region in deployed if not regions or region in regions]
    return tuple(Place(account, region) for region in wanted for account in sorted(accounts))


def _refuse(unknown: Iterable[str], what: str, known: Iterable[str]) -> None:
    if names := sorted(unknown):
        raise UnknownPlace(f"{what} {', '.join(names)} is not deployed to; there are {', '.join(sorted(known))}")


def _why(found: Unread | Missing | NotGiven) -> str:
    return found.reason if isinstance(found, Unread) else "AWS's answer does not say"
