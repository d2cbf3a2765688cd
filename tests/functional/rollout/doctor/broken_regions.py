"""How instances, Regions and queues come to be told: a policy that denies, a member's own choice, a lost event.

More rounds like those of `broken`, which they follow.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from harness import fixtures
from ownertag.render.documents import REGION_STACK
from ownertag.rollout.doctor.causes import Cause
from ownertag.sandbox.deployment import deploy, write_package
from ownertag.sandbox.personas import ACCOUNTS, HOME_REGION, HUB, MANAGEMENT
from rollout.doctor.broken import DATA, LEGACY, RESEARCH, WEB, Row, World, call, change_stack_set
from rollout.redrive.world import MEMBER, REGION, RedriveWorld

#: Regions that an account has to enable; the second one alone did.
OPT_IN, ALONE = "eu-south-2", "me-south-1"
_ACCOUNT_REGION = "us-east-1"  # where Account Management answers


def _deny(account: str, region: str) -> Callable[[World], None]:
    """A policy of somebody else that lets nobody deploy in a Region of an account."""

    def does(world: World) -> None:
        statement = {
            "Effect": "Deny", "Action": ["cloudformation:*", "events:*", "sqs:*"], "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": region}},
        }  # fmt: skip
        made = world.organizations.create_policy(
            Name=f"deny-{account}", Description="x", Type="SERVICE_CONTROL_POLICY",
            Content=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )["Policy"]["PolicySummary"]["Id"]  # fmt: skip
        world.organizations.attach_policy(PolicyId=made, TargetId=account)

    return does


def _allow(account: str) -> Callable[[World], None]:
    def does(world: World) -> None:
        policy = world.policy_id(f"deny-{account}")
        world.organizations.detach_policy(PolicyId=policy, TargetId=account)
        world.organizations.delete_policy(PolicyId=policy)

    return does


def _denied(account: str, region: str) -> Callable[[World], None]:
    """Denies it, and lets StackSets meet that."""

    def does(world: World) -> None:
        _deny(account, region)(world)
        change_stack_set(REGION_STACK)(world)

    return does


def _inoperable(world: World) -> None:
    _deny(RESEARCH, "us-west-2")(world)
    with world.at(MANAGEMENT, "cloudformation") as cloudformation:
        cloudformation.delete_stack_instances(
            StackSetName=REGION_STACK, Regions=["us-west-2"], RetainStacks=False,
            DeploymentTargets={
                "OrganizationalUnitIds": [world.sandbox.organization.unit], "Accounts": [RESEARCH],
                "AccountFilterType": "INTERSECTION",
            },
        )  # fmt: skip


def _failed_hub(world: World) -> None:
    """The hub is made anew, and its function can't be: a first creation that is rolled back."""
    with world.at(HUB, "cloudformation") as cloudformation:
        cloudformation.delete_stack(StackName="ownertag-hub")
    world.sandbox.front.failures.plan(HUB, HOME_REGION, "Function", "no such package")
    with suppress(RuntimeError):  # that it failed is what is wanted; the row would not be found otherwise
        _deploy(world)


def _one_more_region(world: World) -> None:
    """All but one account enable a Region, and it is deployed to."""
    for account in ACCOUNTS:
        if account != WEB:
            call(account, _ACCOUNT_REGION, "account", "enable_region", RegionName=OPT_IN)(world)
    text = world.settings.read_text("utf-8")
    assert 'regions = ["' in text
    world.settings.write_text(text.replace('regions = ["', f'regions = ["{OPT_IN}", "', 1), "utf-8")
    write_package(world.package, world.settings.read_text("utf-8"))
    _deploy(world)


def _deploy(world: World) -> None:
    deploy(world.sandbox.account_session(MANAGEMENT), world.sandbox.endpoint_url, world.settings, world.package)


def _undelivered(world: World) -> None:
    RedriveWorld(world.sandbox).launch_undelivered(2)


def _dead_letters(world: World) -> None:
    body: dict[str, Any] = fixtures.event(fixtures.record())
    RedriveWorld(world.sandbox).dead_letter(json.dumps(body), "forbidden")


ROUNDS: dict[str, tuple[Row, ...]] = {
    "by deploying where it was denied": (
        Row(
            Cause.INSTANCE_NOT_CURRENT, LEGACY, HOME_REGION, _denied(LEGACY, HOME_REGION), first=_allow(LEGACY),
        ),
        Row(Cause.INSTANCE_DENIED, DATA, "eu-west-1", _denied(DATA, "eu-west-1"), first=_allow(DATA)),
    ),
    "by letting an instance go": (
        Row(Cause.INSTANCE_INOPERABLE, RESEARCH, "us-west-2", _inoperable, first=_allow(RESEARCH)),
    ),
    "by making a hub that could not be made": (
        Row(Cause.HUB_STACK_FAILED, HUB, HOME_REGION, _failed_hub),
    ),
    "by enabling a Region": (
        Row(Cause.REGION_OFF, WEB, OPT_IN, _one_more_region),
        Row(Cause.REGION_ALONE, DATA, ALONE, call(
            DATA, _ACCOUNT_REGION, "account", "enable_region", RegionName=ALONE,
        )),
    ),
    "by putting messages back": (
        Row(Cause.UNDELIVERED_HELD, MEMBER, REGION, _undelivered),
        Row(Cause.DEAD_LETTERS_HELD, HUB, HOME_REGION, _dead_letters),
    ),
}  # fmt: skip
