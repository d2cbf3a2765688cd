"""A stack of one account and Region: read, previewed by a change set, created, updated, deleted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from ownertag.rollout.deploy.clients import DeployError
from ownertag.rollout.deploy.desired import DesiredStack
from ownertag.rollout.deploy.values import StackState

Say = Callable[[str], None]
Pause = Callable[[float], None]

#: Seconds between two calls that ask how far an operation is.
POLL_SECONDS = 5.0
#: How often it is asked whether an execution has begun.
PATIENCE = 24

_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
# A stack whose creation failed can't be updated: it has to be deleted first.
_STILLBORN = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_REVIEW = "REVIEW_IN_PROGRESS"
_WELL = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
# Rolled back to what it was: well, if its template is what should be there.
_AS_BEFORE = frozenset({"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"})


def read(client: Any, name: str) -> StackState | None:
    """A stack, or None if there is none."""
    found = _describe(client, name)
    if found is None:
        return None
    parameters = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in found.get("Parameters", ())}
    if found["StackStatus"] == _REVIEW:  # nothing but a change set was made
        return StackState(_REVIEW, "", parameters)
    body = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    return StackState(found["StackStatus"], body if isinstance(body, str) else "", parameters)


def is_new(state: StackState | None) -> bool:
    """Whether the stack has to be created."""
    return state is None or state.status in {_REVIEW, *_STILLBORN}


def differs(stack: DesiredStack, state: StackState) -> bool:
    """Whether there is something to update."""
    same = (state.template, state.parameters) == (stack.template, dict(stack.parameters))
    return not (same and state.status in _WELL | _AS_BEFORE)


def preview_new(client: Any, stack: DesiredStack) -> tuple[str, ...]:
    """What a new stack would add, a line for each resource type, as CloudFormation reads the template."""
    summary = client.get_template_summary(TemplateBody=stack.template)
    return tuple(f"add {resource_type}" for resource_type in sorted(set(summary["ResourceTypes"])))


def preview(client: Any, stack: DesiredStack, pause: Pause, *, revert: bool = False) -> tuple[str, ...]:
    """What an update would change, a line for each resource, by a change set that is deleted again."""
    wait_until_idle(client, stack.name, pause, lambda _: None)
    change_set = _change_set(client, stack, "UPDATE", pause, revert)
    if change_set is None:
        return ()
    try:
        return _changes(client, change_set)
    finally:
        client.delete_change_set(ChangeSetName=change_set)


def put(client: Any, stack: DesiredStack, pause: Pause, say: Say, *, revert: bool = False) -> None:
    """Creates or updates a stack, and waits for it; with `revert`, puts back what was changed by hand.

    Raises:
        DeployError: CloudFormation failed; the text has the first reason.
    """
    status = wait_until_idle(client, stack.name, pause, say)
    if status in _STILLBORN:
        say("the earlier creation failed: it is taken away first")
        drop(client, stack.name, pause, say)
        status = None
    new = status in {None, _REVIEW}
    change_set = _change_set(client, stack, "CREATE" if new else "UPDATE", pause, revert and not new)
    if change_set is None:
        return
    client.execute_change_set(ChangeSetName=change_set)
    for _ in range(PATIENCE):  # a new stack is under review for a moment longer
        ended = wait_until_idle(client, stack.name, pause, say)
        if ended != _REVIEW:
            break
        pause(POLL_SECONDS)
    if ended not in _WELL:
        raise DeployError(
            f"stack {stack.name} in {stack.account} {stack.region} ended as {ended}: {_reason(client, stack.name)}"
        )


def drop(client: Any, name: str, pause: Pause, say: Say) -> None:
    """Deletes a stack, and waits for it; one that is not there is no error.

    Raises:
        DeployError: CloudFormation failed.
    """
    if wait_until_idle(client, name, pause, say) is None:
        return
    client.delete_stack(StackName=name)
    ended = wait_until_idle(client, name, pause, say)
    if ended is not None:
        raise DeployError(f"stack {name} could not be deleted and is {ended}: {_reason(client, name)}")


def wait_until_idle(client: Any, name: str, pause: Pause, say: Say) -> str | None:
    """Waits until no operation runs on a stack. Returns its status, None if there is no such stack (any more)."""
    last = ""
    while (found := _describe(client, name)) is not None:
        status = str(found["StackStatus"])
        if status == _REVIEW or not status.endswith("_IN_PROGRESS"):
            return status
        if status != last:
            say(f"{status.lower().replace('_', ' ')}")
            last = status
        pause(POLL_SECONDS)
    return None


def _describe(client: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        # CloudFormation has no code of its own for it.
        if error.response["Error"]["Code"] == "ValidationError" and "not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def _change_set(client: Any, stack: DesiredStack, kind: str, pause: Pause, revert: bool) -> str | None:
    """A change set that can be executed; None where there is nothing to change.

    With `revert` it compares with the actual resources (doc: drift-aware change sets). A new stack imports what was
    retained when an older one was deleted (the log group, the dead-letter queue).
    """
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()]
    made = client.create_change_set(
        StackName=stack.name,
        ChangeSetName=f"ownertag-{uuid4().hex[:12]}",
        ChangeSetType=kind,
        TemplateBody=stack.template,
        Parameters=parameters,
        Capabilities=_CAPABILITIES,
        **({"ImportExistingResources": True} if kind == "CREATE" else {}),
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
    client.delete_change_set(ChangeSetName=made)
    # CloudFormation has no code for it: only these words say that there is nothing to change.
    if "didn't contain changes" in reason or "No updates are to be performed" in reason:
        return None
    raise DeployError(
        f"stack {stack.name} in {stack.account} {stack.region}: CloudFormation refuses the change: {reason}"
    )


def _changes(client: Any, change_set: str) -> tuple[str, ...]:
    pages = client.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    lines = []
    for page in pages:
        for listed in page["Changes"]:
            change = listed["ResourceChange"]
            replaced = change.get("Replacement") in {"True", "Conditional"}
            note = " (replaced)" if replaced else ""
            lines.append(f"{change['Action'].lower()} {change['ResourceType']} {change['LogicalResourceId']}{note}")
    return tuple(lines)


def _reason(client: Any, name: str) -> str:
    """The first thing that failed: later failures follow from it."""
    failed = []
    with suppress(ClientError):
        for page in client.get_paginator("describe_stack_events").paginate(StackName=name):
            failed += [
                f"{stack_event['LogicalResourceId']}: {stack_event['ResourceStatusReason']}"
                for stack_event in page["StackEvents"]
                if stack_event["ResourceStatus"].endswith("_FAILED") and stack_event.get("ResourceStatusReason")
            ]
    return failed[-1] if failed else "its events say no reason"
