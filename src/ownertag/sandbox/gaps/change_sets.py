"""CloudFormation's change sets: found by their stack, with changes by parameters, and with outputs once executed."""

from __future__ import annotations

from typing import Any

from moto.cloudformation.models import Change, ChangeSet, cloudformation_backends
from moto.cloudformation.utils import generate_changeset_id

from ownertag.sandbox.calls import Call, Next, Response, answer_xml, element, refuse
from ownertag.sandbox.gaps.resources import complete, existing, keep_known
from ownertag.sandbox.gaps.stack_sets import NAMESPACE, values

#: The operations that are answered here.
OPERATIONS = {"CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet"}

_SAME = "The submitted information didn't contain changes. Submit different information to create a change set."


def answer(call: Call, account: str, next_: Next) -> Response:
    """Answers an operation on a change set."""
    backend = cloudformation_backends[account][call.region]
    stack = next(
        (known for known in backend.stacks.values() if call.params.get("StackName") in (known.name, known.stack_id)),
        None,
    )
    if call.operation == "CreateChangeSet":
        return _create(call, backend, stack, next_)
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
    keep_known(found.stack)
    with existing(found.template_dict if getattr(found, "imports", False) else {}, account, call.region):
        given = next_(call.with_params({**call.params, "ChangeSetName": found.change_set_id}))
    if call.operation == "ExecuteChangeSet" and not given.failed:
        # moto applies the resources, and leaves the stack's own template, parameters and outputs as they were.
        found.stack.parameters = found.parameters
        found.stack._parse_template()  # noqa: SLF001 - as moto's own update does it
        found.stack.description = found.stack.template_dict.get("Description")
        found.stack.output_map = found.stack._create_output_map()  # noqa: SLF001 - the same
        complete(found.stack)
    return given


def _create(call: Call, backend: Any, stack: Any, next_: Next) -> Response:
    kind = call.params.get("ChangeSetType", "UPDATE")
    if kind == "UPDATE" and stack is None:
        message = f"Stack [{call.params.get('StackName')}] does not exist"
        return refuse(call, "ValidationError", message, 400)
    if kind == "CREATE" and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
        message = f"Stack [{stack.name}] already exists and cannot be created again with the changeSet"
        return refuse(call, "ValidationError", message, 400)
    if kind == "CREATE" and stack is not None:
        del backend.stacks[stack.stack_id]  # moto would make a second one of the name
    body = call.params.get("TemplateBody") or (stack.template if stack is not None else None)
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
        made.changes = _changes(made)
        made.imports = call.params.get("ImportExistingResources", "").lower() == "true"
    return given_back


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
