"""Whether a policy on a role or on the organization lets somebody in.

Read are principals, actions, and the conditions that the deployed policies use. What is not known never lets in: an
unknown condition of an Allow fails, and one of a Deny holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ownertag.sandbox.identities import SandboxActor

Policy = Mapping[str, Any]

# ArnEquals and ArnLike are the same, and both take wildcards (doc: "IAM JSON policy elements: Condition operators").
_OPERATORS = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
}


@dataclass(frozen=True)
class Caller:
    """A caller: the names that a policy may give it, by kind of principal, and the values of condition keys.

    Keys of conditions are in small letters, since IAM reads them without regard to case.
    """

    names: Mapping[str, frozenset[str]]
    context: Mapping[str, str] = field(default_factory=dict)


def principal(actor: SandboxActor, organization_id: str, **context: str) -> Caller:
    """A principal of an account. A role session is compared by the ARN of its role (doc: aws:PrincipalArn)."""
    if provider := actor.identity.get("identityProvider"):
        return Caller({"Federated": frozenset({provider})}, context)
    if actor.identity["type"] == "AWSService":
        return Caller({"Service": frozenset({actor.identity["invokedBy"]})}, context)
    issuer = actor.identity.get("sessionContext", {}).get("sessionIssuer", {}).get("arn") or actor.arn
    names = {"*", actor.account, f"arn:aws:iam::{actor.account}:root", actor.arn, issuer}
    known = {"aws:principalarn": issuer, "aws:principalaccount": actor.account, "aws:principalorgid": organization_id}
    return Caller({"AWS": frozenset(names)}, known | context)


def service(name: str, source_arn: str, source_account: str) -> Caller:
    """A service of AWS that acts for a resource."""
    context = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_account}
    return Caller({"Service": frozenset({name})}, context)


def allows(policy: Policy | None, caller: Caller, action: str) -> bool:
    """Whether a statement allows the action and none denies it."""
    if policy is None:
        return False
    given = policy.get("Statement", [])
    statements = given if isinstance(given, list) else [given]
    named = [statement for statement in statements if _names(statement, caller) and _covers(statement, action)]
    denied = any(statement.get("Effect") == "Deny" and _holds(statement, caller, unknown=True) for statement in named)
    return not denied and any(
        statement.get("Effect") == "Allow" and _holds(statement, caller, unknown=False) for statement in named
    )


def _names(statement: Policy, caller: Caller) -> bool:
    given = statement.get("Principal", {})
    if isinstance(given, str):
        return given == "*"
    return any(set(_list(given.get(kind, []))) & names for kind, names in caller.names.items())


def _covers(statement: Policy, action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _list(statement.get("Action", [])))


def _holds(statement: Policy, caller: Caller, *, unknown: bool) -> bool:
    for operator, conditions in statement.get("Condition", {}).items():
        compare = _OPERATORS.get(operator)
        for key, wanted in conditions.items():
            value = caller.context.get(key.lower())
            if compare is None or value is None:
                if not unknown:
                    return False
            elif not any(compare(value, pattern) for pattern in _list(wanted)):
                return False
    return True


def _list(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
