"""What AWS's services launch for somebody: by calls of their own, in records as CloudTrail has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.catalogue.loader import load_catalogue
from ownertag.core.owner.links import machine_links, service_of
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.sandbox.bus import as_event
from ownertag.sandbox.demo_launches import IMAGE
from ownertag.sandbox.sandbox import Sandbox

WEB, DATA = "333333333333", "444444444444"
SCALING_ROLE = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
LAUNCH = {"ImageId": IMAGE, "InstanceType": "t3.micro"}
SERVER = {"Resources": {"Server": {"Type": "AWS::EC2::Instance", "Properties": LAUNCH}}}


def records(sandbox: Sandbox, account: str, region: str, name: str = "RunInstances") -> list[dict[str, Any]]:
    return [record for record in sandbox.recorder.records(account, region) if record["eventName"] == name]


def role(sandbox: Sandbox, account: str, name: str, trusted: dict[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    with closing(sandbox.client(sandbox.account_session(account), "iam")) as iam:
        given = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [statement]}))
    return str(given["Role"]["Arn"])


def parents(record: dict[str, Any]) -> list[str]:
    """What ownertag takes a record's machine to have launched for."""
    arrival = parse_event(json.dumps(as_event(record)), "sandbox")
    assert isinstance(arrival, Arrival)
    assert arrival.record.identity
    service = service_of(arrival.record.identity)
    links = machine_links(arrival.record.identity, arrival.record, service, load_catalogue().parents)
    return [link.parent.arn for link in (*links.first, *links.after, *links.inherited)]


def sent_by_a_service(record: dict[str, Any], name: str) -> bool:
    """Whether a record says where others have an address and a client that a service of AWS called."""
    seen = (record["userIdentity"]["invokedBy"], record["sourceIPAddress"], record["userAgent"])
    return seen == (name, name, name) and "tlsDetails" not in record


# --- Auto Scaling


@pytest.fixture(scope="module")
def group(sandbox: Sandbox) -> str:
    """An Auto Scaling group of alice's with two instances."""
    with closing(sandbox.client(sandbox.session("alice"), "ec2")) as ec2:
        ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=LAUNCH)
    with closing(sandbox.client(sandbox.session("alice"), "autoscaling")) as scaling:
        scaling.create_auto_scaling_group(
            AutoScalingGroupName="web",
            MinSize=2,
            MaxSize=3,
            AvailabilityZones=["us-east-1a"],
            LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"},
            Tags=[{"Key": "team", "Value": "shop", "PropagateAtLaunch": True}],
        )
    return "web"


def ids(sandbox: Sandbox, group: str) -> list[str]:
    with closing(sandbox.client(sandbox.session("alice"), "autoscaling")) as scaling:
        [found] = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    return [instance["InstanceId"] for instance in found["Instances"]]


