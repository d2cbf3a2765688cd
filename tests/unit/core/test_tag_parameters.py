"""Tag calls are built from data: each of the shipped ones as the service's own model takes it, and each form."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ParamValidationError
from botocore.validate import validate_parameters

from derive import models
from harness.tag_apis import all_tag_apis
from ownertag.core.catalogue_types import TagApi
from ownertag.core.tag_parameters import failures_in, reading, removing, tags_in, writing
from ownertag.core.values import Failure, Resource, Write

APIS = all_tag_apis()
TAGS = (("owner", "alice"), ("WhatIsThis", "made by a test"))
KEYS = ["owner", "WhatIsThis"]
LIST = [{"Key": "owner", "Value": "alice"}, {"Key": "WhatIsThis", "Value": "made by a test"}]
ACCOUNT, REGION = "111111111111", "eu-central-1"


def write(name: str, arn: str, id_: str, *more: Resource, region: str = REGION) -> Write:
    return Write(ACCOUNT, region, name, TAGS, (Resource(arn, id_, "any:type"), *more))


def at(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


# From the examples and syntaxes of each service's API reference.
WRITES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "rds.AddTagsToResource": (
        at("rds", "db:one"), "one", {"ResourceName": at("rds", "db:one"), "Tags": LIST},
    ),
    "lambda.TagResource": (
        at("lambda", "function:one"), "one", {"Resource": at("lambda", "function:one"), "Tags": dict(TAGS)},
    ),
    "iam.TagRole": ("arn:aws:iam::111111111111:role/a/b/one", "a/b/one", {"RoleName": "one", "Tags": LIST}),
    "kms.TagResource": (
        at("kms", "key/one"), "one",
        {
            "KeyId": at("kms", "key/one"),
            "Tags": [
                {"TagKey": "owner", "TagValue": "alice"}, {"TagKey": "WhatIsThis", "TagValue": "made by a test"},
            ],
        },
    ),
    "cloudfront.TagResource": (
        "arn:aws:cloudfront::111111111111:distribution/ONE", "ONE",
        {"Resource": "arn:aws:cloudfront::111111111111:distribution/ONE", "Tags": {"Items": LIST}},
    ),
    "route53.ChangeTagsForResource hostedzone": (
        "arn:aws:route53:::hostedzone/Z1", "Z1", {"ResourceType": "hostedzone", "ResourceId": "Z1", "AddTags": LIST},
    ),
    "sqs.TagQueue": (
        at("sqs", "one"), "one",
        {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/111111111111/one", "Tags": dict(TAGS)},
    ),
    "ssm.AddTagsToResource Parameter": (
        at("ssm", "parameter/app/one"), "app/one",
        {"ResourceType": "Parameter", "ResourceId": "/app/one", "Tags": LIST},
    ),
    "s3control.TagResource": (
        "arn:aws:s3:::one", "one", {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::one", "Tags": LIST},
    ),
    "elb.AddTags": (
        at("elasticloadbalancing", "loadbalancer/one"), "one", {"LoadBalancerNames": ["one"], "Tags": LIST},
    ),
    "elbv2.AddTags": (
        at("elasticloadbalancing", "loadbalancer/app/one/50dc"), "app/one/50dc",
        {"ResourceArns": [at("elasticloadbalancing", "loadbalancer/app/one/50dc")], "Tags": LIST},
    ),
    "autoscaling.CreateOrUpdateTags": (
        at("autoscaling", "autoScalingGroup:*:autoScalingGroupName/one"), "one",
        {
            "Tags": [
                {**tag, "ResourceId": "one", "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
                for tag in LIST
            ]
        },
    ),
    "glacier.AddTagsToVault": (
        at("glacier", "vaults/one"), "one", {"accountId": ACCOUNT, "vaultName": "one", "Tags": dict(TAGS)},
    ),
    "organizations.TagResource": (
        "arn:aws:organizations::111111111111:account/o-1/222222222222", "o-1/222222222222",
        {"ResourceId": "222222222222", "Tags": LIST},
    ),
    "elasticbeanstalk.UpdateTagsForResource": (
        at("elasticbeanstalk", "environment/a/one"), "a/one",
        {"ResourceArn": at("elasticbeanstalk", "environment/a/one"), "TagsToAdd": LIST},
    ),
    "efs.TagResource": (
        at("elasticfilesystem", "file-system/fs-1"), "fs-1", {"ResourceId": "fs-1", "Tags": LIST},
    ),
    "cloudtrail.AddTags": (
        at("cloudtrail", "trail/one"), "one", {"ResourceId": at("cloudtrail", "trail/one"), "TagsList": LIST},
    ),
    "mq.CreateTags": (
        at("mq", "broker:one:b-1"), "one:b-1", {"ResourceArn": at("mq", "broker:one:b-1"), "Tags": dict(TAGS)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_the_parameters_of_a_write(name: str) -> None:
    arn, id_, expected = WRITES[name]
    assert writing(APIS[name], write(name, arn, id_)) == expected


#: Their removals want each key with its value; ownertag removes nothing, and reads keys alone in records.
WITH_VALUES = {"discovery.CreateTags", "keyspaces.TagResource"}


def checked(api: TagApi, operation: str, parameters: dict[str, Any]) -> None:
    shape = models.operation(api.client, operation).input_shape
    assert shape is not None
    try:
        validate_parameters(parameters, shape)
    except ParamValidationError as error:
        # Made-up ids have not the lengths that some models ask for; names and types are what is looked at.
        faults = [line for line in str(error).splitlines()[1:] if "Invalid length" not in line]
        assert not faults, api.name


@pytest.mark.parametrize("name", sorted(APIS))
def test_the_services_own_model_takes_what_is_built(name: str) -> None:
    api = APIS[name]
    one = write(name, at("any", "thing/some-name"), "some-name")
    checked(api, api.operation, writing(api, one))
    if api.read:
        checked(api, api.read.operation, reading(api.read, one.resources, ACCOUNT, REGION))
    if api.remove and name not in WITH_VALUES:
        checked(api, api.remove.operation, removing(api, api.remove, one))


def test_a_thousand_resources_of_ec2_are_one_list() -> None:
    ids = [f"vol-{number:017x}" for number in range(1000)]
    first, *others = (Resource(at("ec2", f"volume/{id_}"), id_, "ec2:volume") for id_ in ids)
    parameters = writing(APIS["ec2.CreateTags"], write("ec2.CreateTags", first.arn, first.id, *others))
    assert parameters == {"Resources": ids, "Tags": LIST}


def test_a_queue_in_china_has_the_host_of_its_partition() -> None:
    queue = write("sqs.TagQueue", "arn:aws-cn:sqs:cn-north-1:111111111111:one", "one", region="cn-north-1")
    assert writing(APIS["sqs.TagQueue"], queue)["QueueUrl"] == (
        "https://sqs.cn-north-1.amazonaws.com.cn/111111111111/one"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rds.AddTagsToResource", {"ResourceName": at("any", "one"), "TagKeys": KEYS}),
        ("elb.AddTags", {"LoadBalancerNames": ["one"], "Tags": [{"Key": key} for key in KEYS]}),
        ("cloudfront.TagResource", {"Resource": at("any", "one"), "TagKeys": {"Items": KEYS}}),
        ("s3.PutBucketTagging", {"Bucket": "one"}),
        (
            "route53.ChangeTagsForResource healthcheck",
            {"ResourceType": "healthcheck", "ResourceId": "one", "RemoveTagKeys": KEYS},
        ),
    ],
)
def test_the_parameters_of_a_removal(name: str, expected: dict[str, Any]) -> None:
    api = APIS[name]
    assert api.remove
    assert removing(api, api.remove, write(name, at("any", "one"), "one")) == expected


@pytest.mark.parametrize(
    ("name", "answer", "expected"),
    [
        ("rds.AddTagsToResource", {"TagList": LIST}, dict(TAGS)),
        ("rds.AddTagsToResource", {}, {}),
        ("sqs.TagQueue", {"Tags": {"owner": "alice"}}, {"owner": "alice"}),
        ("sqs.TagQueue", {"Tags": None}, {}),
        ("elbv2.AddTags", {"TagDescriptions": [{"ResourceArn": "x", "Tags": LIST}]}, dict(TAGS)),
        ("redshift.CreateTags", {"TaggedResources": [{"Tag": LIST[0], "ResourceName": "x"}]}, {"owner": "alice"}),
        ("cloudfront.TagResource", {"Tags": {"Items": [{"Key": "owner"}]}}, {"owner": ""}),
        ("route53.ChangeTagsForResource hostedzone", {"ResourceTagSet": {"Tags": LIST}}, dict(TAGS)),
        ("secretsmanager.TagResource", {"Name": "x", "Tags": LIST}, dict(TAGS)),
    ],
)
def test_tags_are_found_in_an_answer(name: str, answer: dict[str, Any], expected: dict[str, str]) -> None:
    read = APIS[name].read
    assert read
    assert tags_in(read, [answer]) == expected


def test_the_tags_of_all_pages_count() -> None:
    read = APIS["iam.TagRole"].read
    assert read
    assert tags_in(read, [{"Tags": LIST[:1]}, {"Tags": LIST[1:]}]) == dict(TAGS)


MANY = "resourcegroupstaggingapi.TagResources"
TWO = write(MANY, at("sqs", "one"), "one", Resource(at("sqs", "two"), "two", "sqs:queue"))


def test_single_resources_that_failed_though_the_call_did_not() -> None:
    answer = {"FailedResourcesMap": {at("sqs", "two"): {"StatusCode": 400, "ErrorCode": "InvalidParameterException"}}}
    assert failures_in(APIS[MANY], TWO, answer) == {at("sqs", "two"): Failure("InvalidParameterException")}


def test_none_failed() -> None:
    assert failures_in(APIS[MANY], TWO, {"FailedResourcesMap": {}}) == {}
    assert failures_in(APIS[MANY], TWO, {}) == {}


def test_a_failure_of_what_was_not_named_counts_against_all() -> None:
    failed = failures_in(APIS[MANY], TWO, {"FailedResourcesMap": {"arn:aws:other": {}}})
    assert failed == dict.fromkeys((at("sqs", "one"), at("sqs", "two")), Failure("Unknown"))
