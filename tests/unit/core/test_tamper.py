"""Who touches our tags is seen, one finding a record; our own calls, failed ones and other keys are not."""

from __future__ import annotations

from typing import Any

import pytest

from harness import fixtures
from ownertag.core.findings import MAX_CHANGES, MAX_KEY, MAX_VALUE, UNKNOWN_RESOURCE, TagChange, TamperFinding
from ownertag.core.records import Record
from ownertag.core.tamper import KnownTags, NotTampering, Tampering, detect_tampering, finding_of, named
from ownertag.core.values import Confidence, Owner, TagPairs

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
OURS = fixtures.session("ownertag", "auto-tag-role")
INSTANCE, VOLUME, OTHER = "i-0123456789abcdef0", "vol-0123456789abcdef0", "vol-0fffffffffffffff0"
ARNS = {
    INSTANCE: f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{INSTANCE}",
    **{id_: f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{id_}" for id_ in (VOLUME, OTHER)},
}
TAGS: TagPairs = (("owner", "alice"), ("dateCreated", "today"), ("WhatIsThis", "that"))


def record(
    tags: dict[str, str | None],
    name: str = "CreateTags",
    by: dict[str, Any] | None = None,
    ids: tuple[str, ...] = (INSTANCE,),
    **fields: Any,
) -> Record:
    request = {
        "resourcesSet": {"items": [{"resourceId": id_} for id_ in ids]},
        "tagSet": {
            "items": [{"key": key} if value is None else {"key": key, "value": value} for key, value in tags.items()]
        },
    }
    fields = {"userIdentity": by or fixtures.user("mallory"), "requestParameters": request, **fields}
    return fixtures.arrival(fixtures.record(name, **fields)).record


def seen(found: Record) -> Tampering | NotTampering | None:
    return detect_tampering(found, fixtures.catalogue(), fixtures.settings())


def found_in(call: Record, *known: str, tags: TagPairs = TAGS, written: bool = True) -> TamperFinding | NotTampering:
    """What is found where the ledger knows these ids as alice's, with these tags."""
    tampered = seen(call)
    assert isinstance(tampered, Tampering)
    owners = {ARNS[id_]: KnownTags(Owner("alice", "user", Confidence.ASSERTED), tags, written) for id_ in known}
    resources = tuple(named(tampered, fixtures.catalogue()))
    return finding_of(tampered, resources, owners, fixtures.settings())


def finding(call: Record, *known: str, tags: TagPairs = TAGS) -> TamperFinding:
    found = found_in(call, *known, tags=tags)
    assert isinstance(found, TamperFinding)
    return found


def silent(call: Record, *known: str, tags: TagPairs = TAGS) -> str:
    found = found_in(call, *known, tags=tags)
    assert isinstance(found, NotTampering)
    return found.reason


# --- whose calls are looked at


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
        (record({}, "DeleteTags", by=OURS), "our own"),
        (record({"owner": None}, "DeleteTags", by=OURS), "our own"),
        (record({}, by=OURS, requestParameters=fixtures.OMITTED), "our own"),
        (record({"owner": "x"}, errorCode="Client.UnauthorizedOperation"), "failed"),
        (record({}, errorCode="Client.X", requestParameters=fixtures.OMITTED), "failed"),
        (record({"Name": "x"}), "no protected key"),
        (record({"Name": None}, "DeleteTags"), "no protected key"),
        (record({"owner": "x"}, ids=()), "no resource"),
    ],
)
def test_what_needs_no_finding_says_why(call: Record, reason: str) -> None:
    found = seen(call)
    assert isinstance(found, NotTampering)
    assert reason in found.reason


def test_another_call_is_none() -> None:
    assert seen(fixtures.arrival(fixtures.record("CreateVolume")).record) is None


# --- who writes our keys


def test_a_write_is_one_finding_whatever_it_names() -> None:
    found = finding(record({"owner": "mallory", "Name": "x", "dateCreated": "y"}, ids=(INSTANCE, VOLUME)), INSTANCE)
    assert (found.resource, found.resources, found.typed) == (ARNS[INSTANCE], 2, True)
    assert found.changes == (TagChange("owner", "alice", "mallory"), TagChange("dateCreated", "today", "y"))
    assert (found.owner, found.by) == ("alice", f"arn:aws:iam::{ACCOUNT}:user/mallory")


def test_of_what_it_names_the_first_that_is_known_is_told() -> None:
    """So that nobody hides whose tags he changes behind a resource of his own."""
    found = finding(record({"owner": "mallory"}, ids=("x-1", OTHER, VOLUME, INSTANCE)), INSTANCE, VOLUME)
    assert (found.resource, found.resources, found.owner) == (ARNS[VOLUME], 4, "alice")


def test_nothing_known_is_a_finding_all_the_same() -> None:
    found = finding(record({"owner": "x"}, ids=(OTHER, VOLUME)))
    assert (found.resource, found.resources, found.owner) == (ARNS[OTHER], 2, None)
    assert found.changes == (TagChange("owner", None, "x"),)


@pytest.mark.parametrize(
    "id_", ["xyz-1", "arn:aws:ec2:::i-1", "i-0123456789abcdef0 ", "I-0123456789abcdef0", "x" * 999]
)
def test_an_id_that_the_catalogue_does_not_know_is_told_as_it_is(id_: str) -> None:
    found = finding(record({"owner": "x"}, ids=(id_,)))
    assert (found.resource, found.typed, found.resources) == (id_[:64], False, 1)


def test_who_writes_what_we_had_written_changes_nothing() -> None:
    same = record({"owner": "alice", "dateCreated": "today"}, ids=(INSTANCE, VOLUME))
    assert "there already" in silent(same, INSTANCE, VOLUME)
    found = finding(same, VOLUME)
    assert (found.resource, found.resources) == (ARNS[INSTANCE], 1)
    assert found.changes == (TagChange("owner", None, "alice"), TagChange("dateCreated", None, "today"))


