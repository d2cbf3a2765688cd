"""A service-managed stack set: read, created, updated, and its instances deployed to units.

All calls are made in the management account. AWS queues operations that conflict (managed execution). An account that
fails does not stop the others; the error at the end lists what failed.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from ownertag.rollout.deploy.change_sets import POLL_SECONDS, Pause, Say
from ownertag.rollout.deploy.clients import DeployError
from ownertag.rollout.deploy.desired import DesiredStackSet
from ownertag.rollout.deploy.template_source import TemplateBucket
from ownertag.rollout.deploy.values import DropInstances, PutInstances, RemakeInstances, StackInstance, StackSetState

# Without SOFT_FAILURE_TOLERANCE AWS goes by one account at a time where some may fail (doc: concurrency mode).
_PREFERENCES = {
    "RegionConcurrencyType": "PARALLEL",
    "FailureTolerancePercentage": 100,
    "MaxConcurrentPercentage": 100,
    "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
}
_ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
#: So many failed instances are listed; of more, only the number is told.
MOST_TOLD = 20


def read(client: Any, name: str) -> StackSetState | None:
    """A stack set with its instances, or None if there is none."""
    found = _describe(client, name)
    if found is None:
        return None
    automatic = bool(found.get("AutoDeployment", {}).get("Enabled"))
    return StackSetState(found.get("TemplateBody", ""), automatic, instances(client, name))


def instances(client: Any, name: str) -> tuple[StackInstance, ...]:
    """Every instance, sorted."""
    pages = client.get_paginator("list_stack_instances").paginate(StackSetName=name)
    return tuple(
        sorted(
            StackInstance(
                summary["Account"],
                summary["Region"],
                summary.get("OrganizationalUnitId", ""),
                summary["Status"],
                summary.get("StatusReason", ""),
            )
            for page in pages
            for summary in page["Summaries"]
        )
    )


def put(client: Any, stack_set: DesiredStackSet, bucket: TemplateBucket, pause: Pause, say: Say) -> None:
    """Creates a stack set, or updates it and all of its instances.

    New accounts get an instance by automatic deployment; `after` names the stack set that is deployed to them first.

    Raises:
        DeployError: Some instances could not be updated; the text names them.
    """
    automatic: dict[str, Any] = {"Enabled": True, "RetainStacksOnAccountRemoval": False}
    if stack_set.after and (before := _describe(client, stack_set.after)):
        automatic["DependsOn"] = [before["StackSetARN"]]
    given = {
        "StackSetName": stack_set.name,
        "Description": stack_set.description,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": automatic,
        "ManagedExecution": {"Active": True},
    }
    with bucket.given(stack_set.template) as template:
        if _describe(client, stack_set.name) is None:
            client.create_stack_set(**given, **template)
            return
        started = client.update_stack_set(**given, **template, OperationPreferences=_PREFERENCES)
    _finish(client, stack_set.name, started["OperationId"], pause, say)


def put_instances(client: Any, task: PutInstances, pause: Pause, say: Say) -> None:
    """Deploys to every account of the units, in the Regions.

    Raises:
        DeployError: Some could not be deployed to; the text names them.
    """
    _put(client, task.name, {"OrganizationalUnitIds": list(task.units)}, task.regions, pause, say)


def put_some(
    client: Any, name: str, unit: str, accounts: tuple[str, ...], regions: tuple[str, ...], pause: Pause, say: Say
) -> None:
    """Deploys to some accounts of a unit, in these Regions.

    Raises:
        DeployError: Some could not be deployed to; the text names them.
    """
    _put(client, name, _some(unit, accounts), regions, pause, say)


def remake_instances(client: Any, task: RemakeInstances, pause: Pause, say: Say) -> None:
    """Deletes some accounts' instances and creates them again.

    Raises:
        DeployError: Some could not be; the text names them.
    """
    drop_instances(client, DropInstances(task.name, (task.unit,), task.regions, task.accounts), pause, say)
    _put(client, task.name, _some(task.unit, task.accounts), task.regions, pause, say)


def _put(client: Any, name: str, targets: dict[str, Any], regions: tuple[str, ...], pause: Pause, say: Say) -> None:
    started = client.create_stack_instances(
        StackSetName=name, DeploymentTargets=targets, Regions=list(regions), OperationPreferences=_PREFERENCES
    )
    _finish(client, name, started["OperationId"], pause, say)


def _some(unit: str, accounts: tuple[str, ...]) -> dict[str, Any]:
    """Some accounts of a unit, as deployment targets."""
    return {"OrganizationalUnitIds": [unit], "Accounts": list(accounts), "AccountFilterType": "INTERSECTION"}


def drop_instances(client: Any, task: DropInstances, pause: Pause, say: Say) -> None:
    """Deletes instances.

    Raises:
        DeployError: Some could not be deleted; the text names them.
    """
    some = task.accounts and len(task.units) == 1
    targets = _some(task.units[0], task.accounts) if some else {"OrganizationalUnitIds": list(task.units)}
    started = client.delete_stack_instances(
        StackSetName=task.name,
        DeploymentTargets=targets,
        Regions=list(task.regions),
        OperationPreferences=_PREFERENCES,
        RetainStacks=False,
    )
    _finish(client, task.name, started["OperationId"], pause, say)


def drop(client: Any, name: str) -> None:
    """Deletes a stack set without instances; one that is not there is no error."""
    if _describe(client, name) is not None:
        client.delete_stack_set(StackSetName=name)


def _describe(client: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.describe_stack_set(StackSetName=name)["StackSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"StackSetNotFoundException", "StackSetNotFound"}:
            return None
        raise
    return None if found.get("Status") == "DELETED" else found


def _finish(client: Any, name: str, operation: str, pause: Pause, say: Say) -> None:
    """Waits for an operation, and raises what failed in it."""
    told = -1
    while True:
        found = client.describe_stack_set_operation(StackSetName=name, OperationId=operation)["StackSetOperation"]
        if found["Status"] in _ENDED:
            break
        failed = int(found.get("StatusDetails", {}).get("FailedStackInstancesCount", 0))
        if failed != told:
            say(f"{found['Status'].lower()}{f', {failed} failed' if failed else ''}")
            told = failed
        pause(POLL_SECONDS)
    lacking = [instance for instance in instances(client, name) if instance.status != "CURRENT"]
    if found["Status"] == "SUCCEEDED" and not lacking:
        return
    lines = [
        f"{instance.account} {instance.region}: {instance.reason or instance.status}"
        for instance in lacking[:MOST_TOLD]
    ]
    more = f"\n  and {len(lacking) - MOST_TOLD} more" if len(lacking) > MOST_TOLD else ""
    reason = found.get("StatusReason") or f"{len(lacking)} instances are not current"
    raise DeployError(
        "\n  ".join([f"stack set {name}, operation {operation} {found['Status'].lower()}: {reason}", *lines]) + more
    )
