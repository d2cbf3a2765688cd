"""CloudFormation's change sets: found by their stack, with changes by parameters, and with outputs once executed.

They are validated early (`early_validation.py`), import what is there, and are rolled back when a resource fails
(`rollbacks.py`).
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation.models import Change, ChangeSet, cloudformation_backends
from moto.cloudformation.utils import generate_changeset_id, get_stack_from_s3_url

from ownertag.sandbox.calls import Call, Next, Response, answer_xml, element, refuse
from ownertag.sandbox.gaps import early_validation
from ownertag.sandbox.gaps.resources import complete, existing, keep_known
from ownertag.sandbox.gaps.rollbacks import StackFailures, fail, roll_back_creation
from ownertag.sandbox.gaps.stack_sets import NAMESPACE, values

#: The operations that are answered here.
OPERATIONS = {"CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "DescribeEvents"}

_SAME = "The submitted information didn't contain changes. Submit different information to create a change set."


def answer(call: Call, account: str, next_: Next, failures: StackFailures) -> Response:
    """Answers an operation on a change set; `failures` has the resources that are to fail when it is executed."""
    backend = cloudformation_backends[account][call.region]
    stack = next(
        (known for known in backend.stacks.values() if call.params.get("StackName") in (known.name, known.stack_id)),
        None,
    )
    if call.operation == "CreateChangeSet":
        return _create(call, account, stack, next_)
    name = call.params.get("ChangeSetName", "")
    found = next(
        (
            change_set
            for change_set in backend.change_sets.values()
            if name == change_set.change_set_id or (name == change_set.change_set_name and change_set.stack is stack)
        ),
        None,
    )
    if found is None:
        return refuse(call, "ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
    if call.operation == "DescribeEvents":
        return early_validation.describe_events(call, found)
    if call.operation == "ExecuteChangeSet":
        return _execute(call, account, found, next_, failures)
    return next_(call.with_params({**call.params, "ChangeSetName": found.change_set_id}))


def _execute(call: Call, account: str, found: Any, next_: Next, failures: StackFailures) -> Response:
    """Executes a change set. A resource that fails ends it: the call itself goes well, as on AWS."""
    if found.execution_status != "AVAILABLE":
        message = f"ChangeSet [{found.change_set_id}] cannot be executed in its current status of [{found.status}]"
        return refuse(call, "InvalidChangeSetStatus", message, 400)
    stack, kind = found.stack, found.change_set_type
    _leave_policies_alone(stack, found.template_dict)
    planned = failures.next(account, call.region, found.template_dict)
    types = {logical: resource["Type"] for logical, resource in found.template_dict["Resources"].items()}
    if planned and kind != "CREATE":
        fail(stack, kind, planned[0], types[planned[0]], planned[1])
        stack.status = f"{kind}_ROLLBACK_COMPLETE"
        if kind == "IMPORT":  # a stack without a resource, which still has the template
            stack.template = found.template
            stack.template_dict = found.template_dict
        return answer_xml(call.operation, NAMESPACE)
    keep_known(stack)
    with existing(found.template_dict if found.imports or kind == "IMPORT" else {}, account, call.region):
        given = next_(call.with_params({**call.params, "ChangeSetName": found.change_set_id}))
    if kind == "CREATE" and (given.failed or planned):
        made = stack.resource_map._parsed_resources  # noqa: SLF001 - there is no other way into it
        first = next(logical for logical in types if logical not in made) if given.failed else ""
        logical, reason = planned or (first, given.xml().findtext(".//Message") or "")
        roll_back_creation(stack, logical, types[logical], reason)
        return answer_xml(call.operation, NAMESPACE)
    if not given.failed:
        # moto applies the resources, and leaves the stack's own template, parameters and outputs as they were.
        found.stack.parameters = found.parameters
        found.stack._parse_template()  # noqa: SLF001 - as moto's own update does it
        found.stack.description = found.stack.template_dict.get("Description")
        found.stack.output_map = found.stack._create_output_map()  # noqa: SLF001 - the same
        complete(found.stack)
    return given


def _create(call: Call, account: str, stack: Any, next_: Next) -> Response:
    backend: Any = cloudformation_backends[account][call.region]
    kind = call.params.get("ChangeSetType", "UPDATE")
    if kind == "UPDATE" and stack is None:
        message = f"Stack [{call.params.get('StackName')}] does not exist"
        return refuse(call, "ValidationError", message, 400)
    if kind in {"CREATE", "IMPORT"} and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
        message = f"Stack [{stack.name}] already exists and cannot be created again with the changeSet"
        return refuse(call, "ValidationError", message, 400)
    if kind in {"CREATE", "IMPORT"} and stack is not None:
        del backend.stacks[stack.stack_id]  # moto would make a second one of the name
    url = call.params.get("TemplateURL")
    body = get_stack_from_s3_url(url, account, "aws") if url else call.params.get("TemplateBody")
    body = body or (stack.template if stack is not None else None)
    given = _parameters(call, stack)
    if kind == "UPDATE" and body and stack.has_template(body) and _same(stack, given):
        # moto refuses the call; AWS makes a change set that has failed.
        made = ChangeSet(
            change_set_type=kind,
            change_set_id=generate_changeset_id(call.params["ChangeSetName"], call.region, stack.account_id),
            change_set_name=call.params["ChangeSetName"],
            stack=stack,
            template=body,
            parameters=stack.parameters,
            description=call.params.get("Description", ""),
        )
        made.changes = []
        made.status, made.execution_status, made.status_reason = "FAILED", "UNAVAILABLE", _SAME
        backend.change_sets[made.change_set_id] = made
        parts = element("Id", made.change_set_id), element("StackId", stack.stack_id)
        return answer_xml(call.operation, NAMESPACE, *parts)
    given_back = next_(call)
    if not given_back.failed:
        made = backend.change_sets[given_back.xml().findtext(".//Id")]
        made.imports = call.params.get("ImportExistingResources", "").lower() == "true"
        if kind == "IMPORT":
            wanted = dict(zip(values(call, "ResourcesToImport", "LogicalResourceId"), _identifiers(call), strict=True))
            if refused := early_validation.refused_import(call, made.template_dict, wanted, account):
                del backend.change_sets[made.change_set_id], backend.stacks[made.stack_id]
                return refused
            made.changes = [Change("Import", name, made.template_dict["Resources"][name]["Type"]) for name in wanted]
            return given_back
        made.changes = _changes(made)
        made.conflicts = early_validation.conflicts(made, account, call.region, made.imports)
        if made.conflicts:
            made.status, made.execution_status = "FAILED", "UNAVAILABLE"
            made.status_reason = early_validation.FAILED
    return given_back


def _identifiers(call: Call) -> list[str]:
    """The identifiers of `ResourcesToImport`, each of one property."""
    found: list[str] = []
    while value := call.params.get(f"ResourcesToImport.member.{len(found) + 1}.ResourceIdentifier.entry.1.value"):
        found.append(value)
    return found


def _leave_policies_alone(stack: Any, template: dict[str, Any]) -> None:
    """Has moto leave a resource as it is of which only the deletion policy or the order changes."""
    held = stack.resource_map._resource_json_map  # noqa: SLF001 - there is no other way into it
    for name, resource in template["Resources"].items():
        if name in held and held[name].get("Properties") == resource.get("Properties"):
            held[name] = resource


def _changes(made: Any) -> list[Change]:
    """The changes of a change set, those by parameters included, which moto leaves out."""
    by_action = made.stack.resource_map.build_resource_diff(made.template_dict, made.parameters)
    known = {**made.stack.template_dict.get("Resources", {}), **made.template_dict["Resources"]}
    return [Change(action, name, known[name]["Type"]) for action, names in by_action.items() for name in names]


def _parameters(call: Call, stack: Any) -> dict[str, str]:
    given: dict[str, str] = {}
    for number, key in enumerate(values(call, "Parameters", "ParameterKey"), 1):
        previous = call.params.get(f"Parameters.member.{number}.UsePreviousValue", "").lower() == "true"
        value = call.params.get(f"Parameters.member.{number}.ParameterValue", "")
        given[key] = str(stack.stack_parameters[key]) if previous and stack is not None else value
    return given


def _same(stack: Any, given: dict[str, str]) -> bool:
    """Whether the parameters are those that the stack has, defaults included."""
    defaults = {
        key: str(parameter["Default"])
        for key, parameter in stack.template_dict.get("Parameters", {}).items()
        if "Default" in parameter
    }
    return {**defaults, **given} == {key: str(value) for key, value in stack.stack_parameters.items()}
