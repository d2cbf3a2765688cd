"""Whether StackSets gets into a member: its state in the organization, its Regions, the policies above it.

Source: AWS Organizations user guide, "SCP evaluation"; CloudFormation user guide, "Prepare to perform StackSet
operations in AWS Regions that are disabled by default". The text of a refusal by a policy is IAM's (IAM user guide,
"Access denied errors"); what StackSets says of a Region that is not enabled is documented nowhere, and made up here. Of
policies, only statements about every resource are read, and of their conditions the Region and the principal: a Region
deny has no others. Any other condition of a Deny holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.organizations.models import organizations_backends

from ownertag.sandbox.gaps.regions import OFF, EnabledRegions

#: The role by which StackSets works in members (doc: service-managed permissions).
EXECUTION_ROLE = "stacksets-exec-0123456789abcdef0123456789abcdef"
_ADMIN_ROLE = "aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"

#: What a stack calls to make and to delete a resource of a type.
_CALLS: Mapping[str, tuple[str, str]] = {
    "AWS::Events::Rule": ("events:PutRule", "events:DeleteRule"),
    "AWS::IAM::Role": ("iam:CreateRole", "iam:DeleteRole"),
    "AWS::SQS::Queue": ("sqs:CreateQueue", "sqs:DeleteQueue"),
}
_STACK = {"create": "cloudformation:CreateStack", "update": "cloudformation:UpdateStack"}
_DELETE = "cloudformation:DeleteStack"

# Whether a condition with one of these operators holds, for a value and the patterns that it is compared with.
_OPERATORS: Mapping[str, Callable[[str, list[str]], bool]] = {
    "stringequals": lambda value, patterns: value in patterns,
    "stringnotequals": lambda value, patterns: value not in patterns,
    "stringlike": lambda value, patterns: any(fnmatchcase(value, pattern) for pattern in patterns),
    "stringnotlike": lambda value, patterns: not any(fnmatchcase(value, pattern) for pattern in patterns),
}
_SAME = {
    "arnlike": "stringlike",
    "arnequals": "stringlike",
    "arnnotlike": "stringnotlike",
    "arnnotequals": "stringnotlike",
}


class MemberAccess:
    """What StackSets meets in the members of an organization.

    Args:
        management: The management account.
        regions: Which Regions the accounts have enabled.
    """

    def __init__(self, management: str, regions: EnabledRegions) -> None:
        self._management = management
        self._regions = regions

    def suspended(self, account: str) -> bool:
        """Whether the account is closed or suspended, and still of the organization."""
        found = self._account(account)
        return found is not None and found.state != "ACTIVE"

    def refusal(self, account: str, region: str, verb: str, types: Iterable[str]) -> str | None:
        """Why StackSets can't create, update or delete a stack of these types there; None if it can."""
        if self._account(account) is None:
            trust = f"with trust relationship to Role '{_ADMIN_ROLE}'."
            return f"Account {account} should have '{EXECUTION_ROLE}' role {trust}"
        if any(self._regions.status(one, region) == OFF for one in (account, self._management)):
            return f"Region {region} is not enabled in account {account}"
        deleting = verb == "delete"
        actions = [_STACK.get(verb, _DELETE), *sorted(_CALLS[type_][deleting] for type_ in types if type_ in _CALLS)]
        denied = next((action for action in actions if self._denied(account, region, action)), None)
        if denied is None:
            return None
        session = f"arn:aws:sts::{account}:assumed-role/{EXECUTION_ROLE}/stack-set"
        why = "with an explicit deny in a service control policy"
        return f"User: {session} is not authorized to perform: {denied} {why}"

    def _denied(self, account: str, region: str, action: str) -> bool:
        principal = f"arn:aws:iam::{account}:role/{EXECUTION_ROLE}"
        # Calls of a global service are made to its one Region (doc: aws:RequestedRegion).
        place = "us-east-1" if action.startswith("iam:") else region
        known = {"aws:requestedregion": place, "aws:principalarn": principal}
        return any(_denies(statement, action, known) for statement in self._statements(account))

    def _statements(self, account: str) -> Iterator[Mapping[str, Any]]:
        backend: Any = organizations_backends[self._management]["aws"]
        above = set(self._above(account))
        for policy in backend.policies:
            if policy.type == "SERVICE_CONTROL_POLICY" and any(target.id in above for target in policy.attachments):
                given = json.loads(policy.content).get("Statement", [])
                yield from given if isinstance(given, list) else [given]

    def _above(self, account: str) -> Iterator[str]:
        """The account, and the units above it up to the root."""
        backend: Any = organizations_backends[self._management]["aws"]
        parents = {node.id: node.parent_id for node in (*backend.ou, *backend.accounts)}
        at: str | None = account
        while at is not None:
            yield at
            at = parents.get(at)

    def _account(self, account: str) -> Any:
        backend: Any = organizations_backends[self._management]["aws"]
        return next((found for found in backend.accounts if found.id == account), None)


def _denies(statement: Mapping[str, Any], action: str, known: Mapping[str, str]) -> bool:
    if statement.get("Effect") != "Deny" or "*" not in _list(statement.get("Resource", "*")):
        return False
    named = _any(statement["Action"], action) if "Action" in statement else not _any(statement["NotAction"], action)
    return named and all(
        _holds(operator, known.get(key.lower()), _list(wanted))
        for operator, conditions in statement.get("Condition", {}).items()
        for key, wanted in conditions.items()
    )


def _any(patterns: Any, action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _list(patterns))


def _holds(operator: str, value: str | None, patterns: list[str]) -> bool:
    name = operator.lower().rpartition(":")[2].removesuffix("ifexists")
    compare = _OPERATORS.get(_SAME.get(name, name))
    return compare is None or value is None or compare(value, patterns)


def _list(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
