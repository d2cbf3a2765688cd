"""A change of our tags is seen on resources of any service, by the ARN, id, name or URL that its call takes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from harness import fixtures
from harness.tag_apis import all_tag_apis
from ownertag.core.catalogue_types import ResourceType
from ownertag.core.findings import TagChange, TamperFinding
from ownertag.core.tag_calls import tag_forms
from ownertag.core.tamper import KnownTags, NotTampering, Tampering, detect_tampering, finding_of, named
from ownertag.core.values import Confidence, Owner

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
NAME = "[A-Za-z0-9_.-]{1,80}"


def kind(name: str, arn: str, api: str, id_: str = NAME) -> ResourceType:
    return ResourceType(name, name.partition(":")[0], arn, id_, api)


# The forms of ARNs as the service authorization reference has them.
_HERE = "{region}:{account}"
TYPES = [
    kind("rds:db", f"arn:{{partition}}:rds:{_HERE}:db:{{id}}", "rds.AddTagsToResource"),
    kind("rds:cluster", f"arn:{{partition}}:rds:{_HERE}:cluster:{{id}}", "rds.AddTagsToResource"),
    kind("iam:role", "arn:{partition}:iam::{account}:role/{id}", "iam.TagRole"),
    kind("iam:user", "arn:{partition}:iam::{account}:user/{id}", "iam.TagUser"),
    kind("sqs:queue", f"arn:{{partition}}:sqs:{_HERE}:{{id}}", "sqs.TagQueue"),
    kind("s3:bucket", "arn:{partition}:s3:::{id}", "s3control.TagResource"),
    kind("ssm:parameter", f"arn:{{partition}}:ssm:{_HERE}:parameter/{{id}}", "ssm.AddTagsToResource Parameter",
         r"[A-Za-z0-9_./-]{1,900}"),
    kind("ssm:document", f"arn:{{partition}}:ssm:{_HERE}:document/{{id}}", "ssm.AddTagsToResource Document"),
    kind("autoscaling:autoScalingGroup",
         f"arn:{{partition}}:autoscaling:{_HERE}:autoScalingGroup:*:autoScalingGroupName/{{id}}",
         "autoscaling.CreateOrUpdateTags"),
    kind("kinesis:stream", f"arn:{{partition}}:kinesis:{_HERE}:stream/{{id}}", "kinesis.AddTagsToStream"),
    kind("logs:log-group", f"arn:{{partition}}:logs:{_HERE}:log-group:{{id}}", "logs.TagResource"),
]  # fmt: skip
APIS = all_tag_apis()
_USED = {type_.tag_api for type_ in TYPES}
CATALOGUE = replace(
    fixtures.catalogue(),
    types={type_.name: type_ for type_ in TYPES},
    tag_apis={name: api for name, api in APIS.items() if name in _USED},
    watched={name: api for name, api in APIS.items() if name not in _USED},
    tag_calls=tag_forms(APIS.values()),
)
OWNER = [{"key": "owner", "value": "mallory"}]


def arn(rest: str, service: str, place: str = f"{REGION}:{ACCOUNT}") -> str:
    return f"arn:aws:{service}:{place}:{rest}"


CALLS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "by its ARN": (
        "rds", "AddTagsToResource", {"resourceName": arn("db:one", "rds"), "tags": OWNER}, arn("db:one", "rds"),
    ),
    "of another type of the call": (
        "rds", "AddTagsToResource",
        {"resourceName": arn("cluster:one", "rds"), "tags": OWNER}, arn("cluster:one", "rds"),
    ),
    "by its name": (
        "iam", "TagRole", {"roleName": "one", "tags": OWNER}, arn("role/one", "iam", f":{ACCOUNT}"),
    ),
    "by its name, a user": (
        "iam", "TagUser", {"userName": "one", "tags": OWNER}, arn("user/one", "iam", f":{ACCOUNT}"),
    ),
    "by its URL": (
        "sqs", "TagQueue",
        {"queueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/one", "tags": {"owner": "mallory"}},
        arn("one", "sqs"),
    ),
    "by a call that replaces all": (
        "s3", "PutBucketTagging",
        {"bucketName": "one", "Tagging": {"TagSet": {"Tag": {"Key": "owner", "Value": "mallory"}}}},
        arn("one", "s3", ":"),
    ),
    "by its kind and name": (
        "ssm", "AddTagsToResource",
        {"resourceType": "Parameter", "resourceId": "/app/one", "tags": OWNER}, arn("parameter/app/one", "ssm"),
    ),
    "by another kind and the same name": (
        "ssm", "AddTagsToResource",
        {"resourceType": "Document", "resourceId": "one", "tags": OWNER}, arn("document/one", "ssm"),
    ),
    "by its ARN, under the name of the address": (
        "rds", "AddTagsToResource", {"resource-name": arn("db:one", "rds"), "tags": OWNER}, arn("db:one", "rds"),
    ),
    "by each tag": (
        "autoscaling", "CreateOrUpdateTags",
        {"tags": [{**OWNER[0], "resourceId": "one", "resourceType": "auto-scaling-group"}]},
        arn("autoScalingGroup:*:autoScalingGroupName/one", "autoscaling"),
    ),
    "by the old call of its service": (
        "logs", "TagLogGroup", {"logGroupName": "one", "tags": {"owner": "mallory"}}, arn("log-group:one", "logs"),
    ),
    "by the call of all services": (
        "tagging", "TagResources",
        {"resourceARNList": [arn("one", "sqs")], "tags": {"owner": "mallory"}}, arn("one", "sqs"),
    ),
}  # fmt: skip


def found_in(source: str, event: str, request: dict[str, Any], known: str) -> TamperFinding | NotTampering:
    fields = {"eventSource": f"{source}.amazonaws.com", "requestParameters": request}
    record = fixtures.arrival(fixtures.record(event, userIdentity=fixtures.user("mallory"), **fields)).record
    tampered = detect_tampering(record, CATALOGUE, fixtures.settings())
    assert isinstance(tampered, Tampering)
    owners = {known: KnownTags(Owner("alice", "user", Confidence.ASSERTED), (("owner", "alice"),))}
    return finding_of(tampered, named(tampered, CATALOGUE), owners, fixtures.settings())


@pytest.mark.parametrize("name", CALLS)
def test_an_overwritten_owner_is_seen(name: str) -> None:
    source, event, request, known = CALLS[name]
    found = found_in(source, event, request, known)
    assert isinstance(found, TamperFinding)
    assert (found.resource, found.owner) == (known, "alice")
    assert found.changes == (TagChange("owner", "alice", "mallory"),)


@pytest.mark.parametrize(
    ("source", "event", "request_", "known"),
    [
        ("sqs", "UntagQueue", {"queueUrl": f"https://sqs/{ACCOUNT}/one", "tagKeys": ["owner"]}, arn("one", "sqs")),
        ("s3", "DeleteBucketTagging", {"bucketName": "one"}, arn("one", "s3", ":")),
        (
            "s3",
            "PutBucketTagging",
            {"bucketName": "one", "Tagging": {"TagSet": {"Tag": {"Key": "x", "Value": "y"}}}},
            arn("one", "s3", ":"),
        ),
        ("kinesis", "RemoveTagsFromStream", {"streamName": "one", "tagKeys": ["owner"]}, arn("stream/one", "kinesis")),
        ("iam", "UntagRole", {"roleName": "one", "tagKeys": ["owner"]}, arn("role/one", "iam", f":{ACCOUNT}")),
    ],
)
def test_a_removed_owner_is_seen(source: str, event: str, request_: dict[str, Any], known: str) -> None:
    found = found_in(source, event, request_, known)
    assert isinstance(found, TamperFinding)
    assert found.changes == (TagChange("owner", "alice", None),)


def test_the_same_value_again_is_no_finding() -> None:
    request = {"queueUrl": f"https://sqs/{ACCOUNT}/one", "tags": {"owner": "alice"}}
    assert found_in("sqs", "TagQueue", request, arn("one", "sqs")) == NotTampering("it writes what is there already")


@pytest.mark.parametrize(
    "other",
    [
        arn("db:one", "rds", f"{REGION}:999999999999"),
        arn("db:one", "rds", f"us-east-1:{ACCOUNT}"),
        arn("snapshot:one", "rds"),
        "arn:aws:rds:no",
    ],
)
def test_what_is_not_of_the_account_region_or_a_type_is_named_as_it_stands(other: str) -> None:
    found = found_in("rds", "AddTagsToResource", {"resourceName": other, "tags": OWNER}, arn("db:one", "rds"))
    assert isinstance(found, TamperFinding)
    assert (found.resource, found.owner, found.typed) == (other, None, False)


def test_an_id_that_fits_two_types_may_be_of_either() -> None:
    efs = f"arn:{{partition}}:elasticfilesystem:{_HERE}:"
    types = [
        kind(f"elasticfilesystem:{name}", f"{efs}{name}/{{id}}", "efs.TagResource")
        for name in ("access-point", "file-system")
    ]
    both = replace(CATALOGUE, types={type_.name: type_ for type_ in types}, tag_apis=APIS)
    request = {"resourceId": "fs-1", "tags": OWNER}
    fields = {"eventSource": "elasticfilesystem.amazonaws.com", "requestParameters": request}
    record = fixtures.arrival(fixtures.record("TagResource", userIdentity=fixtures.user("mallory"), **fields)).record
    tampered = detect_tampering(record, both, fixtures.settings())
    assert isinstance(tampered, Tampering)
    [found] = named(tampered, both)
    assert (found.id, found.arn) == ("fs-1", arn("access-point/fs-1", "elasticfilesystem"))
    assert found.others == (arn("file-system/fs-1", "elasticfilesystem"),)


def test_keys_that_a_record_hides_may_be_ours() -> None:
    # AWS Backup's model calls the keys of UntagResource sensitive.
    request = {"resourceArn": arn("backup-vault:one", "backup"), "tagKeyList": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    found = found_in("backup", "UntagResource", request, arn("backup-vault:one", "backup"))
    assert isinstance(found, TamperFinding)
    assert found.omitted
