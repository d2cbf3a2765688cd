"""What stays of a stack that is rolled back or deleted; moto knows the deletion policy `Retain` alone, and no rollback.

Played by the template reference: `RetainExceptOnCreate` is `Retain`, except in the operation that created the resource,
which deletes it when it is rolled back. Which resource fails is planned (`StackFailures`); all others are made by then.
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation.models import Event, cloudformation_backends

from ownertag.sandbox.calls import Call, Response, answer_xml, refuse
from ownertag.sandbox.gaps.resources import forget_missing
from ownertag.sandbox.gaps.stack_sets import NAMESPACE

_EXCEPT_ON_CREATE = "RetainExceptOnCreate"


class StackFailures:
    """Resources that are to fail, by account, Region and logical name: a reason for each time."""

    def __init__(self) -> None:
        self._planned: dict[tuple[str, str, str], list[str]] = {}

    def plan(self, account: str, region: str, logical: str, *reasons: str) -> None:
        """Has the next operations on a resource fail, each for one of the reasons."""
        self._planned.setdefault((account, region, logical), []).extend(reasons)

    def next(self, account: str, region: str, template: dict[str, Any]) -> tuple[str, str] | None:
        """The logical name and the reason, if one of the template's resources is to fail now."""
        for logical in template.get("Resources", {}):
            reasons = self._planned.get((account, region, logical))
            if reasons:
                return logical, reasons.pop(0)
        return None


def prepare_deletion(account: str, region: str, name: str) -> None:
    """Has moto's deletion of a stack keep what is retained except on create, and pass over what is gone."""
    for stack in cloudformation_backends[account][region].stacks.values():
        if name not in (stack.name, stack.stack_id):
            continue
        forget_missing(stack)
        held = stack.resource_map._resource_json_map  # noqa: SLF001 - there is no other way into it
        for logical, resource in held.items():
            if resource.get("DeletionPolicy") == _EXCEPT_ON_CREATE:
                held[logical] = {**resource, "DeletionPolicy": "Retain"}


def roll_back_creation(stack: Any, logical: str, kind: str, reason: str) -> None:
    """Ends a stack's creation as `ROLLBACK_COMPLETE`, without what was made and is not retained."""
    fail(stack, "CREATE", logical, kind, reason)
    resources = stack.resource_map
    whole = resources._resource_json_map  # noqa: SLF001 - there is no other way into it
    resources._resource_json_map = {  # noqa: SLF001
        name: {key: value for key, value in resource.items() if value != _EXCEPT_ON_CREATE}
        for name, resource in whole.items()
    }
    resources.delete()
    resources._resource_json_map = {}  # noqa: SLF001
    stack.status = "ROLLBACK_COMPLETE"
    stack._add_stack_event("ROLLBACK_COMPLETE")  # noqa: SLF001


def fail(stack: Any, doing: str, logical: str, kind: str, reason: str) -> None:
    """Tells in a stack's events that a resource failed; `doing` is CREATE, UPDATE or IMPORT."""
    stack._add_stack_event(f"{doing}_IN_PROGRESS", resource_status_reason="User Initiated")  # noqa: SLF001
    stack.events.append(Event(stack.stack_id, stack.name, logical, "", kind, f"{doing}_FAILED", reason, None))


def continue_update_rollback(call: Call, account: str) -> Response:
    """Rolls an update back to the end, where it had stuck; moto does not know the operation."""
    name = call.params.get("StackName", "")
    for stack in cloudformation_backends[account][call.region].stacks.values():
        if name in (stack.name, stack.stack_id) and stack.status == "UPDATE_ROLLBACK_FAILED":
            stack.status = "UPDATE_ROLLBACK_COMPLETE"
            return answer_xml(call.operation, NAMESPACE)
    return refuse(call, "ValidationError", f"Stack:{name} is not in UPDATE_ROLLBACK_FAILED state", 400)
