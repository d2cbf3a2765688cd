"""The organization before ownertag: what is there, who may read it, and what AWS refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings_file import read_settings
from ownertag.render.infra import check_deployable, templates
from ownertag.sandbox.organization import ACCESS_ROLE
from ownertag.sandbox.personas import ACCOUNTS, HUB, MANAGEMENT, MEMBERS, PERSONAS
from ownertag.sandbox.sandbox import Sandbox

STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ec2:DeleteTags", "Resource": "*"}]}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(empty=True) as running:
        yield running


@pytest.fixture
def management(sandbox: Sandbox) -> Any:
    return sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")


@pytest.fixture
def hub(sandbox: Sandbox) -> Any:
    return sandbox.client(sandbox.account_session(HUB), "organizations")


def test_nothing_of_ownertag_is_there(sandbox: Sandbox) -> None:
    for account in ACCOUNTS:
        session = sandbox.account_session(account)
        roles = {role["RoleName"] for role in sandbox.client(session, "iam").list_roles()["Roles"]}
        own = {persona.role.rpartition("/")[2] for persona in PERSONAS if persona.account == account} - {""}
        assert roles == own | ({ACCESS_ROLE} if account != MANAGEMENT else set())
        assert sandbox.client(session, "events").list_rules()["Rules"] == []
        assert "QueueUrls" not in sandbox.client(session, "sqs").list_queues()
        assert sandbox.client(session, "lambda").list_functions()["Functions"] == []


def test_the_members_are_in_one_unit_and_no_policies_are_switched_on(management: Any) -> None:
    [root] = management.list_roots()["Roots"]
    assert root["PolicyTypes"] == []
    [unit] = management.list_organizational_units_for_parent(ParentId=root["Id"])["OrganizationalUnits"]
    members = management.list_accounts_for_parent(ParentId=unit["Id"])["Accounts"]
    assert (unit["Name"], {member["Id"] for member in members}) == ("workloads", set(MEMBERS))


def test_the_management_account_takes_the_access_role_of_each_member(sandbox: Sandbox) -> None:
    sts = sandbox.client(sandbox.account_session(MANAGEMENT), "sts")
    for account in MEMBERS:
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{ACCESS_ROLE}", RoleSessionName="deploy")
        assert given["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/{ACCESS_ROLE}/deploy"
    with pytest.raises(ClientError, match="AccessDenied"):
        sandbox.client(sandbox.account_session(HUB), "sts").assume_role(
            RoleArn=f"arn:aws:iam::333333333333:role/{ACCESS_ROLE}", RoleSessionName="deploy"
        )


def test_a_member_reads_its_organization_and_no_more(sandbox: Sandbox, hub: Any) -> None:
    assert hub.describe_organization()["Organization"]["Id"] == sandbox.organization.id
    for call in (hub.list_accounts, hub.list_roots, hub.describe_resource_policy):
        with pytest.raises(ClientError, match="AccessDeniedException"):
            call()


def test_the_resource_policy_lets_the_hub_do_what_it_names(management: Any, hub: Any) -> None:
    with pytest.raises(ClientError, match="ResourcePolicyNotFoundException"):
        management.describe_resource_policy()
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
        "Action": ["organizations:ListAccounts", "organizations:DescribeA*"],
        "Resource": "*",
    }
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    management.put_resource_policy(Content=content)
    assert management.describe_resource_policy()["ResourcePolicy"]["Content"] == content
    assert {account["Id"] for account in hub.list_accounts()["Accounts"]} == set(ACCOUNTS)
    assert hub.describe_account(AccountId=HUB)["Account"]["Name"] == "security"
    with pytest.raises(ClientError, match="AccessDeniedException"):
        hub.list_roots()
    management.delete_resource_policy()
    with pytest.raises(ClientError, match="AccessDeniedException"):
        hub.list_accounts()


def test_a_delegated_administrator_reads_all_and_writes_nothing(management: Any, hub: Any) -> None:
    management.register_delegated_administrator(AccountId=HUB, ServicePrincipal=STACK_SETS)
    [found] = management.list_delegated_administrators(ServicePrincipal=STACK_SETS)["DelegatedAdministrators"]
    assert found["Id"] == HUB
    assert len(hub.list_accounts()["Accounts"]) == len(ACCOUNTS)
    assert hub.list_roots()["Roots"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        hub.enable_policy_type(RootId="r-0000", PolicyType="SERVICE_CONTROL_POLICY")
    management.deregister_delegated_administrator(AccountId=HUB, ServicePrincipal=STACK_SETS)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        hub.list_accounts()


def test_a_service_control_policy_lives_and_ends(sandbox: Sandbox, management: Any) -> None:
    made = management.create_policy(
        Name="keep", Description="", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(DENY)
    )["Policy"]["PolicySummary"]["Id"]
    to = {"PolicyId": made, "TargetId": sandbox.organization.unit}
    with pytest.raises(ClientError, match="PolicyTypeNotEnabledException"):
        management.attach_policy(**to)
    root = management.list_roots()["Roots"][0]["Id"]
    management.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    with pytest.raises(ClientError, match="PolicyNotAttachedException"):
        management.detach_policy(**to)
    management.attach_policy(**to)
    with pytest.raises(ClientError, match="DuplicatePolicyAttachmentException"):
        management.attach_policy(**to)
    assert [target["TargetId"] for target in management.list_targets_for_policy(PolicyId=made)["Targets"]] == [
        sandbox.organization.unit
    ]
    changed = json.dumps(DENY).replace("DeleteTags", "CreateTags")
    management.update_policy(PolicyId=made, Content=changed)
    assert management.describe_policy(PolicyId=made)["Policy"]["Content"] == changed
    with pytest.raises(ClientError, match="PolicyInUseException"):
        management.delete_policy(PolicyId=made)
    management.detach_policy(**to)
    management.delete_policy(PolicyId=made)
    management.disable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")


def test_a_stack_makes_the_resource_policy_and_replaces_none(sandbox: Sandbox, management: Any, hub: Any) -> None:
    settings = read_settings(sandbox.settings_file.read_text("utf-8"), "ownertag.toml")
    found = templates(load_catalogue(), settings, check_deployable(settings, "ownertag.toml"))
    body = found["management/read_accounts.yaml"]
    with closing(sandbox.client(sandbox.account_session(MANAGEMENT), "cloudformation")) as cloudformation:
        cloudformation.create_stack(StackName="reads", TemplateBody=body)
        assert {account["Id"] for account in hub.list_accounts()["Accounts"]} == {*ACCOUNTS}
        cloudformation.create_stack(StackName="again", TemplateBody=body)
        assert cloudformation.describe_stacks(StackName="again")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
        [failed] = [
            event
            for event in cloudformation.describe_stack_events(StackName="again")["StackEvents"]
            if event["ResourceStatus"] == "CREATE_FAILED"
        ]
        assert failed["ResourceStatusReason"] == "There is already a ResourcePolicy in the Organization!"
        cloudformation.delete_stack(StackName="again")
        assert hub.list_accounts()["Accounts"]
        cloudformation.delete_stack(StackName="reads")
    with pytest.raises(ClientError, match="ResourcePolicyNotFoundException"):
        management.describe_resource_policy()
