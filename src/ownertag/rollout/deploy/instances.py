"""The steps for a stack set and its instances: what lacks one, what has one too many, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ownertag.rollout.deploy.desired import Desired, DesiredStackSet
from ownertag.rollout.deploy.diff import diff_of
from ownertag.rollout.deploy.left_out import UNREACHED, has_stack, is_skipped, left_out
from ownertag.rollout.deploy.values import (
    Action,
    Current,
    DropInstances,
    DropStackSet,
    ForgetInstances,
    PutInstances,
    PutStackSet,
    StackInstance,
    StackSetState,
    Stage,
    Step,
    Why,
)


def stack_set_steps(
    whole: Stage, instances: Stage, stack_set: DesiredStackSet, desired: Desired, current: Current, *, retry: bool
) -> Iterator[Step]:
    """The steps that bring a stack set up to what is desired.

    Args:
        whole: The stage of the stack set itself.
        instances: That of its instances.
        stack_set: The stack set.
        desired: What should be there.
        current: What is there.
        retry: Denied Regions are tried again.
    """
    state = current.stack_sets.get(stack_set.name)
    without = left_out_of(state, desired, current)
    if retry:
        without = {instance: why for instance, why in without.items() if why is not Why.DENIED}
    yield _stack_set(whole, stack_set, desired, state, without)
    there = state.instances if state else ()
    yield from _missing(instances, stack_set, desired, current, there)
    gone = _surplus(stack_set, current, without, there)
    yield from _drops(instances, stack_set.name, desired, current, gone, there)


def left_out_of(state: StackSetState | None, desired: Desired, current: Current) -> Mapping[StackInstance, Why]:
    """The instances of a stack set that are left out, and why."""
    there = state.instances if state else ()
    return left_out(there, current.members, desired.organization.home_region)


def removed_places(desired: Desired, current: Current) -> set[tuple[str, str]]:
    """Accounts and Regions that lose their rules, and the queue beside them, by `to_apply`."""
    state = current.stack_sets.get(desired.rules.name)
    there = state.instances if state else ()
    gone = _surplus(desired.rules, current, left_out_of(state, desired, current), there)
    return {(instance.account, instance.region) for instance in gone if has_stack(instance)}


def deployed_places(desired: Desired, current: Current) -> set[tuple[str, str]]:
    """Accounts and Regions that have rules, and the queue beside them, as far as StackSets gets there."""
    state = current.stack_sets.get(desired.rules.name)
    without = left_out_of(state, desired, current)
    there = state.instances if state else ()
    members = {
        (instance.account, instance.region)
        for instance in there
        if has_stack(instance) and without.get(instance) not in UNREACHED
    }
    return members | {key[:2] for key in current.stacks if key[2] == desired.rules.name}


def _stack_set(
    stage: Stage,
    stack_set: DesiredStackSet,
    desired: Desired,
    state: StackSetState | None,
    without: Mapping[StackInstance, Why],
) -> Step:
    management, home = desired.organization.management_account, desired.organization.home_region
    what = f"stack set {stack_set.name}"
    if state is None:
        return Step(stage, Action.CREATE, what, management, home, task=PutStackSet(stack_set, exists=False))
    again = [
        instance
        for instance in state.instances
        if instance.status != "CURRENT"
        and instance.region in stack_set.regions
        and instance not in without
        and not is_skipped(instance)
    ]
    changes = [] if state.auto_deployment else ["new accounts get it by themselves: no -> yes"]
    changes += [
        f"repeat in {instance.account} {instance.region}: {instance.reason or instance.status}" for instance in again
    ]
    diff = diff_of(state.template, stack_set.template, "template")
    if not (diff or changes):
        return Step(stage, Action.KEEP, what, management, home)
    return Step(stage, Action.UPDATE, what, management, home, tuple(changes), diff, PutStackSet(stack_set, exists=True))


def _missing(
    stage: Stage, stack_set: DesiredStackSet, desired: Desired, current: Current, there: tuple[StackInstance, ...]
) -> Iterator[Step]:
    """The step for active accounts and Regions that lack an instance.

    One that was skipped while its account was suspended counts as none: it may have no stack.
    """
    management = desired.organization.management_account
    places = {(instance.account, instance.region) for instance in there if not is_skipped(instance)}
    wanted = {
        (account, region) for found in current.accounts.values() for account in found for region in stack_set.regions
    }
    missing = sorted(wanted - places)
    what = f"stack set {stack_set.name} in {', '.join(desired.units)}"
    # A unit without accounts is deployed to as well: accounts that join it later get theirs automatically.
    if missing or (stack_set.name not in current.stack_sets and not wanted):
        regions = tuple(sorted({region for _, region in missing})) or stack_set.regions
        task = PutInstances(stack_set.name, desired.units, regions)
        action = Action.UPDATE if there else Action.CREATE
        yield Step(stage, action, what, management, changes=_by_region("add", missing), task=task)
    elif there:
        yield Step(stage, Action.KEEP, what, management)


def _surplus(
    stack_set: DesiredStackSet,
    current: Current,
    without: Mapping[StackInstance, Why],
    there: Iterable[StackInstance],
) -> list[StackInstance]:
    """The instances in Regions or accounts that are not wanted any more, as far as StackSets gets there."""
    kept = frozenset().union(*current.accounts.values())
    return [
        instance
        for instance in there
        if (instance.region not in stack_set.regions or instance.account not in kept)
        and without.get(instance) not in UNREACHED | {Why.INOPERABLE}
        and (without.get(instance) is not Why.NOT_ENABLED or not has_stack(instance))
    ]


def _drops(
    stage: Stage,
    name: str,
    desired: Desired,
    current: Current,
    gone: Iterable[StackInstance],
    there: Iterable[StackInstance],
) -> Iterator[Step]:
    """The steps that delete instances.

    Where a unit loses a Region as a whole, by the unit: then it is no target for new accounts any more (doc: "Delete
    stacks from CloudFormation StackSets"). Single accounts by their numbers, each with its own Regions; under the root
    where they are not in the unit that they were deployed for, or that unit is gone.
    """
    gone = set(gone)
    stays = {(instance.unit, instance.region) for instance in there if instance not in gone}
    found: dict[tuple[str, str], list[StackInstance]] = {}
    for instance in sorted(gone):
        unit, known = instance.unit, current.accounts.get(instance.unit)
        astray = not unit or unit in current.units_gone or (known is not None and instance.account not in known)
        if not astray and (unit, instance.region) not in stays:
            found.setdefault((unit, ""), []).append(instance)
        else:
            found.setdefault((current.root if astray else unit, instance.account), []).append(instance)
    alike: dict[tuple[str, bool, tuple[str, ...]], list[StackInstance]] = {}
    for (unit, account), instances in found.items():
        regions = tuple(sorted({instance.region for instance in instances}))
        alike.setdefault((unit, bool(account), regions), []).extend(instances)
    for (unit, single, regions), instances in sorted(alike.items()):
        places = sorted((instance.account, instance.region) for instance in instances)
        accounts = tuple(sorted({account for account, _ in places})) if single else ()
        stackless = sorted((instance.account, instance.region) for instance in instances if not has_stack(instance))
        yield Step(
            stage,
            Action.DELETE,
            f"stack set {name} in {unit}",
            desired.organization.management_account,
            changes=_by_region("delete", places),
            task=DropInstances(name, (unit,), regions, accounts, tuple(stackless)),
        )


def drop_steps(
    instances: Stage, whole: Stage, stack_set: DesiredStackSet, desired: Desired, current: Current
) -> Iterator[Step]:
    """The steps that delete a stack set with all of its instances."""
    state = current.stack_sets.get(stack_set.name)
    if state is None:
        return
    management = desired.organization.management_account
    without = left_out_of(state, desired, current)
    reached = [instance for instance in state.instances if without.get(instance) not in UNREACHED]
    yield from _drops(instances, stack_set.name, desired, current, reached, state.instances)
    if closed := [instance for instance in state.instances if without.get(instance) in {Why.INACTIVE, Why.LEFT}]:
        yield Step(
            instances,
            Action.DELETE,
            f"instances of stack set {stack_set.name} in accounts that are not active",
            management,
            changes=_by_region("forget", sorted((instance.account, instance.region) for instance in closed)),
            task=ForgetInstances(
                stack_set.name,
                tuple(dict.fromkeys((current.root, *desired.units))),
                tuple(sorted({instance.region for instance in closed})),
                tuple(sorted({instance.account for instance in closed})),
            ),
        )
    name = f"stack set {stack_set.name}"
    yield Step(whole, Action.DELETE, name, management, task=DropStackSet(stack_set.name))


def _by_region(verb: str, places: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    by_region: dict[str, list[str]] = {}
    for account, region in places:
        by_region.setdefault(region, []).append(account)
    return tuple(f"{verb} in {region}: {', '.join(accounts)}" for region, accounts in sorted(by_region.items()))
