"""The difference between what should be there and what is, as steps in the order in which they are carried out."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ownertag.rollout.deploy.access import SCP, is_ours, with_statement
from ownertag.rollout.deploy.desired import Desired, DesiredStack
from ownertag.rollout.deploy.diff import diff_of, pretty
from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.deploy.instances import stack_set_steps
from ownertag.rollout.deploy.recreate import recreated
from ownertag.rollout.deploy.stacks import differs, is_new
from ownertag.rollout.deploy.values import (
    Action,
    AllowPolicies,
    AllowStackSets,
    Attach,
    Current,
    Detach,
    DropPolicy,
    DropStack,
    MakeBucket,
    PutPolicy,
    PutStack,
    ReadAccounts,
    Stage,
    Step,
    Upload,
)


def to_apply(
    desired: Desired, current: Current, recreate: frozenset[str] = frozenset(), *, retry: bool = False
) -> tuple[Step, ...]:
    """The steps from what is there to what should be there; a step without a task is there already.

    Args:
        desired: What should be there.
        current: What is there.
        recreate: The accounts whose stacks are deleted and created again.
        retry: Denied Regions are tried again: the policy may be another by now.

    Raises:
        DeployError: A unit has no room for all service control policies; the text says what to do.
    """
    _check_room(desired, current)
    steps = _to_apply(desired, current, retry)
    return recreated(steps, desired, current, recreate) if recreate else steps


def _check_room(desired: Desired, current: Current) -> None:
    """Checks that all policies fit on each unit: one that does not would leave the tags half protected."""
    for unit in desired.protected:
        # AWS attaches its own everywhere when service control policies are enabled, and no unit may be without any.
        there = current.attached.get(unit) or {"FullAWSAccess"}
        others = sorted(name for name in there if not is_ours(name))
        if len(others) + len(desired.policies) > desired.most:
            ways = ["detach one of those", "write max_policy_size = 10240 in [protection] where your quota is that"]
            ways += ["write max_policies = 9 there where AWS takes 10"] if desired.most < 10 else []
            raise DeployError(
                f"{unit} has no room for {len(desired.policies)} service control policies: AWS takes {desired.most} on "
                f"a unit, and {', '.join(others)} {'is' if len(others) == 1 else 'are'} there. Nothing was changed: "
                f"{', or '.join(ways)}"
            )


def _to_apply(desired: Desired, current: Current, retry: bool) -> tuple[Step, ...]:
    return tuple(
        sorted(
            (
                *_access(desired, current),
                *_package(desired, current),
                _stack(Stage.HUB, desired.hub, current),
                _stack(Stage.ROLES, desired.management_roles, current),
                *(_stack(Stage.RULES, stack, current) for stack in desired.management_rules),
                *stack_set_steps(Stage.ROLES, Stage.ROLES_IN_ACCOUNTS, desired.roles, desired, current, retry=retry),
                *stack_set_steps(Stage.RULES, Stage.RULES_IN_ACCOUNTS, desired.rules, desired, current, retry=retry),
                *_left_stacks(desired, current),
                *_policies(desired, current),
            ),
            key=lambda step: step.stage,
        )
    )


def _access(desired: Desired, current: Current) -> Iterator[Step]:
    management = desired.organization.management_account
    allowed = current.stack_sets_allowed
    yield Step(
        Stage.ACCESS,
        Action.KEEP if allowed else Action.CREATE,
        "access of StackSets to the organization",
        management,
        task=None if allowed else AllowStackSets(),
    )
    yield _read_accounts(desired, current)
    if desired.protected:
        enabled = SCP in current.policy_types
        yield Step(
            Stage.ACCESS,
            Action.KEEP if enabled else Action.CREATE,
            "service control policies in the organization",
            management,
            task=None if enabled else AllowPolicies(current.root),
        )


def _read_accounts(desired: Desired, current: Current) -> Step:
    management, hub = desired.organization.management_account, desired.organization.hub_account
    what = "permission for the hub to read the accounts"
    if hub in current.administrators or hub == management:
        return Step(Stage.ACCESS, Action.KEEP, what, management)
    wanted = with_statement(current.resource_policy, desired.read_accounts)
    if current.resource_policy and json.loads(wanted) == json.loads(current.resource_policy):
        return Step(Stage.ACCESS, Action.KEEP, what, management)
    action = Action.UPDATE if current.resource_policy else Action.CREATE
    diff = diff_of(pretty(current.resource_policy), wanted, "resource policy")
    return Step(Stage.ACCESS, action, what, management, diff=diff, task=ReadAccounts(wanted))


def _package(desired: Desired, current: Current) -> Iterator[Step]:
    hub, home = desired.organization.hub_account, desired.organization.home_region
    yield Step(
        Stage.BUCKET,
        Action.KEEP if current.bucket else Action.CREATE,
        f"bucket {desired.bucket}",
        hub,
        home,
        task=None if current.bucket else MakeBucket(desired.bucket),
    )
    yield Step(
        Stage.PACKAGE,
        Action.KEEP if current.uploaded else Action.CREATE,
        f"package {desired.package.key}",
        hub,
        home,
        task=None if current.uploaded else Upload(desired.bucket, desired.package),
    )


def _stack(stage: Stage, stack: DesiredStack, current: Current) -> Step:
    state = current.stacks.get((stack.account, stack.region, stack.name))
    what = f"stack {stack.name}"
    if state is None or is_new(state):
        task = PutStack(stack, state.status if state else None)
        return Step(stage, Action.CREATE, what, stack.account, stack.region, task=task)
    if not differs(stack, state):
        return Step(stage, Action.KEEP, what, stack.account, stack.region)
    changes = tuple(
        f"parameter {key}: {state.parameters.get(key, '')!r} -> {stack.parameters.get(key, '')!r}"
        for key in sorted({*state.parameters, *stack.parameters})
        if state.parameters.get(key) != stack.parameters.get(key)
    )
    diff = diff_of(state.template, stack.template, "template")
    task = PutStack(stack, state.status)
    return Step(stage, Action.UPDATE, what, stack.account, stack.region, changes, diff, task)


def _policies(desired: Desired, current: Current) -> Iterator[Step]:
    """The steps for policies: one that is there is updated, attached or not; a surplus one is deleted."""
    management = desired.organization.management_account
    for name, content in desired.policies.items():
        what, state = f"service control policy {name}", current.policies.get(name)
        if state is None and not desired.protected:
            continue
        diff = diff_of(pretty(state.content) if state else "", pretty(content), "policy")
        if state is not None and not diff:
            yield Step(Stage.POLICY, Action.KEEP, what, management)
        else:
            stage, action = (Stage.POLICY, Action.CREATE) if state is None else (Stage.POLICY_CHANGES, Action.UPDATE)
            task = PutPolicy(name, content, state.id if state else None)
            yield Step(stage, action, what, management, diff=diff, task=task)
        for unit in desired.protected:
            on = state is not None and unit in state.targets
            yield Step(
                Stage.ATTACHMENTS,
                Action.KEEP if on else Action.CREATE,
                f"policy {name} on {unit}",
                management,
                task=None if on else Attach(name, unit),
            )
    for name, state in current.policies.items():
        surplus = name not in desired.policies
        for unit in sorted(state.targets if surplus else state.targets - {*desired.protected}):
            detach = Detach(state.id, unit)
            what = f"policy {name} on {unit}"
            yield Step(Stage.SURPLUS_ATTACHMENTS, Action.DELETE, what, management, task=detach)
        if surplus:
            diff = diff_of(pretty(state.content), "", "policy")
            what = f"service control policy {name}"
            drop = DropPolicy(state.id)
            yield Step(Stage.SURPLUS_POLICIES, Action.DELETE, what, management, diff=diff, task=drop)


def _left_stacks(desired: Desired, current: Current) -> Iterator[Step]:
    """The management account's own stacks in Regions that are not wanted (any more)."""
    for key in left_stacks(desired, current):
        yield Step(Stage.RULES_IN_ACCOUNTS, Action.DELETE, f"stack {key[2]}", *key[:2], task=DropStack(*key))


def left_stacks(desired: Desired, current: Current) -> list[tuple[str, str, str]]:
    """Account, Region and name of the stacks of rules that are there and not wanted."""
    wanted = {(stack.account, stack.region, stack.name) for stack in desired.management_rules}
    return sorted(key for key in current.stacks if key[2] == desired.rules.name and key not in wanted)
