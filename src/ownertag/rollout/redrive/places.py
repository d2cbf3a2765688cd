"""The accounts and Regions that have a queue of undelivered events."""

from __future__ import annotations

from ownertag.rollout.deploy.access import accounts_under, root_of
from ownertag.rollout.doctor.access import AccountAccess, AuditedAccount
from ownertag.rollout.doctor.collect import enabled_regions
from ownertag.rollout.doctor.examine import Scope, UnknownLocation
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import Missing, NotGiven, Unread

Places = tuple[tuple[str, str], ...]


def places(access: AccountAccess, expected: Expected, scope: Scope) -> tuple[Places, str]:
    """Every account with each of its Regions, sorted, within a scope; and why others are not known, if so.

    Read from the management account. Where it can't be, the accounts are those that the scope names, and the hub's.

    Raises:
        UnknownLocation: The scope names an account or a Region that is not deployed to.
    """
    organization = expected.organization
    always = {organization.management_account, organization.hub_account}
    management = AuditedAccount(access, organization.management_account)
    enabled = enabled_regions(management)
    regions = expected.regions(enabled if isinstance(enabled, frozenset) else frozenset())
    _refuse(scope.regions - {*regions}, "Region", {*regions})
    found = _members(management, expected)
    if isinstance(found, frozenset):
        known = found | always
        _refuse(scope.accounts - known, "account", known)
        accounts, unknown = scope.accounts or known, ""
    else:
        accounts = scope.accounts or frozenset(always)
        reason = found.reason if isinstance(found, Unread) else "AWS's answer lacks them"
        unknown = "" if scope.accounts else f"the accounts can't be read in {organization.management_account}: {reason}"
    kept = [region for region in regions if not scope.regions or region in scope.regions]
    return tuple((account, region) for account in sorted(accounts) for region in sorted(kept)), unknown


def _members(management: AuditedAccount, expected: Expected) -> frozenset[str] | Missing | NotGiven | Unread:
    root = management.read("organizations", management.home, lambda client: str(root_of(client)["Id"]))
    if not isinstance(root, str):
        return root
    units = expected.units(root)
    return management.read(
        "organizations",
        management.home,
        lambda client: frozenset().union(*(accounts_under(client, unit) for unit in units)),
    )


def _refuse(unknown: frozenset[str], what: str, known: frozenset[str] | set[str]) -> None:
    if names := sorted(unknown):
        raise UnknownLocation(f"{what} {', '.join(names)} is not deployed to; there are {', '.join(sorted(known))}")
