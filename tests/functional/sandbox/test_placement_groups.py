"""Placement groups, which moto does not have: what the canary creates, sees tagged, and deletes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.sandbox.personas import HUB
from ownertag.sandbox.sandbox import Sandbox

WEB, REGION = "333333333333", "us-east-1"
GOLDEN = Path(__file__).parents[2] / "golden" / "ec2" / "CreatePlacementGroup" / "wrapped.json"


@pytest.fixture
def ec2(sandbox: Sandbox) -> Any:
    return sandbox.client(sandbox.account_session(WEB, REGION), "ec2")


def test_a_group_is_created_described_and_deleted(ec2: Any) -> None:
    tags = [{"ResourceType": "placement-group", "Tags": [{"Key": "team", "Value": "web"}]}]
    made = ec2.create_placement_group(GroupName="one", Strategy="spread", TagSpecifications=tags)["PlacementGroup"]
    assert made["GroupId"].startswith("pg-")
    ec2.create_placement_group(GroupName="two")
    ec2.create_tags(Resources=[made["GroupId"]], Tags=[{"Key": "owner", "Value": "alice"}])
    [found] = ec2.describe_placement_groups(GroupNames=["one"])["PlacementGroups"]
    assert found["GroupArn"] == f"arn:aws:ec2:{REGION}:{WEB}:placement-group/one"
    assert (found["Strategy"], found["State"], found["GroupId"]) == ("spread", "available", made["GroupId"])
    shown = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [made["GroupId"]]}])["Tags"]
    assert {(tag["Key"], tag["Value"]) for tag in found["Tags"]} == {("team", "web"), ("owner", "alice")}
    assert {(tag["Key"], tag["Value"]) for tag in shown} == {("team", "web"), ("owner", "alice")}
    by_id = ec2.describe_placement_groups(GroupIds=[made["GroupId"]])["PlacementGroups"]
    by_filter = ec2.describe_placement_groups(Filters=[{"Name": "strategy", "Values": ["spread"]}])["PlacementGroups"]
    assert by_id == by_filter == [found]
    assert len(ec2.describe_placement_groups()["PlacementGroups"]) == 2
    for name in ("one", "two"):
        ec2.delete_placement_group(GroupName=name)
    assert ec2.describe_placement_groups()["PlacementGroups"] == []
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [made["GroupId"]]}])["Tags"] == []


def test_a_group_is_in_its_account_and_region_alone(sandbox: Sandbox, ec2: Any) -> None:
    ec2.create_placement_group(GroupName="here")
    for account, region in ((WEB, "eu-west-1"), (HUB, REGION)):
        other = sandbox.client(sandbox.account_session(account, region), "ec2")
        assert other.describe_placement_groups()["PlacementGroups"] == []
    ec2.delete_placement_group(GroupName="here")


def test_what_ec2_refuses_is_refused(ec2: Any) -> None:
    ec2.create_placement_group(GroupName="twice")
    with pytest.raises(ClientError, match=r"InvalidPlacementGroup\.Duplicate"):
        ec2.create_placement_group(GroupName="twice")
    ec2.delete_placement_group(GroupName="twice")
    for call, named in (
        (ec2.delete_placement_group, {"GroupName": "twice"}),
        (ec2.describe_placement_groups, {"GroupNames": ["twice"]}),
        (ec2.describe_placement_groups, {"GroupIds": ["pg-0"]}),
    ):
        with pytest.raises(ClientError, match=r"InvalidPlacementGroup\.Unknown"):
            call(**named)


def test_its_record_has_the_form_of_the_golden_event(sandbox: Sandbox, ec2: Any) -> None:
    made = ec2.create_placement_group(GroupName="recorded", Strategy="cluster")["PlacementGroup"]
    ec2.delete_placement_group(GroupName="recorded")
    record, deleted = sandbox.recorder.records(WEB, REGION)[-2:]
    assert deleted["eventName"] == "DeletePlacementGroup"
    golden = json.loads(GOLDEN.read_text())["record"]["responseElements"]["CreatePlacementGroupResponse"]
    response = record["responseElements"]["CreatePlacementGroupResponse"]
    assert set(response) == set(golden)
    assert set(response["placementGroup"]) == set(golden["placementGroup"])
    assert response["placementGroup"]["groupId"] == made["GroupId"]
    assert record["requestParameters"]["CreatePlacementGroupRequest"]["GroupName"] == "recorded"
