"""The preflight of `ownertag deploy` in organizations that would not let it work, in the sandbox.

What AWS does to a deployment there is played by moto and the sandbox's gaps, from AWS's documentation: service and
resource control policies are kept, and not enforced; tag policies are enforced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.sandbox.organization import TRAIL
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import DATA, MEMBERS, WEB, Console, at_console, changes
from rollout.preflight.others import Policy, tag_policy

REGION_DENY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "GRREGIONDENY",
            "Effect": "Deny",
            "NotAction": ["cloudtrail:LookupEvents", "ec2:DescribeRegions", "iam:*", "organizations:*", "sts:*"],
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:RequestedRegion": [HOME_REGION, "us-east-1"]},
                "ArnNotLike": {"aws:PrincipalARN": ["arn:*:iam::*:role/AWSControlTowerExecution"]},
            },
        }
    ],
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(empty=True) as sandbox:
        yield sandbox


@pytest.fixture
def console(sandbox: Sandbox, tmp_path: Path) -> Console:
    """Nothing is deployed here, so that all tests may look at one organization; each takes away what it made."""
    return replace(at_console(sandbox, tmp_path), preflight=True)


def findings(console: Console, *arguments: str) -> list[dict[str, Any]]:
    _, objects = console.objects("plan", *arguments)
    return [found for found in objects if found["kind"] == "preflight"]


def of(found: list[dict[str, Any]], check: str, *, fine: bool = False) -> list[dict[str, Any]]:
    return [one for one in found if one["check"] == check and (one["verdict"] == "fine") == fine]


def test_a_healthy_organization_is_stopped_by_nothing_and_nothing_is_changed(console: Console) -> None:
    before = changes(console.sandbox)
    code, objects = console.objects("plan")
    found = [one for one in objects if one["kind"] == "preflight"]
    assert code == 1  # something would change
    assert {one["verdict"] for one in found} == {"fine", "told", "not known"}
    # The sandbox's operator is a root user, whom the simulator refuses.
    assert [one["check"] for one in found if one["verdict"] == "not known"] == ["permission"]
    assert {one["account"] for one in of(found, "trail", fine=True)} == {MANAGEMENT, *MEMBERS}
    assert [one["account"] for one in of(found, "permission", fine=True)] == [HUB]
    assert len(of(found, "price")) == 1
    # Change sets are made and deleted again, by the plan itself.
    assert {call for call in changes(console.sandbox) - before if "ChangeSet" not in call} == set()
    [calls] = [one for one in objects if one["kind"] == "preflight-calls"]
    assert calls["accounts"] == 1 + len(MEMBERS)
    assert f"cloudtrail:DescribeTrails={1 + len(MEMBERS)}" in calls["calls"]


def test_a_person_reads_causes_with_counts_within_80_columns(console: Console) -> None:
    with Policy(console, "SERVICE_CONTROL_POLICY", REGION_DENY, console.sandbox.organization.unit, "aws-guardrails-x"):
        code, out, err = replace(console, columns="80")("plan")
    assert code == 1
    text = out[out.index("Preflight:") :]
    assert "told       region: 5 accounts in us-west-2: " in text
    assert "222222222222, 333333333333, 444444444444, 555555555555 and 1 more" in text
    assert all(len(line) <= 80 or "`" in line for line in text.splitlines())
    assert "preflight: 333333333333 read, " in err


def test_a_region_that_control_tower_denies_is_told_for_every_account_below_with_the_policys_id(
    console: Console,
) -> None:
    with Policy(
        console, "SERVICE_CONTROL_POLICY", REGION_DENY, console.sandbox.organization.unit, "aws-guardrails-x"
    ) as id_:
        found = findings(console)
    denied = of(found, "region")
    assert {(one["account"], one["region"], one["verdict"]) for one in denied} == {
        (account, "us-west-2", "told") for account in MEMBERS
    }
    assert all(f"describe-policy --policy-id {id_}`" in one["advice"] for one in denied)
    assert any("cloudformation:CreateStack" in one["seen"] for one in denied)
    assert any("Control Tower governs" in one["seen"] for one in of(found, "organization"))
    assert not [one for one in found if one["verdict"] == "stops"]


def test_an_scp_that_keeps_others_from_tagging_stops_and_apply_does_not_go_on_by_itself(console: Console) -> None:
    deny = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyThePlatformTags",
                "Effect": "Deny",
                "Action": "ec2:CreateTags",
                "Resource": "*",
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/platform"}},
            }
        ],
    }
    before = changes(console.sandbox)
    with Policy(console, "SERVICE_CONTROL_POLICY", deny, WEB, "only-the-platform-tags") as id_:
        found = findings(console)
        code, _, err = console("apply", "--yes")
    stopped = [one for one in found if one["verdict"] == "stops"]
    assert {(one["account"], one["check"]) for one in stopped} == {(WEB, "scp")}
    assert all(f"only-the-platform-tags ({id_})" in one["seen"] for one in stopped)
    assert (code, "what the preflight found would make it fail or do nothing (1 cause)" in err) == (1, True)
    made = {call for call in changes(console.sandbox) - before if "ChangeSet" not in call}
    assert {call for call in made if not call.startswith("organizations:")} == set()


def test_a_resource_control_policy_of_another_organization_stops_the_hub(console: Console) -> None:
    perimeter = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Perimeter",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sts:AssumeRole",
                "Resource": "*",
                "Condition": {
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-another000"},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            }
        ],
    }
    with Policy(console, "RESOURCE_CONTROL_POLICY", perimeter, console.sandbox.organization.unit, "perimeter"):
        stopped = [one for one in findings(console) if one["verdict"] == "stops"]
    assert {(one["account"], one["check"]) for one in stopped} == {(account, "rcp") for account in MEMBERS}
    assert all("the hub can't tag" in one["seen"] for one in stopped)


@pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "deleted"])
def test_without_a_trail_every_region_of_every_account_stops(console: Console, stopped: bool) -> None:
    with console.client(MANAGEMENT, "cloudtrail", "us-east-1") as cloudtrail:
        if stopped:
            cloudtrail.stop_logging(Name=TRAIL)
        else:
            [trail] = cloudtrail.describe_trails()["trailList"]
            cloudtrail.delete_trail(Name=TRAIL)
        try:
            found = findings(console)
        finally:
            if not stopped:
                keys = ("Name", "S3BucketName", "IsMultiRegionTrail", "IsOrganizationTrail")
                cloudtrail.create_trail(
                    **{key: trail[key] for key in keys},
                    IncludeGlobalServiceEvents=trail["IncludeGlobalServiceEvents"],
                )
            cloudtrail.start_logging(Name=TRAIL)
    trails = of(found, "trail")
    assert {one["verdict"] for one in trails} == {"stops"}
    assert {(one["account"], one["region"]) for one in trails} == {
        (account, region) for account in (MANAGEMENT, *MEMBERS) for region in (HOME_REGION, "us-east-1", "us-west-2")
    }
    advice = "start-logging --region us-east-1 --name arn:aws:cloudtrail:" if stopped else "create-trail"
    assert all(advice in one["advice"] for one in trails)


@pytest.mark.full
def test_an_account_that_the_access_role_does_not_reach_is_not_known_and_the_others_are(console: Console) -> None:
    with console.client(DATA, "iam") as iam:
        role = iam.get_role(RoleName="OrganizationAccountAccessRole")["Role"]
        iam.delete_role(RoleName=role["RoleName"])
        try:
            found = findings(console)
        finally:
            iam.create_role(
                RoleName=role["RoleName"], AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"])
            )
    [refused] = of(found, "access")
    assert (refused["account"], refused["verdict"]) == (DATA, "not known")
    assert "--access-role" in refused["advice"]
    assert not [one for one in found if one["account"] == DATA and one["verdict"] == "fine"]
    assert {one["account"] for one in of(found, "trail", fine=True)} == {MANAGEMENT, *MEMBERS} - {DATA}
    [price] = of(found, "price")
    assert "1 could not be counted in full" in price["seen"]


@pytest.mark.full
def test_what_is_left_over_or_somebody_elses_is_named_with_what_shows_it(console: Console) -> None:
    with console.client(WEB, "iam") as iam, console.client(HUB, "sqs") as sqs, console.client(HUB, "s3") as s3:
        iam.create_role(
            RoleName="auto-tag-role", AssumeRolePolicyDocument="{}", Tags=[{"Key": "team", "Value": "platform"}]
        )
        url = sqs.create_queue(QueueName="ownertag-dead-letters")["QueueUrl"]
        other = sqs.create_queue(QueueName="ownertag-undelivered")["QueueUrl"]
        bucket = f"ownertag-packages-{HUB}-{HOME_REGION}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": HOME_REGION})
        try:
            found = of(findings(console), "leftover")
        finally:
            iam.delete_role(RoleName="auto-tag-role")
            sqs.delete_queue(QueueUrl=url)
            sqs.delete_queue(QueueUrl=other)
            s3.delete_bucket(Bucket=bucket)
    told = {(one["account"], one["region"], one["verdict"], one["seen"].split(" is there")[0]) for one in found}
    assert told == {
        (WEB, None, "stops", "role auto-tag-role"),
        (HUB, None, "told", "queue ownertag-dead-letters"),
        (HUB, HOME_REGION, "stops", "queue ownertag-undelivered"),
        (HUB, None, "told", f"bucket {bucket}"),
    }
    [role] = [one for one in found if one["account"] == WEB]
    assert "team=platform" in role["advice"]
    assert "hub.tagger_role" in role["advice"]


@pytest.mark.full
def test_a_role_that_may_not_do_all_is_named_with_what_is_missing(console: Console) -> None:
    narrow = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "NotAction": ["kms:*", "lambda:*", "iam:*"], "Resource": "*"},
            # For our names alone: the simulator says no for any resource, and yes for these.
            {"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::*:role/ownertag-*"},
            {"Effect": "Deny", "Action": "sns:Subscribe", "Resource": "*"},
            {"Effect": "Allow", "Action": ["iam:SimulatePrincipalPolicy", "iam:GetRole"], "Resource": "*"},
        ],
    }
    given = {"RoleName": "OrganizationAccountAccessRole", "PolicyName": "narrow"}
    with console.client(HUB, "iam") as iam:
        iam.put_role_policy(**given, PolicyDocument=json.dumps(narrow))
        try:
            found = of(findings(console), "permission")
        finally:
            iam.delete_role_policy(**given)
    [missing] = [one for one in found if one["verdict"] == "stops"]
    assert missing["account"] == HUB
    assert "kms:CreateKey" in missing["seen"]
    assert "lambda:CreateFunction" in missing["seen"]
    assert "sns:Subscribe by a Deny" in missing["seen"]
    assert "iam:CreateRole" not in missing["seen"]


@pytest.mark.full
def test_terraform_that_writes_an_owner_today_is_named_with_how_it_leaves_ours_alone(console: Console) -> None:
    from botocore.config import Config  # noqa: PLC0415 - for this test alone

    agent = "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 terraform-provider-aws/5.100.0"
    client: Any = console.sandbox.account_session(WEB, HOME_REGION).client(
        "ec2", endpoint_url=console.sandbox.endpoint_url, config=Config(user_agent=agent)
    )
    volumes = [client.create_volume(AvailabilityZone=f"{HOME_REGION}a", Size=1)["VolumeId"] for _ in range(9)]
    client.create_tags(Resources=volumes, Tags=[{"Key": "owner", "Value": "team-web"}])
    client.close()
    found = findings(console)
    [use] = [one for one in of(found, "tag-use") if one["account"] == WEB]
    assert "by Terraform or OpenTofu" in use["seen"]
    assert "terraform-ignore-tags" in use["advice"]
    [price] = of(found, "price")
    # Nine creations, and what other tests of this file made.
    [(low, high)] = re.findall(r"(\d+) to (\d+) events a day", price["seen"])
    assert 0 < int(low) < 9 < int(high) < 40


@pytest.mark.full
def test_empty_break_glass_is_told_only_where_the_policy_comes(console: Console) -> None:
    [told] = of(findings(console), "break-glass")
    assert (told["verdict"], "break_glass" in told["advice"]) == ("told", True)
    units = f'[protection]\nunits = ["{console.sandbox.organization.unit}"]\n'
    console.settle(**{units: f'{units}break_glass = ["admin"]\n'})
    assert of(findings(console), "break-glass") == []
    console.settle(**{f'{units}break_glass = ["admin"]\n': "[protection]\nunits = []\n"})
    assert of(findings(console), "break-glass") == []


@pytest.mark.full
def test_a_quick_plan_leaves_the_preflight_out(console: Console) -> None:
    assert findings(console, "--skip-preflight") == []


# --- a foreign tag policy


def test_a_foreign_tag_policy_with_another_capitalization_stops_and_ec2_refuses_our_key(console: Console) -> None:
    unit = console.sandbox.organization.unit
    with (
        Policy(console, "TAG_POLICY", tag_policy("Owner"), unit, "owners"),
        console.client(WEB, "ec2") as ec2,
    ):
        stopped = [one for one in findings(console) if one["verdict"] == "stops"]
        assert {(one["account"], one["check"]) for one in stopped} == {(account, "tag-policy") for account in MEMBERS}
        assert all("wants `Owner` and refuses `owner`" in one["seen"] for one in stopped)
        volume = ec2.create_volume(AvailabilityZone=f"{HOME_REGION}a", Size=1)["VolumeId"]
        with pytest.raises(ClientError, match="TagPolicyViolation"):
            ec2.create_tags(Resources=[volume], Tags=[{"Key": "owner", "Value": "alice"}])
        # What the advice says is right: with their key it is taken.
        ec2.create_tags(Resources=[volume], Tags=[{"Key": "Owner", "Value": "alice"}])
        console.settle(**{'owner = "{owner}"': 'Owner = "{owner}"'})
        assert not [one for one in findings(console) if one["verdict"] == "stops"]


@pytest.mark.full
def test_a_tag_policy_that_lists_other_values_stops_where_it_is_attached_alone(console: Console) -> None:
    policy = tag_policy("WhatIsThis", tag_value=["https://other.internal/*"])
    with Policy(console, "TAG_POLICY", policy, WEB, "links"):
        stopped = [one for one in findings(console) if one["verdict"] == "stops"]
    [only] = stopped
    assert only["account"] == WEB
    assert "only as https://other.internal/*" in only["seen"]
    assert f"--target-id {WEB}`" in only["advice"]
