"""The difference between what should be there and what is, as steps in the order in which they are carried out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from difflib import unified_diff

from ownertag.rollout.deploy.access import SCP, is_ours, with_statement
from ownertag.rollout.deploy.clients import DeployError
from ownertag.rollout.deploy.desired import Desired, DesiredStack, DesiredStackSet
from ownertag.rollout.deploy.recreate import recreated
from ownertag.rollout.deploy.stacks import differs, is_new
from ownertag.rollout.deploy.values import (
    Action,
    AllowPolicies,
    AllowStackSets,
    Attach,
    Current,
    Detach,
    DropInstances,
    DropPolicy,
    MakeBucket,
    PutInstances,
    PutPolicy,
    PutStack,
    PutStackSet,
    ReadAccounts,
    Stage,
    Step,
    Upload,
)


def to_apply(desired: Desired, current: Current, recreate: frozenset[str] = frozenset()) -> tuple[Step, ...]:
    """The steps from what is there to what should be there; a step without a task is there already.

    Args:
        desired: What should be there.
        current: What is there.
        recreate: The accounts whose stacks are deleted and created again.

    Raises:
        DeployError: A unit has no room for all service control policies; the text says what to do.
    """
    _check_room(desired, current)
    steps = _to_apply(desired, current)
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


def _to_apply(desired: Desired, current: Current) -> tuple[Step, ...]:
    return tuple(
        sorted(
            (
                *_access(desired, current),
                *_package(desired, current),
                _stack(Stage.HUB, desired.hub, current),
                _stack(Stage.ROLES, desired.management_roles, current),
                *(_stack(Stage.RULES, stack, current) for stack in desired.management_rules),
                _stack_set(Stage.ROLES, desired.roles, desired, current),
                _stack_set(Stage.RULES, desired.rules, desired, current),
                *_instances(Stage.ROLES_IN_ACCOUNTS, desired.roles, desired, current),
                *_instances(Stage.RULES_IN_ACCOUNTS, desired.rules, desired, current),
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


def _stack_set(stage: Stage, stack_set: DesiredStackSet, desired: Desired, current: Current) -> Step:
    management = desired.organization.management_account
    state = current.stack_sets.get(stack_set.name)
    what = f"stack set {stack_set.name}"
    if state is None:
        task = PutStackSet(stack_set, exists=False)
        return Step(stage, Action.CREATE, what, management, desired.organization.home_region, task=task)
    broken = [instance for instance in state.instances if instance.status != "CURRENT"]
    changes = [] if state.auto_deployment else ["new accounts get it by themselves: no -> yes"]
    changes += [
        f"repeat in {instance.account} {instance.region}: {instance.reason or instance.status}" for instance in broken
    ]
    diff = diff_of(state.template, stack_set.template, "template")
    if not (diff or changes):
        return Step(stage, Action.KEEP, what, management, desired.organization.home_region)
    task = PutStackSet(stack_set, exists=True)
    return Step(stage, Action.UPDATE, what, management, desired.organization.home_region, tuple(changes), diff, task)


def _instances(stage: Stage, stack_set: DesiredStackSet, desired: Desired, current: Current) -> Iterator[Step]:
    """The steps for accounts and Regions that lack an instance, and for those that have one too many."""
    management = desired.organization.management_account
    state = current.stack_sets.get(stack_set.name)
    there = state.instances if state else ()
    places = {(instance.account, instance.region) for instance in there}
    wanted = {
        (account, region) for found in current.accounts.values() for account in found for region in stack_set.regions
    }
    what = f"stack set {stack_set.name} in {', '.join(desired.units)}"
    missing = sorted(wanted - places)
    units = {instance.unit for instance in there}
    # A unit without accounts is deployed to as well: accounts that join it later get theirs automatically.
    if missing or (state is None and not wanted):
        regions = tuple(sorted({region for _, region in missing})) or stack_set.regions
        changes = _by_region("add", missing)
        task = PutInstances(stack_set.name, desired.units, regions)
        action = Action.UPDATE if there else Action.CREATE
        yield Step(stage, action, what, management, changes=changes, task=task)
    kept = frozenset().union(*current.accounts.values())
    for unit in sorted(units - {""}):
        of_unit = [instance for instance in there if instance.unit == unit]
        # Another desired unit may hold the same account: then its instance stays.
        left = [instance for instance in of_unit if unit not in desired.units and instance.account not in kept]
        for gone, accounts in (
            ([instance for instance in of_unit if instance.region not in stack_set.regions], ()),
            (left, tuple(sorted({instance.account for instance in left})) if len(left) < len(of_unit) else ()),
        ):
            if gone:
                regions = tuple(sorted({instance.region for instance in gone}))
                changes = _by_region("delete", sorted((instance.account, instance.region) for instance in gone))
                drop = DropInstances(stack_set.name, (unit,), regions, accounts)
                name = f"stack set {stack_set.name} in {unit}"
                yield Step(stage, Action.DELETE, name, management, changes=changes, task=drop)
    if not missing and there:
        yield Step(stage, Action.KEEP, what, management)


def _by_region(verb: str, places: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    by_region: dict[str, list[str]] = {}
    for account, region in places:
        by_region.setdefault(region, []).append(account)
    return tuple(f"{verb} in {region}: {', '.join(accounts)}" for region, accounts in sorted(by_region.items()))


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


def pretty(policy: str | None) -> str:
    """A policy in a normal form that a person can read; empty if there is none."""
    return json.dumps(json.loads(policy), indent=2, sort_keys=True) if policy else ""


def diff_of(old: str, new: str, what: str) -> str:
    """The unified diff of two texts; empty if they are equal."""
    lines = unified_diff(old.splitlines(), new.splitlines(), f"{what} now", f"{what} then", lineterm="", n=2)
    return "\n".join(lines)
