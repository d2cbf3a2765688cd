"""A stack of one account and Region: read, previewed by a change set, created, updated, deleted.

A stack is made and changed by change sets (`change_sets.py`), and takes over what an older one left (`retained.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from ownertag.render.retained import import_template, retained
from ownertag.rollout.deploy import change_sets
from ownertag.rollout.deploy.change_sets import POLL_SECONDS, Pause, Say
from ownertag.rollout.deploy.desired import DesiredStack
from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.deploy.operation_events import is_passing, reasons
from ownertag.rollout.deploy.retained import left_over
from ownertag.rollout.deploy.template_source import MOST_IN_CALL, TemplateBucket
from ownertag.rollout.deploy.values import StackState

#: How often it is asked whether an execution has begun.
PATIENCE = 24
#: Seconds before an operation is tried again that failed by what passes: a role that is too young, a name just freed.
AGAIN_SECONDS = 60.0
#: How often.
TIMES_AGAIN = 2

# A stack whose creation failed can't be updated: it has to be deleted first.
_STILLBORN = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_REVIEW = "REVIEW_IN_PROGRESS"
# An update whose rollback failed: it takes nothing but to be rolled back to the end.
_STUCK = frozenset({"UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_FAILED"})
# An import that failed: a stack that it was to make has nothing in it.
_NOT_IMPORTED = "IMPORT_ROLLBACK_COMPLETE"
_TYPE = re.compile(r"^    Type: (\S+)", re.MULTILINE)
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
    if len(stack.template.encode()) > MOST_IN_CALL:  # there is no bucket to lay it in before anything is made
        types = set(_TYPE.findall(stack.template))
    else:
        types = set(client.get_template_summary(TemplateBody=stack.template)["ResourceTypes"])
    return tuple(f"add {resource_type}" for resource_type in sorted(types))


def taken_over(stack: DesiredStack, client_of: Callable[[str], Any]) -> tuple[str, ...]:
    """What a new stack would take over, a line for each resource.

    Raises:
        DeployError: What has the name of one is somebody else's.
    """
    return tuple(
        f"take over {resource['ResourceType']} {resource['LogicalResourceId']}"
        for resource in left_over(stack.template, client_of)
    )


def preview(
    client: Any, stack: DesiredStack, bucket: TemplateBucket, pause: Pause, *, revert: bool = False
) -> tuple[str, ...]:
    """What an update would change, a line for each resource, by a change set that is deleted again."""
    status = wait_until_idle(client, stack.name, pause, lambda _: None)
    empty = status == _NOT_IMPORTED and _is_empty(client, stack.name)
    if empty or status is None or status in {_REVIEW, *_STILLBORN}:  # or what was under way has failed meanwhile
        return preview_new(client, stack)
    if status in _STUCK:
        return (f"{status}: what is rolled back is rolled back to the end first",)
    change_set = change_sets.make(client, stack, "UPDATE", bucket, pause, revert=revert)
    if change_set is None:
        return ()
    try:
        return change_sets.changes(client, change_set)
    finally:
        client.delete_change_set(ChangeSetName=change_set)


def put(
    client: Any,
    stack: DesiredStack,
    bucket: TemplateBucket,
    client_of: Callable[[str], Any],
    pause: Pause,
    say: Say,
    *,
    revert: bool = False,
) -> None:
    """Creates or updates a stack, and waits for it; with `revert`, puts back what was changed by hand.

    What fails by something that passes, such as a role that is too young, is tried again.

    Args:
        client: Of CloudFormation in the stack's account and Region.
        stack: The stack.
        bucket: Where a template lies that is too long for a call.
        client_of: A client of another service there.
        pause: Waits so many seconds.
        say: Told how far it is.
        revert: Whether the actual resources are compared.

    Raises:
        DeployError: CloudFormation failed; the text has what it says of each resource.
    """
    for left in range(TIMES_AGAIN, -1, -1):
        status = _ready(client, stack.name, pause, say)
        if status is None or status == _REVIEW:
            status = _take_over(client, stack, bucket, client_of, pause, say)
        new = status is None or status == _REVIEW
        kind = "CREATE" if new else "UPDATE"
        change_set = change_sets.make(client, stack, kind, bucket, pause, revert=revert and not new)
        if change_set is None:
            return
        ended = _execute(client, stack.name, change_set, pause, say)
        if ended in _WELL:
            return
        told = reasons(client, stack.name)
        if not (left and is_passing(told)):
            raise DeployError(
                f"stack {stack.name} in {stack.account} {stack.region} ended as {ended}: {'; '.join(told)}"
            )
        say(f"{told[0]}: this passes, again in {AGAIN_SECONDS:.0f} s")
        pause(AGAIN_SECONDS)


def _ready(client: Any, name: str, pause: Pause, say: Say) -> str | None:
    """The status of a stack that a change set can be made for; None where there is none (any more)."""
    status = wait_until_idle(client, name, pause, say)
    if status in _STILLBORN:
        say(f"{status.lower().replace('_', ' ')}: it is taken away first")
        drop(client, name, pause, say)
        return None
    if status == _NOT_IMPORTED and _is_empty(client, name):
        say("the earlier take-over failed: it is begun anew")
        drop(client, name, pause, say)
        return None
    if status in _STUCK:
        say(f"{status.lower().replace('_', ' ')}: it is rolled back to the end first")
        client.continue_update_rollback(StackName=name)
        status = wait_until_idle(client, name, pause, say)
        if status in _STUCK:
            raise DeployError(f"stack {name} can't be rolled back to the end: {'; '.join(reasons(client, name))}")
    return status


def _take_over(
    client: Any,
    stack: DesiredStack,
    bucket: TemplateBucket,
    client_of: Callable[[str], Any],
    pause: Pause,
    say: Say,
) -> str | None:
    """Makes a stack of what an older one left, if it left anything. Returns the stack's status then."""
    there = left_over(stack.template, client_of)
    if not there:
        return wait_until_idle(client, stack.name, pause, say)
    names = sorted(resource["LogicalResourceId"] for resource in there)
    # What was only under review has nothing in it, and no page says whether an import takes its place.
    if wait_until_idle(client, stack.name, pause, say) == _REVIEW:
        drop(client, stack.name, pause, say)
    say(f"takes over what an older one left: {', '.join(names)}")
    blocks = retained(stack.template)
    alone = DesiredStack(
        stack.account, stack.region, stack.name, import_template({name: blocks[name] for name in names})
    )
    change_set = change_sets.make(client, alone, "IMPORT", bucket, pause, resources=there)
    assert change_set is not None  # noqa: S101 - an import is never without a change
    ended = _execute(client, stack.name, change_set, pause, say)
    if ended not in _WELL:
        raise DeployError(
            f"stack {stack.name} in {stack.account} {stack.region}: can't take over {', '.join(names)}, and ended as "
            f"{ended}: {'; '.join(reasons(client, stack.name))}"
        )
    return ended


