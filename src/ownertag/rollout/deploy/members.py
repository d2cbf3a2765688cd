"""Reads what the organization and its members say of accounts and Regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any

from ownertag.core.settings import OrganizationSettings
from ownertag.rollout.deploy import access
from ownertag.rollout.deploy.clients import Clients
from ownertag.rollout.deploy.failures import DeployError, explained
from ownertag.rollout.deploy.left_out import ACTIVE, is_skipped, left_out
from ownertag.rollout.deploy.values import Members, StackInstance, Why

_OFF = "not-opted-in"
_AT_ONCE = 8


class MembersReader:
    """Reads the members; each thing once.

    Args:
        clients: Reach the management account, and by the access role the members.
        organization: Whose members these are.
    """

    def __init__(self, clients: Clients, organization: OrganizationSettings) -> None:
        self._clients = clients
        self._organization = organization
        self._enabled: dict[str, frozenset[str] | None] = {}

    @cached_property
    def regions(self) -> Mapping[str, str]:
        """The `OptInStatus` of each Region in the management account.

        Raises:
            DeployError: It can't be read.
        """
        with explained(self._organization.management_account, "list the Regions"):
            return _regions(self._clients.management("ec2"))

    @property
    def enabled(self) -> frozenset[str]:
        """The Regions that the management account has enabled: StackSets deploys to no others."""
        return frozenset(region for region, status in self.regions.items() if status != _OFF)

    @cached_property
    def states(self) -> Mapping[str, str]:
        """The state of each account of the organization.

        Raises:
            DeployError: They can't be read.
        """
        with explained(self._organization.management_account, "list the accounts"):
            return access.account_states(self._clients.management("organizations"))

    def of(self, instances: Iterable[StackInstance]) -> Members:
        """What is known of the accounts and Regions of instances.

        A member is asked for its Regions only where a stack is lacking in one that has to be enabled; where it does not
        answer, the Region counts as enabled, and the failure as one.

        Raises:
            DeployError: The organization can't be read.
        """
        lacking = {
            (instance.account, instance.region)
            for instance in instances
            if instance.status != "CURRENT"
            and not is_skipped(instance)
            and self.states.get(instance.account) == ACTIVE
            and self.regions.get(instance.region) == "opted-in"
        }
        new = sorted({account for account, _ in lacking} - self._enabled.keys())
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            self._enabled.update(zip(new, pool.map(self._enabled_in, new), strict=True))
        enabled = {account: found for account, found in self._enabled.items() if found is not None}
        return Members(
            states=self.states,
            disabled=frozenset(self.regions) - self.enabled,
            not_enabled=frozenset(
                (account, region) for account, region in lacking if region not in enabled.get(account, {region})
            ),
        )

    def just_left_out(self, instances: Iterable[StackInstance]) -> dict[StackInstance, Why]:
        """What an operation that has just ended left out, and why."""
        instances = tuple(instances)
        return left_out(instances, self.of(instances), self._organization.home_region, fresh=True)

    def _enabled_in(self, account: str) -> frozenset[str] | None:
        with suppress(DeployError), explained(account, "list the Regions"):
            found = _regions(self._clients.of(account, "ec2"))
            return frozenset(region for region, status in found.items() if status != _OFF)
        return None


def _regions(ec2: Any) -> dict[str, str]:
    found = ec2.describe_regions(AllRegions=True)["Regions"]
    return {region["RegionName"]: region.get("OptInStatus", "") for region in found}
