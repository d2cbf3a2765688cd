"""Plans the removal: the steps that delete everything from an organization."""

from __future__ import annotations

from ownertag.rollout.deploy.access import without_statement
from ownertag.rollout.deploy.desired import Desired
from ownertag.rollout.deploy.steps import diff_of, pretty
from ownertag.rollout.deploy.values import (
    Action,
    Current,
    Detach,
    DropInstances,
    DropPolicy,
    DropStack,
    DropStackSet,
    ReadAccounts,
    Stage,
    Step,
)


def to_destroy(desired: Desired, current: Current) -> tuple[Step, ...]:
    """The steps that delete everything, in the reverse order.

    Tags stay, and so does what others may use by now: the access of StackSets, the enabled policy type, the bucket.
    """
    management = desired.organization.management_account
    steps: list[Step] = []
    for name, policy in current.policies.items():
        for unit in sorted(policy.targets):
            detach = Detach(policy.id, unit)
            steps.append(Step(Stage.ATTACHMENTS, Action.DELETE, f"policy {name} on {unit}", management, task=detach))
        steps.append(
            Step(
                Stage.POLICY,
                Action.DELETE,
                f"service control policy {name}",
                management,
                diff=diff_of(pretty(policy.content), "", "policy"),
                task=DropPolicy(policy.id),
            )
        )
    sets = (
        (desired.rules, Stage.RULES_IN_ACCOUNTS, Stage.RULES),
        (desired.roles, Stage.ROLES_IN_ACCOUNTS, Stage.ROLES),
    )
    for stack_set, instances, whole in sets:
        state = current.stack_sets.get(stack_set.name)
        if state is None:
            continue
        for unit in sorted({instance.unit for instance in state.instances}):
            there = [instance for instance in state.instances if instance.unit == unit]
            regions = tuple(sorted({instance.region for instance in there}))
            changes = tuple(f"delete in {instance.account} {instance.region}" for instance in there)
            task = DropInstances(stack_set.name, (unit,), regions)
            what = f"stack set {stack_set.name} in {unit}"
            steps.append(Step(instances, Action.DELETE, what, management, changes=changes, task=task))
        task_of = DropStackSet(stack_set.name)
        steps.append(Step(whole, Action.DELETE, f"stack set {stack_set.name}", management, task=task_of))
    stacks = [(Stage.RULES, stack) for stack in desired.management_rules]
    stacks += [(Stage.ROLES, desired.management_roles), (Stage.HUB, desired.hub)]
    for stage, stack in stacks:
        if (stack.account, stack.region, stack.name) in current.stacks:
            drop = DropStack(stack.account, stack.region, stack.name)
            steps.append(Step(stage, Action.DELETE, f"stack {stack.name}", stack.account, stack.region, task=drop))
    ours = desired.read_accounts["Sid"]
    if current.resource_policy and ours in current.resource_policy:
        left = without_statement(current.resource_policy, desired.read_accounts)
        diff = diff_of(pretty(current.resource_policy), left, "resource policy")
        what = "permission for the hub to read the accounts"
        steps.append(Step(Stage.ACCESS, Action.DELETE, what, management, diff=diff, task=ReadAccounts(left)))
    return tuple(sorted(steps, key=lambda step: -step.stage))
