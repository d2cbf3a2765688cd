"""A Region that a policy of Control Tower denies to StackSets, or that a member has not enabled: passed, and told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import DATA, MEMBERS, WEB, Console, at_console, few, instances, stack_sets, state, told

DENIED, OPT_IN = "eu-west-1", "eu-south-2"
# Where global services record: they get rules whatever the settings name.
FORCED = ("us-east-1", "us-west-2")
# As Control Tower writes its Region deny (AWS Control Tower guide, "Deny access to AWS based on the requested Region"),
# with some of its global services.
REGION_DENY: dict[str, Any] = {
    "Sid": "GRREGIONDENY",
    "Effect": "Deny",
    "NotAction": ["iam:*", "organizations:*", "route53:*", "sts:*", "support:*", "cloudfront:*"],
    "Resource": "*",
    "Condition": {
        "StringNotEquals": {"aws:RequestedRegion": [HOME_REGION, *FORCED]},
        "ArnNotLike": {"aws:PrincipalARN": ["arn:aws:iam::*:role/AWSControlTowerExecution"]},
    },
}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        yield at_console(sandbox, tmp_path)


def policy_of(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def deny(console: Console, **changes: Any) -> str:
    """Puts the Region deny on the unit, changed. Returns the policy's id."""
    content = policy_of({**REGION_DENY, **changes})
    with console.client(MANAGEMENT, "organizations") as organizations:
        root = organizations.list_roots()["Roots"][0]
        if not root["PolicyTypes"]:
            organizations.enable_policy_type(RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")
        made = organizations.create_policy(
            Name="aws-guardrails-AbCdEf", Description="x", Type="SERVICE_CONTROL_POLICY", Content=content
        )["Policy"]["PolicySummary"]["Id"]
        organizations.attach_policy(PolicyId=made, TargetId=console.sandbox.organization.unit)
    return str(made)


def exempt(console: Console, policy: str, principal: str) -> None:
    """Exempts a principal in the Region deny."""
    condition = REGION_DENY["Condition"]
    principals = [*condition["ArnNotLike"]["aws:PrincipalARN"], principal]
    changed = {**REGION_DENY, "Condition": {**condition, "ArnNotLike": {"aws:PrincipalARN": principals}}}
    with console.client(MANAGEMENT, "organizations") as organizations:
        organizations.update_policy(PolicyId=policy, Content=policy_of(changed))


def apply(console: Console, *arguments: str) -> tuple[int, str]:
    code, _, err = console("apply", "--yes", "--lookback-days", "0", *arguments)
    return code, err


def test_a_denied_region_is_told_once_and_passed_and_ends_when_it_is_excluded(console: Console) -> None:
    few(console, DENIED)
    deny(console)
    code, err = apply(console)
    assert code == 0, err
    assert f"left out: {DENIED} in " in err
    assert "a service control policy denies the Region" in err
    found = state(console)
    assert found["policy"] != []  # the policy has come
    assert found[f"rules in {WEB} {HOME_REGION}"]

    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (0, {"denied-region": {(member, DENIED) for member in MEMBERS}})
    [note] = [line for line in plan if line["kind"] == "left-out"]
    assert "organization.excluded_regions" in note["advice"][0]
    assert "stacksets-exec-*" in note["advice"][0]
    _, out, _ = replace(console, columns="80")("plan", "--lookback-days", "0")
    assert out.count("denies the") == 1
    assert max(map(len, out[out.index("left out") :].splitlines())) <= 80
    assert "there is nothing to do" in apply(console)[1]

    console.settle(**{f'"{DENIED}"]': f']\nexcluded_regions = ["{DENIED}"]'})
    code, err = apply(console)
    assert code == 0, err
    assert {region for _, region in instances(console)} == {HOME_REGION, *FORCED}
    with console.client(MANAGEMENT, "events", DENIED) as events:
        assert events.list_rules()["Rules"] == []
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (0, {})


def test_where_stacksets_is_exempt_by_now_a_retry_deploys(console: Console) -> None:
    few(console, DENIED)
    policy = deny(console)
    assert apply(console)[0] == 0
    exempt(console, policy, "arn:aws:iam::*:role/stacksets-exec-*")
    assert "there is nothing to do" in apply(console)[1]
    assert apply(console, "--retry")[0] == 0
    assert {found["Status"] for found in instances(console).values()} == {"CURRENT"}
    with console.client(WEB, "events", DENIED) as events:
        assert events.list_rules()["Rules"]


@pytest.mark.full
def test_a_region_that_was_denied_later_is_taken_away_where_it_is_let(console: Console) -> None:
    """The stacks are there and can't be deleted: they are INOPERABLE then, and it is told what mends them."""
    few(console, DENIED)
    assert apply(console)[0] == 0
    policy = deny(console)
    console.settle(**{f'"{DENIED}"]': f']\nexcluded_regions = ["{DENIED}"]'})
    code, err = apply(console)
    assert code == 3
    assert f"{WEB} {DENIED}: User: arn:aws:sts::{WEB}:assumed-role/stacksets-exec-" in err
    code, out, err = console("plan", "--lookback-days", "0")
    assert (code, "have to be mended by hand" in err) == (1, True)
    pasted = " ".join(out.replace("\\\n", " ").split())
    for said in (
        f"delete-stack-instances --stack-set-name ownertag-spoke-region --regions {DENIED} --retain-stacks",
        f"Accounts={WEB},AccountFilterType=INTERSECTION",
        f"delete-stack --region {DENIED} --stack-name StackSet-ownertag-spoke-region-",
    ):
        assert said in pasted
    code, err = apply(console)
    assert (code, "there is nothing to do" in err) == (3, True)  # it is not tried for ever

    # What it says, done.
    exempt(console, policy, "arn:aws:iam::*:role/*")
    with console.client(MANAGEMENT, "cloudformation") as cloudformation:
        cloudformation.delete_stack_instances(
            StackSetName="ownertag-spoke-region",
            Regions=[DENIED],
            RetainStacks=True,
            DeploymentTargets={"OrganizationalUnitIds": [console.sandbox.organization.unit]},
        )
    assert console("plan", "--lookback-days", "0")[0] == 0
    assert console("destroy", "--yes")[0] == 0


@pytest.mark.full
def test_a_denial_in_the_home_region_is_a_failure(console: Console) -> None:
    few(console, DENIED)
    deny(console, NotAction=["iam:*", "sts:*", "cloudformation:*"], Condition={})
    code, err = apply(console)
    assert code == 3
    assert f"{WEB} {HOME_REGION}: User: " in err
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (1, {})


def test_a_region_that_a_member_has_not_enabled_is_passed_and_deployed_to_when_it_has(console: Console) -> None:
    regions = console.sandbox.front.regions
    for account in {MANAGEMENT, *MEMBERS} - {WEB, DATA}:
        regions.enable(account, OPT_IN)
    few(console, OPT_IN)
    code, err = apply(console)
    assert code == 0, err
    assert "the account has not enabled the Region" in err
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (0, {"region-not-enabled": {(WEB, OPT_IN), (DATA, OPT_IN)}})
    regions.enable(WEB, OPT_IN)
    assert apply(console)[0] == 0
    with console.client(WEB, "events", OPT_IN) as events:
        assert events.list_rules()["Rules"]
    _, plan = console.objects("plan", "--lookback-days", "0")
    assert told(plan) == {"region-not-enabled": {(DATA, OPT_IN)}}
    code, _, err = console("destroy", "--yes")
    assert code == 0, err
    assert stack_sets(console) == set()


@pytest.mark.full
def test_where_a_member_can_not_be_asked_its_failure_is_one(console: Console) -> None:
    for account in {MANAGEMENT, *MEMBERS} - {WEB}:
        console.sandbox.front.regions.enable(account, OPT_IN)
    few(console, OPT_IN)
    with console.client(WEB, "iam") as iam:
        iam.delete_role(RoleName="OrganizationAccountAccessRole")
    code, err = apply(console)
    assert (code, f"{WEB} {OPT_IN}: Region {OPT_IN} is not enabled" in err) == (3, True)
    assert state(console)["policy"]  # it held nothing up


@pytest.mark.full
def test_a_region_that_the_management_account_has_not_enabled_is_told(console: Console) -> None:
    few(console, OPT_IN)
    code, err = apply(console)
    assert code == 0, err
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (0, {"region-disabled": {(None, OPT_IN)}})
    assert {region for _, region in instances(console)} == {HOME_REGION, *FORCED}


@pytest.mark.full
def test_a_region_that_was_disabled_after_the_deployment_holds_nothing_up(console: Console) -> None:
    """Stacks stay in a Region that is disabled, and nobody gets to them (Account Management reference)."""
    regions = console.sandbox.front.regions
    for account in {MANAGEMENT, *MEMBERS}:
        regions.enable(account, OPT_IN)
    few(console, OPT_IN)
    assert apply(console)[0] == 0
    regions.disable(MANAGEMENT, OPT_IN)
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert code == 0
    assert told(plan) == {"region-disabled": {(None, OPT_IN), *((member, OPT_IN) for member in MEMBERS)}}
    code, out, err = console("destroy", "--yes")
    assert code == 3
    assert "enable the Region in the management account, and run it again" in err
    assert "it is not known whether a stack is left there" in " ".join(out.split())
    assert not state(console)[f"roles in {HUB}"]
    regions.enable(MANAGEMENT, OPT_IN)
    code, _, err = console("destroy", "--yes")
    assert code == 0, err
    assert stack_sets(console) == set()
    with console.client(MANAGEMENT, "events", OPT_IN) as events:
        assert events.list_rules()["Rules"] == []
