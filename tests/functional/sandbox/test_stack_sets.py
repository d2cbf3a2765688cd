"""Service-managed stack sets, change sets, and every template of `infra/` created, updated and deleted."""

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
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT, MEMBERS
from ownertag.sandbox.sandbox import Sandbox

WEB, DATA = "333333333333", "444444444444"
NAMED = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}
STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"

TEMPLATE = """\
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: one}
"""
CHANGED = """\
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: one, VisibilityTimeout: 77}
  Second:
    Type: AWS::SQS::Queue
    Properties: {QueueName: two}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(empty=True) as running:
        yield running


@pytest.fixture(scope="module")
def infra(sandbox: Sandbox) -> dict[str, str]:
    settings = read_settings(sandbox.settings_file.read_text("utf-8"), "ownertag.toml")
    return templates(load_catalogue(), settings, check_deployable(settings, "ownertag.toml"))


def cloudformation(sandbox: Sandbox, account: str = MANAGEMENT, region: str = HOME_REGION) -> Any:
    return sandbox.client(sandbox.account_session(account, region), "cloudformation")


def queues(sandbox: Sandbox, account: str, region: str = HOME_REGION) -> set[str]:
    sqs = sandbox.client(sandbox.account_session(account, region), "sqs")
    return {url.rpartition("/")[2] for url in sqs.list_queues().get("QueueUrls", [])}


def instances(client: Any, name: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (summary["Account"], summary["Region"]): summary
        for summary in client.list_stack_instances(StackSetName=name)["Summaries"]
    }


@pytest.fixture
def managed(sandbox: Sandbox) -> Iterator[str]:
    """A stack set without instances, which ends with all that the test made of it."""
    client = cloudformation(sandbox)
    client.activate_organizations_access()
    client.create_stack_set(
        StackSetName="managed",
        TemplateBody=TEMPLATE,
        PermissionModel="SERVICE_MANAGED",
        AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": False},
        ManagedExecution={"Active": True},
        **NAMED,
    )
    yield "managed"
    left = instances(client, "managed")
    if left:
        targets = {"OrganizationalUnitIds": [sandbox.organization.unit]}
        regions = sorted({region for _, region in left})
        client.delete_stack_instances(
            StackSetName="managed", DeploymentTargets=targets, Regions=regions, RetainStacks=False
        )
    client.delete_stack_set(StackSetName="managed")


def test_organizations_access_is_switched_on_before_a_stack_set_can_use_it(sandbox: Sandbox) -> None:
    client = cloudformation(sandbox)
    assert client.describe_organizations_access()["Status"] == "DISABLED"
    with pytest.raises(ClientError, match="You must enable organizations access"):
        client.create_stack_set(StackSetName="early", TemplateBody=TEMPLATE, PermissionModel="SERVICE_MANAGED")
    client.activate_organizations_access()
    assert client.describe_organizations_access()["Status"] == "ENABLED"
    organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")
    services = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert [service["ServicePrincipal"] for service in services] == [STACK_SETS]


def test_a_member_may_not_unless_it_is_the_delegated_administrator(sandbox: Sandbox, managed: str) -> None:
    hub = cloudformation(sandbox, HUB)
    with pytest.raises(ClientError, match="management account or delegated admin"):
        hub.create_stack_set(StackSetName="other", TemplateBody=TEMPLATE, PermissionModel="SERVICE_MANAGED")
    with pytest.raises(ClientError, match="StackSetNotFound"):
        hub.describe_stack_set(StackSetName=managed, CallAs="DELEGATED_ADMIN")
    organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")
    organizations.register_delegated_administrator(AccountId=HUB, ServicePrincipal=STACK_SETS)
    found = hub.describe_stack_set(StackSetName=managed, CallAs="DELEGATED_ADMIN")["StackSet"]
    assert found["StackSetName"] == managed
    organizations.deregister_delegated_administrator(AccountId=HUB, ServicePrincipal=STACK_SETS)


def test_a_stack_set_tells_what_it_was_made_with(sandbox: Sandbox, managed: str) -> None:
    found = cloudformation(sandbox).describe_stack_set(StackSetName=managed)["StackSet"]
    assert found["PermissionModel"] == "SERVICE_MANAGED"
    assert found["AutoDeployment"] == {"Enabled": True, "RetainStacksOnAccountRemoval": False}
    assert found["ManagedExecution"] == {"Active": True}
    assert found["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert found["StackSetDriftDetectionDetails"]["DriftStatus"] == "NOT_CHECKED"
    assert found["TemplateBody"] == TEMPLATE


def test_a_unit_is_its_accounts_and_those_of_the_units_below(sandbox: Sandbox, managed: str) -> None:
    organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")
    unit = sandbox.organization.unit
    below = unit
    for name in ("below", "further"):
        below = organizations.create_organizational_unit(ParentId=below, Name=name)["OrganizationalUnit"]["Id"]
    organizations.move_account(AccountId=DATA, SourceParentId=unit, DestinationParentId=below)
    client = cloudformation(sandbox)
    targets = {"OrganizationalUnitIds": [unit]}
    made = client.create_stack_instances(
        StackSetName=managed, DeploymentTargets=targets, Regions=["us-east-1", HOME_REGION]
    )
    operation = client.describe_stack_set_operation(StackSetName=managed, OperationId=made["OperationId"])
    assert operation["StackSetOperation"]["Status"] == "SUCCEEDED"
    found = instances(client, managed)
    assert set(found) == {(account, region) for account in MEMBERS for region in ("us-east-1", HOME_REGION)}
    assert {summary["OrganizationalUnitId"] for summary in found.values()} == {unit}
    assert {summary["Status"] for summary in found.values()} == {"CURRENT"}
    assert queues(sandbox, DATA) == queues(sandbox, WEB, "us-east-1") == {"one"}
    assert queues(sandbox, MANAGEMENT) == queues(sandbox, WEB, "eu-west-1") == set()
    one = client.describe_stack_instance(
        StackSetName=managed, StackInstanceAccount=WEB, StackInstanceRegion=HOME_REGION
    )["StackInstance"]
    assert (one["OrganizationalUnitId"], one["Status"]) == (unit, "CURRENT")
    client.delete_stack_instances(
        StackSetName=managed, DeploymentTargets=targets, Regions=["us-east-1"], RetainStacks=False
    )
    assert set(instances(client, managed)) == {(account, HOME_REGION) for account in MEMBERS}
    assert queues(sandbox, WEB, "us-east-1") == set()
    organizations.move_account(AccountId=DATA, SourceParentId=below, DestinationParentId=unit)


def test_an_intersection_takes_the_named_accounts_alone(sandbox: Sandbox, managed: str) -> None:
    client = cloudformation(sandbox)
    targets = {
        "OrganizationalUnitIds": [sandbox.organization.unit],
        "Accounts": [WEB],
        "AccountFilterType": "INTERSECTION",
    }
    client.create_stack_instances(StackSetName=managed, DeploymentTargets=targets, Regions=[HOME_REGION])
    assert set(instances(client, managed)) == {(WEB, HOME_REGION)}


def test_an_update_reaches_the_stacks(sandbox: Sandbox, managed: str) -> None:
    client = cloudformation(sandbox)
    targets = {"OrganizationalUnitIds": [sandbox.organization.unit]}
    client.create_stack_instances(StackSetName=managed, DeploymentTargets=targets, Regions=[HOME_REGION])
    client.update_stack_set(StackSetName=managed, TemplateBody=CHANGED, ManagedExecution={"Active": False}, **NAMED)
    assert queues(sandbox, WEB) == {"one", "two"}
    sqs = sandbox.client(sandbox.account_session(WEB), "sqs")
    url = sqs.get_queue_url(QueueName="one")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert found["Attributes"] == {"VisibilityTimeout": "77"}
    told = client.describe_stack_set(StackSetName=managed)["StackSet"]
    assert told["TemplateBody"] == CHANGED
    assert (told["AutoDeployment"]["Enabled"], told["ManagedExecution"]) == (True, {"Active": False})


def test_an_account_whose_stack_fails_does_not_keep_back_the_others(sandbox: Sandbox, infra: dict[str, str]) -> None:
    iam = sandbox.client(sandbox.account_session(WEB), "iam")
    iam.create_role(RoleName="auto-tag-role", AssumeRolePolicyDocument='{"Statement": []}')
    client = cloudformation(sandbox)
    client.activate_organizations_access()
    template = infra["spoke_account/template.yaml"]
    client.create_stack_set(StackSetName="roles", TemplateBody=template, PermissionModel="SERVICE_MANAGED", **NAMED)
    targets = {"OrganizationalUnitIds": [sandbox.organization.unit]}
    made = client.create_stack_instances(StackSetName="roles", DeploymentTargets=targets, Regions=[HOME_REGION])
    operation = client.describe_stack_set_operation(StackSetName="roles", OperationId=made["OperationId"])
    assert operation["StackSetOperation"]["Status"] == "FAILED"
    found = instances(client, "roles")
    assert {account for (account, _), summary in found.items() if summary["Status"] == "OUTDATED"} == {WEB}
    assert "auto-tag-role already exists" in found[WEB, HOME_REGION]["StatusReason"]
    iam.delete_role(RoleName="auto-tag-role")
    client.create_stack_instances(StackSetName="roles", DeploymentTargets=targets, Regions=[HOME_REGION])
    assert {instance["Status"] for instance in instances(client, "roles").values()} == {"CURRENT"}
    client.delete_stack_instances(
        StackSetName="roles", DeploymentTargets=targets, Regions=[HOME_REGION], RetainStacks=False
    )
    client.delete_stack_set(StackSetName="roles")
    names = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    assert names == {"OrganizationAccountAccessRole", "developer"}


# --- change sets


def changes(client: Any, stack: str, name: str) -> set[tuple[str, str]]:
    found = client.describe_change_set(StackName=stack, ChangeSetName=name)
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    return {
        (change["ResourceChange"]["Action"], change["ResourceChange"]["LogicalResourceId"])
        for change in found["Changes"]
    }


def test_a_change_set_tells_what_it_will_change_and_does_it(sandbox: Sandbox) -> None:
    client = cloudformation(sandbox, WEB)
    outputs = "Outputs:\n  Url:\n    Value: !Ref Queue\n"
    client.create_change_set(
        StackName="one", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=TEMPLATE + outputs
    )
    assert changes(client, "one", "first") == {("Add", "Queue")}
    assert client.describe_stacks(StackName="one")["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert queues(sandbox, WEB) == set()
    client.execute_change_set(StackName="one", ChangeSetName="first")
    [stack] = client.describe_stacks(StackName="one")["Stacks"]
    assert (stack["StackStatus"], [output["OutputKey"] for output in stack["Outputs"]]) == ("CREATE_COMPLETE", ["Url"])
    client.create_change_set(StackName="one", ChangeSetName="second", ChangeSetType="UPDATE", TemplateBody=CHANGED)
    assert changes(client, "one", "second") == {("Modify", "Queue"), ("Add", "Second")}
    client.execute_change_set(StackName="one", ChangeSetName="second")
    assert queues(sandbox, WEB) == {"one", "two"}
    assert client.get_template(StackName="one")["TemplateBody"] == CHANGED
    client.create_change_set(StackName="one", ChangeSetName="same", ChangeSetType="UPDATE", TemplateBody=CHANGED)
    same = client.describe_change_set(StackName="one", ChangeSetName="same")
    assert (same["Status"], same["ExecutionStatus"], same["Changes"]) == ("FAILED", "UNAVAILABLE", [])
    assert "didn't contain changes" in same["StatusReason"]
    client.delete_change_set(StackName="one", ChangeSetName="same")
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        client.describe_change_set(StackName="one", ChangeSetName="same")
    client.delete_stack(StackName="one")
    assert queues(sandbox, WEB) == set()


def test_an_update_of_a_key_changes_its_policy_and_what_names_it_is_found(sandbox: Sandbox) -> None:
    """An upgrade of the hub changes its key's policy, and a role's policy names the key."""
    client = cloudformation(sandbox, WEB)

    def body(sid: str) -> str:
        statement = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
        named = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": {"Fn::Sub": "${Key.Arn}"}, "Sid": sid}
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = {"PolicyName": "it", "PolicyDocument": {"Version": "2012-10-17", "Statement": [named]}}
        role = {"RoleName": "reader", "AssumeRolePolicyDocument": {"Statement": [trust]}, "Policies": [policy]}
        key = {"KeyPolicy": {"Version": "2012-10-17", "Statement": [statement]}}
        resources = {
            "Key": {"Type": "AWS::KMS::Key", "Properties": key},
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        }
        return json.dumps({"Resources": resources})

    for kind, sid in (("CREATE", "First"), ("UPDATE", "Second"), ("UPDATE", "Third")):
        named = {"StackName": "keyed", "ChangeSetName": sid.lower()}
        client.create_change_set(**named, ChangeSetType=kind, TemplateBody=body(sid))
        client.execute_change_set(**named)
        listed = client.list_stack_resources(StackName="keyed")["StackResourceSummaries"]
        [key] = [resource["PhysicalResourceId"] for resource in listed if resource["LogicalResourceId"] == "Key"]
        with closing(sandbox.client(sandbox.account_session(WEB, HOME_REGION), "kms")) as kms:
            assert sid in kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        with closing(sandbox.client(sandbox.account_session(WEB, HOME_REGION), "iam")) as iam:
            [held] = iam.get_role_policy(RoleName="reader", PolicyName="it")["PolicyDocument"]["Statement"]
        assert (held["Sid"], held["Resource"].rpartition("/")[2]) == (sid, key)
    client.delete_stack(StackName="keyed")


def test_change_sets_of_one_name_belong_to_their_stacks(sandbox: Sandbox) -> None:
    client = cloudformation(sandbox, WEB)
    for stack in ("one", "other"):
        body = TEMPLATE.replace("one", stack)
        client.create_change_set(StackName=stack, ChangeSetName="plan", ChangeSetType="CREATE", TemplateBody=body)
    client.execute_change_set(StackName="one", ChangeSetName="plan")
    assert queues(sandbox, WEB) == {"one"}
    client.execute_change_set(StackName="other", ChangeSetName="plan")
    assert queues(sandbox, WEB) == {"one", "other"}
    for stack in ("one", "other"):
        client.delete_stack(StackName=stack)


def test_a_change_set_of_what_is_not_there_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation(sandbox, WEB).create_change_set(
            StackName="none", ChangeSetName="x", ChangeSetType="UPDATE", TemplateBody=TEMPLATE
        )


# --- what is deployed


def test_the_hub_is_created_updated_and_deleted(sandbox: Sandbox, infra: dict[str, str]) -> None:
    session = sandbox.account_session(HUB)
    s3 = sandbox.client(session, "s3")
    s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": HOME_REGION})
    for key in ("a.zip", "b.zip"):
        s3.put_object(Bucket="packages", Key=key, Body=key.encode())
    client = cloudformation(sandbox, HUB)
    template = infra["hub/template.yaml"]

    def parameters(key: str) -> list[dict[str, str]]:
        given = {"PackageBucket": "packages", "PackageKey": key}
        return [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]

    client.create_change_set(
        StackName="ownertag-hub",
        ChangeSetName="plan",
        ChangeSetType="CREATE",
        TemplateBody=template,
        Parameters=parameters("a.zip"),
        **NAMED,
    )
    assert ("Add", "Function") in changes(client, "ownertag-hub", "plan")
    client.execute_change_set(StackName="ownertag-hub", ChangeSetName="plan")
    [stack] = client.describe_stacks(StackName="ownertag-hub")["Stacks"]
    assert {output["OutputKey"] for output in stack["Outputs"]} >= {"BusArn", "QueueUrl"}
    function = sandbox.client(session, "lambda").get_function_configuration(FunctionName="ownertag")

    client.create_change_set(
        StackName="ownertag-hub",
        ChangeSetName="new-package",
        ChangeSetType="UPDATE",
        UsePreviousTemplate=True,
        Parameters=parameters("b.zip"),
        **NAMED,
    )
    functions = {("Modify", "Function"), ("Modify", "ReconcileFunction")}
    assert changes(client, "ownertag-hub", "new-package") == functions
    client.execute_change_set(StackName="ownertag-hub", ChangeSetName="new-package")
    after = sandbox.client(session, "lambda").get_function_configuration(FunctionName="ownertag")
    assert after["CodeSha256"] != function["CodeSha256"]

    changed = template.replace("RetentionDays: 30", "RetentionDays: 31").replace(
        '"prefix": "aws."', '"prefix": "aws.e"'
    )
    assert changed != template
    client.update_stack(StackName="ownertag-hub", TemplateBody=changed, Parameters=parameters("b.zip"), **NAMED)
    events = sandbox.client(session, "events")
    [rule] = [
        rule for rule in events.list_rules(EventBusName="ownertag")["Rules"] if rule["Name"] == "ownertag-creations"
    ]
    assert '"aws.e"' in rule["EventPattern"]
    assert events.list_targets_by_rule(EventBusName="ownertag", Rule="ownertag-creations")["Targets"]

    client.delete_stack(StackName="ownertag-hub")
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_stacks(StackName="ownertag-hub")
    assert queues(sandbox, HUB) == {"ownertag-dead-letters"}  # its policy is to stay
    assert [bus["Name"] for bus in events.list_event_buses()["EventBuses"]] == ["default"]
    assert sandbox.client(session, "lambda").list_event_source_mappings()["EventSourceMappings"] == []


@pytest.mark.parametrize("name", ["spoke_account", "spoke_region"])
def test_a_spokes_stack_is_created_updated_and_deleted(sandbox: Sandbox, infra: dict[str, str], name: str) -> None:
    client = cloudformation(sandbox, MANAGEMENT, "us-east-1")
    template = infra[f"{name}/template.yaml"]
    client.create_stack(StackName="spoke", TemplateBody=template, **NAMED)
    changed = template.replace("CreateProject", "CreateProjects").replace("Writes the owner tags", "Writes owner tags")
    assert changed != template
    client.update_stack(StackName="spoke", TemplateBody=changed, **NAMED)
    session = sandbox.account_session(MANAGEMENT, "us-east-1")
    if name == "spoke_region":
        rules = sandbox.client(session, "events").list_rules(NamePrefix="ownertag-creations-")["Rules"]
        assert [rule["Name"] for rule in rules if '"CreateProjects' in rule["EventPattern"]] != []
        targets = sandbox.client(session, "events").list_targets_by_rule(Rule="ownertag-creations-1")["Targets"]
        assert targets[0]["DeadLetterConfig"]["Arn"].endswith("ownertag-undelivered")
    else:
        role = sandbox.client(session, "iam").get_role(RoleName="auto-tag-role")["Role"]
        assert role["Description"].startswith("Writes owner tags")
    client.delete_stack(StackName="spoke")
    assert sandbox.client(session, "events").list_rules()["Rules"] == []
    assert sandbox.client(session, "iam").list_roles()["Roles"] == []
    assert queues(sandbox, MANAGEMENT, "us-east-1") == set()


def test_a_self_managed_one_deploys_into_the_management_account_itself_and_keeps_what_it_was_asked_for(
    sandbox: Sandbox,
) -> None:
    client = cloudformation(sandbox)
    role = f"arn:aws:iam::{MANAGEMENT}:role/administration"
    client.create_stack_set(
        StackSetName="own",
        TemplateBody=TEMPLATE.replace("one", "own"),
        PermissionModel="SELF_MANAGED",
        AdministrationRoleARN=role,
        ExecutionRoleName="execution",
        ManagedExecution={"Active": True},
    )
    client.create_stack_instances(StackSetName="own", Accounts=[MANAGEMENT], Regions=[HOME_REGION, "us-west-2"])
    told = client.describe_stack_set(StackSetName="own")["StackSet"]
    assert (told["AdministrationRoleARN"], told["ExecutionRoleName"]) == (role, "execution")
    assert told["ManagedExecution"] == {"Active": True}
    assert {*instances(client, "own")} == {(MANAGEMENT, HOME_REGION), (MANAGEMENT, "us-west-2")}
    assert "own" in queues(sandbox, MANAGEMENT, "us-west-2")
    client.delete_stack_instances(
        StackSetName="own", Accounts=[MANAGEMENT], Regions=[HOME_REGION, "us-west-2"], RetainStacks=False
    )
    client.delete_stack_set(StackSetName="own")
    assert "own" not in queues(sandbox, MANAGEMENT)
