"""Carries out the steps of a plan, stage by stage, those of a stage concurrently; or shows what they would change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import groupby
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.settings import OrganizationSettings
from ownertag.rollout.deploy import access, stack_sets, stacks
from ownertag.rollout.deploy.clients import Clients, DeployError, explained
from ownertag.rollout.deploy.desired import DesiredStack
from ownertag.rollout.deploy.members import MembersReader
from ownertag.rollout.deploy.stacks import Pause
from ownertag.rollout.deploy.values import (
    Action,
    AllowPolicies,
    AllowStackSets,
    Attach,
    Detach,
    DropInstances,
    DropPolicy,
    DropStack,
    DropStackSet,
    ForgetInstances,
    MakeBucket,
    PutInstances,
    PutPolicy,
    PutStack,
    PutStackSet,
    ReadAccounts,
    RemakeInstances,
    RemakeStack,
    Stage,
    Step,
    Task,
    Upload,
)

#: How many stacks change, or are previewed, at once.
AT_ONCE = 8
#: A failure in one account must not keep the others from the next stage.
GOES_ON = frozenset({Stage.ROLES_IN_ACCOUNTS, Stage.RULES_IN_ACCOUNTS})


class StepResult(Struct, frozen=True):
    """A step that was carried out; `failed` says why it could not be, `some` that only some accounts failed."""

    step: Step
    failed: str = ""
    some: bool = False

    @property
    def holds_up(self) -> bool:
        """Whether what comes after it can't be done: the hub, what all accounts need, or the policy is lacking."""
        spoke = isinstance(self.step.task, PutStack | RemakeStack | DropStack) and self.step.stage is not Stage.HUB
        return bool(self.failed) and not (self.some or spoke or self.step.stage in GOES_ON)


#: Is called with a step and what happens to it.
Progress = Callable[[Step, str], None]


def execute(
    steps: Iterable[Step],
    clients: Clients,
    organization: OrganizationSettings,
    progress: Progress,
    pause: Pause = time.sleep,
) -> tuple[StepResult, ...]:
    """Carries out the steps that have a task, in their order.

    A stage that fails is the last one, since later ones depend on it. Only where StackSets could not deploy to some
    accounts, the other accounts go on; the result names those that failed.
    """
    worker = _Worker(clients, organization, pause)
    done: list[StepResult] = []
    waiting = [step for step in steps if step.task is not None]
    for _, of_stage in groupby(waiting, key=lambda step: step.stage):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ended = list(pool.map(lambda step: worker.do(step, progress), of_stage))
        done += ended
        if any(outcome.holds_up for outcome in ended):
            break
    return tuple(done)


class _Worker:
    def __init__(self, clients: Clients, organization: OrganizationSettings, pause: Pause) -> None:
        self._clients = clients
        self._organization = organization
        self._pause = pause
        self._left_out = MembersReader(clients, organization).just_left_out

    def do(self, step: Step, progress: Progress) -> StepResult:
        assert step.task is not None  # noqa: S101 - those without were left out
        progress(step, "begins")
        try:
            with explained(step.account, f"{step.action.value} {step.what}"):
                self._carry_out(step.task, lambda text: progress(step, text))
        except DeployError as error:
            progress(step, f"failed: {error}")
            return StepResult(step, str(error), isinstance(error, stack_sets.SomeFailed))
        progress(step, "done")
        return StepResult(step)

    def _carry_out(self, task: Task, say: Callable[[str], None]) -> None:
        cloudformation = self._clients.management("cloudformation")
        organizations = self._clients.management("organizations")
        match task:
            case AllowStackSets():
                cloudformation.activate_organizations_access()
            case ReadAccounts(policy=""):
                organizations.delete_resource_policy()
            case ReadAccounts(policy=policy):
                organizations.put_resource_policy(Content=policy)
            case AllowPolicies(root=root):
                organizations.enable_policy_type(RootId=root, PolicyType=access.SCP)
            case MakeBucket(name=name):
                self._make_bucket(name)
            case Upload(bucket=bucket, key=key, path=path):
                self._upload(bucket, key, path)
            case PutStack(stack=stack):
                client = self._clients.of(stack.account, "cloudformation", stack.region)
                stacks.put(client, stack, self._pause, say, revert=task.revert)
            case RemakeStack(stack=stack):
                client = self._clients.of(stack.account, "cloudformation", stack.region)
                stacks.drop(client, stack.name, self._pause, say)
                stacks.put(client, stack, self._pause, say)
            case DropStack(account=account, region=region, name=name):
                stacks.drop(self._clients.of(account, "cloudformation", region), name, self._pause, say)
            case PutStackSet(stack_set=stack_set):
                stack_sets.put(cloudformation, stack_set, self._pause, say, self._left_out)
            case DropStackSet(name=name):
                stack_sets.drop(cloudformation, name, self._left_out)
            case PutInstances():
                stack_sets.put_instances(cloudformation, task, self._pause, say, self._left_out)
            case RemakeInstances():
                stack_sets.remake_instances(cloudformation, task, self._pause, say, self._left_out)
            case DropInstances():
                stack_sets.drop_instances(cloudformation, task, self._pause, say, self._left_out)
            case ForgetInstances():
                stack_sets.forget_instances(cloudformation, task, self._pause, say, self._left_out)
            case PutPolicy(name=name, content=content, id=None):
                organizations.create_policy(
                    Name=name,
                    Description="Keeps the owner tags, and what writes them, from being removed or forged.",
                    Type=access.SCP,
                    Content=content,
                )
            case PutPolicy(content=content, id=id_):
                organizations.update_policy(PolicyId=id_, Content=content)
            case DropPolicy(id=id_):
                organizations.delete_policy(PolicyId=id_)
            case Attach(name=name, unit=unit):
                found = access.policy_id(organizations, name)
                if found is None:
                    raise DeployError(f"policy {name} is gone: run it again")
                organizations.attach_policy(PolicyId=found, TargetId=unit)
            case Detach(id=id_, unit=unit):
                organizations.detach_policy(PolicyId=id_, TargetId=unit)

    def _make_bucket(self, name: str) -> None:
        s3, region = self._clients.hub("s3"), self._organization.home_region
        # us-east-1 is the one Region that may not be named (doc: CreateBucket).
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **place)
        closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(closed, True))

    def _upload(self, bucket: str, key: str, path: Path) -> None:
        owner = self._organization.hub_account
        with path.open("rb") as file:
            self._clients.hub("s3").put_object(Bucket=bucket, Key=key, Body=file, ExpectedBucketOwner=owner)


def previewed(steps: Iterable[Step], clients: Clients, pause: Pause = time.sleep) -> tuple[Step, ...]:
    """The steps, those of stacks with the changes that CloudFormation would make.

    Raises:
        DeployError: CloudFormation refuses a template or a change, or the permission to ask is missing.
    """

    @cache
    def added(template: str) -> tuple[str, ...]:
        first = next(
            step.task.stack
            for step in wanted
            if isinstance(step.task, PutStack) and step.task.stack.template == template
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