def _execute(client: Any, name: str, change_set: str, pause: Pause, say: Say) -> str | None:
    """Executes a change set. Returns the stack's status when it has ended."""
    client.execute_change_set(ChangeSetName=change_set)
    ended = wait_until_idle(client, name, pause, say)
    for _ in range(PATIENCE):  # a new stack is under review for a moment longer
        if ended != _REVIEW:
            break
        pause(POLL_SECONDS)
        ended = wait_until_idle(client, name, pause, say)
    return ended


def _is_empty(client: Any, name: str) -> bool:
    """Whether a stack has no resource: then it can be deleted without loss."""
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    return not any(page["StackResourceSummaries"] for page in pages)


def drop(client: Any, name: str, pause: Pause, say: Say) -> None:
    """Deletes a stack, and waits for it; one that is not there is no error.

    Raises:
        DeployError: CloudFormation failed; the text has what it says of each resource.
    """
    found = _describe(client, name)
    if found is None or wait_until_idle(client, name, pause, say) is None:
        return
    client.delete_stack(StackName=name)
    ended = wait_until_idle(client, name, pause, say)
    if ended is not None:
        # By its id: there may have been others of this name.
        told = "; ".join(reasons(client, found["StackId"]))
        raise DeployError(f"stack {name} could not be deleted and is {ended}: {told}")


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
