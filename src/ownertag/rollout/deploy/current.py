"""Reads what is there, in the management account and in the hub's, before anything is decided."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError
from msgspec import Struct

from ownertag.aws.credentials import CallerSession
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import OrganizationSettings, Settings, SettingsError
from ownertag.render.infra import check_deployable
from ownertag.rollout.deploy import access, stack_sets, stacks
from ownertag.rollout.deploy.clients import ACCESS_ROLE, Clients
from ownertag.rollout.deploy.desired import Desired, DesiredStack, desired
from ownertag.rollout.deploy.failures import explained
from ownertag.rollout.deploy.members import MembersReader
from ownertag.rollout.deploy.package import Package
from ownertag.rollout.deploy.values import Current, StackState

#: How many stacks are read at once.
AT_ONCE = 8


class OrganizationCheck:
    """Checks that the credentials are of the settings' organization, and reads what is needed first."""

    def __init__(self, clients: Clients, organization: OrganizationSettings, where: str) -> None:
        self._clients = clients
        self._organization = organization
        self._where = where

    def check(self) -> None:
        """Checks the organization, so that nothing is changed in another than the settings'.

        Raises:
            SettingsError: The credentials are of another account or organization.
            DeployError: AWS does not say of which.
        """
        wanted = self._organization
        with explained(wanted.management_account, "learn whose credentials these are"):
            account = self._clients.management("sts").get_caller_identity()["Account"]
        if account != wanted.management_account:
            raise SettingsError(
                f"{self._where}: the credentials are those of account {account}, and the organization's management "
                f"account is {wanted.management_account}: name a profile of it with --profile"
            )
        with explained(account, "read the organization"):
            found = self._clients.management("organizations").describe_organization()["Organization"]
        if found["Id"] != wanted.id:
            raise SettingsError(
                f"{self._where}: the settings are for organization {wanted.id}, and account {account} is in "
                f"{found['Id']}: nothing was changed"
            )
        if found.get("FeatureSet") != "ALL":
            raise SettingsError(
                f"{self._where}: the organization has not all features enabled, without which there are neither "
                f"service-managed stack sets nor policies: enable them in AWS Organizations"
            )

    def root(self) -> dict[str, Any]:
        """The organization's root."""
        with explained(self._organization.management_account, "read the organization's root"):
            return access.root_of(self._clients.management("organizations"))


def read_current(clients: Clients, desired: Desired, root: dict[str, Any], members: MembersReader) -> Current:
    """Reads what is there of all that is desired, and what else is there of ours.

    Args:
        clients: Reach the management account and the hub's.
        desired: What should be there.
        root: The organization's root.
        members: Reads what the organization says of its accounts.

    Raises:
        DeployError: Something can't be read; the text names the account and the permission.
    """
    organization = desired.organization
    account = organization.management_account
    organizations = clients.management("organizations")
    cloudformation = clients.management("cloudformation")
    with explained(account, "read what the organization allows"):
        allowed = cloudformation.describe_organizations_access()["Status"] == "ENABLED"
        administrators = access.administrators(organizations)
        resource_policy = access.resource_policy(organizations)
        policies = access.policy_states(organizations)
    with explained(account, "list the accounts of the units", "look at organization.units"):
        accounts = {unit: access.accounts_under(organizations, unit) - {account} for unit in desired.units}
    with explained(account, "list the policies of the protected units", "look at [protection] units"):
        attached = {unit: access.policies_on(organizations, unit) for unit in desired.protected}
    with explained(account, "read the stack sets"):
        found = {name: stack_sets.read(cloudformation, name) for name in (desired.roles.name, desired.rules.name)}
    instances = [instance for state in found.values() if state for instance in state.instances]
    with explained(account, "look for the units that stack sets were deployed to"):
        units = {instance.unit for instance in instances} - {"", root["Id"], *desired.units}
        units_gone = frozenset(unit for unit in units if not access.unit_exists(organizations, unit))
    management_rules = tuple(
        DesiredStack(account, region, desired.rules.name, "")
        for region in sorted(members.enabled - {*desired.rules.regions})
    )
    bucket, uploaded = _package(clients, desired)
    return Current(
        root=root["Id"],
        stack_sets_allowed=allowed,
        policy_types=frozenset(
            policy_type["Type"] for policy_type in root["PolicyTypes"] if policy_type["Status"] == "ENABLED"
        ),
        administrators=administrators,
        resource_policy=resource_policy,
        accounts=accounts,
        members=members.of(instances),
        units_gone=units_gone,
        bucket=bucket,
        uploaded=uploaded,
        stacks=_stacks(clients, (desired.hub, desired.management_roles, *desired.management_rules, *management_rules)),
        stack_sets={name: state for name, state in found.items() if state is not None},
        policies=policies,
        attached=attached,
    )


def _stacks(clients: Clients, wanted: tuple[DesiredStack, ...]) -> dict[tuple[str, str, str], StackState]:
    def one(stack: DesiredStack) -> tuple[tuple[str, str, str], StackState | None]:
        client = clients.of(stack.account, "cloudformation", stack.region)
        with explained(stack.account, f"read stack {stack.name} in {stack.region}"):
            return (stack.account, stack.region, stack.name), stacks.read(client, stack.name)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {key: state for key, state in pool.map(one, wanted) if state is not None}


def _package(clients: Clients, desired: Desired) -> tuple[bool, bool]:
    """(whether the bucket is there, whether the package is in it). A bucket of another account is refused."""
    s3, account = clients.hub("s3"), desired.organization.hub_account
    with explained(account, f"look into bucket {desired.bucket}", "name another with hub.package_bucket"):
        if not _head(lambda: s3.head_bucket(Bucket=desired.bucket, ExpectedBucketOwner=account)):
            return False, False
        given = {"Bucket": desired.bucket, "Key": desired.package.key, "ExpectedBucketOwner": account}
        return True, _head(lambda: s3.head_object(**given))


def _head(call: Any) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket", "NoSuchKey"}:
            return False
        raise
    return True


class Prepared(Struct, frozen=True):
    """What a plan is made from, and the clients that execute it."""

    clients: Clients
    settings: Settings
    desired: Desired
    current: Current


def prepare(
    session: CallerSession,
    settings: Settings,
    where: str,
    package: Package,
    *,
    access_role: str = ACCESS_ROLE,
) -> Prepared:
    """Checks whose credentials these are, and reads what is there.

    Args:
        session: A session of the management account.
        settings: What should be deployed.
        where: The settings' file, for messages.
        package: The function's zip.
        access_role: The role to assume in the hub's account.

    Raises:
        SettingsError: The settings can't be deployed, or are another organization's; nothing was changed.
        DeployError: Something can't be read; the text names the account and the permission.
    """
    organization = check_deployable(settings, where)
    clients = Clients(session, organization, access_role=access_role)
    place = OrganizationCheck(clients, organization, where)
    place.check()
    root = place.root()
    members = MembersReader(clients, organization)
    wanted = desired(load_catalogue(), settings, organization, package, members.enabled, root["Id"])
    return Prepared(clients, settings, wanted, read_current(clients, wanted, root, members))
