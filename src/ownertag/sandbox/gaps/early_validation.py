"""CloudFormation's early validation of names, its imports, and what DescribeEvents says; moto has none of it.

Played by the user guide's "Validate stack deployments" (what exists by the name of a resource that is to be added fails
the change set), "Import AWS resources into a CloudFormation stack automatically" (a resource whose primary identifier
is read-only, such as a queue's address, is not imported by itself) and "Create a stack from existing resources" (an
import names each resource, and its template has no other). The words of a refusal are those that a public issue shows
of a bucket (aws-cloudformation/rain#744); of the other types no source shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.dynamodb.models import dynamodb_backends
from moto.events.models import events_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.sqs.models import sqs_backends

from ownertag.sandbox.calls import Call, Response, answer_xml, element, refuse

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
FAILED = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early "
    "Validation errors, use the DescribeEvents API for detailed failure information."
)
QUEUE = "AWS::SQS::Queue"

#: By type: the property that names a resource, and the names that there are in an account and Region.
_NAMES: dict[str, tuple[str, Callable[[str, str], set[str]]]] = {
    QUEUE: ("QueueName", lambda account, region: {*sqs_backends[account][region].queues}),
    "AWS::DynamoDB::Table": ("TableName", lambda account, region: {*dynamodb_backends[account][region].tables}),
    "AWS::Logs::LogGroup": ("LogGroupName", lambda account, region: {*logs_backends[account][region].groups}),
    "AWS::Events::EventBus": ("Name", lambda account, region: {*events_backends[account][region].event_buses}),
    "AWS::IAM::Role": (
        "RoleName",
        lambda account, _: {role.name for role in iam_backends[account]["aws"].roles.values()},
    ),
}
_KEPT = ("Retain", "RetainExceptOnCreate")


def named(template: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(logical name, type, name) of the resources with a name of their own; one that is put together is none."""
    for logical, resource in template.get("Resources", {}).items():
        key, _ = _NAMES.get(resource["Type"], ("", None))
        name = resource.get("Properties", {}).get(key) if key else None
        if isinstance(name, str):
            yield logical, resource["Type"], name


def conflicts(made: Any, account: str, region: str, imports: bool) -> list[tuple[str, str, str]]:
    """What a change set would add, and is there: (logical name, type, name)."""
    added = {change.logical_resource_id for change in made.changes if change.action == "Add"}
    return [
        (logical, kind, name)
        for logical, kind, name in named(made.template_dict)
        if logical in added
        and name in _NAMES[kind][1](account, region)
        and not (imports and kind != QUEUE and _policy(made.template_dict, logical) in _KEPT)
    ]


def refused_import(call: Call, template: dict[str, Any], wanted: dict[str, str], account: str) -> Response | None:
    """CloudFormation's refusals of an import that makes a stack; `wanted` has the identifiers by logical name."""
    resources = template.get("Resources", {})
    if template.get("Outputs"):
        return _invalid(call, "As part of the import operation, you cannot modify or add [Outputs]")
    if more := sorted({*resources} - {*wanted}):
        return _invalid(call, f"Resources {more} are missing from ResourceToImport list")
    for logical, identifier in wanted.items():
        if logical not in resources:
            return _invalid(call, f"Resource {logical} is not in the template")
        if _policy(template, logical) is None:
            return _invalid(call, f"Resource {logical} must have a DeletionPolicy attribute")
        kind = resources[logical]["Type"]
        name = identifier.rpartition("/")[2] if kind == QUEUE else identifier
        if name not in _NAMES[kind][1](account, call.region):
            return _invalid(call, f"{kind} {identifier} does not exist")
    return None


def describe_events(call: Call, made: Any) -> Response:
    """The events of a change set that failed validation; none for another."""
    operation = str(uuid4())
    events = [
        {
            "EventId": str(uuid4()),
            "StackId": made.stack_id,
            "OperationId": operation,
            "OperationType": "CREATE_CHANGESET",
            "OperationStatus": "FAILED",
            "EventType": "VALIDATION_ERROR",
            "LogicalResourceId": logical,
            "PhysicalResourceId": "",
            "ResourceType": kind,
            "Timestamp": datetime.now(UTC).isoformat(),
            "ValidationFailureMode": "FAIL",
            "ValidationName": "NAME_CONFLICT_VALIDATION",
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": f"Resource of type '{kind}' with identifier '{name}' already exists.",
            "ValidationPath": f"/Resources/{logical}",
        }
        for logical, kind, name in getattr(made, "conflicts", ())
    ]
    return answer_xml(call.operation, NAMESPACE, element("OperationEvents", events))


def _policy(template: dict[str, Any], logical: str) -> str | None:
    found: str | None = template["Resources"][logical].get("DeletionPolicy")
    return found


def _invalid(call: Call, message: str) -> Response:
    return refuse(call, "ValidationError", message, 400)