def test_a_key_that_has_our_value_everywhere_is_left_out() -> None:
    found = finding(record({"owner": "alice", "dateCreated": "x"}), INSTANCE)
    assert found.changes == (TagChange("dateCreated", "today", "x"),)


@pytest.mark.parametrize("key", ["Owner", "OWNER", "oWNER"])
def test_a_key_in_another_letter_case_is_another_tag_and_told_as_written(key: str) -> None:
    found = finding(record({key: "alice"}), INSTANCE)
    assert found.changes == (TagChange(key, None, "alice"),)


def test_ours_is_told_before_those_that_only_look_like_it() -> None:
    found = finding(record({"OWNER": "a", "Owner": "b", "owner": "c"}), INSTANCE)
    assert [change.key for change in found.changes] == ["owner", "OWNER", "Owner"]


def test_a_tag_without_a_value_has_an_empty_one() -> None:
    assert finding(record({"owner": None}), INSTANCE).changes == (TagChange("owner", "alice", ""),)


# --- who removes them


def test_a_removal_of_what_we_wrote_is_one_finding_and_names_only_that() -> None:
    call = record({"owner": None, "Name": None}, "DeleteTags", ids=(OTHER, "x-1", VOLUME, INSTANCE))
    found = finding(call, INSTANCE, VOLUME)
    assert (found.resource, found.resources) == (ARNS[VOLUME], 2)
    assert found.changes == (TagChange("owner", "alice", None),)


def test_a_removal_of_all_has_every_key_of_ours() -> None:
    found = finding(record({}, "DeleteTags"), INSTANCE)
    assert found.changes == tuple(TagChange(key, value, None) for key, value in TAGS)


@pytest.mark.parametrize("tags", [{}, {"owner": None}, {"owner": "alice"}])
@pytest.mark.parametrize("ids", [(VOLUME,), (VOLUME, OTHER, "x-1"), ("x-1",)])
def test_a_removal_where_nothing_of_ours_is_known_is_silent(tags: dict[str, str | None], ids: tuple[str, ...]) -> None:
    assert "nothing that we are known to have written" in silent(record(tags, "DeleteTags", ids=ids), INSTANCE)


def test_a_removal_by_value_removes_that_value_alone() -> None:
    assert finding(record({"owner": "alice"}, "DeleteTags"), INSTANCE).changes == (TagChange("owner", "alice", None),)
    for value in ("Alice", "", "bob", "alice "):
        assert silent(record({"owner": value}, "DeleteTags"), INSTANCE)
    assert finding(record({"owner": ""}, "DeleteTags"), INSTANCE, tags=(("owner", ""),)).resources == 1


@pytest.mark.parametrize("key", ["Owner", "OWNER"])
def test_a_removal_in_another_letter_case_removes_nothing_of_ours(key: str) -> None:
    assert silent(record({key: None}, "DeleteTags"), INSTANCE)


def test_a_key_that_we_never_wrote_there_is_not_removed() -> None:
    assert silent(record({"dateCreated": None}, "DeleteTags"), INSTANCE, tags=(("owner", "alice"),))


def test_what_was_only_decided_can_be_written_by_others_but_not_removed() -> None:
    """An observed account has no tags of ours: nobody removes them, and our own value changes nothing of ours."""
    assert isinstance(found_in(record({"owner": "alice"}), INSTANCE, written=False), NotTampering)
    other = found_in(record({"owner": "bob"}), INSTANCE, written=False)
    assert isinstance(other, TamperFinding)
    assert (other.changes, other.owner) == ((TagChange("owner", None, "bob"),), "alice")
    for tags in list[dict[str, str | None]]([{"owner": None}, {}]):
        assert isinstance(found_in(record(tags, "DeleteTags"), INSTANCE), TamperFinding)
        assert isinstance(found_in(record(tags, "DeleteTags"), INSTANCE, written=False), NotTampering)


# --- what CloudTrail leaves out, and what is made to be much


@pytest.mark.parametrize("name", ["CreateTags", "DeleteTags"])
def test_a_request_that_was_left_out_is_a_finding_of_what_nobody_knows(name: str) -> None:
    """A thousand ids and fifty long tags are more than 100 KB: else that would be the way to hide a call."""
    found = finding(record({}, name, requestParameters=fixtures.OMITTED))
    assert (found.omitted, found.resource, found.typed) == (True, UNKNOWN_RESOURCE, False)
    assert (found.changes, found.resources) == ((), 0)


def test_a_hundred_kilobytes_of_keys_are_told_as_far_as_a_resource_can_have_them() -> None:
    variants = {
        "".join(char.upper() if number >> at & 1 else char for at, char in enumerate("datecreated")): "x" * 900
        for number in range(120)
    }
    found = finding(record({"Owner": "y", "owner": "y", **variants}), INSTANCE)
    assert len(found.changes) == MAX_CHANGES
    assert found.changes[0] == TagChange("owner", "alice", "y")
    assert found.more_changes == 2 + 120 - MAX_CHANGES
    assert all(len(change.key) <= MAX_KEY and len(change.new or "") <= MAX_VALUE for change in found.changes)


@pytest.mark.parametrize("form", ["vol-{:017x}", "zzz{:09}-{:06x}", "fleet-{:08x}-a-a-a-{:012x}"])
def test_ten_thousand_ids_are_one_finding(form: str) -> None:
    ids = tuple(form.format(number, number) for number in range(10_000))
    found = finding(record({"owner": "x"}, ids=ids))
    assert (found.resources, len(found.changes)) == (10_000, 1)
