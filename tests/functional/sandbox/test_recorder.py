"""Calls of real clients against the sandbox, and the records that CloudTrail would write of them."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.catalogue.loader import load_catalogue
from ownertag.core.match import match
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Creation
from ownertag.sandbox.bus import as_event
from ownertag.sandbox.demo_launches import IMAGE
from ownertag.sandbox.identities import root_user
from ownertag.sandbox.organization import sandbox_session
from ownertag.sandbox.personas import HOME_REGION, HUB_ROLE, PERSONAS, TAGGER_ROLE
from ownertag.sandbox.sandbox import Sandbox

WEB = "333333333333"
IDENTITIES = {
    "alice": ("IAMUser", None, None),
    "carol": ("AssumedRole", "carol@example.com", "/aws-reserved/sso.amazonaws.com/eu-central-1/"),
    "dave": ("AssumedRole", "laptop", "role/developer"),
    "erin": ("AssumedRole", "carol@example.com", "role/developer"),
    "frank": ("FederatedUser", "frank", "user/broker"),
    "root-legacy": ("Root", None, None),
    "ci": ("AssumedRole", "botocore-session-", "role/ci-deployer"),
}


def _volume(sandbox: Sandbox, persona: str, region: str | None = None, **more: Any) -> dict[str, Any]:
    session = sandbox.session(persona, region)
    answer = sandbox.client(session, "ec2").create_volume(AvailabilityZone=f"{session.region_name}a", Size=1, **more)
    assert isinstance(answer, dict)
    return answer


def _last(sandbox: Sandbox, account: str, region: str) -> dict[str, Any]:
    return sandbox.recorder.records(account, region)[-1]


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_a_record_names_who_acted(sandbox: Sandbox, persona: Any) -> None:
    _volume(sandbox, persona.name)
    record = _last(sandbox, persona.account, persona.region)
    kind, session, issuer = IDENTITIES[persona.name]
    identity = record["userIdentity"]
    assert (identity["type"], identity["accountId"]) == (kind, persona.account)
    assert record["recipientAccountId"] == persona.account
    if session:
        assert identity["principalId"].partition(":")[2].startswith(session)
    if issuer:
        assert issuer in identity["sessionContext"]["sessionIssuer"]["arn"]
    assert identity.get("sessionContext", {}).get("sourceIdentity") == (
        "dave@example.com" if persona.name == "dave" else None
    )


def test_a_resource_is_in_the_account_and_region_of_its_creator_alone(sandbox: Sandbox) -> None:
    volume = _volume(sandbox, "alice")["VolumeId"]
    for account, region in ((WEB, "us-west-2"), ("444444444444", "us-east-1")):
        ec2 = sandbox.client(sandbox.account_session(account, region), "ec2")
        with pytest.raises(ClientError, match=r"InvalidVolume\.NotFound"):
            ec2.describe_volumes(VolumeIds=[volume])


def test_a_response_above_100_kb_is_left_out(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.session("alice"), "ec2")
    for count, omitted in ((2, False), (60, True)):
        ec2.run_instances(ImageId=IMAGE, MinCount=count, MaxCount=count)
        response = _last(sandbox, WEB, "us-east-1")["responseElements"]
        if omitted:
            assert response["omitted"] is True
            assert response["originalSize"] > 100 * 1024
        else:
            assert len(response["instancesSet"]["items"]) == count


def test_a_failed_call_has_its_error_and_no_response(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.session("alice"), "ec2")
    with pytest.raises(ClientError):
        ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId="subnet-0")
    record = _last(sandbox, WEB, "us-east-1")
    assert record["errorCode"] == "Client.InvalidSubnetID.NotFound"
    assert record["responseElements"] is None


def test_tags_and_terminations_are_recorded(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.session("alice"), "ec2")
    instance = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "Name", "Value": "x"}])
    assert _last(sandbox, WEB, "us-east-1")["requestParameters"] == {
        "resourcesSet": {"items": [{"resourceId": instance}]},
        "tagSet": {"items": [{"key": "Name", "value": "x"}]},
    }
    ec2.delete_tags(Resources=[instance], Tags=[{"Key": "Name"}])
    assert _last(sandbox, WEB, "us-east-1")["eventName"] == "DeleteTags"
    ec2.terminate_instances(InstanceIds=[instance])
    record = _last(sandbox, WEB, "us-east-1")
    assert record["requestParameters"] == {"instancesSet": {"items": [{"instanceId": instance}]}}


def test_every_creation_that_moto_has_becomes_a_creation_of_the_catalogue(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.account_session(WEB, "eu-west-3"), "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    volume = ec2.create_volume(AvailabilityZone="eu-west-3a", Size=1)["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    instance = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    peer = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    customer = ec2.create_customer_gateway(Type="ipsec.1", PublicIp="192.0.2.1", BgpAsn=65000)
    transit = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    ec2.create_image(InstanceId=instance, Name="image")
    ec2.copy_snapshot(SourceRegion="eu-west-3", SourceSnapshotId=snapshot)
    ec2.create_snapshots(InstanceSpecification={"InstanceId": instance})
    ec2.create_key_pair(KeyName="key")
    ec2.create_security_group(GroupName="group", Description="d", VpcId=vpc)
    ec2.create_route_table(VpcId=vpc)
    ec2.create_network_acl(VpcId=vpc)
    ec2.create_internet_gateway()
    ec2.create_egress_only_internet_gateway(VpcId=vpc)
    ec2.create_network_interface(SubnetId=subnet)
    ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-west-3.s3")
    ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)
    ec2.create_vpn_connection(
        Type="ipsec.1", VpnGatewayId=gateway, CustomerGatewayId=customer["CustomerGateway"]["CustomerGatewayId"]
    )
    ec2.create_dhcp_options(DhcpConfigurations=[{"Key": "domain-name", "Values": ["example.com"]}])
    ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=transit, VpcId=vpc, SubnetIds=[subnet])
    ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData={"InstanceType": "t3.micro"})
    ec2.create_managed_prefix_list(PrefixListName="list", MaxEntries=1, AddressFamily="IPv4")
    ec2.create_carrier_gateway(VpcId=vpc)
    ec2.create_placement_group(GroupName="group")

    catalogue, settings = load_catalogue(), Settings()
    seen = set()
    for record in sandbox.recorder.records(WEB, "eu-west-3"):
        if (record["eventSource"], record["eventName"]) not in catalogue.rows:
            continue
        arrival = parse_event(json.dumps(as_event(record)), "test")
        assert isinstance(arrival, Arrival), arrival
        creation = match(arrival, catalogue, settings)
        assert isinstance(creation, Creation), (record["eventName"], creation)
        seen.add(record["eventName"])
    assert len(seen) >= 27


def test_a_client_token_makes_a_repeat_harmless(sandbox: Sandbox) -> None:
    first = _volume(sandbox, "alice", ClientToken="token-1")
    again = _volume(sandbox, "alice", ClientToken="token-1")
    assert first["VolumeId"] == again["VolumeId"]
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        _volume(sandbox, "alice", ClientToken="token-1", Encrypted=True)


@pytest.mark.parametrize("name", ["client-token", "reservation-id"])
def test_instances_are_found_by_launch_page_by_page(sandbox: Sandbox, name: str) -> None:
    ec2 = sandbox.client(sandbox.account_session(WEB, "ap-south-1"), "ec2")
    token = f"{name}-launch"
    launched = ec2.run_instances(ImageId=IMAGE, MinCount=3, MaxCount=3, ClientToken=token)
    ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
    value = token if name == "client-token" else launched["ReservationId"]
    filters = [{"Name": name, "Values": [*[f"other-{number}" for number in range(199)], value]}]
    pages = list(ec2.get_paginator("describe_instances").paginate(Filters=filters, MaxResults=5))
    found = [instance["InstanceId"] for page in pages for one in page["Reservations"] for instance in one["Instances"]]
    assert sorted(found) == sorted(instance["InstanceId"] for instance in launched["Instances"])
    escaped = ec2.describe_instances(Filters=[{"Name": name, "Values": ["\\*"]}])
    assert escaped["Reservations"] == []
    everything = ec2.describe_instances(Filters=[{"Name": name, "Values": ["*"]}])
    assert len(everything["Reservations"]) >= 2


def test_a_role_that_is_not_there_or_does_not_trust_the_caller_is_refused(sandbox: Sandbox) -> None:
    hub = sandbox.client(sandbox_session(sandbox.organization.hub_keys, HOME_REGION), "sts")
    alice = sandbox.client(sandbox.session("alice"), "sts")
    role = f"arn:aws:iam::{WEB}:role/"
    given = hub.assume_role(RoleArn=role + TAGGER_ROLE, RoleSessionName="test")
    assert given["AssumedRoleUser"]["Arn"].endswith(f"{TAGGER_ROLE}/test")
    for sts, name in ((hub, "not-there"), (hub, "developer"), (alice, TAGGER_ROLE), (alice, HUB_ROLE)):
        with pytest.raises(ClientError, match=r"AccessDenied.*is not authorized to perform: sts:AssumeRole"):
            sts.assume_role(RoleArn=role + name, RoleSessionName="test")


def test_a_source_identity_lasts_through_a_chain_of_roles(sandbox: Sandbox) -> None:
    dave = sandbox.client(sandbox.session("dave"), "sts")
    trusted = {"Effect": "Allow", "Principal": {"AWS": "555555555555"}, "Action": "sts:AssumeRole"}
    sandbox.client(sandbox.account_session("555555555555"), "iam").create_role(
        RoleName="second",
        AssumeRolePolicyDocument=json.dumps({"Statement": [trusted]}),
    )
    given = dave.assume_role(RoleArn="arn:aws:iam::555555555555:role/second", RoleSessionName="second")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    sandbox.client(sandbox_session(keys, "eu-north-1"), "ec2").create_volume(AvailabilityZone="eu-north-1a", Size=1)
    context = _last(sandbox, "555555555555", "eu-north-1")["userIdentity"]["sessionContext"]
    assert context["sourceIdentity"] == "dave@example.com"


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("ec2", "describe_instances", "AuthFailure"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("sqs", "list_queues", "UnrecognizedClientException"),
    ],
)
def test_an_unknown_key_is_refused_in_the_words_of_the_service(
    sandbox: Sandbox, service: str, call: str, code: str
) -> None:
    keys = {"aws_access_key_id": "AKIANOBODYKNOWSTHIS1", "aws_secret_access_key": "x"}
    with pytest.raises(ClientError, match=code):
        getattr(sandbox.client(sandbox_session(keys, "us-east-1"), service), call)()


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [("ec2", "describe_instances", "RequestExpired"), ("sts", "get_caller_identity", "ExpiredToken")],
)
def test_an_expired_session_is_refused(sandbox: Sandbox, service: str, call: str, code: str) -> None:
    actor = root_user(WEB)
    expired = type(actor)(actor.identity, WEB, datetime.now(UTC) - timedelta(seconds=1))
    keys = sandbox.organization._admit(expired, "ASIA")
    with pytest.raises(ClientError, match=code):
        getattr(sandbox.client(sandbox_session(keys, "us-east-1"), service), call)()


def test_lookup_events_gives_the_records_of_the_account_and_region(sandbox: Sandbox) -> None:
    for number in range(3):
        _volume(sandbox, "erin", "ca-central-1", ClientToken=f"looked-up-{number}")
    trail = sandbox.client(sandbox.account_session(WEB, "ca-central-1"), "cloudtrail")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateVolume"}]
    first = trail.lookup_events(LookupAttributes=wanted, MaxResults=2)
    rest = trail.lookup_events(LookupAttributes=wanted, MaxResults=2, NextToken=first["NextToken"])
    records = [json.loads(event["CloudTrailEvent"]) for event in (*first["Events"], *rest["Events"])]
    tokens = [record["requestParameters"]["clientToken"] for record in records]
    assert tokens == ["looked-up-2", "looked-up-1", "looked-up-0"]
    assert "NextToken" not in rest
    elsewhere = sandbox.client(sandbox.account_session(WEB, "sa-east-1"), "cloudtrail")
    assert elsewhere.lookup_events()["Events"] == []


def test_lookup_events_finds_a_resource_by_its_name_and_tells_what_records_refer_to(sandbox: Sandbox) -> None:
    region = "ca-central-1"
    with closing(sandbox.client(sandbox.session("erin", region), "ec2")) as ec2:
        instance, other = ec2.run_instances(ImageId=IMAGE, MinCount=2, MaxCount=2)["Instances"]
        id_, interface = instance["InstanceId"], instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
        ec2.create_tags(Resources=[other["InstanceId"]], Tags=[{"Key": "Name", "Value": id_}])
        ec2.terminate_instances(InstanceIds=[id_])
    trail = sandbox.client(sandbox.account_session(WEB, region), "cloudtrail")

    def named(key: str, value: str) -> list[Any]:
        return list(trail.lookup_events(LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}])["Events"])

    of_instance = named("ResourceName", id_)
    names = [event["EventName"] for event in of_instance]
    assert (names[0], names[-1]) == ("TerminateInstances", "RunInstances")
    launch = {resource["ResourceName"]: resource.get("ResourceType") for resource in of_instance[-1]["Resources"]}
    assert launch[id_] == launch[other["InstanceId"]] == "AWS::EC2::Instance"
    assert launch[interface] == "AWS::EC2::NetworkInterface"
    assert not [name for name in launch if name.startswith("r-")]
    assert [event["EventName"] for event in named("ResourceName", interface)] == ["RunInstances"]
    assert {event["EventId"] for event in of_instance} <= {
        event["EventId"] for event in named("ResourceType", "AWS::EC2::Instance")
    }
    assert named("ResourceName", "i-0000000000000000a") == []


def test_lookup_events_lists_who_made_a_session_under_the_key_that_was_issued_and_not_what_it_signed(
    sandbox: Sandbox,
) -> None:
    region = "ca-central-1"
    with closing(sandbox.client(sandbox.session("erin", region), "sts")) as sts:
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{WEB}:role/developer", RoleSessionName="again")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    sandbox.client(sandbox_session(keys, region), "ec2").create_volume(AvailabilityZone=f"{region}a", Size=1)
    wanted = [{"AttributeKey": "ResourceName", "AttributeValue": given["AccessKeyId"]}]
    with closing(sandbox.client(sandbox.account_session(WEB, region), "cloudtrail")) as trail:
        [event] = trail.lookup_events(LookupAttributes=wanted)["Events"]
    assert event["EventName"] == "AssumeRole"
    assert {"ResourceType": "AWS::IAM::AccessKey", "ResourceName": given["AccessKeyId"]} in event["Resources"]


def test_the_hub_lists_the_accounts_of_the_organization(sandbox: Sandbox) -> None:
    session = sandbox_session(sandbox.organization.hub_keys, HOME_REGION)
    pages = sandbox.client(session, "organizations").get_paginator("list_accounts").paginate()
    assert {account["Id"] for page in pages for account in page["Accounts"]} >= {WEB, "222222222222"}


def test_there_is_one_sandbox_in_a_process(sandbox: Sandbox) -> None:
    assert sandbox.endpoint_url.startswith("http://127.0.0.1:")
    with pytest.raises(RuntimeError, match="runs in this process already"), Sandbox():
        pass
