"""IAM's SimulatePrincipalPolicy over the policies that moto keeps; moto has no such operation.

Source: IAM API reference, SimulatePrincipalPolicy: the policies of a user or role and its organization's service
control policies are evaluated, and nothing is called. Played are Action, NotAction, Resource and NotResource; a
statement with conditions is answered as AWS does where no values are given for their keys: it does not count, and its
keys are named.
Of service control policies only Deny statements without conditions are played. The role that Organizations makes in an
account has AWS's policy AdministratorAccess (doc: accessing member accounts), which moto does not keep: it counts for
that role as long as it has no policy of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.iam.models import iam_backends
from moto.organizations.models import organizations_backends

from ownertag.sandbox.calls import Call, Response, answer_xml, element, refuse
from ownertag.sandbox.organization import ACCESS_ROLE

_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_Statement = Mapping[str, Any]
_ADMINISTRATOR_ACCESS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def simulate_principal_policy(call: Call, account: str, management: str) -> Response:
    """SimulatePrincipalPolicy of a user or a role of the caller's account."""
    source = call.params.get("PolicySourceArn", "")
    documents = _policies(account, source)
    if documents is None:
        return refuse(call, "NoSuchEntity", f"The principal {source} cannot be found.", 404)
    actions, resources = _members(call, "ActionNames"), _members(call, "ResourceArns") or ["*"]
    own = [statement for document in documents for statement in _statements(document)]
    scps = list(_service_control(account, management))
    results = [_result(action, resource, own, scps) for action in actions for resource in resources]
    content = element("EvaluationResults", results)
    return answer_xml("SimulatePrincipalPolicy", _NAMESPACE, content, element("IsTruncated", False))


def _result(action: str, resource: str, own: list[_Statement], scps: list[_Statement]) -> dict[str, Any]:
    about = [statement for statement in own if _is_about(statement, action, resource)]
    plain = [statement for statement in about if not statement.get("Condition")]
    by_scp = any(_is_about(statement, action, resource) for statement in scps)
    if by_scp or any(statement["Effect"] == "Deny" for statement in plain):
        decision = "explicitDeny"
    else:
        decision = "allowed" if any(statement["Effect"] == "Allow" for statement in plain) else "implicitDeny"
    keys = {key for statement in about for keys in statement.get("Condition", {}).values() for key in keys}
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision,
        "MissingContextValues": sorted(keys),
        "OrganizationsDecisionDetail": {"AllowedByOrganizations": not by_scp},
    }


def _policies(account: str, arn: str) -> list[Mapping[str, Any]] | None:
    """The documents of a user's or role's policies; None if there is no such principal."""
    backend: Any = iam_backends[account]["aws"]
    for principal in (*backend.roles.values(), *backend.users.values()):
        if principal.arn == arn:
            inline = principal.policies
            texts = list(inline.values()) if isinstance(inline, dict) else [one.policy_document for one in inline]
            texts += [policy.document for policy in principal.managed_policies.values()]
            if not texts and arn.endswith(f":role/{ACCESS_ROLE}"):
                return [_ADMINISTRATOR_ACCESS]
            return [json.loads(text) for text in texts]
    return None


def _service_control(account: str, management: str) -> Iterator[_Statement]:
    backend: Any = organizations_backends[management]["aws"]
    if account == management:
        return
    parents = {unit.id: unit.parent_id for unit in backend.ou} | {one.id: one.parent_id for one in backend.accounts}
    path = {account}
    at: str | None = account
    while (at := parents.get(at or "")) and at not in path:
        path.add(at)
    for policy in backend.policies:
        if policy.type == "SERVICE_CONTROL_POLICY" and any(one.id in path for one in policy.attachments):
            for statement in _statements(json.loads(policy.content)):
                if statement["Effect"] == "Deny" and not statement.get("Condition"):
                    yield statement


def _is_about(statement: _Statement, action: str, resource: str) -> bool:
    lowered = action.lower()
    if "NotAction" in statement:
        covered = not any(fnmatchcase(lowered, one.lower()) for one in _list(statement["NotAction"]))
    else:
        covered = any(fnmatchcase(lowered, one.lower()) for one in _list(statement.get("Action", [])))
    if "NotResource" in statement:
        return covered and not any(fnmatchcase(resource, one) for one in _list(statement["NotResource"]))
    # Without a resource that is named, only a statement about every resource counts.
    return covered and any(fnmatchcase(resource, one) for one in _list(statement.get("Resource", "*")))


def _statements(document: Mapping[str, Any]) -> list[_Statement]:
    found = document.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _members(call: Call, name: str) -> list[str]:
    found = {
        int(key.rpartition(".")[2]): value for key, value in call.params.items() if key.startswith(f"{name}.member.")
    }
    return [value for _, value in sorted(found.items())]


def _list(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
