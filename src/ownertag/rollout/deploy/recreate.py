"""Plans the recreation of accounts' stacks: CloudFormation does not see what was changed by hand."""

from __future__ import annotations

from msgspec.structs import replace

from ownertag.rollout.deploy.desired import Desired
from ownertag.rollout.deploy.instances import left_out_of
from ownertag.rollout.deploy.left_out import PASSED
from ownertag.rollout.deploy.values import Action, Current, PutStack, RemakeInstances, RemakeStack, Stage, Step

_CHANGES = ("delete and make anew",)


def recreated(
    steps: tuple[Step, ...], desired: Desired, current: Current, accounts: frozenset[str]
) -> tuple[Step, ...]:
    """The steps, with those that delete the stacks of these accounts and create them again.

    The hub's own stack holds messages, so it is not deleted: what was changed by hand is put back in place.
    """
    found = list(steps)
    hub, management = desired.hub, desired.management_roles
    if hub.account in accounts:
        task = PutStack(hub, None, revert=True)
        found = [
            replace(step, action=Action.UPDATE, changes=("put back what was changed by hand",), task=task)
            if (step.stage, step.task) == (Stage.HUB, None)
            else step
            for step in found
        ]
    if management.account in accounts:
        stacks = [(Stage.ROLES, management), *((Stage.RULES, stack) for stack in desired.management_rules)]
        anew = [
            Step(
                stage,
                Action.UPDATE,
                f"stack {stack.name}",
                stack.account,
                stack.region,
                _CHANGES,
                task=RemakeStack(stack),
            )
            for stage, stack in stacks
        ]
        replaced = {(step.what, step.account, step.region) for step in anew}
        found = [step for step in found if (step.what, step.account, step.region) not in replaced] + anew
    for stage, stack_set in ((Stage.ROLES_IN_ACCOUNTS, desired.roles), (Stage.RULES_IN_ACCOUNTS, desired.rules)):
        state = current.stack_sets.get(stack_set.name)
        out = left_out_of(state, desired, current)
        there = [instance for instance in state.instances if instance.account in accounts] if state else []
        # Where a stack can't be made it can't be deleted either.
        there = [instance for instance in there if out.get(instance) not in PASSED]
        for unit in sorted({instance.unit for instance in there} - {""}):
            of_unit = [instance for instance in there if instance.unit == unit]
            named = tuple(sorted({instance.account for instance in of_unit}))
            regions = tuple(sorted({instance.region for instance in of_unit} & {*stack_set.regions}))
            what = f"stack set {stack_set.name} in {', '.join(named)}"
            remake = RemakeInstances(stack_set.name, unit, named, regions)
            found.append(Step(stage, Action.UPDATE, what, management.account, changes=_CHANGES, task=remake))
    return tuple(sorted(found, key=lambda step: step.stage))
