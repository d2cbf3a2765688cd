"""Plans the removal: the steps that delete everything from an organization."""

from __future__ import annotations

from ownertag.rollout.deploy.access import without_statement
from ownertag.rollout.deploy.desired import Desired
from ownertag.rollout.deploy.diff import diff_of, pretty
from ownertag.rollout.deploy.instances import drop_steps
from ownertag.rollout.deploy.steps import left_stacks
from ownertag.rollout.deploy.values import (
    Action,
    Current,
    Detach,
    DropPolicy,
    DropStack,
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
        steps += drop_steps(instances, whole, stack_set, desired, current)
    for key in left_stacks(desired, current):
        drop = DropStack(*key)
        steps.append(Step(Stage.RULES, Action.DELETE, f"stack {key[2]}", *key[:2], task=drop))
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
