"""Reads an organization with a caller's own credentials. What can't be read is a fact as well: it says why.

Sources: API references of AWS Organizations (which operations the management account and delegated administrators may
call, and DescribeOrganization for every member), Account Management (ListRegions), EC2 (DescribeRegions), CloudTrail
(DescribeTrails), and IAM Identity Center (ListInstances).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from botocore.exceptions import ClientError, ParamValidationError

from ownertag.aws.concurrency import WORKERS, concurrent
from ownertag.aws.credentials import CallerSession, patient_config
from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.arn import identity_store_arn
from ownertag.core.judge import judge
from ownertag.core.owner.principal import clean
from ownertag.rollout.doctor.facts import Unread
from ownertag.rollout.init.facts import (
    AccountFacts,
    IdentityCenterFacts,
    OrganizationFacts,
    Reading,
    TrailFacts,
    UnitFacts,
)

T = TypeVar("T")

#: Organizations' answers to an account that is in none.
_IN_NONE = "AWSOrganizationsNotInUseException"
#: How many units are read at once. Organizations limits its calls for the organization as a whole.
_UNITS_AT_ONCE = 4
_ENABLED = frozenset({"ENABLED", "ENABLED_BY_DEFAULT"})


def read_organization(session: CallerSession, account: str, region: str, told: Callable[[str], None]) -> Reading:
    """Reads all that settings begin with.

    Args:
        session: The caller's.
        account: The account of its credentials.
        region: Where to begin.
        told: Is told what is read.
    """
    reader = _Reader(session, account, region, told)
    told("reading the organization, its accounts and Regions")
    organization = reader.read("organizations", "organizations:DescribeOrganization", _organization)
    accounts = reader.read("organizations", "organizations:ListAccounts", _accounts)
    regions = reader.read("account", "account:ListRegions", _regions)
    if isinstance(regions, Unread):
        regions = reader.read("ec2", "ec2:DescribeRegions", _regions_of_ec2)
    trails = reader.read("cloudtrail", "cloudtrail:DescribeTrails", reader.trails)
    administrators = reader.read("organizations", "organizations:ListDelegatedAdministrators", _administrators)
    units = reader.read("organizations", "organizations:ListRoots, ListAccountsForParent", reader.units)
    return Reading(
        account=account,
        region=region,
        organization=organization,
        accounts=accounts,
        units=units,
        regions=regions,
        trails=trails,
        identity_center=reader.identity_center(regions),
        administrators=administrators,
    )


class _Reader:
    """Reads as one caller."""

    def __init__(self, session: CallerSession, account: str, region: str, told: Callable[[str], None]) -> None:
        self._session = session
        self._account = account
        self._region = region
        self._told = told

    def read(self, service: str, action: str, use: Callable[[Any], T], region: str = "") -> T | Unread:
        """What `use` makes of a client, or why there is nothing; `action` is what has to be allowed."""
        try:
            return use(self._session.client(service, region or self._region, config=patient_config()))
        except KeyError as error:
            return Unread(f"{action}: the answer lacks {error.args[0]}")
        except AWS_ERRORS as error:
            failure = failure_of(error)
            if failure.code == _IN_NONE:
                return Unread(f"account {self._account} is in no organization ({failure.code})")
            return Unread(f"{action}: {judge(failure, None, region or self._region).reason}")

    def units(self, organizations: Any) -> tuple[UnitFacts, ...]:
        """The root and all units, each after the one that it is in."""
        [root] = organizations.list_roots()["Roots"]
        found = [_Unit(root["Id"], (clean(root.get("Name", "")) or "Root",), ())]
        run = concurrent(_UNITS_AT_ONCE)
        level = found[:]
        while level:
            run([lambda unit=unit: unit.read(organizations) for unit in level])  # type: ignore[misc] # each its own
            level = [below for unit in level for below in unit.below]
            found += level
            if level:
                self._told(f"reading the units: {len(found) - 1} so far")
        accounts: dict[str, set[str]] = {unit.id: set() for unit in found}
        for unit in found:
            for above in (*unit.above, unit.id):
                accounts[above] |= unit.accounts
        ordered = sorted(found, key=lambda unit: unit.names)
        return tuple(UnitFacts(unit.id, unit.names, frozenset(accounts[unit.id])) for unit in ordered)

    def trails(self, cloudtrail: Any) -> tuple[TrailFacts, ...]:
        """The trails that reach the Region, those of the organization among them."""

        def logs(trail: Mapping[str, Any]) -> bool | Unread:
            arn = trail["TrailARN"]
            return self.read(
                "cloudtrail",
                "cloudtrail:GetTrailStatus",
                lambda client: bool(client.get_trail_status(Name=arn)["IsLogging"]),
                trail.get("HomeRegion", ""),
            )

        return tuple(
            TrailFacts(
                trail["TrailARN"],
                bool(trail.get("IsOrganizationTrail")),
                bool(trail.get("IsMultiRegionTrail")),
                logs(trail),
            )
            for trail in cloudtrail.describe_trails(includeShadowTrails=True)["trailList"]
        )

    def identity_center(self, regions: tuple[str, ...] | Unread) -> tuple[IdentityCenterFacts, ...] | Unread:
        """The instances that the caller sees, in whichever Region they are."""
        action = "sso:ListInstances"
        try:
            # One call for all Regions, which older endpoints and SDKs do not know.
            return self._unless_unknown(lambda client: _instances(client, self._region, RegionScope="ALL_REGIONS"))
        except _NotKnownError:
            self._told("looking for Identity Center in every Region")
        asked = (self._region,) if isinstance(regions, Unread) else regions
        found: dict[str, tuple[IdentityCenterFacts, ...] | Unread] = {}

        def ask(region: str) -> None:
            found[region] = self.read("sso-admin", action, lambda client: _instances(client, region), region)

        concurrent(WORKERS)([lambda region=region: ask(region) for region in asked])  # type: ignore[misc] # each its own
        unread = {region: fact for region, fact in sorted(found.items()) if isinstance(fact, Unread)}
        instances = {one.store: one for fact in found.values() if not isinstance(fact, Unread) for one in fact}
        if unread and not instances:
            first = next(iter(unread.values()))
            return Unread(f"{first.reason} (in {len(unread)} of {len(asked)} Regions)")
        if isinstance(regions, Unread) and not instances:
            return Unread(f"{action}: looked for in {self._region} alone, since the Regions are not known")
        return tuple(instances.values())

    def _unless_unknown(self, use: Callable[[Any], T]) -> T | Unread:
        def ask(client: Any) -> T:
            try:
                return use(client)
            except ParamValidationError as error:
                raise _NotKnownError from error
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ValidationException":
                    raise _NotKnownError from error
                raise

        return self.read("sso-admin", "sso:ListInstances", ask)


class _NotKnownError(Exception):
    """The endpoint, or the SDK, does not know a parameter."""


class _Unit:
    """A unit that is being read: what is directly in it."""

    def __init__(self, id_: str, names: tuple[str, ...], above: tuple[str, ...]) -> None:
        self.id = id_
        self.names = names
        self.above = above
        self.accounts: set[str] = set()
        self.below: list[_Unit] = []

    def read(self, organizations: Any) -> None:
        pages = organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=self.id)
        self.accounts = {account["Id"] for page in pages for account in page["Accounts"] if _state(account) == "ACTIVE"}
        pages = organizations.get_paginator("list_organizational_units_for_parent").paginate(ParentId=self.id)
        self.below = [
            _Unit(unit["Id"], (*self.names, clean(unit.get("Name", ""))), (*self.above, self.id))
            for page in pages
            for unit in page["OrganizationalUnits"]
        ]


def _organization(organizations: Any) -> OrganizationFacts:
    found = organizations.describe_organization()["Organization"]
    return OrganizationFacts(found["Id"], found["MasterAccountId"], found.get("FeatureSet") == "ALL")


def _accounts(organizations: Any) -> tuple[AccountFacts, ...]:
    pages = organizations.get_paginator("list_accounts").paginate()
    accounts = [account for page in pages for account in page["Accounts"]]
    found = (AccountFacts(one["Id"], clean(one.get("Name", "")), _state(one)) for one in accounts)
    return tuple(sorted(found, key=lambda account: account.id))


def _state(account: Mapping[str, Any]) -> str:
    """An account's state; of an older answer the `Status`, which is retired (API reference, Account)."""
    return str(account.get("State", account.get("Status", "")))


