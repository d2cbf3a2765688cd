"""CloudFormation's service-managed stack sets: units as targets, updates that reach the stacks, descriptions.

Source: CloudFormation API reference. Whether DeleteStackInstances with RetainStacks finds a suspended account under the
unit that it is in, though the instance names no unit any more, is documented nowhere: `finds_suspended` plays either.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.organizations.models import organizations_backends

from ownertag.sandbox.calls import Call, Next, Response, answer_xml, element, refuse
from ownertag.sandbox.gaps.member_access import MemberAccess
from ownertag.sandbox.gaps.organizations import STACK_SETS
from ownertag.sandbox.gaps.stack_instances import StackInstances

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"

_NOT_ALLOWED = (
    "You must be the management account or delegated admin account of an organization before operating a "
    "SERVICE_MANAGED stack set"
)
_UNIT = re.compile(r"ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32}")
_NOT_ACTIVE = "You must enable organizations access to operate a service managed stack set"


@dataclass
class _Extras:
    """What moto does not keep of a stack set: what was asked for and DescribeStackSet gives back, and the instances."""

    instances: StackInstances
    told: dict[str, Any] = field(default_factory=dict)


class StackSets:
    """Operations of stack sets and of their instances.

    Args:
        management: The management account.
        administers: Whether a member is the delegated administrator of stack sets.
        access: What StackSets meets in the members.

    Attributes:
        finds_suspended: Whether suspended accounts are found under their units to have their instances retained.
    """

    def __init__(self, management: str, administers: Callable[[str], bool], access: MemberAccess) -> None:
        self._management = management
        self._administers = administers
        self._access = access
        self.finds_suspended = True
        self._more: dict[str, _Extras] = {}

    def account(self, call: Call, account: str) -> str:
        """The account whose stack sets a call is about: a delegated administrator's are the management account's."""
        delegated = call.params.get("CallAs") == "DELEGATED_ADMIN" and self._administers(account)
        return self._management if delegated else account

    def answer(self, call: Call, account: str, next_: Next) -> Response:
        """Answers a call; `next_` passes it to moto in the account of the stack sets."""
        managed = call.params.get("PermissionModel") == "SERVICE_MANAGED"
        if managed and account != self._management:
            return refuse(call, "ValidationError", _NOT_ALLOWED, 400)
        services = organizations_backends[self._management]["aws"].services
        active = any(service["ServicePrincipal"] == STACK_SETS for service in services)
        match call.operation:
            case "ActivateOrganizationsAccess" | "DescribeOrganizationsAccess" if account != self._management:
                return refuse(call, "ValidationError", _NOT_ALLOWED, 400)
            case "ActivateOrganizationsAccess":
                organizations_backends[self._management]["aws"].enable_aws_service_access(ServicePrincipal=STACK_SETS)
                return answer_xml(call.operation, NAMESPACE)
            case "DescribeOrganizationsAccess":
                status = "ENABLED" if active else "DISABLED"
                return answer_xml(call.operation, NAMESPACE, element("Status", status))
            case "CreateStackSet" if managed and not active:
                return refuse(call, "ValidationError", _NOT_ACTIVE, 400)
            case "CreateStackSet":
                answer = next_(call)
                if not answer.failed:
                    self._extras(self._find(call, account)).told = _told(call)
                return answer
        stack_set = self._find(call, account)
        if stack_set is None or (
            stack_set.permission_model != "SERVICE_MANAGED" and call.operation != "DescribeStackSet"
        ):
            return next_(call)
        return self._managed(call, stack_set, next_)

    def _extras(self, stack_set: Any) -> _Extras:
        return self._more.setdefault(stack_set.id, _Extras(StackInstances(stack_set, self._access)))

    def _managed(self, call: Call, stack_set: Any, next_: Next) -> Response:
        more = self._extras(stack_set)
        match call.operation:
            case "DescribeStackSet" if not (answer := next_(call)).failed:
                return _with_extras(answer, call.operation, more)
            case "UpdateStackSet" if not (answer := next_(call)).failed:
                more.told |= _told(call)
                if not more.instances.update():
                    stack_set.operations[-1]["Status"] = "FAILED"
                return answer
            case "DeleteStackSet" if len(more.instances):
                return refuse(call, "StackSetNotEmptyException", "StackSet is not empty", 409)
            case "CreateStackInstances" | "DeleteStackInstances" if refused := self._no_targets(call):
                return refused
            case "CreateStackInstances":
                return self._create(call, stack_set, more.instances)
            case "DeleteStackInstances":
                return self._delete(call, stack_set, more.instances)
            case "ListStackInstances":
                found = more.instances.listed(
                    call.params.get("StackInstanceAccount"), call.params.get("StackInstanceRegion")
                )
                return answer_xml(call.operation, NAMESPACE, element("Summaries", found))
            case "DescribeStackInstance":
                place = call.params["StackInstanceAccount"], call.params["StackInstanceRegion"]
                if place in more.instances:
                    return answer_xml(call.operation, NAMESPACE, element("StackInstance", more.instances.shown(place)))
        return next_(call)

    def _find(self, call: Call, account: str) -> Any:
        name = call.params.get("StackSetName", "")
        found = cloudformation_backends[account][call.region].stacksets.values()
        active = (stack_set for stack_set in found if stack_set.status == "ACTIVE")
        return next((stack_set for stack_set in active if name in (stack_set.name, stack_set.id)), None)

    def _no_targets(self, call: Call) -> Response | None:
        """AWS's refusals of targets; of a unit that is none (any more) the code is documented nowhere."""
        units = values(call, "DeploymentTargets.OrganizationalUnitIds")
        if not units:
            message = "StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target"
            return refuse(call, "ValidationError", message, 400)
        if bad := [unit for unit in units if not _UNIT.fullmatch(unit)]:
            message = (
                f"1 validation error detected: Value '[{', '.join(bad)}]' at 'deploymentTargets.organizationalUnitIds' "
                f"failed to satisfy constraint: Member must satisfy regular expression pattern: {_UNIT.pattern}"
            )
            return refuse(call, "ValidationError", message, 400)
        backend: Any = organizations_backends[self._management]["aws"]
        if gone := [unit for unit in units if all(unit != known.id for known in backend.ou)]:
            return refuse(call, "ValidationError", f"OrganizationalUnit {gone[0]} does not exist", 400)
        return None

    def _create(self, call: Call, stack_set: Any, instances: StackInstances) -> Response:
        targets = self._accounts(call, values(call, "DeploymentTargets.OrganizationalUnitIds"))
        overrides = [
            {"ParameterKey": key, "ParameterValue": call.params[f"ParameterOverrides.member.{number}.ParameterValue"]}
            for number, key in enumerate(values(call, "ParameterOverrides", "ParameterKey"), 1)
        ]
        well = instances.create(targets, values(call, "Regions"), overrides or stack_set.parameters)
        return _operation(call, stack_set, "CREATE", not well, [*targets])

    def _delete(self, call: Call, stack_set: Any, instances: StackInstances) -> Response:
        targets = [*self._accounts(call, values(call, "DeploymentTargets.OrganizationalUnitIds"))]
        retain = call.params.get("RetainStacks", "").lower() == "true"
        if retain and not self.finds_suspended:
            targets = [account for account in targets if not self._access.suspended(account)]
        well = instances.delete(targets, values(call, "Regions"), retain=retain)
        return _operation(call, stack_set, "DELETE", not well, targets)

    def _accounts(self, call: Call, units: list[str]) -> dict[str, str]:
        """The members in units and in the units below, to the unit that was named; never the management account."""
        backend: Any = organizations_backends[self._management]["aws"]
        below = {unit: {unit} for unit in units}
        for inside in below.values():
            while more := {unit.id for unit in backend.ou if unit.parent_id in inside} - inside:
                inside.update(more)
        accounts = {
            account.id: unit
            for unit, inside in below.items()
            for account in backend.accounts
            if account.parent_id in inside and account.id != self._management
        }
        named = set(values(call, "DeploymentTargets.Accounts"))
        match call.params.get("DeploymentTargets.AccountFilterType", "NONE"):
            case "INTERSECTION":
                return {account: unit for account, unit in accounts.items() if account in named}
            case "DIFFERENCE":
                return {account: unit for account, unit in accounts.items() if account not in named}
        return accounts


