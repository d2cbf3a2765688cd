"""What stack sets meet in members, as AWS documents or was seen to say it: closed accounts, Regions, policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.organizations.models import organizations_backends

from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT, MEMBERS
from ownertag.sandbox.sandbox import Sandbox

WEB, DATA = "333333333333", "444444444444"
NAME, ABROAD, OPT_IN = "managed", "eu-west-1", "eu-south-2"
QUEUE = "Resources: {Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: one}}}"
CHANGED = QUEUE.replace("QueueName: one", "QueueName: one, VisibilityTimeout: 77")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(empty=True) as running:
        client = cloudformation(running)
        client.activate_organizations_access()
        client.create_stack_set(StackSetName=NAME, TemplateBody=QUEUE, PermissionModel="SERVICE_MANAGED")
        yield running


def client_of(sandbox: Sandbox, service: str, account: str = MANAGEMENT, region: str = HOME_REGION) -> Any:
    return sandbox.client(sandbox.account_session(account, region), service)


def cloudformation(sandbox: Sandbox) -> Any:
    return client_of(sandbox, "cloudformation")


def ended(sandbox: Sandbox, started: dict[str, Any]) -> str:
    found = cloudformation(sandbox).describe_stack_set_operation(StackSetName=NAME, OperationId=started["OperationId"])
    return str(found["StackSetOperation"]["Status"])


def create(sandbox: Sandbox, *regions: str, **targets: Any) -> str:
    given = {"OrganizationalUnitIds": [sandbox.organization.unit], **targets}
    started = cloudformation(sandbox).create_stack_instances(
        StackSetName=NAME, DeploymentTargets=given, Regions=list(regions)
    )
    return ended(sandbox, started)


def delete(sandbox: Sandbox, *regions: str, retain: bool = False, **targets: Any) -> str:
    given = {"OrganizationalUnitIds": [sandbox.organization.unit], **targets}
    started = cloudformation(sandbox).delete_stack_instances(
        StackSetName=NAME, DeploymentTargets=given, Regions=list(regions), RetainStacks=retain
    )
    return ended(sandbox, started)


def update(sandbox: Sandbox) -> str:
    return ended(sandbox, cloudformation(sandbox).update_stack_set(StackSetName=NAME, TemplateBody=CHANGED))


def instances(sandbox: Sandbox) -> dict[tuple[str, str], dict[str, Any]]:
    found = cloudformation(sandbox).list_stack_instances(StackSetName=NAME)["Summaries"]
    return {(instance["Account"], instance["Region"]): instance for instance in found}


def close(sandbox: Sandbox, account: str) -> None:
    client_of(sandbox, "organizations").close_account(AccountId=account)


def attach(sandbox: Sandbox, statement: dict[str, Any]) -> None:
    organizations = client_of(sandbox, "organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    content = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Resource": "*", **statement}]})
    made = organizations.create_policy(Name="x", Description="x", Type="SERVICE_CONTROL_POLICY", Content=content)
    organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=root)


def queues(sandbox: Sandbox, account: str, region: str = HOME_REGION) -> int:
    return len(client_of(sandbox, "sqs", account, region).list_queues().get("QueueUrls", []))


def test_every_operation_skips_a_suspended_account_and_shows_it_as_was_seen(sandbox: Sandbox) -> None:
    close(sandbox, WEB)
    assert create(sandbox, HOME_REGION) == "SUCCEEDED"
    seen = instances(sandbox)[WEB, HOME_REGION]
    assert {key: seen.get(key) for key in ("Status", "OrganizationalUnitId", "DriftStatus", "StackId")} == {
        "Status": "OUTDATED", "OrganizationalUnitId": "", "DriftStatus": "NOT_CHECKED", "StackId": None,
    }  # fmt: skip
    assert seen["StackInstanceStatus"] == {"DetailedStatus": "SKIPPED_SUSPENDED_ACCOUNT"}
    assert "run DeleteStackInstances with the RetainStacks parameter" in seen["StatusReason"]
    close(sandbox, DATA)
    assert update(sandbox) == "SUCCEEDED"
    assert instances(sandbox)[DATA, HOME_REGION]["Status"] == "OUTDATED"
    assert delete(sandbox, HOME_REGION) == "SUCCEEDED"
    assert set(instances(sandbox)) == {(WEB, HOME_REGION), (DATA, HOME_REGION)}
    with pytest.raises(ClientError, match="StackSetNotEmptyException"):
        cloudformation(sandbox).delete_stack_set(StackSetName=NAME)


@pytest.mark.parametrize("found", [True, False])
def test_its_instance_is_let_go_with_its_stack_retained_or_not_found(sandbox: Sandbox, found: bool) -> None:
    """AWS's documentation does not say which; whoever deletes has to be ready for both."""
    sandbox.front.stack_sets.finds_suspended = found
    create(sandbox, HOME_REGION)
    close(sandbox, WEB)
    delete(sandbox, HOME_REGION)
    only_web = {"Accounts": [WEB], "AccountFilterType": "INTERSECTION"}
    assert delete(sandbox, HOME_REGION, retain=True, **only_web) == "SUCCEEDED"
    assert set(instances(sandbox)) == (set() if found else {(WEB, HOME_REGION)})
    assert queues(sandbox, WEB) == 1


def test_an_account_that_left_fails_and_is_under_no_unit(sandbox: Sandbox) -> None:
    create(sandbox, HOME_REGION)
    accounts = organizations_backends[MANAGEMENT]["aws"].accounts
    accounts[:] = [account for account in accounts if account.id != WEB]
    assert update(sandbox) == "FAILED"
    assert "should have 'stacksets-exec-" in instances(sandbox)[WEB, HOME_REGION]["StatusReason"]
    delete(sandbox, HOME_REGION, retain=True)
    assert set(instances(sandbox)) == {(WEB, HOME_REGION)}


