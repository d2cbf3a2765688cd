"""What a record of a tag call names: keys, values, resources."""

from __future__ import annotations

from typing import Any

import pytest

from harness import fixtures
from harness.tag_apis import all_tag_apis
from ownertag.core.tag_calls import TagCall, tag_call, tag_forms

FORMS = tag_forms(all_tag_apis().values())
KEYS = frozenset({"owner", "dateCreated"})


def call(request: Any, name: str = "CreateTags", source: str = "ec2.amazonaws.com") -> TagCall | None:
    record = fixtures.record(name, eventSource=source, requestParameters=request)
    return tag_call(fixtures.arrival(record).record, FORMS)


def named(found: TagCall | None) -> tuple[dict[str, str | None], dict[str, str | None], tuple[str, ...]]:
    """What is written, what is removed, and on which resources."""
    assert found is not None
    return dict(found.written), dict(found.removed), found.ids


def tags(*items: dict[str, str]) -> dict[str, Any]:
    return {"resourcesSet": {"items": [{"resourceId": "i-1"}, {"resourceId": "vol-2"}]}, "tagSet": {"items": [*items]}}


def test_a_write_names_its_tags_and_resources() -> None:
    found = call(tags({"key": "owner", "value": "mallory"}, {"key": "Name", "value": "x"}))
    assert named(found) == ({"owner": "mallory", "Name": "x"}, {}, ("i-1", "vol-2"))
    assert found is not None
    assert found.touches(KEYS) == {"owner"}


def test_a_removal_names_its_keys() -> None:
    found = call(tags({"key": "dateCreated"}), "DeleteTags")
    assert named(found) == ({}, {"dateCreated": None}, ("i-1", "vol-2"))
    assert found is not None
    assert found.touches(KEYS) == {"dateCreated"}
    assert not found.removes_all


def test_a_removal_without_keys_removes_all() -> None:
    for request in ({"resourcesSet": {"items": [{"resourceId": "i-1"}]}}, {**tags(), "resourcesSet": {}}):
        found = call(request, "DeleteTags")
        assert found is not None
        assert found.removes_all
        assert found.touches(KEYS) == KEYS


def test_a_write_without_tags_touches_nothing() -> None:
    found = call(tags())
    assert found is not None
    assert not found.removes_all
    assert found.touches(KEYS) == frozenset()


def test_letter_case_makes_no_difference() -> None:
    found = call(tags({"key": "OWNER", "value": "x"}))
    assert found is not None
    assert found.touches(KEYS) == {"owner"}


def test_one_object_stands_for_a_list_of_one() -> None:
    request = {"resourcesSet": {"items": {"resourceId": "i-1"}}, "tagSet": {"items": {"key": "owner", "value": "x"}}}
    assert named(call(request)) == ({"owner": "x"}, {}, ("i-1",))


def test_a_wrapped_call_names_the_same() -> None:
    plain = tags({"key": "owner", "value": "x"})
    assert call({"CreateTagsRequest": plain}) == call(plain)


@pytest.mark.parametrize(
    ("name", "source"), [("RunInstances", "ec2.amazonaws.com"), ("CreateTags", "rds.amazonaws.com")]
)
def test_another_call_is_none(name: str, source: str) -> None:
    assert call(tags({"key": "owner", "value": "x"}), name, source) is None


@pytest.mark.parametrize("request_", [None, [], "x", 3, {"omitted": True}])
def test_what_can_not_be_read_touches_nothing_or_is_none(request_: Any) -> None:
    found = call(request_)
    assert found is None or found.touches(KEYS) == frozenset()


@pytest.mark.parametrize("items", [[None, 1, "x", {"key": 1}, {"value": "y"}], {"key": ["owner"]}, None, "owner"])
def test_damaged_tags_are_left_out(items: Any) -> None:
    found = call({"resourcesSet": {"items": [{"resourceId": 1}, None]}, "tagSet": {"items": items}})
    assert named(found) == ({}, {}, ())


ARN = "arn:aws:any:eu-central-1:111111111111:thing/one"
OWNER = {"owner": "mallory"}

