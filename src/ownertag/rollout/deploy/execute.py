"""Carries out the steps of a plan, stage by stage, those of a stage concurrently; or shows what they would change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import groupby

from botocore.exceptions import ClientError
from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.settings import OrganizationSettings
from ownertag.render.service_policies import read_accounts
from ownertag.rollout.deploy import stack_sets, stacks
from ownertag.rollout.deploy.change_sets import Pause
from ownertag.rollout.deploy.clients import Clients
from ownertag.rollout.deploy.desired import DesiredStack
from ownertag.rollout.deploy.failures import CredentialsExpiredError, DeployError, explained
from ownertag.rollout.deploy.members import MembersReader
from ownertag.rollout.deploy.organization_calls import OrganizationCalls
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
from ownertag.rollout.deploy.young_roles import with_roles_that_are_old_enough

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
    accounts, the other accounts go on; the result names those that failed. When the caller's credentials have expired,
    nothing more is begun. What changes the organization goes one after another.
    """
    worker = _Worker(clients, organization, pause)
    done: list[StepResult] = []
    waiting = [step for step in steps if step.task is not None]
    for _, of_stage in groupby(waiting, key=lambda step: step.stage):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ended = list(pool.map(lambda step: worker.do(step, progress), of_stage))
        done += ended
        if worker.expired or any(outcome.holds_up for outcome in ended):
            break
    return tuple(done)


class _Worker:
    def __init__(self, clients: Clients, organization: OrganizationSettings, pause: Pause) -> None:
        self._clients = clients
        self._organization = organization
        self._pause = pause
        self._calls = OrganizationCalls(clients.management("organizations"), pause)
        self._left_out = MembersReader(clients, organization).just_left_out
        #: Whether the caller's credentials have expired.
        self.expired = False

    def do(self, step: Step, progress: Progress) -> StepResult:
        assert step.task is not None  # noqa: S101 - those without were left out
        progress(step, "begins")
        try:
            with explained(step.account, f"{step.action.value} {step.what}"):
                self._carry_out(step.task, lambda text: progress(step, text))
        except DeployError as error:
            self.expired |= isinstance(error, CredentialsExpiredError)
            progress(step, f"failed: {error}")
            return StepResult(step, str(error), isinstance(error, stack_sets.SomeFailed))
        progress(step, "done")
        return StepResult(step)

    def _carry_out(self, task: Task, say: Callable[[str], None]) -> None:
        cloudformation = self._clients.management("cloudformation")
        calls, pause = self._calls, self._pause
        match task:
            case AllowStackSets():
                calls.run(cloudformation.activate_organizations_access, say)
            case ReadAccounts(policy=policy):
                calls.put_resource_policy(policy, read_accounts(self._organization)["Sid"], say)
            case AllowPolicies(root=root):
                calls.enable_policies(root, say)
            case MakeBucket(name=name):
                self._make_bucket(name)
            case Upload(bucket=bucket, package=package):
                self._clients.hub("s3").put_object(
                    Bucket=bucket,
                    Key=package.key,
                    Body=package.content(),
                    ExpectedBucketOwner=self._organization.hub_account,
                )
            case PutStack(stack=stack):
                self._put(stack, say, revert=task.revert)
            case RemakeStack(stack=stack):
                stacks.drop(self._clients.of(stack.account, "cloudformation", stack.region), stack.name, pause, say)
                self._put(stack, say)
            case DropStack(account=account, region=region, name=name):
                stacks.drop(self._clients.of(account, "cloudformation", region), name, pause, say)
            case PutStackSet(stack_set=stack_set):
                templates = self._clients.template_bucket()
                stack_sets.put(cloudformation, stack_set, templates, pause, say, self._left_out)
            case DropStackSet(name=name):
                stack_sets.drop(cloudformation, name, self._left_out)
            case PutInstances():
                deploy = partial(stack_sets.put_instances, cloudformation, task, pause, say, self._left_out)
                with_roles_that_are_old_enough(deploy, cloudformation, task.name, pause, say, self._left_out)
            case RemakeInstances():
                deploy = partial(stack_sets.remake_instances, cloudformation, task, pause, say, self._left_out)
                with_roles_that_are_old_enough(deploy, cloudformation, task.name, pause, say, self._left_out)
            case DropInstances():
                stack_sets.drop_instances(cloudformation, task, pause, say, self._left_out)
            case ForgetInstances():
                stack_sets.forget_instances(cloudformation, task, pause, say, self._left_out)
            case PutPolicy(name=name, content=content, id=id_):
                calls.put_policy(name, content, id_, say)
            case DropPolicy(id=id_):
                calls.drop_policy(id_, say)
            case Attach(name=name, unit=unit):
                calls.attach(name, unit, say)
            case Detach(id=id_, unit=unit):
                calls.detach(id_, unit, say)

    def _put(self, stack: DesiredStack, say: Callable[[str], None], *, revert: bool = False) -> None:
        client = partial(self._clients.of, stack.account, region=stack.region)
        bucket = self._clients.template_bucket(stack.account)
        stacks.put(client("cloudformation"), stack, bucket, client, self._pause, say, revert=revert)

    def _make_bucket(self, name: str) -> None:
        s3, region = self._clients.hub("s3"), self._organization.home_region
        # us-east-1 is the one Region that may not be named (doc: CreateBucket).
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            s3.create_bucket(Bucket=name, **place)
        except ClientError as error:  # another run was quicker
            if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
                raise
        closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(closed, True))


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
                taken = stacks.taken_over(stack, partial(clients.of, stack.account, region=stack.region))
                return replace(step, changes=(*taken, *added(stack.template)))
            client, bucket = (
                clients.of(stack.account, "cloudformation", stack.region),
                clients.template_bucket(stack.account),
            )
            changes = stacks.preview(client, stack, bucket, pause, revert=step.task.revert)
            return replace(step, changes=(*step.changes, *changes))

    wanted = list(steps)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return tuple(pool.map(one, wanted))
