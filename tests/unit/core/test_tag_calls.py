"""What a record of a tag call names: keys, values, resources."""

from __future__ import annotations

from typing import Any

import pytest

from harness import fixtures
from ownertag.core.tamper import TagCall, tag_call

KEYS = frozenset({"owner", "dateCreated"})


def call(request: Any, name: str = "CreateTags", source: str = "ec2.amazonaws.com") -> TagCall | None:
    record = fixtures.record(name, eventSource=source, requestParameters=request)
    return tag_call(fixtures.arrival(record).record)


def tags(*items: dict[str, str]) -> dict[str, Any]:
    return {"resourcesSet": {"items": [{"resourceId": "i-1"}, {"resourceId": "vol-2"}]}, "tagSet": {"items": [*items]}}


def test_a_write_names_its_tags_and_resources() -> None:
    found = call(tags({"key": "owner", "value": "mallory"}, {"key": "Name", "value": "x"}))
    assert found == TagCall(True, {"owner": "mallory", "Name": "x"}, ("i-1", "vol-2"))
    assert found.touches(KEYS) == {"owner"}


def test_a_removal_names_its_keys() -> None:
    found = call(tags({"key": "dateCreated"}), "DeleteTags")
    assert found == TagCall(False, {"dateCreated": None}, ("i-1", "vol-2"))
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
    assert call(request) == TagCall(True, {"owner": "x"}, ("i-1",))


def test_a_wrapped_call_names_the_same() -> None:
    plain = tags({"key": "owner", "value": "x"})
    assert call({"CreateTagsRequest": plain}) == call(plain)


@pytest.mark.parametrize(
    ("name", "source"), [("RunInstances", "ec2.amazonaws.com"), ("CreateTags", "s3.amazonaws.com")]
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
    assert found == TagCall(True, {}, ())