# Requests as records have them: keys with a small first letter; the documented and seen ones as they stand there.
WRITES: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "a list of objects": (
        "rds", "AddTagsToResource", {"resourceName": ARN, "tags": [{"key": "owner", "value": "mallory"}]}, ARN,
    ),
    "a map": ("sqs", "TagQueue", {"queueUrl": "https://sqs/1/one", "tags": OWNER}, "https://sqs/1/one"),
    "a list named Tag": (
        "s3", "PutBucketTagging",
        {
            "bucketName": "one", "Host": "one.s3.amazonaws.com", "tagging": "",
            "Tagging": {"xmlns": "http://x", "TagSet": {"Tag": {"Key": "owner", "Value": "mallory"}}},
        },
        "one",
    ),
    "other names of keys": (
        "kms", "TagResource", {"keyId": ARN, "tags": [{"tagKey": "owner", "tagValue": "mallory"}]}, ARN,
    ),
    "an ARN in capitals": ("es", "AddTags", {"aRN": ARN, "tagList": [{"key": "owner", "value": "mallory"}]}, ARN),
    "a name": ("iam", "TagRole", {"roleName": "one", "tags": [{"key": "owner", "value": "mallory"}]}, "one"),
    "a list of resources": (
        "elasticloadbalancing", "AddTags", {"resourceArns": [ARN], "tags": [{"key": "owner", "value": "mallory"}]}, ARN,
    ),
    "the other API of the name": (
        "elasticloadbalancing", "AddTags",
        {"loadBalancerNames": ["one"], "tags": [{"key": "owner", "value": "mallory"}]}, "one",
    ),
    "a resource in each tag": (
        "autoscaling", "CreateOrUpdateTags",
        {"tags": [{"resourceId": "one", "resourceType": "auto-scaling-group", "key": "owner", "value": "mallory"}]},
        "one",
    ),
    "items inside": (
        "cloudfront", "TagResource2020_05_31",
        {"resource": ARN, "tags": {"items": [{"key": "owner", "value": "mallory"}]}}, ARN,
    ),
    "a version in the name": ("lambda", "TagResource20170331v2", {"resource": ARN, "tags": OWNER}, ARN),
    "many services": ("tagging", "TagResources", {"resourceARNList": [ARN], "tags": OWNER}, ARN),
}  # fmt: skip
REMOVALS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "keys": ("rds", "RemoveTagsFromResource", {"resourceName": ARN, "tagKeys": ["owner"]}, ARN),
    "objects": (
        "elasticloadbalancing", "RemoveTags", {"loadBalancerNames": ["one"], "tags": [{"key": "owner"}]}, "one",
    ),
    "the other API of the name": (
        "elasticloadbalancing", "RemoveTags", {"resourceArns": [ARN], "tagKeys": ["owner"]}, ARN,
    ),
    "keys in a text": ("apigateway", "UntagResource", {"resourceArn": ARN, "tagKeys": "team,owner"}, ARN),
    "items": ("cloudfront", "UntagResource", {"resource": ARN, "tagKeys": {"items": ["owner"]}}, ARN),
    "of a changing call": (
        "route53", "ChangeTagsForResource",
        {
            "resourceType": "hostedzone", "resourceId": "Z1",
            "addTags": [{"key": "x", "value": "y"}], "removeTagKeys": ["owner"],
        },
        "Z1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_a_write_of_any_form(name: str) -> None:
    source, event, request, resource = WRITES[name]
    found = call(request, event, f"{source}.amazonaws.com")
    assert named(found) == (OWNER, {}, (resource,))


@pytest.mark.parametrize("name", REMOVALS)
def test_a_removal_of_any_form(name: str) -> None:
    source, event, request, resource = REMOVALS[name]
    found = call(request, event, f"{source}.amazonaws.com")
    assert found is not None
    assert found.ids == (resource,)
    assert found.removes("owner", "alice")
    assert not found.removes("dateCreated", "today")


def test_a_call_that_replaces_all_removes_what_it_does_not_write() -> None:
    source, event, request, _ = WRITES["a list named Tag"]
    found = call(request, event, f"{source}.amazonaws.com")
    assert found is not None
    assert found.touches(KEYS) == KEYS
    assert found.removes("dateCreated", "today")
    assert not found.removes("owner", "alice")


@pytest.mark.parametrize(
    ("source", "event", "request_"),
    [
        ("s3", "DeleteBucketTagging", {"bucketName": "one", "tagging": ""}),
        ("rds", "RemoveTagsFromResource", {"resourceName": ARN}),  # which keys is not told: any may be gone
    ],
)
def test_a_removal_that_names_no_key_may_remove_any(source: str, event: str, request_: dict[str, Any]) -> None:
    found = call(request_, event, f"{source}.amazonaws.com")
    assert found is not None
    assert found.touches(KEYS) == KEYS


def test_a_change_that_only_adds_removes_nothing() -> None:
    request = {"resourceType": "hostedzone", "resourceId": "Z1", "addTags": [{"key": "x", "value": "y"}]}
    found = call(request, "ChangeTagsForResource", "route53.amazonaws.com")
    assert found is not None
    assert found.touches(KEYS) == frozenset()
    assert found.form.apis == ("route53.ChangeTagsForResource hostedzone",)


def test_hidden_tags_are_left_out_ones() -> None:
    found = call({"resourceArn": ARN, "tags": "HIDDEN_DUE_TO_SECURITY_REASONS"}, "TagResource", "ecs.amazonaws.com")
    assert found is not None
    assert found.omitted
