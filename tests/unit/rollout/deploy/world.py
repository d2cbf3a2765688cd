"""An organization to be deployed to, as values: what should be there, and what is, nothing or all of it."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from harness import fixtures
from ownertag.core.settings import Settings
from ownertag.core.settings_file import read_settings
from ownertag.rollout.deploy.access import SCP, with_statement
from ownertag.rollout.deploy.desired import Desired, desired
from ownertag.rollout.deploy.package import Package
from ownertag.rollout.deploy.values import Current, Members, PolicyState, StackInstance, StackSetState, StackState

MANAGEMENT, HUB, WEB, DATA = "123456789012", fixtures.HUB_ACCOUNT, fixtures.ACCOUNT, fixtures.OTHER_ACCOUNT
#: Of the organization, and of no unit that is deployed to.
OTHER = "999999999999"
ROOT, UNIT, OTHER_UNIT = "r-ab12", "ou-ab12-c3d4e5f6", "ou-ab12-aaaabbbb"
REGIONS = ("eu-central-1", "us-east-1", "us-west-2")
PACKAGE = Package(Path("function.zip"), "", "ownertag-0.1.0-arm64-" + "0" * 64 + ".zip", "0" * 64)


def settings(regions: tuple[str, ...] = REGIONS, units: tuple[str, ...] = (UNIT,), more: str = "") -> Settings:
    """Settings whose policies are on the first of these units; `more` TOML may say where they are instead."""
    text = fixtures.SETTINGS_TEXT.replace("[tags]", f"regions = {list(regions)}\nunits = {list(units)}\n\n[tags]")
    protection = "[protection]\n" if "units = " in more else f"[protection]\nunits = {list(units[:1] or (ROOT,))}\n"
    return read_settings(text + protection + more.lstrip().removeprefix("[protection]\n"), "ownertag.toml")


def wanted(found: Settings | None = None) -> Desired:
    found = found or settings()
    assert found.organization is not None
    return desired(fixtures.catalogue(), found, found.organization, PACKAGE, frozenset({*REGIONS, "eu-west-1"}), ROOT)


def nothing(to: Desired) -> Current:
    """An organization that ownertag was never in."""
    return Current(
        root=ROOT,
        stack_sets_allowed=False,
        policy_types=frozenset(),
        administrators=frozenset(),
        resource_policy=None,
        accounts=dict.fromkeys(to.units, frozenset({HUB, WEB, DATA})),
        members=Members(dict.fromkeys((MANAGEMENT, HUB, WEB, DATA, OTHER), "ACTIVE")),
        units_gone=frozenset(),
        bucket=False,
        uploaded=False,
        stacks={},
        stack_sets={},
        policies={},
        attached={unit: frozenset({"FullAWSAccess"}) for unit in to.protected},
    )


def all_of(to: Desired) -> Current:
    """An organization in which everything is as it should be."""
    stacks = (to.hub, to.management_roles, *to.management_rules)
    return replace(
        nothing(to),
        stack_sets_allowed=True,
        policy_types=frozenset({SCP}),
        resource_policy=with_statement(None, to.read_accounts),
        bucket=True,
        uploaded=True,
        stacks={
            (stack.account, stack.region, stack.name): StackState(
                "UPDATE_COMPLETE", stack.template, dict(stack.parameters)
            )
            for stack in stacks
        },
        stack_sets={
            stack_set.name: StackSetState(
                stack_set.template,
                True,
                tuple(
                    StackInstance(account, region, to.units[0], stack=f"arn:stack/{account}/{region}")
                    for account in (HUB, WEB, DATA)
                    for region in stack_set.regions
                ),
            )
            for stack_set in (to.roles, to.rules)
        },
        policies={
            name: PolicyState(f"p-{number:08}", content, frozenset(to.protected))
            for number, (name, content) in enumerate(to.policies.items(), 1)
        },
    )