def launched_by_groups(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [record for record in records(sandbox, WEB, "us-east-1") if "invokedBy" in record["userIdentity"]]


def test_a_group_launches_as_its_service_linked_role(sandbox: Sandbox, group: str) -> None:
    record = launched_by_groups(sandbox)[0]
    identity = record["userIdentity"]
    assert identity["arn"] == f"arn:aws:sts::{WEB}:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == f"arn:aws:iam::{WEB}:role/{SCALING_ROLE}"
    assert "accessKeyId" not in identity
    assert sent_by_a_service(record, "autoscaling.amazonaws.com")
    response = record["responseElements"]["instancesSet"]["items"]
    assert [item["instanceId"] for item in response] == ids(sandbox, group)
    wanted = {"aws:autoscaling:groupName": group, "team": "shop"}
    [asked] = record["requestParameters"]["tagSpecificationSet"]["items"]
    assert {tag["key"]: tag["value"] for tag in asked["tags"]} == wanted
    for instance in response:
        assert wanted.items() <= {item["key"]: item["value"] for item in instance["tagSet"]["items"]}.items()


def test_ownertag_finds_the_group_and_its_maker_in_the_records(sandbox: Sandbox, group: str) -> None:
    own = f"arn:aws:autoscaling:us-east-1:{WEB}:autoScalingGroup:*:autoScalingGroupName/{group}"
    assert parents(launched_by_groups(sandbox)[0])[0] == own
    with closing(sandbox.client(sandbox.account_session(WEB, "us-east-1"), "cloudtrail")) as trail:
        wanted = [{"AttributeKey": "ResourceName", "AttributeValue": group}]
        [found] = trail.lookup_events(LookupAttributes=wanted)["Events"]
    made = json.loads(found["CloudTrailEvent"])
    assert made["eventName"] == "CreateAutoScalingGroup"
    assert made["userIdentity"]["userName"] == "alice"
    assert made["requestParameters"]["tags"] == [{"key": "team", "value": "shop", "propagateAtLaunch": True}]
    assert made["responseElements"] is None


def test_the_records_come_in_the_order_of_the_causes(sandbox: Sandbox, group: str) -> None:
    assert group
    names = [record["eventName"] for record in sandbox.recorder.records(WEB, "us-east-1")]
    first = names.index("CreateLaunchTemplate")
    made = [name for name in names[first:] if name != "CreateServiceLinkedRole"]
    assert made[:4] == ["CreateLaunchTemplate", "CreateAutoScalingGroup", "AssumeRole", "RunInstances"]
    [assumed] = records(sandbox, WEB, "us-east-1", "AssumeRole")[:1]
    assert assumed["userIdentity"] == {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}


def test_a_group_replaces_what_is_terminated(sandbox: Sandbox, group: str) -> None:
    before = ids(sandbox, group)
    with closing(sandbox.client(sandbox.session("alice"), "ec2")) as ec2:
        ec2.terminate_instances(InstanceIds=before[:1])
    [new] = set(ids(sandbox, group)) - set(before)
    [made] = launched_by_groups(sandbox)[-1]["responseElements"]["instancesSet"]["items"]
    assert made["instanceId"] == new


def test_a_group_whose_launch_is_refused_stays_empty(sandbox: Sandbox) -> None:
    with closing(sandbox.client(sandbox.session("alice"), "autoscaling")) as scaling:
        scaling.create_auto_scaling_group(
            AutoScalingGroupName="none",
            MinSize=1,
            MaxSize=1,
            AvailabilityZones=["us-east-1a"],
            LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"},
            # One more than an instance may have.
            Tags=[{"Key": f"key-{number}", "Value": "", "PropagateAtLaunch": True} for number in range(51)],
        )
    assert ids(sandbox, "none") == []


# --- CloudFormation


@pytest.fixture
def stack(sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    """A stack of carol's with a service role."""
    arn = role(sandbox, DATA, "deployment", {"Service": "cloudformation.amazonaws.com"})
    yield create(sandbox, "shop", RoleARN=arn)
    with closing(sandbox.client(sandbox.account_session(DATA), "iam")) as iam:
        iam.delete_role(RoleName="deployment")


def create(sandbox: Sandbox, name: str, persona: str = "carol", **more: Any) -> dict[str, Any]:
    with closing(sandbox.client(sandbox.session(persona), "cloudformation")) as stacks:
        stacks.create_stack(StackName=name, TemplateBody=json.dumps(SERVER), **more)
        [server] = stacks.describe_stack_resources(StackName=name)["StackResources"]
    return dict(server)


def test_a_stack_launches_as_its_service_role(sandbox: Sandbox, stack: dict[str, Any]) -> None:
    record = records(sandbox, DATA, "eu-west-1")[-1]
    identity = record["userIdentity"]
    assert identity["arn"] == f"arn:aws:sts::{DATA}:assumed-role/deployment/AWSCloudFormation"
    assert sent_by_a_service(record, "cloudformation.amazonaws.com")
    [instance] = record["responseElements"]["instancesSet"]["items"]
    assert instance["instanceId"] == stack["PhysicalResourceId"]
    tags = {item["key"]: item["value"] for item in instance["tagSet"]["items"]}
    own = {"stack-id": stack["StackId"], "stack-name": "shop", "logical-id": "Server"}
    assert tags == {f"aws:cloudformation:{key}": value for key, value in own.items()}
    assert parents(record) == [stack["StackId"]]
    [made] = records(sandbox, DATA, "eu-west-1", "CreateStack")
    assert made["userIdentity"]["principalId"].endswith(":carol@example.com")
    assert made["requestParameters"] == {
        "stackName": "shop",
        "roleARN": f"arn:aws:iam::{DATA}:role/deployment",
    }
    assert made["responseElements"] == {"stackId": stack["StackId"]}


def test_a_stack_without_a_service_role_launches_as_its_caller(sandbox: Sandbox) -> None:
    create(sandbox, "plain")
    session = records(sandbox, DATA, "eu-west-1")[-1]
    assert session["userIdentity"]["principalId"].endswith(":carol@example.com")
    assert sent_by_a_service(session, "cloudformation.amazonaws.com")
    made = records(sandbox, DATA, "eu-west-1", "CreateStack")[-1]
    assert session["userIdentity"]["accessKeyId"] == made["userIdentity"]["accessKeyId"]
    create(sandbox, "plain", "alice")
    user = records(sandbox, WEB, "us-east-1")[-1]["userIdentity"]
    assert (user["userName"], user["accessKeyId"][:4]) == ("alice", "ASIA")
    assert user["invokedBy"] == "cloudformation.amazonaws.com"


def test_a_change_set_launches_as_the_stack_would(sandbox: Sandbox) -> None:
    arn = role(sandbox, DATA, "changes", {"Service": "cloudformation.amazonaws.com"})
    with closing(sandbox.client(sandbox.session("carol"), "cloudformation")) as stacks:
        named = {"StackName": "changed", "ChangeSetName": "first"}
        stacks.create_change_set(**named, ChangeSetType="CREATE", TemplateBody=json.dumps(SERVER), RoleARN=arn)
        stacks.execute_change_set(**named)
    record = records(sandbox, DATA, "eu-west-1")[-1]
    assert record["userIdentity"]["arn"].endswith("assumed-role/changes/AWSCloudFormation")
    [made] = records(sandbox, DATA, "eu-west-1", "ExecuteChangeSet")
    assert made["requestParameters"]["stackName"] == "changed"


@pytest.mark.parametrize("trusted", [{"Service": "ec2.amazonaws.com"}, None])
def test_a_service_role_that_does_not_trust_cloudformation_is_refused(
    sandbox: Sandbox, trusted: dict[str, str] | None
) -> None:
    arn = role(sandbox, DATA, "closed", trusted) if trusted else f"arn:aws:iam::{DATA}:role/not-there"
    with pytest.raises(ClientError, match=r"ValidationError.*cannot be assumed"):
        create(sandbox, "refused", RoleARN=arn)
    assert records(sandbox, DATA, "eu-west-1", "CreateStack")[-1]["errorCode"] == "ValidationError"


# --- instances


def test_what_runs_on_an_instance_acts_as_its_role(sandbox: Sandbox) -> None:
    role(sandbox, WEB, "worker", {"Service": "ec2.amazonaws.com"})
    with closing(sandbox.client(sandbox.account_session(WEB), "iam")) as iam:
        iam.create_instance_profile(InstanceProfileName="worker")
        iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    with closing(sandbox.client(sandbox.session("alice", "eu-north-1"), "ec2")) as ec2:
        profile = {"Name": "worker"}
        launched = ec2.run_instances(**LAUNCH, MinCount=1, MaxCount=1, IamInstanceProfile=profile)["Instances"][0]
    id_ = launched["InstanceId"]
    with closing(sandbox.client(sandbox.instance_session(WEB, "eu-north-1", id_), "ec2")) as ec2:
        ec2.create_volume(AvailabilityZone="eu-north-1a", Size=1)
    identity = records(sandbox, WEB, "eu-north-1", "CreateVolume")[-1]["userIdentity"]
    assert identity["arn"] == f"arn:aws:sts::{WEB}:assumed-role/worker/{id_}"
    assert identity["sessionContext"]["ec2RoleDelivery"] == "2.0"
    assert "invokedBy" not in identity
    assumed = records(sandbox, WEB, "eu-north-1", "AssumeRole")[-1]
    assert assumed["userIdentity"] == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    assert assumed["responseElements"]["credentials"]["accessKeyId"] == identity["accessKeyId"]


def test_a_role_that_does_not_trust_ec2_is_not_handed_out(sandbox: Sandbox) -> None:
    arn = role(sandbox, WEB, "other", {"Service": "lambda.amazonaws.com"})
    with pytest.raises(ClientError, match="AccessDenied"):
        sandbox.front.services.role_keys("ec2.amazonaws.com", arn, "i-1234567890abcdef0", "us-east-1")


# --- what nobody else may say


@pytest.mark.parametrize("key", ["aws:autoscaling:groupName", "AWS:cloudformation:stack-id"])
def test_nobody_but_a_service_brings_tags_of_aws(sandbox: Sandbox, key: str) -> None:
    tags = [{"Key": key, "Value": "web"}]
    with closing(sandbox.client(sandbox.session("erin", "eu-north-1"), "ec2")) as ec2:
        given = [{"ResourceType": "volume", "Tags": tags}]
        with pytest.raises(ClientError, match="reserved for internal use"):
            ec2.create_volume(AvailabilityZone="eu-north-1a", Size=1, TagSpecifications=given)
        volume = ec2.create_volume(AvailabilityZone="eu-north-1a", Size=1)["VolumeId"]
        with pytest.raises(ClientError, match="reserved for internal use"):
            ec2.create_tags(Resources=[volume], Tags=tags)
