"""Ids and tags of a record, in each of the forms that CloudTrail writes them in."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from harness import fixtures
from ownertag.core.match import match
from ownertag.core.parameters import parameters_of, specified_tags, tags_in_request
from ownertag.core.paths import values_at
from ownertag.core.values import Creation

TAG = {"key": "team", "value": "shop"}
CAPITAL = {"Value": "shop", "tag": 1, "Key": "team"}
SHOP = {"team": "shop"}


def request_tags(request: Any = None, response: Any = None, event: str = "CreateVolume") -> dict[str, str]:
    plain = fixtures.record(event, requestParameters=request, responseElements=response)
    return tags_in_request(parameters_of(fixtures.arrival(plain).record))


REQUESTS: dict[str, Any] = {
    "flat": {"tagSpecificationSet": {"items": [{"resourceType": "volume", "tags": [TAG]}]}},
    "flat-with-item": {"tagSpecificationSet": {"item": {"resourceType": "volume", "tags": {"item": TAG}}}},
    "wrapped": {"CreateVolumeRequest": {"TagSpecification": {"ResourceType": "volume", "tag": 1, "Tag": [CAPITAL]}}},
    "wrapped-list": {"CreateVolumeRequest": {"TagSpecification": [{"ResourceType": "volume", "Tag": [CAPITAL]}]}},
    "wrapped-one-tag": {"CreateVolumeRequest": {"TagSpecification": {"ResourceType": "volume", "Tag": CAPITAL}}},
    "capital-without-a-wrapper": {"TagSpecification": {"ResourceType": "volume", "Tag": [CAPITAL]}},
    "specifications": {"tagSpecifications": [{"resourceType": "volume", "tags": [TAG]}]},
    "list": {"tags": [TAG]},
    "list-in-items": {"tags": {"items": [TAG]}},
    "map": {"tags": SHOP},
    "set": {"tagSet": {"items": [TAG]}},
    "list-of-a-group": {"tags": [{**TAG, "propagateAtLaunch": True, "resourceId": "web", "resourceType": "g"}]},
    "wrapped-and-small": {"createVolumeRequest": {"tags": {"tag": TAG}}},
    "input": {"createVolumeInput": {"tags": SHOP}},
    "key-of-kms": {"tags": [{"tagKey": "team", "tagValue": "shop"}]},
    "list-in-tag": {"CreateVolumeRequest": {"Tags": {"Tag": [CAPITAL]}}},
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_the_tags_of_a_request_are_read_in_each_of_its_shapes(request_: Any) -> None:
    assert request_tags(request_) == SHOP


@pytest.mark.parametrize(
    "response",
    [
        {"tagSet": {"items": [TAG]}},
        {"volume": {"volumeId": "v", "tagSet": {"items": [TAG]}}},
        {"volume": {"volumeId": "v", "tagSet": {"item": TAG}}},
        {"CreateVolumeResponse": {"xmlns": "x", "volume": {"tagSet": {"item": [TAG]}}}},
        {"instancesSet": {"items": [{"instanceId": "i", "tagSet": {"items": [TAG]}}]}},
        {"instancesSet": {"item": {"instanceId": "i", "tagSet": {"item": [TAG]}}}},
        {"dBInstance": {"tagList": [TAG]}},
        {"CreateVolumeResult": {"DBInstance": {"TagList": {"Tag": [CAPITAL]}}}},
        {"CreateVolumeResponse": {"CreateVolumeResult": {"DBInstance": {"TagList": {"Tag": CAPITAL}}}}},
    ],
)
def test_and_so_are_those_of_an_answer(response: Any) -> None:
    assert request_tags(None, response) == SHOP


@pytest.mark.parametrize(
    "request_",
    [
        {"CreateVolumeRequest": {"LaunchTemplateData": {"TagSpecification": {"Tag": [CAPITAL]}}}},
        {"launchTemplateData": {"tagSpecificationSet": {"items": [{"tags": [TAG]}]}}},
        {"tagSpecificationSet": {"items": [{"tags": [{"key": "team", "value": 1}]}]}},
        {"tagSpecificationSet": {"items": [{"tags": [{"key": ["team"], "value": "shop"}]}]}},
        {"tag": 1},
        {"tags": "team"},
        [TAG],
        None,
    ],
)
def test_what_is_for_others_or_is_no_tag_is_none(request_: Any) -> None:
    assert request_tags(request_) == {}


STACK = {"aws:cloudformation:stack-name": "shop"}
STACK_TAG = {"key": "aws:cloudformation:stack-name", "value": "shop"}
STACK_IN_CAPITALS = {"Key": "aws:cloudformation:stack-name", "Value": "shop"}

#: Where services take the tags of what they make, by their API models: the event, and its request.
OTHER_SERVICES: dict[str, tuple[str, Any]] = {
    "map of Lambda": ("CreateFunction20150331", {"functionName": "f", "tags": STACK}),
    "list of RDS": ("CreateDBInstance", {"dBInstanceIdentifier": "db", "tags": [STACK_TAG]}),
    "list of SNS, with capitals": ("CreateTopic", {"Name": "t", "Tags": [STACK_IN_CAPITALS]}),
    "TagKey of KMS": ("CreateKey", {"Tags": [{"TagKey": STACK_TAG["key"], "TagValue": "shop"}]}),
    "TagList of OpenSearch": ("CreateDomain", {"domainName": "d", "tagList": [STACK_TAG]}),
    "TagsList of CloudTrail": ("CreateTrail", {"name": "t", "tagsList": [STACK_TAG]}),
    "named after what it is for": ("CreateUserPool", {"poolName": "p", "userPoolTags": STACK}),
    "the same of Backup": ("CreateBackupVault", {"backupVaultName": "v", "backupVaultTags": STACK}),
    "of jobs": ("CreateEvaluationJob", {"jobName": "j", "jobTags": [STACK_TAG]}),
    "of Budgets": ("CreateBudget", {"budget": {"budgetName": "b"}, "resourceTags": [STACK_TAG]}),
    "Items of CloudFront": (
        "CreateDistributionWithTags",
        {"distributionConfigWithTags": {"distributionConfig": {}, "tags": {"items": [STACK_TAG]}}},
    ),
    "TagSet of S3": ("CreateBucket", {"createBucketConfiguration": {"tags": {"TagSet": [STACK_IN_CAPITALS]}}}),
    "Tag of S3": ("CreateBucket", {"CreateBucketConfiguration": {"Tags": {"Tag": STACK_IN_CAPITALS}}}),
    "in an object": ("CreatePrivateVirtualInterface", {"newPrivateVirtualInterface": {"tags": [STACK_TAG]}}),
    "in a list of objects": ("CreateWorkspaces", {"workspaces": [{"userName": "u", "tags": [STACK_TAG]}]}),
    "in an object of one request": ("CreateApp", {"createApplicationRequest": {"tags": STACK, "name": "n"}}),
    "of a group, that says more of each": (
        "CreateAutoScalingGroup",
        {"tags": [{**STACK_TAG, "resourceId": "g", "resourceType": "auto-scaling-group", "propagateAtLaunch": True}]},
    ),
    "an ARN beside it": ("CreateOrganization", {"Tags": [{**STACK_IN_CAPITALS, "ResourceArn": "arn:aws:x"}]}),
    "in what API Gateway calls Input": ("CreateRestApi", {"createRestApiInput": {"name": "api", "tags": STACK}}),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_SERVICES)
def test_the_tags_of_a_request_are_read_of_each_service(name: str) -> None:
    event, request = OTHER_SERVICES[name]
    assert request_tags(request, event=event) == STACK


@pytest.mark.parametrize(
    "response",
    [
        {"dBInstance": {"tagList": [STACK_TAG]}},
        {"cluster": {"arn": "a", "tags": STACK}},
        {"tasks": [{"taskArn": "a", "tags": [STACK_TAG]}]},
        {"userPool": {"id": "p", "userPoolTags": STACK}},
        {"keyMetadata": {}, "tags": [{"tagKey": STACK_TAG["key"], "tagValue": "shop"}]},
        {"identityPoolId": "i", "identityPoolTags": STACK},
    ],
)
def test_the_tags_of_an_answer_are_read_of_each_service(response: Any) -> None:
    assert request_tags(None, response) == STACK


@pytest.mark.parametrize(
    "request_",
    [
        # What these say is not tags of what is made: filters, and tags for what others make. Nobody checks their keys.
        {"computeResources": {"tags": STACK}},
        {"filterCriteria": {"resourceTags": [{"comparison": "EQUALS", **STACK_TAG}]}},
        {"ec2TagFilters": [{**STACK_TAG, "type": "KEY_AND_VALUE"}]},
        {"resourceGroupTags": [STACK_TAG]},
        {"policyDetails": {"targetTags": [STACK_TAG]}},
        {"resourceSelection": {"tagMap": STACK}},
        {"imageTags": STACK},
        {"environment": {"variables": {"tags": STACK}}},
        {"tags": [{"comparison": "EQUALS", **STACK_TAG}]},
        {"definition": json.dumps({"tags": STACK})},
    ],
)
def test_filters_and_tags_for_others_are_no_evidence(request_: Any) -> None:
    assert STACK_TAG["key"] not in request_tags(request_)


def test_in_an_object_of_the_request_only_keys_that_aws_alone_writes_count() -> None:
    assert request_tags({"newPrivateVirtualInterface": {"tags": [TAG, STACK_TAG]}}) == STACK
    assert request_tags({"userPoolTags": SHOP | STACK}, event="CreateUserPool") == STACK


def test_a_key_with_two_values_says_nothing_and_one_of_two_wrappers_is_enough() -> None:
    other = {"volume": {"tagSet": {"items": [{"key": "team", "value": "other"}, {"key": "a", "value": ""}]}}}
    assert request_tags({"tags": [TAG]}, other) == {"a": ""}
    assert request_tags({"OtherRequest": {"tags": [TAG]}}) == {}


@pytest.mark.parametrize("name", ["flat", "wrapped", "wrapped-list", "wrapped-one-tag", "capital-without-a-wrapper"])
def test_a_specification_says_for_which_type(name: str) -> None:
    record = fixtures.arrival(fixtures.record(requestParameters=REQUESTS[name])).record
    assert list(specified_tags(parameters_of(record)["request"])) == [("volume", "team", "shop")]


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("key", ["items", "item", "Items"])
def test_ids_are_found_in_lists_by_either_name_and_in_the_one_that_stands_for_a_list(key: str, many: bool) -> None:
    inner = {"instanceId": fixtures.INSTANCE}
    node = {"set": {key: [inner] if many else inner}}
    assert values_at(node, ("set", "items", "[]", "instanceId")) == [fixtures.INSTANCE]


def test_a_wrapped_request_without_its_answer_is_asked_by_its_token() -> None:
    request = {"RunInstancesRequest": {"ClientToken": fixtures.TOKEN, "MinCount": 3}}
    plain = fixtures.record("RunInstances", requestParameters=request, responseElements=fixtures.OMITTED)
    creation = match(fixtures.arrival(plain), fixtures.catalogue(), fixtures.settings())
    assert isinstance(creation, Creation)
    assert creation.asked_by
    assert creation.asked_by[1] == fixtures.TOKEN


@pytest.mark.parametrize(
    "event", ["CreateFunction20150331", "CreateFunction20150331v2", "CreateDistribution2020_05_31"]
)
def test_a_wrapping_object_may_leave_out_the_version_in_the_event_s_name(event: str) -> None:
    short = event.partition("20")[0]
    assert request_tags({f"{event}Request": {"tags": SHOP}}, event=event) == SHOP
    assert request_tags({f"{short}Request": {"tags": SHOP}}, event=event) == SHOP
    assert request_tags({f"{short}2019Request": {"tags": SHOP}}, event=event) == {}


@pytest.mark.parametrize("around", ['{{"item":{}}}', '{{"tag":{}}}', "[{}]", '{{"CreateVolumeRequest":{}}}'])
@pytest.mark.parametrize("place", ["tags", "tagSpecificationSet"])
def test_what_is_nested_without_end_is_nothing_and_raises_nothing(around: str, place: str) -> None:
    """CloudTrail's parts may be 100 KB: a stack of calls is shorter."""
    text = json.dumps(TAG)
    for _ in range(900):
        text = around.format(text)
    request = msgspec.Raw(f'{{"{place}":{text}}}'.encode())
    record = replace(fixtures.arrival(fixtures.record()).record, request=request, response=request)
    assert tags_in_request(parameters_of(record)) == {}
