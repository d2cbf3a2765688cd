"""Reads AWS Organizations: the root, accounts, delegated administrators, resource policy, service control policies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from ownertag.render.documents import POLICY_NAME, Statement
from ownertag.rollout.deploy.values import PolicyState
from ownertag.sources.organization import is_active

SCP = "SERVICE_CONTROL_POLICY"
# The names that `policy_name` gives. A policy of somebody else may begin with the same name.
_OURS = re.compile(rf"{POLICY_NAME}(?:-[2-9])?")


def root_of(organizations: Any) -> dict[str, Any]:
    """The organization's root: its id and the types of policy that are enabled."""
    found: dict[str, Any] = organizations.list_roots()["Roots"][0]
    return found


def accounts_under(organizations: Any, unit: str) -> frozenset[str]:
    """The active accounts of a unit and of the units below it."""
    found: set[str] = set()
    waiting = [unit]
    while waiting:
        parent = waiting.pop()
        for page in organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=parent):
            found.update(account["Id"] for account in page["Accounts"] if is_active(account))
        for page in organizations.get_paginator("list_organizational_units_for_parent").paginate(ParentId=parent):
            waiting += [organizational_unit["Id"] for organizational_unit in page["OrganizationalUnits"]]
    return frozenset(found)


def account_states(organizations: Any) -> dict[str, str]:
    """The state of every account of the organization; of an older answer the `Status`, which is retired (doc)."""
    pages = organizations.get_paginator("list_accounts").paginate()
    accounts = [account for page in pages for account in page["Accounts"]]
    return {account["Id"]: account.get("State", account.get("Status", "")) for account in accounts}


def unit_exists(organizations: Any, unit: str) -> bool:
    """Whether there is such a unit (any more)."""
    try:
        organizations.describe_organizational_unit(OrganizationalUnitId=unit)
    except ClientError as error:
        if error.response["Error"]["Code"] == "OrganizationalUnitNotFoundException":
            return False
        raise
    return True


def administrators(organizations: Any) -> frozenset[str]:
    """The delegated administrators: they may read the accounts."""
    pages = organizations.get_paginator("list_delegated_administrators").paginate()
    return frozenset(
        delegated_administrator["Id"] for page in pages for delegated_administrator in page["DelegatedAdministrators"]
    )


def resource_policy(organizations: Any) -> str | None:
    """The organization's own resource policy, if it has one."""
    try:
        return str(organizations.describe_resource_policy()["ResourcePolicy"]["Content"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourcePolicyNotFoundException":
            return None
        raise


def with_statement(policy: str | None, statement: Statement) -> str:
    """A resource policy with our statement, instead of an older one of ours; others stay as they are."""
    document = json.loads(policy) if policy else {"Version": "2012-10-17", "Statement": []}
    return json.dumps({**document, "Statement": [*_others(document, statement), statement]}, indent=2)


def without_statement(policy: str, statement: Statement) -> str:
    """A resource policy without our statement; empty if it had no other."""
    document = json.loads(policy)
    others = _others(document, statement)
    return json.dumps({**document, "Statement": others}, indent=2) if others else ""


def _others(document: dict[str, Any], statement: Statement) -> list[Statement]:
    found = document["Statement"]
    statements: Iterable[Statement] = found if isinstance(found, list) else [found]
    return [other for other in statements if other.get("Sid") != statement["Sid"]]


def policy_states(organizations: Any) -> dict[str, PolicyState]:
    """Our service control policies by name, and what each is attached to."""
    found: dict[str, PolicyState] = {}
    for page in organizations.get_paginator("list_policies").paginate(Filter=SCP):
        for policy in page["Policies"]:
            if is_ours(policy["Name"]) and not policy.get("AwsManaged"):
                content = organizations.describe_policy(PolicyId=policy["Id"])["Policy"]["Content"]
                targets = organizations.get_paginator("list_targets_for_policy").paginate(PolicyId=policy["Id"])
                ids = frozenset(target["TargetId"] for one in targets for target in one["Targets"])
                found[policy["Name"]] = PolicyState(policy["Id"], content, ids)
    return dict(sorted(found.items()))


def policy_id(organizations: Any, name: str) -> str | None:
    """The id of the service control policy of this name."""
    for page in organizations.get_paginator("list_policies").paginate(Filter=SCP):
        for policy in page["Policies"]:
            if policy["Name"] == name:
                return str(policy["Id"])
    return None


def policies_on(organizations: Any, target: str) -> frozenset[str]:
    """The names of the service control policies that are attached to a unit itself, AWS's own among them."""
    pages = organizations.get_paginator("list_policies_for_target").paginate(TargetId=target, Filter=SCP)
    return frozenset(policy["Name"] for page in pages for policy in page["Policies"])


def is_ours(name: str) -> bool:
    """Whether a service control policy is one of those that are deployed."""
    return _OURS.fullmatch(name) is not None
