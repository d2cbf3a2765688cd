"""Tag APIs as they are derived: each form as the service's API reference has it, and the file is current."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from derive import models, tag_apis
from derive.reference import FOLDER
from derive.tag_operations import tag_operations

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs Node and npm: where they are, `make test` installs AWS's reference"
)
GENERATED = tag_apis.TARGET.read_text("utf-8")
APIS: dict[str, dict[str, Any]] = tomllib.loads(GENERATED)["apis"]
UNCLEAR: dict[str, str] = tomllib.loads(GENERATED)["unclear"]
OVERLAY: dict[str, dict[str, Any]] = tomllib.loads(
    (tag_apis.TARGET.parents[1] / "overlay/tag_apis.toml").read_text("utf-8")
)["apis"]
LIST = {"form": "list", "key": "Key", "value_key": "Value"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # a name that takes an ARN, as the words about it say
        ("rds.AddTagsToResource", {"resource": "ResourceName", "value": "{arn}", "tags": "Tags", **LIST}),
        ("kms.TagResource", {"resource": "KeyId", "value": "{arn}", "key": "TagKey", "value_key": "TagValue"}),
        ("lambda.TagResource", {"resource": "Resource", "value": "{arn}", "tags": "Tags", "form": "map"}),
        ("glue.TagResource", {"resource": "ResourceArn", "tags": "TagsToAdd", "form": "map"}),
        ("cloudtrail.AddTags", {"resource": "ResourceId", "value": "{arn}", "tags": "TagsList", **LIST}),
        ("iam.TagRole", {"resource": "RoleName", "value": "{name}", "action": "iam:TagRole", **LIST}),
        ("iam.TagPolicy", {"resource": "PolicyArn", "value": "{arn}", **LIST}),
        ("ds.AddTagsToResource", {"resource": "ResourceId", "value": "{id}", **LIST}),
        ("workspaces.CreateTags", {"resource": "ResourceId", "value": "{id}", **LIST}),
        ("efs.TagResource", {"resource": "ResourceId", "value": "{id}", "action": "elasticfilesystem:TagResource"}),
        ("firehose.TagDeliveryStream", {"resource": "DeliveryStreamName", "value": "{name}", **LIST}),
        ("lightsail.TagResource", {"resource": "resourceName", "value": "{name}", "key": "key"}),
        ("glacier.AddTagsToVault", {"resource": "vaultName", "constants": {"accountId": "{account}"}}),
        # tags inside a structure, a list of resources, a share that has two parameters
        ("cloudfront.TagResource", {"resource": "Resource", "value": "{arn}", "tags": "Tags.Items", **LIST}),
        ("pinpoint.TagResource", {"tags": "TagsModel.tags", "form": "map", "action": "mobiletargeting:TagResource"}),
        ("elb.AddTags", {"resource": "LoadBalancerNames[]", "value": "{name}"}),
        ("elbv2.AddTags", {"resource": "ResourceArns[]", "value": "{arn}"}),
        ("ram.TagResource", {"resource": "resourceArn", "value": "{arn}"}),
        # which kind of resource is meant
        ("route53.ChangeTagsForResource hostedzone", {"resource": "ResourceId", "value": "{id}", "tags": "AddTags"}),
        ("route53.ChangeTagsForResource healthcheck", {"constants": {"ResourceType": "healthcheck"}}),
        ("ssm.AddTagsToResource Document", {"value": "{id}", "constants": {"ResourceType": "Document"}}),
        ("s3control.TagResource", {"resource": "ResourceArn", "constants": {"AccountId": "{account}"}}),
        ("apigateway.TagResource", {"action": "apigateway:PUT", "event_source": "apigateway.amazonaws.com"}),
        ("mq.CreateTags", {"event_source": "amazonmq.amazonaws.com", "action": "mq:CreateTags", "form": "map"}),
        ("emr.AddTags", {"event_source": "elasticmapreduce.amazonaws.com", "action": "elasticmapreduce:AddTags"}),
        ("memorydb.TagResource", {"event_source": "memorydb.amazonaws.com"}),
        (
            "resourcegroupstaggingapi.TagResources",
            {"most": 20, "failures": "FailedResourcesMap", "failed_item": "@key", "failure_code": "ErrorCode"},
        ),
        ("s3control.PutJobTagging", {"replaces": True}),
        ("timestream-write.TagResource", {"needs": ["timestream:DescribeEndpoints"]}),
    ],
)
def test_how_a_resource_is_tagged(name: str, expected: dict[str, Any]) -> None:
    assert {field: APIS[name].get(field) for field in expected} == expected


@pytest.mark.parametrize(
    ("name", "operation", "parameter", "path"),
    [
        ("rds.AddTagsToResource", "ListTagsForResource", "ResourceName", "TagList"),
        ("iam.TagRole", "ListRoleTags", "RoleName", "Tags"),
        ("kms.TagResource", "ListResourceTags", "KeyId", "Tags"),
        ("dynamodb.TagResource", "ListTagsOfResource", "ResourceArn", "Tags"),
        ("sqs.TagQueue", "ListQueueTags", "QueueUrl", "Tags"),
        ("elbv2.AddTags", "DescribeTags", "ResourceArns[]", "TagDescriptions[].Tags"),
        ("cloudtrail.AddTags", "ListTags", "ResourceIdList[]", "ResourceTagList[].TagsList"),
        ("wafv2.TagResource", "ListTagsForResource", "ResourceARN", "TagInfoForResource.TagList"),
        ("cloudfront.TagResource", "ListTagsForResource", "Resource", "Tags.Items"),
        ("route53.ChangeTagsForResource hostedzone", "ListTagsForResource", "ResourceId", "ResourceTagSet.Tags"),
        ("kinesis.AddTagsToStream", "ListTagsForStream", "StreamARN", "Tags"),
        ("ecs.TagResource", "ListTagsForResource", "resourceArn", "tags"),
    ],
)
def test_how_its_tags_are_read(name: str, operation: str, parameter: str, path: str) -> None:
    read = APIS[name]["read"]
    assert (read["operation"], read["resource"], read["path"]) == (operation, parameter, path)


@pytest.mark.parametrize(
    ("name", "operation", "keys", "objects"),
    [
        ("rds.AddTagsToResource", "RemoveTagsFromResource", "TagKeys", None),
        ("elb.AddTags", "RemoveTags", "Tags", "Key"),
        ("acm.AddTagsToCertificate", "RemoveTagsFromCertificate", "Tags", "Key"),
        ("cloudfront.TagResource", "UntagResource", "TagKeys.Items", None),
        ("route53.ChangeTagsForResource hostedzone", "ChangeTagsForResource", "RemoveTagKeys", None),
        ("elasticbeanstalk.UpdateTagsForResource", "UpdateTagsForResource", "TagsToRemove", None),
        ("datasync.TagResource", "UntagResource", "Keys", None),
        ("glue.TagResource", "UntagResource", "TagsToRemove", None),
        ("keyspaces.TagResource", "UntagResource", "tags", "key"),
    ],
)
def test_how_tags_are_removed(name: str, operation: str, keys: str, objects: str | None) -> None:
    remove = APIS[name]["remove"]
    assert (remove["operation"], remove["keys"], remove.get("key_objects")) == (operation, keys, objects)


def test_records_of_lambda_and_cloudfront_name_the_version() -> None:
    assert "TagResource20170331v2" in APIS["lambda.TagResource"]["events"]
    assert "UntagResource20170331v2" in APIS["lambda.TagResource"]["remove"]["events"]
    assert "TagResource2020_05_31" in APIS["cloudfront.TagResource"]["events"]


def test_every_operation_that_tags_is_there_or_says_what_it_lacks() -> None:
    named = {re.split(" ", name)[0] for name in APIS} | set(UNCLEAR)
    assert {f"{client}.{name}" for client in models.clients() for name in tag_operations(client)} == named


def test_what_is_by_hand_has_its_reason_and_is_of_an_operation_that_there_is() -> None:
    for name, entry in OVERLAY.items():
        assert entry["reason"]
        assert entry["source"]
        client, _, operation = name.split(" ")[0].partition(".")
        assert operation in models.model(client).operation_names
        assert name in APIS or entry["client"] == client


def test_the_file_is_current() -> None:
    apis, unclear = tag_apis.all_apis()
    head = GENERATED.splitlines()[:3]
    assert tag_apis.text(apis, unclear, head) == GENERATED, "run `python -m derive.tag_apis`"