def _regions(account: Any) -> tuple[str, ...]:
    pages = account.get_paginator("list_regions").paginate(RegionOptStatusContains=sorted(_ENABLED))
    found = [region for page in pages for region in page["Regions"]]
    return tuple(sorted(region["RegionName"] for region in found if region["RegionOptStatus"] in _ENABLED))


def _regions_of_ec2(ec2: Any) -> tuple[str, ...]:
    return tuple(sorted(region["RegionName"] for region in ec2.describe_regions()["Regions"]))


def _administrators(organizations: Any) -> dict[str, tuple[str, ...]]:
    """The delegated administrators, with the services that each administers."""
    pages = organizations.get_paginator("list_delegated_administrators").paginate()
    found = {}
    for account in [one["Id"] for page in pages for one in page["DelegatedAdministrators"]]:
        services = organizations.get_paginator("list_delegated_services_for_account").paginate(AccountId=account)
        names = {service["ServicePrincipal"] for page in services for service in page["DelegatedServices"]}
        found[account] = tuple(sorted(names))
    return found


def _instances(sso: Any, region: str, **scope: str) -> tuple[IdentityCenterFacts, ...]:
    """The instances that are in use; where the answer names no Region, it is the one that was asked."""
    pages = sso.get_paginator("list_instances").paginate(**scope)
    found = [one for page in pages for one in page["Instances"] if one.get("Status", "ACTIVE") == "ACTIVE"]
    return tuple(
        IdentityCenterFacts(
            one.get("IdentityStoreArn") or identity_store_arn(region, one["OwnerAccountId"], one["IdentityStoreId"]),
            one["OwnerAccountId"],
            one.get("PrimaryRegion") or region,
        )
        for one in found
    )
