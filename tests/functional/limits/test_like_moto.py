"""The stand-in for EC2 answers as moto does, where both answer: the same calls, the same members and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from harness.limits.endpoint import Endpoint
from harness.limits.fleet import Timing
from harness.limits.protocol import key_of
from harness.limits.server import serving
from ownertag.sandbox.demo_launches import DISKS, IMAGE
from ownertag.sandbox.sandbox import Sandbox

ACCOUNT, REGION = "333333333333", "us-east-1"


@pytest.fixture(scope="module", params=["moto", "limits"])
def ec2(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "moto":
        with Sandbox(empty=True) as sandbox:
            yield sandbox.client(sandbox.account_session(ACCOUNT, REGION), "ec2")
    else:
        with serving(Endpoint(1, (ACCOUNT,), Timing((0, 0), (0, 0), (0, 0)))) as server:
            session = boto3.Session(key_of(ACCOUNT), "none", region_name=REGION)
            yield session.client("ec2", endpoint_url=server.url)


@pytest.fixture(scope="module")
def launched(ec2: Any) -> Any:
    return ec2.run_instances(ImageId=IMAGE, MinCount=3, MaxCount=3, BlockDeviceMappings=DISKS, ClientToken="a-token")


def instances(answer: Any) -> list[Any]:
    return [instance for reservation in answer["Reservations"] for instance in reservation["Instances"]]


@pytest.mark.parametrize("name", ["client-token", "reservation-id", "instance-id"])
def test_instances_by_a_filter(ec2: Any, launched: Any, name: str) -> None:
    ids = [instance["InstanceId"] for instance in launched["Instances"]]
    values = {"client-token": ["a-token"], "reservation-id": [launched["ReservationId"]], "instance-id": ids[:1]}[name]
    found = instances(ec2.describe_instances(Filters=[{"Name": name, "Values": values}]))
    assert [instance["InstanceId"] for instance in found] == (ids[:1] if name == "instance-id" else ids)
    for instance in found:
        assert instance["State"]["Name"] == "running"
        assert instance["ClientToken"] == "a-token"
        assert [device["DeviceName"] for device in instance["BlockDeviceMappings"]] == ["/dev/sda1", "/dev/sdb"]
        assert all(device["Ebs"]["AttachTime"] for device in instance["BlockDeviceMappings"])
        assert len(instance["NetworkInterfaces"]) == 1
        assert instance["NetworkInterfaces"][0]["Attachment"]["AttachTime"]
        assert instance["RootDeviceType"] == "ebs"


def test_a_token_that_was_used_gives_its_instances_again(ec2: Any, launched: Any) -> None:
    again = ec2.run_instances(ImageId=IMAGE, MinCount=3, MaxCount=3, BlockDeviceMappings=DISKS, ClientToken="a-token")
    assert again["ReservationId"] == launched["ReservationId"]


def test_volumes_and_interfaces_of_an_instance(ec2: Any, launched: Any) -> None:
    id_ = launched["Instances"][0]["InstanceId"]
    filters = [{"Name": "attachment.instance-id", "Values": [id_]}]
    volumes = ec2.describe_volumes(Filters=filters)["Volumes"]
    assert [volume["Attachments"][0]["Device"] for volume in volumes] == ["/dev/sda1", "/dev/sdb"]
    [interface] = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert interface["NetworkInterfaceId"].startswith("eni-")


def test_tags_are_written_overwritten_and_read(ec2: Any, launched: Any) -> None:
    ids = [instance["InstanceId"] for instance in launched["Instances"]][:2]
    ec2.create_tags(Resources=ids, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    ec2.create_tags(Resources=ids[:1], Tags=[{"Key": "a", "Value": "<2>"}])
    filters = [{"Name": "resource-id", "Values": ids}]
    found = {(tag["ResourceId"], tag["Key"]): tag["Value"] for tag in ec2.describe_tags(Filters=filters)["Tags"]}
    assert found == {(ids[0], "a"): "<2>", (ids[0], "b"): "", (ids[1], "a"): "1", (ids[1], "b"): ""}
    [first] = instances(ec2.describe_instances(InstanceIds=ids[:1]))
    assert {tag["Key"]: tag["Value"] for tag in first["Tags"]} == {"a": "<2>", "b": ""}


def test_pages(ec2: Any, launched: Any) -> None:
    for number in range(2):
        ec2.run_instances(ImageId=IMAGE, MinCount=3, MaxCount=3, ClientToken=f"more-{number}")
    tokens = [{"Name": "client-token", "Values": ["a-token", "more-0", "more-1"]}]
    pages = list(ec2.get_paginator("describe_instances").paginate(Filters=tokens, PaginationConfig={"PageSize": 5}))
    assert len(pages) > 1
    assert len({instance["InstanceId"] for page in pages for instance in instances(page)}) == 9
    assert launched["Instances"][0]["InstanceId"] in {instance["InstanceId"] for instance in instances(pages[0])}
