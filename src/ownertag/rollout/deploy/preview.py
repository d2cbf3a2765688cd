"""What the stacks' steps would change in AWS: for a new stack its resources, for another a change set."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from msgspec.structs import replace

from ownertag.rollout.deploy import stacks
from ownertag.rollout.deploy.clients import Clients, explained
from ownertag.rollout.deploy.desired import DesiredStack
from ownertag.rollout.deploy.stacks import Pause
from ownertag.rollout.deploy.values import Action, PutStack, Step

#: How many change sets are made at once.
AT_ONCE = 8


def previewed(steps: Iterable[Step], clients: Clients, pause: Pause = time.sleep) -> tuple[Step, ...]:
    """The same steps, those of stacks with what CloudFormation says that they would change.

    Raises:
        DeployError: CloudFormation refuses a template or a change, or the permission to ask is missing.
    """

    @cache
    def added(template: str) -> tuple[str, ...]:
        first = next(
            each.task.stack
            for each in wanted
            if isinstance(each.task, PutStack) and each.task.stack.template == template
        )
        return stacks.preview_new(clients.of(first.account, "cloudformation", first.region), first)

    def one(step: Step) -> Step:
        if not isinstance(step.task, PutStack):
            return step
        stack: DesiredStack = step.task.stack
        with explained(stack.account, f"look what would change in stack {stack.name} in {stack.region}"):
            if step.action is Action.CREATE:
                return replace(step, changes=added(stack.template))
            client = clients.of(stack.account, "cloudformation", stack.region)
            return replace(
                step, changes=(*step.changes, *stacks.preview(client, stack, pause, revert=step.task.revert))
            )

    wanted = list(steps)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return tuple(pool.map(one, wanted))
