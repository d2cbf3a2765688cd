"""CloudFormation's service-managed stack sets: units as targets, updates that reach the stacks, descriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.utils import generate_stack_id
from moto.organizations.models import organizations_backends

from ownertag.sandbox.calls import Call, Next, Response, answer_xml, element, refuse
from ownertag.sandbox.gaps.organizations import STACK_SETS
from ownertag.sandbox.gaps.resources import complete, forget_missing

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"

_NOT_ALLOWED = (
    "You must be the management account or delegated admin account of an organization before operating a "
    "SERVICE_MANAGED stack set"
)
_NOT_ACTIVE = "You must enable organizations access to operate a service managed stack set"


@dataclass
class _StackSetExtras:
    """What moto does not keep of a stack set.

    Attributes:
        told: What was asked for and DescribeStackSet gives back.
        units: Accounts to the unit that was named when their instances were made.
        failures: (account, Region) to why its stack could not be brought up to date.
    """

    told: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)


class StackSets:
    """Operations of stack sets and of their instances.

    Args:
        management: The management account.
        administers: Whether a member is the delegated administrator of stack sets.
    """

    def __init__(self, management: str, administers: Callable[[str], bool]) -> None:
        self._management = management
        self._administers = administers
        self._more: dict[str, _StackSetExtras] = {}

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
                    self._more[self._find(call, account).id] = _StackSetExtras(_told(call))
                return answer
        stack_set = self._find(call, account)
        if stack_set is None:
            return next_(call)
        more = self._more.setdefault(stack_set.id, _StackSetExtras())
        match call.operation:
            case "DescribeStackSet" if not (answer := next_(call)).failed:
                return _with_extras(answer, call.operation, more)
            case "UpdateStackSet" if not (answer := next_(call)).failed:
                more.told |= _told(call)
                _update(stack_set, more)
                return answer
            case "CreateStackInstances" if stack_set.permission_model == "SERVICE_MANAGED":
                return self._create(call, stack_set, more)
            case "DeleteStackInstances" if stack_set.permission_model == "SERVICE_MANAGED":
                return self._delete(call, stack_set)
            case "ListStackInstances":
                return _list(call, stack_set, more)
            case "DescribeStackInstance" if not (answer := next_(call)).failed:
                key = call.params["StackInstanceAccount"], call.params["StackInstanceRegion"]
                found = element("StackInstance", _shown(stack_set.instances.get_instance(*key), more))
                return answer_xml(call.operation, NAMESPACE, found)
        return next_(call)

    def _find(self, call: Call, account: str) -> Any:
        name = call.params.get("StackSetName", "")
        found = cloudformation_backends[account][call.region].stacksets.values()
        active = (stack_set for stack_set in found if stack_set.status == "ACTIVE")
        return next((stack_set for stack_set in active if name in (stack_set.name, stack_set.id)), None)

    def _create(self, call: Call, stack_set: Any, more: _StackSetExtras) -> Response:
        units = values(call, "DeploymentTargets.OrganizationalUnitIds")
        if not units:
            return refuse(call, "ValidationError", "OrganizationalUnitIds are required", 400)
        targets = self._accounts(call, units)
        overrides = [
            {"ParameterKey": key, "ParameterValue": call.params[f"ParameterOverrides.member.{number}.ParameterValue"]}
            for number, key in enumerate(values(call, "ParameterOverrides", "ParameterKey"), 1)
        ]
        parameters = overrides or stack_set.parameters
        failed = False
        for account, unit in targets.items():
            more.units[account] = unit
            for region in values(call, "Regions"):
                failed |= not _make(stack_set, more, account, region, parameters)
        return _operation(call, stack_set, "CREATE", failed, [*targets])

    def _delete(self, call: Call, stack_set: Any) -> Response:
        targets = [*self._accounts(call, values(call, "DeploymentTargets.OrganizationalUnitIds"))]
        regions = values(call, "Regions")
        if call.params.get("RetainStacks", "").lower() == "true":
            stack_set.instances.stack_instances[:] = [
                stack_instance
                for stack_instance in stack_set.instances.stack_instances
                if stack_instance.account_id not in targets or stack_instance.region_name not in regions
            ]
        else:
            _forget(stack_set, targets, regions)
            stack_set.instances.delete(targets, regions)
        return _operation(call, stack_set, "DELETE", False, targets)

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


def _with_extras(answer: Response, operation: str, more: _StackSetExtras) -> Response:
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


def _make(stack_set: Any, more: _StackSetExtras, account: str, region: str, parameters: Any) -> bool:
    """Makes an instance, shows its stack in the account, as AWS does, and tells whether it went well."""
    there = stack_set.instances.get_instance(account, region) is not None
    try:
        stack_set.instances.create_instances([account], [region], parameters, {}, "SERVICE_MANAGED")
    except Exception as error:  # noqa: BLE001 - as AWS: one stack that fails must not keep back the others
        more.failures[account, region] = str(error)
        return False
    more.failures.pop((account, region), None)
    stack = stack_set.instances.get_instance(account, region).stack
    if not there:
        stack.name = f"StackSet-{stack_set.name}-{uuid4()}"
        stack.stack_id = generate_stack_id(stack.name, region, account)
        cloudformation_backends[account][region].stacks[stack.stack_id] = stack
        complete(stack)
    return True


def _forget(stack_set: Any, accounts: list[str], regions: list[str]) -> None:
    for stack_instance in stack_set.instances.stack_instances:
        if stack_instance.account_id in accounts and stack_instance.region_name in regions:
            cloudformation_backends[stack_instance.account_id][stack_instance.region_name].stacks.pop(
                stack_instance.stack.stack_id, None
            )
            forget_missing(stack_instance.stack)


def _update(stack_set: Any, more: _StackSetExtras) -> None:
    """Brings the stacks of a stack set up to its template, which moto does not; tries again what failed."""
    stack_set.instances.template = stack_set.template
    for instance in stack_set.instances.stack_instances:
        key = instance.account_id, instance.region_name
        more.failures.pop(key, None)
        instance.template = stack_set.template
        try:
            instance.stack.update(stack_set.template, parameters=instance.stack.parameters)
            complete(instance.stack)
        except Exception as error:  # noqa: BLE001 - as AWS: one stack that fails must not keep back the others
            more.failures[key] = str(error)
            stack_set.operations[-1]["Status"] = "FAILED"
    there = {
        (stack_instance.account_id, stack_instance.region_name)
        for stack_instance in stack_set.instances.stack_instances
    }
    for account, region in [key for key in more.failures if key not in there]:
        if not _make(stack_set, more, account, region, stack_set.parameters):
            stack_set.operations[-1]["Status"] = "FAILED"


def _list(call: Call, stack_set: Any, more: _StackSetExtras) -> Response:
    wanted = call.params.get("StackInstanceAccount"), call.params.get("StackInstanceRegion")
    found = [
        _shown(stack_instance, more)
        for stack_instance in stack_set.instances.stack_instances
        if wanted[0] in (None, stack_instance.account_id) and wanted[1] in (None, stack_instance.region_name)
    ]
    there = {(summary["Account"], summary["Region"]) for summary in found}
    found += [
        {
            "StackSetId": stack_set.id,
            "Region": region,
            "Account": account,
            "Status": "OUTDATED",
            "StatusReason": reason,
            "StackInstanceStatus": {"DetailedStatus": "FAILED"},
            "OrganizationalUnitId": more.units.get(account),
        }
        for (account, region), reason in more.failures.items()
        if (account, region) not in there and wanted[0] in (None, account) and wanted[1] in (None, region)
    ]
    return answer_xml(call.operation, NAMESPACE, element("Summaries", found))


def _shown(instance: Any, more: _StackSetExtras) -> dict[str, Any]:
    reason = more.failures.get((instance.account_id, instance.region_name))
    return {
        "StackSetId": instance.stackset_id,
        "Region": instance.region_name,
        "Account": instance.account_id,
        "StackId": instance.stack.stack_id,
        "Status": "OUTDATED" if reason else "CURRENT",
        "StatusReason": reason,
        "StackInstanceStatus": {"DetailedStatus": "FAILED" if reason else "SUCCEEDED"},
        "OrganizationalUnitId": more.units.get(instance.account_id),
        "DriftStatus": "NOT_CHECKED",
    }


def _operation(call: Call, stack_set: Any, action: str, failed: bool, accounts: list[str]) -> Response:
    made = stack_set._create_operation(  # noqa: SLF001 - there is no other way into its list
        operation_id=call.params["OperationId"],
        action=action,
        status="FAILED" if failed else "SUCCEEDED",
        accounts=accounts,
        regions=values(call, "Regions"),
    )
    return answer_xml(call.operation, NAMESPACE, element("OperationId", made["OperationId"]))