@pytest.mark.parametrize(
    ("statement", "denied"),
    [
        ({"Action": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": HOME_REGION}}}, True),
        ({"Action": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": [HOME_REGION, ABROAD]}}}, False),
        ({"Action": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": ABROAD}}}, True),
        ({"NotAction": ["iam:*"], "Condition": {"StringEquals": {"aws:RequestedRegion": ABROAD}}}, True),
        ({"NotAction": ["cloudformation:*"], "Condition": {"StringEquals": {"aws:RequestedRegion": ABROAD}}}, True),
        (
            {
                "NotAction": ["cloudformation:*", "SQS:*"],
                "Condition": {"StringEquals": {"aws:RequestedRegion": ABROAD}},
            },
            False,
        ),
        ({"Action": "ec2:*", "Condition": {"StringEquals": {"aws:RequestedRegion": ABROAD}}}, False),
        (
            {
                "Action": "*",
                "Condition": {
                    "StringEquals": {"aws:RequestedRegion": ABROAD},
                    "ArnNotLike": {"aws:PrincipalARN": "arn:aws:iam::*:role/stacksets-exec-*"},
                },
            },
            False,
        ),
        (
            {
                "Action": "*",
                "Condition": {
                    "StringEquals": {"aws:RequestedRegion": ABROAD},
                    "ArnNotLike": {"aws:PrincipalARN": ["arn:aws:iam::*:role/AWSControlTowerExecution"]},
                },
            },
            True,
        ),
        ({"Action": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": ABROAD}}, "Effect": "Allow"}, False),
        ({"Action": "*", "Condition": {"DateLessThan": {"aws:CurrentTime": "2000-01-01T00:00:00Z"}}}, True),
    ],
)
def test_a_policy_denies_a_region_as_it_is_written(sandbox: Sandbox, statement: dict[str, Any], denied: bool) -> None:
    attach(sandbox, statement)
    assert create(sandbox, ABROAD) == ("FAILED" if denied else "SUCCEEDED")
    seen = instances(sandbox)[WEB, ABROAD]
    assert (seen["Status"], "StackId" in seen) == (("OUTDATED", False) if denied else ("CURRENT", True))
    assert ("explicit deny in a service control policy" in seen.get("StatusReason", "")) == denied


def test_a_deletion_that_fails_leaves_it_inoperable_and_updates_pass_it_over(sandbox: Sandbox) -> None:
    create(sandbox, HOME_REGION, ABROAD)
    attach(sandbox, {"Action": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": ABROAD}}})
    assert delete(sandbox, ABROAD) == "FAILED"
    seen = instances(sandbox)[WEB, ABROAD]
    assert (seen["Status"], seen["StackInstanceStatus"]["DetailedStatus"]) == ("INOPERABLE", "INOPERABLE")
    assert update(sandbox) == "SUCCEEDED"  # of the others
    assert instances(sandbox)[WEB, ABROAD]["Status"] == "INOPERABLE"
    assert create(sandbox, ABROAD) == "FAILED"
    assert delete(sandbox, ABROAD, retain=True) == "SUCCEEDED"
    assert set(instances(sandbox)) == {(account, HOME_REGION) for account in MEMBERS}
    assert queues(sandbox, WEB, ABROAD) == 1


def test_a_region_has_to_be_enabled_in_the_member_and_in_the_management_account(sandbox: Sandbox) -> None:
    regions = sandbox.front.regions
    regions.enable(WEB, OPT_IN)
    assert create(sandbox, OPT_IN) == "FAILED"
    assert instances(sandbox)[WEB, OPT_IN]["Status"] == "OUTDATED"
    regions.enable(MANAGEMENT, OPT_IN)
    create(sandbox, OPT_IN)
    found = {account for (account, _), instance in instances(sandbox).items() if instance["Status"] == "CURRENT"}
    assert found == {WEB}


def test_regions_are_an_accounts_own_and_in_one_that_is_off_nobody_is_let_in(sandbox: Sandbox) -> None:
    sandbox.front.regions.enable(WEB, OPT_IN)
    sandbox.front.regions.disable(DATA, ABROAD)

    def listed(account: str, **given: Any) -> dict[str, str]:
        found = client_of(sandbox, "ec2", account).describe_regions(**given)["Regions"]
        return {region["RegionName"]: region["OptInStatus"] for region in found}

    assert listed(WEB)[OPT_IN] == "opted-in"
    assert OPT_IN not in listed(HUB)
    assert listed(HUB, AllRegions=True)[OPT_IN] == "not-opted-in"
    assert ABROAD not in listed(DATA)
    assert not any(region.startswith(("cn-", "us-gov-")) for region in listed(HUB, AllRegions=True))
    with pytest.raises(ClientError, match="AuthFailure"):
        client_of(sandbox, "ec2", DATA, ABROAD).describe_vpcs()
    assert client_of(sandbox, "ec2", WEB, ABROAD).describe_vpcs()["Vpcs"]


@pytest.mark.parametrize(
    ("units", "said"), [([""], "satisfy regular expression pattern"), (["ou-ab12-zzzzzzzz"], "does not exist")]
)
def test_targets_that_are_no_units_are_refused(sandbox: Sandbox, units: list[str], said: str) -> None:
    for call in (create, delete):
        with pytest.raises(ClientError, match=said):
            call(sandbox, HOME_REGION, OrganizationalUnitIds=units)
