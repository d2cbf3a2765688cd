"""Organizations: which members may read it, and refusals of AWS that moto lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.organizations.models import FakeDelegatedAdministrator, organizations_backends

from ownertag.sandbox.calls import Call, Response, answer_json, refuse
from ownertag.sandbox.gaps.tag_policies import describe_effective_policy
from ownertag.sandbox.identities import SandboxActor
from ownertag.sandbox.trust import allows, principal

#: The service whose delegated administrator may operate stack sets for the organization.
STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"

IDENTITY_CENTER = "sso.amazonaws.com"

#: The type of a stack's resource that is the organization's resource policy.
RESOURCE_POLICY = "AWS::Organizations::ResourcePolicy"

_BAD = 400
# What public reports quote (terraform-provider-aws#5073, org-formation-cli#7).
_BUSY = (
    "AWS Organizations can't complete your request because it conflicts with another attempt to modify the same "
    "entity. Try again later"
)


class OrganizationsAccess:
    """Calls to Organizations: a member acts for the management account where a policy or its delegation lets it.

    Args:
        management: The management account.
    """

    def __init__(self, management: str) -> None:
        self._management = management
        self._policy: str | None = None
        # The stack that made it, if one did.
        self._policy_stack = ""
        #: Codes that the next changes are refused with, each once: somebody else's change is under way.
        self.busy: list[str] = []
        # moto does not know that stack sets and Identity Center can have a delegated administrator.
        for service in {STACK_SETS, IDENTITY_CENTER} - {*FakeDelegatedAdministrator.SUPPORTED_SERVICES}:
            FakeDelegatedAdministrator.SUPPORTED_SERVICES.append(service)

    def answer(self, call: Call, actor: SandboxActor, organization_id: str, to: Callable[[str], Response]) -> Response:
        """Answers a call; `to` passes it to moto in an account."""
        if actor.account != self._management and not self._let(call, actor, organization_id):
            message = "You don't have permissions to access this resource."
            return refuse(call, "AccessDeniedException", message, _BAD)
        if self.busy and not call.operation.startswith(("Describe", "List")):
            return refuse(call, self.busy.pop(0), _BUSY, _BAD)
        match call.operation:
            case "PutResourcePolicy":
                self._policy = str(call.json()["Content"])
                return answer_json({"ResourcePolicy": self._described(organization_id)})
            case "DescribeResourcePolicy" | "DeleteResourcePolicy" if self._policy is None:
                return refuse(call, "ResourcePolicyNotFoundException", "There is no resource policy.", _BAD)
            case "DescribeResourcePolicy":
                return answer_json({"ResourcePolicy": self._described(organization_id)})
            case "DeleteResourcePolicy":
                self._policy = None
                return answer_json({})
            case "DescribeEffectivePolicy":
                return describe_effective_policy(call, actor.account, self._management)
            case "AttachPolicy" if refused := _not_attachable(call, self._management):
                return refused
            case "EnablePolicyType" if _is_enabled(call, self._management):
                message = "The specified policy type is already enabled."
                return refuse(call, "PolicyTypeAlreadyEnabledException", message, _BAD)
            case "DetachPolicy" if refused := _not_attached(call, self._management):
                return refused
        return to(self._management)

    def put_by_stack(self, stack: Any) -> tuple[str, str] | None:
        """Makes the resource policy of a stack; the resource that failed and the reason, where there is another.

        The words are those of CloudFormation's handler (its source is public: aws-cloudformation's resource providers
        for organizations, CreateHandler of ResourcePolicy). moto does not know the type.
        """
        for logical, resource in stack.template_dict.get("Resources", {}).items():
            if resource["Type"] != RESOURCE_POLICY:
                continue
            if self._policy is not None and self._policy_stack != stack.stack_id:
                return logical, "There is already a ResourcePolicy in the Organization!"
            self._policy = json.dumps(resource["Properties"]["Content"])
            self._policy_stack = stack.stack_id
        return None

    def drop_by_stack(self, account: str, region: str, name: str) -> None:
        """Deletes the resource policy with the stack that made it."""
        stacks = cloudformation_backends[account][region].stacks.values()
        if any(stack.stack_id == self._policy_stack and name in (stack.name, stack.stack_id) for stack in stacks):
            self._policy, self._policy_stack = None, ""

    def administers_stack_sets(self, account: str) -> bool:
        """Whether a member may act as the organization's administrator of stack sets."""
        admins = _backend(self._management).admins
        return any(admin.account.id == account and STACK_SETS in admin.services for admin in admins)

    def _let(self, call: Call, actor: SandboxActor, organization_id: str) -> bool:
        """Whether a member may make a call: each may read whose member it is, a delegated administrator everything."""
        if call.operation == "DescribeOrganization":
            return True
        reads = call.operation.startswith(("Describe", "List"))
        if reads and any(admin.account.id == actor.account for admin in _backend(self._management).admins):
            return True
        policy = json.loads(self._policy) if self._policy else None
        return allows(policy, principal(actor, organization_id), f"organizations:{call.operation}")

    def _described(self, organization_id: str) -> dict[str, Any]:
        arn = f"arn:aws:organizations::{self._management}:resourcepolicy/{organization_id}/rp-ownertag0"
        return {"ResourcePolicySummary": {"Id": "rp-ownertag0", "Arn": arn}, "Content": self._policy}


def _backend(management: str) -> Any:
    return organizations_backends[management]["aws"]


def _not_attachable(call: Call, management: str) -> Response | None:
    """AWS's refusals of AttachPolicy: the type is not switched on, or the policy is there; moto takes both."""
    wanted, backend = call.json(), _backend(management)
    policy = next((policy for policy in backend.policies if policy.id == wanted["PolicyId"]), None)
    if policy is None:
        return None
    enabled = {kind["Type"] for unit in backend.ou if unit.type == "ROOT" for kind in unit.policy_types}
    if policy.type not in enabled:
        return refuse(call, "PolicyTypeNotEnabledException", f"{policy.type} is not enabled in the root.", _BAD)
    if any(attachment.id == wanted["TargetId"] for attachment in policy.attachments):
        return refuse(call, "DuplicatePolicyAttachmentException", "The policy is attached to it already.", _BAD)
    return None


def _is_enabled(call: Call, management: str) -> bool:
    root = next((unit for unit in _backend(management).ou if unit.type == "ROOT"), None)
    return root is not None and any(kind["Type"] == call.json()["PolicyType"] for kind in root.policy_types)


def _not_attached(call: Call, management: str) -> Response | None:
    wanted = call.json()
    policy = next((policy for policy in _backend(management).policies if policy.id == wanted["PolicyId"]), None)
    if policy is None or any(attachment.id == wanted["TargetId"] for attachment in policy.attachments):
        return None
    return refuse(call, "PolicyNotAttachedException", "The policy is not attached to it.", _BAD)