def values(call: Call, name: str, part: str = "") -> list[str]:
    """A list among the parameters of a query service; of structures, one part of each."""
    found: list[str] = []
    end = f".{part}" if part else ""
    while (value := call.params.get(f"{name}.member.{len(found) + 1}{end}")) is not None:
        found.append(value)
    return found


def _told(call: Call) -> dict[str, Any]:
    """The settings in a call that moto forgets."""
    told: dict[str, Any] = {}
    for name in ("AutoDeployment", "ManagedExecution"):
        parts = {key.partition(".")[2]: value for key, value in call.params.items() if key.startswith(f"{name}.")}
        if parts:
            told[name] = parts
    if capabilities := values(call, "Capabilities"):
        told["Capabilities"] = capabilities
    return told


def _with_extras(answer: Response, operation: str, more: _Extras) -> Response:
    root = answer.xml()
    found = root.find(".//StackSet")
    if found is None:
        return answer
    told = {"ManagedExecution": {"Active": False}, **more.told}
    told["StackSetDriftDetectionDetails"] = {"DriftStatus": "NOT_CHECKED"}
    for name, content in told.items():
        for old in found.findall(name):
            found.remove(old)
        found.append(element(name, content))
    return answer_xml(operation, NAMESPACE, found)


def _operation(call: Call, stack_set: Any, action: str, failed: bool, accounts: list[str]) -> Response:
    made = stack_set._create_operation(  # noqa: SLF001 - there is no other way into its list
        operation_id=call.params["OperationId"],
        action=action,
        status="FAILED" if failed else "SUCCEEDED",
        accounts=accounts,
        regions=values(call, "Regions"),
    )
    return answer_xml(call.operation, NAMESPACE, element("OperationId", made["OperationId"]))
