"""Who touches our tags is seen; our own calls, failed ones and other keys are not."""

from __future__ import annotations

from typing import Any

import pytest

from harness import fixtures
from ownertag.core.records import Record
from ownertag.core.tamper import NotTampering, Tampering, tampering

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
OURS = fixtures.session("ownertag", "auto-tag-role")
INSTANCE, VOLUME = "i-0123456789abcdef0", "vol-0123456789abcdef0"


def record(
    tags: dict[str, str | None],
    name: str = "CreateTags",
    by: dict[str, Any] | None = None,
    ids: tuple[str, ...] = (INSTANCE,),
    **fields: Any,
) -> Record:
    request = {
        "resourcesSet": {"items": [{"resourceId": each} for each in ids]},
        "tagSet": {
            "items": [{"key": key} if value is None else {"key": key, "value": value} for key, value in tags.items()]
        },
    }
    fields = {"userIdentity": by or fixtures.user("mallory"), "requestParameters": request, **fields}
    return fixtures.arrival(fixtures.record(name, **fields)).record


def seen(found: Record) -> Tampering | NotTampering | None:
    return tampering(found, fixtures.catalogue(), fixtures.settings())


def test_a_write_has_the_new_value_by_our_spelling() -> None:
    found = seen(record({"OWNER": "mallory", "Name": "x"}, ids=(INSTANCE, VOLUME)))
    assert isinstance(found, Tampering)
    assert found.values == {"owner": "mallory"}
    assert [each.arn for each in found.resources] == [
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{INSTANCE}",
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{VOLUME}",
    ]


def test_a_removal_has_none_even_where_it_names_a_value() -> None:
    found = seen(record({"owner": "alice", "dateCreated": None}, "DeleteTags"))
    assert isinstance(found, Tampering)
    assert found.values == {"owner": None, "dateCreated": None}


def test_a_removal_of_all_touches_every_key_of_ours() -> None:
    found = seen(record({}, "DeleteTags"))
    assert isinstance(found, Tampering)
    assert found.values == {"owner": None, "dateCreated": None, "WhatIsThis": None}


@pytest.mark.parametrize(
    ("by", "why"),
    [
        (fixtures.session("ownertag", "auto-tag-role", account=fixtures.OTHER_ACCOUNT), "of another account"),
        (fixtures.session("ownertag", "auto-tag-role", path="/team/"), "at a path"),
        (fixtures.session("ownertag", "auto-tag-role-2"), "of a longer name"),
        (fixtures.user("auto-tag-role"), "a user of that name"),
        (fixtures.session("auto-tag-role", "developer"), "a session of that name"),
    ],
)
def test_who_only_looks_like_the_tagger_is_not_it(by: dict[str, Any], why: str) -> None:
    assert isinstance(seen(record({"owner": "x"}, by=by)), Tampering), why


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (record({"owner": "alice"}, by=OURS), "our own"),
        (record({"owner": "x"}, errorCode="Client.UnauthorizedOperation"), "failed"),
        (record({"Name": "x"}), "no protected key"),
        (record({"Name": None}, "DeleteTags"), "no protected key"),
    ],
)
def test_what_needs_no_finding_says_why(call: Record, reason: str) -> None:
    found = seen(call)
    assert isinstance(found, NotTampering)
    assert reason in found.reason


def test_another_call_is_none() -> None:
    assert seen(fixtures.arrival(fixtures.record("CreateVolume")).record) is None


def test_an_id_that_the_catalogue_does_not_know_is_kept_aside() -> None:
    found = seen(record({"owner": "x"}, ids=(INSTANCE, "xyz-1", "arn:aws:ec2:::i-1")))
    assert isinstance(found, Tampering)
    assert ([each.id for each in found.resources], found.unknown) == ([INSTANCE], ("xyz-1", "arn:aws:ec2:::i-1"))
