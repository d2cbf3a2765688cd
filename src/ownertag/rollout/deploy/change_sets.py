"""A change set: made, waited for, and read; and why CloudFormation refuses one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from ownertag.rollout.deploy.desired import DesiredStack
from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.deploy.operation_events import refusals
from ownertag.rollout.deploy.template_source import TemplateBucket

Say = Callable[[str], None]
Pause = Callable[[float], None]

#: Seconds between two calls that ask how far an operation is.
POLL_SECONDS = 5.0

_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


def make(
    client: Any,
    stack: DesiredStack,
    kind: str,
    bucket: TemplateBucket,
    pause: Pause,
    *,
    revert: bool = False,
    resources: Sequence[dict[str, Any]] = (),
) -> str | None:
    """A change set that can be executed; None where there is nothing to change.

    Args:
        client: Of CloudFormation in the stack's account and Region.
        stack: What is to be there.
        kind: CREATE, UPDATE, or IMPORT.
        bucket: Where a template lies that is too long for a call.
        pause: Waits so many seconds.
        revert: Whether it compares with the actual resources (doc: drift-aware change sets).
        resources: What an import takes over.

    Raises:
        DeployError: CloudFormation refuses the change; the text names each resource.
    """
    with bucket.given(stack.template) as template:
        made = client.create_change_set(
            StackName=stack.name,
            ChangeSetName=f"ownertag-{uuid4().hex[:12]}",
            ChangeSetType=kind,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
            Capabilities=_CAPABILITIES,
            **template,
            **({"ResourcesToImport": list(resources)} if resources else {}),
            **({"DeploymentMode": "REVERT_DRIFT"} if revert else {}),
        )["Id"]
        while True:
            found = client.describe_change_set(ChangeSetName=made, StackName=stack.name)
            if found["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                break
            pause(POLL_SECONDS)
    if found["Status"] == "CREATE_COMPLETE":
        return str(made)
    reason = str(found.get("StatusReason", ""))
    # CloudFormation has no code for it: only these words say that there is nothing to change.
    nothing = "didn't contain changes" in reason or "No updates are to be performed" in reason
    told = () if nothing else refusals(client, made)
    client.delete_change_set(ChangeSetName=made)
    if nothing:
        return None
    raise DeployError(
        f"stack {stack.name} in {stack.account} {stack.region}: CloudFormation refuses the change: "
        + "\n  ".join([reason, *told])
    )


def changes(client: Any, change_set: str) -> tuple[str, ...]:
    """What a change set would change, a line for each resource."""
    pages = client.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    lines = []
    for page in pages:
        for listed in page["Changes"]:
            change = listed["ResourceChange"]
            replaced = change.get("Replacement") in {"True", "Conditional"}
            note = " (replaced)" if replaced else ""
            lines.append(f"{change['Action'].lower()} {change['ResourceType']} {change['LogicalResourceId']}{note}")
    return tuple(lines)
