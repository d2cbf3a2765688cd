"""Collects what the organization rules for its accounts: policies and where they are attached, and who administers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ownertag.rollout.deploy.access import is_ours
from ownertag.rollout.doctor.facts import Missing, Observed
from ownertag.rollout.preflight.access import DeployedAccount
from ownertag.rollout.preflight.facts import AttachedPolicy, Document, OrganizationRules
from ownertag.sources.organization import is_active

SCP, RCP, TAG_POLICY = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "TAG_POLICY"
#: The service whose delegated administrator may operate stack sets (doc: StackSets, delegated administrator).
STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"


def collect_organization(
    management: DeployedAccount, root: str, enabled: frozenset[str], hub: str, accounts: Iterable[str]
) -> OrganizationRules:
    """Collects from the management account.

    Organizations limits its calls for the organization as a whole, so each policy's targets are listed, and not each
    account's policies: there are fewer of them.

    Args:
        management: The management account.
        root: The organization's root.
        enabled: The types of policy that the organization has enabled.
        hub: The hub's account.
        accounts: Those whose effective tag policy is read.
    """
    home = management.home

    def read(use: Any) -> Any:
        return management.read("organizations", home, use)

    paths: Observed[Mapping[str, tuple[str, ...]]] = read(lambda client: _paths(client, root))
    policies = {
        type_: read(lambda client, type_=type_: _policies(client, type_)) if type_ in enabled else ()
        for type_ in (SCP, RCP, TAG_POLICY)
    }
    return OrganizationRules(
        paths=paths,
        policies=policies,
        tag_policies=_tag_policies(management, policies[TAG_POLICY], paths, accounts),
        services=read(_services),
        hub_services=read(lambda client: _services_of(client, hub)),
        stack_sets_by=read(lambda client: _administrators(client, STACK_SETS)),
    )


def _paths(organizations: Any, root: str) -> dict[str, tuple[str, ...]]:
    """For each active account the root, the units and itself."""
    found: dict[str, tuple[str, ...]] = {}
    waiting: list[tuple[str, ...]] = [(root,)]
    while waiting:
        path = waiting.pop()
        for page in organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=path[-1]):
            found |= {account["Id"]: (*path, account["Id"]) for account in page["Accounts"] if is_active(account)}
        pages = organizations.get_paginator("list_organizational_units_for_parent").paginate(ParentId=path[-1])
        waiting += [(*path, unit["Id"]) for page in pages for unit in page["OrganizationalUnits"]]
    return found


def _policies(organizations: Any, type_: str) -> tuple[AttachedPolicy, ...]:
    """The policies of others of a type, with what they are attached to. AWS's own `FullAWSAccess` is one of them."""
    found = []
    for page in organizations.get_paginator("list_policies").paginate(Filter=type_):
        for summary in page["Policies"]:
            if type_ == SCP and is_ours(summary["Name"]) and not summary.get("AwsManaged"):
                continue
            content = json.loads(organizations.describe_policy(PolicyId=summary["Id"])["Policy"]["Content"])
            pages = organizations.get_paginator("list_targets_for_policy").paginate(PolicyId=summary["Id"])
            targets = frozenset(target["TargetId"] for one in pages for target in one["Targets"])
            found.append(AttachedPolicy(summary["Id"], summary["Name"], type_, content, targets))
    return tuple(found)


def _tag_policies(
    management: DeployedAccount,
    policies: Observed[tuple[AttachedPolicy, ...]],
    paths: Observed[Mapping[str, tuple[str, ...]]],
    accounts: Iterable[str],
) -> dict[str, Observed[Document | None]]:
    """The effective tag policy of each account, asked for once where the same policies are attached above it."""
    read: dict[tuple[tuple[str, ...], ...], Observed[Document | None]] = {}
    found: dict[str, Observed[Document | None]] = {}
    for account in sorted(accounts):
        if isinstance(policies, tuple) and isinstance(paths, Mapping):
            path = paths.get(account, (account,))
            attached = tuple(
                tuple(sorted(policy.id for policy in policies if target in policy.targets)) for target in path
            )
            if not any(attached):
                found[account] = None
                continue
        else:
            attached = ((account,),)
        if attached not in read:
            read[attached] = _effective(management, account)
        found[account] = read[attached]
    return found


def _effective(management: DeployedAccount, account: str) -> Observed[Document | None]:
    def use(organizations: Any) -> Document | None:
        given = organizations.describe_effective_policy(PolicyType=TAG_POLICY, TargetId=account)
        found: Document = json.loads(given["EffectivePolicy"]["PolicyContent"])
        return found

    answer = management.read("organizations", management.home, use)
    return None if isinstance(answer, Missing) else answer


def _services(organizations: Any) -> frozenset[str]:
    pages = organizations.get_paginator("list_aws_service_access_for_organization").paginate()
    return frozenset(service["ServicePrincipal"] for page in pages for service in page["EnabledServicePrincipals"])


def _services_of(organizations: Any, account: str) -> frozenset[str]:
    """What an account is delegated administrator of. An account that is none is refused (doc), which means none."""
    administrators = organizations.get_paginator("list_delegated_administrators").paginate()
    if account not in {one["Id"] for page in administrators for one in page["DelegatedAdministrators"]}:
        return frozenset()
    pages = organizations.get_paginator("list_delegated_services_for_account").paginate(AccountId=account)
    return frozenset(service["ServicePrincipal"] for page in pages for service in page["DelegatedServices"])


def _administrators(organizations: Any, service: str) -> frozenset[str]:
    pages = organizations.get_paginator("list_delegated_administrators").paginate(ServicePrincipal=service)
    return frozenset(one["Id"] for page in pages for one in page["DelegatedAdministrators"])
