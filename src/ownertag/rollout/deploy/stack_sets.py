"""A service-managed stack set: read, created, updated, and its instances deployed to units.

All calls are made in the management account. AWS queues operations that conflict (managed execution). An account that
fails does not stop the others; the error at the end lists what failed, without what is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ownertag.rollout.deploy.change_sets import POLL_SECONDS, Pause, Say
from ownertag.rollout.deploy.desired import DesiredStackSet
from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.deploy.left_out import PASSED
from ownertag.rollout.deploy.template_source import TemplateBucket
from ownertag.rollout.deploy.told import MOST_TOLD, passed_line, still_there
from ownertag.rollout.deploy.values import (
    DropInstances,
    ForgetInstances,
    PutInstances,
    RemakeInstances,
    StackInstance,
    StackSetState,
    Why,
)

#: Says of instances which are left out, and why: those are told, and are no failure.
LeftOut = Callable[[Iterable[StackInstance]], Mapping[StackInstance, Why]]


class SomeFailed(DeployError):
    """An operation went to its end, and failed in some accounts: the others need not wait for them."""


# Without SOFT_FAILURE_TOLERANCE AWS goes by one account at a time where some may fail (doc: concurrency mode).
_PREFERENCES = {
    "RegionConcurrencyType": "PARALLEL",
    "FailureTolerancePercentage": 100,
    "MaxConcurrentPercentage": 100,
    "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
}
_ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
# What AWS says where an operation's targets have no instance, or are none (any more).
_NO_TARGET = frozenset({"ValidationError", "InvalidOperationException", "StackInstanceNotFoundException"})


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
                summary.get("StackInstanceStatus", {}).get("DetailedStatus", ""),
                summary.get("StackId", ""),
            )
            for page in pages
            for summary in page["Summaries"]
        )
    )


def put(
    client: Any, stack_set: DesiredStackSet, bucket: TemplateBucket, pause: Pause, say: Say, left_out: LeftOut
) -> None:
    """Creates a stack set, or updates it and all of its instances.

    New accounts get an instance by automatic deployment; `after` names the stack set that is deployed to them first.

    Raises:
        SomeFailed: Some instances could not be updated; the text names them.
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
    status = _wait(client, stack_set.name, started["OperationId"], pause, say)
    _check_current(client, stack_set.name, status, say, left_out)


def put_instances(client: Any, task: PutInstances, pause: Pause, say: Say, left_out: LeftOut) -> None:
    """Deploys to every account of the units, in the Regions.

    Raises:
        SomeFailed: Some could not be deployed to; the text names them.
    """
    targets = {"OrganizationalUnitIds": list(task.units)}
    status = _create(client, task.name, targets, task.regions, pause, say)
    _check_current(client, task.name, status, say, left_out, task.regions)


def put_some(
    client: Any,
    name: str,
    unit: str,
    accounts: tuple[str, ...],
    regions: tuple[str, ...],
    pause: Pause,
    say: Say,
    left_out: LeftOut,
) -> None:
    """Deploys to some accounts of a unit, in these Regions.

    Raises:
        SomeFailed: Some of these Regions' could not be deployed to; the text names them.
    """
    status = _create(client, name, _some(unit, accounts), regions, pause, say)
    _check_current(client, name, status, say, left_out, regions)


def remake_instances(client: Any, task: RemakeInstances, pause: Pause, say: Say, left_out: LeftOut) -> None:
    """Deletes some accounts' instances and creates them again.

    Raises:
        SomeFailed: Some could not be; the text names them.
    """
    drop_instances(client, DropInstances(task.name, (task.unit,), task.regions, task.accounts), pause, say, left_out)
    status = _create(client, task.name, _some(task.unit, task.accounts), task.regions, pause, say)
    _check_current(client, task.name, status, say, left_out, task.regions, task.accounts)


def drop_instances(client: Any, task: DropInstances, pause: Pause, say: Say, left_out: LeftOut) -> None:
    """Deletes instances.

    Raises:
        SomeFailed: Some could not be deleted; the text names them.
    """
    by_region: dict[str, list[str]] = defaultdict(list)
    for account, region in task.stackless:
        by_region[region].append(account)
    for region, found in sorted(by_region.items()):
        _delete(client, task.name, _some(task.units[0], tuple(found)), (region,), pause, say, retain=True)
    targets = _some(task.units[0], task.accounts) if task.accounts else {"OrganizationalUnitIds": list(task.units)}
    _delete(client, task.name, targets, task.regions, pause, say)
    there = instances(client, task.name)
    out = left_out(there)
    left = [
        instance
        for instance in there
        if instance.region in task.regions
        and (instance.account in task.accounts if task.accounts else instance.unit in task.units)
        and out.get(instance) not in {Why.INACTIVE, Why.LEFT}
    ]
    if left:
        raise SomeFailed(still_there(task.name, left, out))


