"""Reads what is there, in the management account and in the hub's, before anything is decided."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError
from msgspec import Struct

from ownertag.aws.credentials import CallerSession
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import OrganizationSettings, Settings, SettingsError
from ownertag.render.documents import UNDELIVERED
from ownertag.render.infra import check_deployable
from ownertag.rollout.deploy import access, stack_sets, stacks
from ownertag.rollout.deploy.clients import ACCESS_ROLE, Clients, DeployError, explained
from ownertag.rollout.deploy.desired import Desired, DesiredStack, desired
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

    def enabled_regions(self) -> frozenset[str]:
        """The Regions that the management account has enabled: StackSets deploys to no others."""
        with explained(self._organization.management_account, "list the Regions"):
            found = self._clients.management("ec2").describe_regions(AllRegions=False)["Regions"]
        return frozenset(region["RegionName"] for region in found)

    def root(self) -> dict[str, Any]:
        """The organization's root."""
        with explained(self._organization.management_account, "read the organization's root"):
            return access.root_of(self._clients.management("organizations"))


def read_current(clients: Clients, desired: Desired, root: dict[str, Any]) -> Current:
    """Reads what is there of all that is desired, and what else is there of ours.

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
    with explained(account, "list the accounts of the units"):
        accounts = {unit: access.accounts_under(organizations, unit) - {account} for unit in desired.units}
    with explained(account, "list the policies of the protected units", "look at [protection] units"):
        attached = {unit: access.policies_on(organizations, unit) for unit in desired.protected}
    with explained(account, "read the stack sets"):
        found = {name: stack_sets.read(cloudformation, name) for name in (desired.roles.name, desired.rules.name)}
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
        bucket=bucket,
        uploaded=uploaded,
        stacks=_stacks(clients, (desired.hub, desired.management_roles, *desired.management_rules)),
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


def check_empty(clients: Clients, desired: Desired, current: Current, recreate: frozenset[str]) -> None:
    """Checks that no event waits in a queue of the accounts whose stacks are recreated: it would be lost.

    Raises:
        DeployError: One waits, or an account is not deployed to.
    """
    organization = desired.organization
    known = frozenset({organization.management_account}).union(*current.accounts.values())
    for account in sorted(recreate):
        if account not in known:
            raise DeployError(f"account {account}: is not one of those that ownertag is deployed to")
        for region in desired.rules.regions:
            with explained(account, f"look into queue {UNDELIVERED} in {region}"):
                waiting = _waiting(clients.of(account, "sqs", region))
            if waiting:
                raise DeployError(
                    f"account {account}: {waiting} events wait in queue {UNDELIVERED} in {region}, and would be lost: "
                    f"put them back first, with `ownertag redrive --queue undelivered --accounts {account} "
                    f"--regions {region}` in the hub's account"
                )


def _waiting(sqs: Any) -> int:
    try:
        url = sqs.get_queue_url(QueueName=UNDELIVERED)["QueueUrl"]
    except ClientError as error:
        if error.response["Error"]["Code"].endswith(("NonExistentQueue", "QueueDoesNotExist")):
            return 0
        raise
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


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
    wanted = desired(load_catalogue(), settings, organization, package, place.enabled_regions(), root["Id"])
    return Prepared(clients, settings, wanted, read_current(clients, wanted, root))
