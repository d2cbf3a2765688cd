"""`terraform apply` with the real AWS provider, answered by the sandbox.

The emulator makes the stacks that stack sets would make and skips what it does not know. What it does not hold is
listed here and compared, so that a later emulator that holds more makes a test fail: it is then to be checked as well.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import Any

import pytest

from harness import sandbox_process
from terraform.conftest import HOME_REGION, HUB, INFRA, MANAGEMENT, MEMBER, NAMES, ONLY, Applied

REGIONS = ("eu-central-1", "us-east-1", "us-west-2")
KEYS = {"owner", "dateCreated", "WhatIsThis"}
PATIENCE_SECONDS = 10.0

#: Not checkable here: the emulator's CloudFormation skips these, so no stack of the sandbox has them.
NOT_HELD = {
    "AWS::CloudWatch::Alarm",
    "AWS::Events::EventBusPolicy",
    "AWS::SNS::Subscription",  # made only where a mail address is given
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}


def stack(applied: Applied, account: str, name: str, region: str = HOME_REGION) -> dict[str, Any]:
    """The state of a stack, its template, and the logical ids of what it made."""
    with applied.sandbox.client(f"admin-{NAMES[account]}", "cloudformation", region) as cloudformation:
        found = [
            stack_summary
            for stack_summary in cloudformation.list_stacks()["StackSummaries"]
            if name in stack_summary["StackName"]
        ]
        [one] = found
        listed = cloudformation.describe_stack_resources(StackName=one["StackName"])["StackResources"]
        body = cloudformation.get_template(StackName=one["StackName"])["TemplateBody"]
    # The emulator lists something without an id beside what has one.
    made = {resource["LogicalResourceId"] for resource in listed if "LogicalResourceId" in resource}
    return {"status": one["StackStatus"], "body": body, "made": made}


def check_stack(applied: Applied, account: str, name: str, template: str, region: str = HOME_REGION) -> None:
    found = stack(applied, account, name, region)
    text = (applied.templates / template / "template.yaml").read_text("utf-8")
    assert found["status"] == "CREATE_COMPLETE"
    assert found["body"] == text
    types = dict(re.findall(r"^  (\w+):.*\n    Type: (AWS::\S+)$", text, re.MULTILINE))
    assert len(types) >= 3
    assert found["made"] == {name for name, kind in types.items() if kind not in NOT_HELD}


def check_rule(applied: Applied, account: str, region: str, hub: str) -> None:
    with applied.sandbox.client(f"admin-{NAMES[account]}", "events", region) as events:
        rules = events.list_rules(NamePrefix="ownertag-")["Rules"]
        targets = [events.list_targets_by_rule(Rule=rule["Name"])["Targets"] for rule in rules]
    text = (applied.templates / "spoke_region/template.yaml").read_text("utf-8")
    assert sorted(rule["Name"] for rule in rules) == sorted(re.findall(r"^      Name: (\S+)$", text, re.MULTILINE))
    assert {rule["State"] for rule in rules} == {"ENABLED"}
    details = [json.loads(rule["EventPattern"])["detail"] for rule in rules]
    blocks = [block for detail in details for block in (detail, *detail.get("$or", ()))]
    assert [name for block in blocks for name in block.get("eventName", ())].count("RunInstances") == 1
    for [target] in targets:
        assert target["Arn"] == f"arn:aws:events:{HOME_REGION}:{hub}:event-bus/ownertag"
        assert target["RoleArn"] == f"arn:aws:iam::{account}:role/ownertag-forwarder"
        assert target["DeadLetterConfig"]["Arn"] == f"arn:aws:sqs:{region}:{account}:ownertag-undelivered"


def check_tagger(applied: Applied, account: str, hub: str) -> None:
    with applied.sandbox.client(f"admin-{NAMES[account]}", "iam") as iam:
        trust = iam.get_role(RoleName="auto-tag-role")["Role"]["AssumeRolePolicyDocument"]
        attached = iam.list_attached_role_policies(RoleName="auto-tag-role")["AttachedPolicies"]
    assert f"arn:aws:iam::{hub}:role/ownertag-hub" in json.dumps(trust)
    text = (applied.templates / "spoke_account/template.yaml").read_text("utf-8")
    rendered = re.findall(r"^      ManagedPolicyName: (ownertag-tagger-\S+)$", text, re.MULTILINE)
    assert rendered
    assert sorted(policy["PolicyName"] for policy in attached) == sorted(rendered)


# First, since it works on while the others still wait for their stacks.
def test_terraform_would_take_the_tags_away_unless_it_is_told_to_ignore_them(drift: Applied) -> None:
    state = json.loads((drift.folder / "terraform.tfstate").read_text("utf-8"))
    ids = {
        f"{resource['type']}.{resource['name']}": resource["instances"][0]["attributes"]["id"]
        for resource in state["resources"]
    }
    assert set(ids) == {"aws_instance.this", "aws_ebs_volume.this"}
    for resource in ids.values():
        assert _tags_when_tagged(drift, resource)["owner"] == "alice"

    code, changes = drift.terraform.plan(drift.folder)
    assert (code, set(changes)) == (2, set(ids))
    for change in changes.values():
        assert change["actions"] == ["update"]
        different = {key for key in change["after"] if change["before"][key] != change["after"][key]}
        assert different == {"tags", "tags_all"}
        assert set(change["before"]["tags"]) - set(change["after"]["tags"] or {}) == KEYS

    # The block as it is printed, in a file of its own that Terraform merges into the provider.
    command = [sandbox_process.OWNERTAG, "render", "terraform-ignore-tags", "--config", str(INFRA / "ownertag.toml")]
    block = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (drift.folder / "ownertag_override.tf").write_text(block, "utf-8")
    assert drift.terraform(drift.folder, "plan", "-no-color", "-detailed-exitcode").returncode == 0

    # The team's own tags go on.
    drift.terraform.apply(drift.folder, name="renamed")
    tags = _tags_when_tagged(drift, ids["aws_instance.this"])
    assert (tags["Name"], tags["owner"]) == ("renamed", "alice")
    assert set(tags) == {*KEYS, "Name"}


def _tags_when_tagged(applied: Applied, resource: str) -> dict[str, str]:
    until = time.monotonic() + PATIENCE_SECONDS
    tags: dict[str, str] = {}
    with applied.sandbox.client("admin-web", "ec2", "us-east-1") as ec2:
        while not tags.keys() >= KEYS and time.monotonic() < until:
            found = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [resource]}])["Tags"]
            tags = {tag["Key"]: tag["Value"] for tag in found}
    return tags


def test_one_account_is_hub_and_spoke(one_account: Applied) -> None:
    check_stack(one_account, ONLY, "ownertag-hub", "hub")
    check_stack(one_account, ONLY, "ownertag-spoke-account", "spoke_account")
    check_tagger(one_account, ONLY, ONLY)
    for region in REGIONS:
        check_stack(one_account, ONLY, "ownertag-spoke-region", "spoke_region", region)
        check_rule(one_account, ONLY, region, ONLY)


def test_one_account_has_nothing_left_to_change(one_account: Applied) -> None:
    assert one_account.after == (0, {})


def test_the_hub_of_an_organization(organization: Applied) -> None:
    check_stack(organization, HUB, "ownertag-hub", "hub")


def test_the_hub_reads_the_accounts_though_it_is_no_delegated_administrator(organization: Applied) -> None:
    with organization.sandbox.client("security", "organizations") as organizations:
        assert {MANAGEMENT, HUB, MEMBER} <= {account["Id"] for account in organizations.list_accounts()["Accounts"]}
    with organization.sandbox.client("management", "organizations") as organizations:
        assert organizations.list_delegated_administrators()["DelegatedAdministrators"] == []


@pytest.mark.parametrize("account", [HUB, MEMBER, MANAGEMENT], ids=["hub", "member", "management"])
def test_every_account_of_the_units_and_the_management_account_have_roles(organization: Applied, account: str) -> None:
    if account == MANAGEMENT:  # the stacks of a stack set have names that the emulator does not make as AWS does
        check_stack(organization, account, "ownertag-spoke-account", "spoke_account")
    check_tagger(organization, account, HUB)


def test_one_stack_set_of_the_management_account_has_its_rules_in_every_region(organization: Applied) -> None:
    with organization.sandbox.client("management", "cloudformation") as cloudformation:
        told = cloudformation.describe_stack_set(StackSetName="ownertag-management-region")["StackSet"]
        found = cloudformation.list_stack_instances(StackSetName="ownertag-management-region")["Summaries"]
    assert told["PermissionModel"] == "SELF_MANAGED"
    assert told["ExecutionRoleName"] == "ownertag-stack-set-execution"
    assert {(each["Account"], each["Region"]) for each in found} == {(MANAGEMENT, region) for region in REGIONS}


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("account", [HUB, MEMBER, MANAGEMENT], ids=["hub", "member", "management"])
def test_every_region_of_them_has_rules(organization: Applied, account: str, region: str) -> None:
    check_rule(organization, account, region, HUB)


def test_every_policy_is_on_the_unit_as_it_was_rendered(organization: Applied) -> None:
    files = sorted((organization.templates / "management").glob("service_control_policy*.json"))
    rendered = {
        path.stem.replace("service_control_policy", "ownertag"): json.loads(path.read_text("utf-8")) for path in files
    }
    assert "ownertag" in rendered
    with organization.sandbox.client("management", "organizations") as organizations:
        listed = organizations.list_policies_for_target(TargetId=organization.unit, Filter="SERVICE_CONTROL_POLICY")
        ids = {policy["Name"]: policy["Id"] for policy in listed["Policies"] if policy["Name"].startswith("ownertag")}
        held = {name: organizations.describe_policy(PolicyId=id_)["Policy"]["Content"] for name, id_ in ids.items()}
    assert {name: json.loads(content) for name, content in held.items()} == rendered
    assert all(len(content) <= 5120 for content in held.values())


def test_an_organization_has_nothing_left_to_change(organization: Applied) -> None:
    assert organization.after == (0, {})