def forget_instances(client: Any, task: ForgetInstances, pause: Pause, say: Say, left_out: LeftOut) -> None:
    """Deletes the instances of accounts that are not active any more, and leaves their stacks.

    Raises:
        SomeFailed: AWS keeps some; the text says which, until when, and what to do.
    """
    left: list[StackInstance] = []
    for unit in task.units:
        try:
            _delete(client, task.name, _some(unit, task.accounts), task.regions, pause, say, retain=True)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NO_TARGET:
                raise
        left = [
            instance
            for instance in instances(client, task.name)
            if instance.account in task.accounts and instance.region in task.regions
        ]
        if not left:
            return
    raise SomeFailed(still_there(task.name, left, left_out(left)))


def drop(client: Any, name: str, left_out: LeftOut) -> None:
    """Deletes a stack set without instances; one that is not there is no error.

    Raises:
        SomeFailed: It has instances; the text says which, and what to do about each.
    """
    if _describe(client, name) is None:
        return
    try:
        client.delete_stack_set(StackSetName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "StackSetNotEmptyException":
            raise
        there = instances(client, name)
        raise SomeFailed(still_there(name, there, left_out(there))) from error


def _create(client: Any, name: str, targets: dict[str, Any], regions: tuple[str, ...], pause: Pause, say: Say) -> str:
    started = client.create_stack_instances(
        StackSetName=name, DeploymentTargets=targets, Regions=list(regions), OperationPreferences=_PREFERENCES
    )
    return _wait(client, name, started["OperationId"], pause, say)


def _delete(
    client: Any,
    name: str,
    targets: dict[str, Any],
    regions: tuple[str, ...],
    pause: Pause,
    say: Say,
    *,
    retain: bool = False,
) -> None:
    started = client.delete_stack_instances(
        StackSetName=name,
        DeploymentTargets=targets,
        Regions=list(regions),
        OperationPreferences=_PREFERENCES,
        RetainStacks=retain,
    )
    _wait(client, name, started["OperationId"], pause, say)


def _some(unit: str, accounts: tuple[str, ...]) -> dict[str, Any]:
    """Some accounts of a unit, as deployment targets."""
    return {"OrganizationalUnitIds": [unit], "Accounts": list(accounts), "AccountFilterType": "INTERSECTION"}


def _describe(client: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.describe_stack_set(StackSetName=name)["StackSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"StackSetNotFoundException", "StackSetNotFound"}:
            return None
        raise
    return None if found.get("Status") == "DELETED" else found


def _wait(client: Any, name: str, operation: str, pause: Pause, say: Say) -> str:
    """Waits for an operation. Returns how it ended, and why, if it failed.

    Raises:
        DeployError: Somebody stopped it.
    """
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
    if found["Status"] == "STOPPED":
        raise DeployError(f"stack set {name}, operation {operation}: somebody stopped it; run it again")
    return "" if found["Status"] == "SUCCEEDED" else found.get("StatusReason") or f"operation {operation} failed"


def _check_current(
    client: Any,
    name: str,
    failed: str,
    say: Say,
    left_out: LeftOut,
    regions: tuple[str, ...] = (),
    accounts: tuple[str, ...] = (),
) -> None:
    """Tells what an operation left out, and raises what failed in it; in some Regions and accounts if any are named."""
    there = instances(client, name)
    out = left_out(there)
    for line in passed_line(out, [instance for instance in there if out.get(instance) in PASSED]):
        say(line)
    lacking = [
        instance
        for instance in there
        if instance.status != "CURRENT"
        and out.get(instance) not in PASSED
        and (not regions or instance.region in regions)
        and (not accounts or instance.account in accounts)
    ]
    if not lacking and (not failed or any(why in PASSED for why in out.values())):
        return
    lines = [
        f"{instance.account} {instance.region}: {instance.reason or instance.status}"
        for instance in lacking[:MOST_TOLD]
    ]
    if len(lacking) > MOST_TOLD:
        lines.append(f"and {len(lacking) - MOST_TOLD} more")
    reason = failed or f"{len(lacking)} instances are not current"
    raise SomeFailed("\n  ".join([f"stack set {name}: {reason}", *lines]))
