"""Stack instances that failed because a role was too young: they are deployed once more, and they alone.

IAM is eventually consistent: EventBridge refuses a rule whose role was made just now with "Provided role … cannot be
assumed by principal 'events.amazonaws.com'" (reported for PutRule).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ownertag.rollout.deploy import stack_sets
from ownertag.rollout.deploy.change_sets import Pause, Say
from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.deploy.operation_events import is_passing
from ownertag.rollout.deploy.stack_sets import LeftOut
from ownertag.rollout.deploy.stacks import AGAIN_SECONDS, TIMES_AGAIN
from ownertag.rollout.deploy.values import StackInstance


def with_roles_that_are_old_enough(
    deploy: Callable[[], None], client: Any, name: str, pause: Pause, say: Say, left_out: LeftOut
) -> None:
    """Deploys instances; those that failed by what passes once more, twice at most.

    Args:
        deploy: The first operation.
        client: Of CloudFormation in the management account.
        name: The stack set.
        pause: Waits so many seconds.
        say: Told how far it is.
        left_out: Says of instances which are no failures.

    Raises:
        DeployError: Some instances failed; the text of the first operation, or of the last one, names them.
    """
    for left in range(TIMES_AGAIN, -1, -1):
        try:
            deploy()
        except DeployError:
            young = [one for one in stack_sets.instances(client, name) if one.unit and is_passing([one.reason])]
            if not left or not young:
                raise
            say(f"{len(young)} instances failed because a role is too young: again in {AGAIN_SECONDS:.0f} s")
            pause(AGAIN_SECONDS)
            deploy = _again(client, name, young, pause, say, left_out)
        else:
            return


def _again(
    client: Any, name: str, young: list[StackInstance], pause: Pause, say: Say, left_out: LeftOut
) -> Callable[[], None]:
    def deploy() -> None:
        failed = None
        for unit in sorted({one.unit for one in young}):
            of_unit = [one for one in young if one.unit == unit]
            accounts = tuple(sorted({one.account for one in of_unit}))
            regions = tuple(sorted({one.region for one in of_unit}))
            try:
                stack_sets.put_some(client, name, unit, accounts, regions, pause, say, left_out)
            except DeployError as error:
                failed = error
        if failed:
            raise failed

    return deploy
