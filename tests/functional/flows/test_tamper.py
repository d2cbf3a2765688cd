"""Who touches our tags is kept and told once, with the old value and the new; our own calls give nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from flows.hub import refusal_of
from harness import fixtures
from harness.fakes import FakeAccounts, FakeAws, FakeLookups, FakeTagger, Launched
from harness.memory_ledger import MemoryLedger
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.findings import TagChange, TamperFinding
from ownertag.core.ownership import ResourceKey
from ownertag.core.values import Failure, LaunchedInstance, OutcomeKind, Reason, Unavailable
from ownertag.flows.live import BatchAnswer, Message, handle
from ownertag.flows.ports import Ports
from ownertag.ledger.entries import Entry, TagChanged
from ownertag.ledger.port import LedgerError

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
VOLUME = "vol-0a1b2c3d4e5f60718"
ARN = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{VOLUME}"
OURS = fixtures.session("ownertag", "auto-tag-role")


class Told:
    """Keeps what it is told, or fails."""

    def __init__(self) -> None:
        self.findings: list[TamperFinding] = []
        self.failure: Failure | None = None

    def publish(self, findings: Sequence[TamperFinding]) -> list[Failure | None]:
        if self.failure is None:
            self.findings += findings
        return [self.failure] * len(findings)


class World:
    """A hub over fakes, with a ledger that remembers from batch to batch."""

    def __init__(self) -> None:
        self.aws, self.ledger, self.told = FakeAws(), MemoryLedger(), Told()
        self.accounts = FakeAccounts({ACCOUNT})
        self.settings = fixtures.settings()
        self.catalogue = fixtures.catalogue()

    def __call__(self, *records: dict[str, Any], receives: int = 1) -> BatchAnswer:
        ports = Ports(
            self.accounts,
            FakeLookups(self.aws),
            FakeTagger(self.aws),
            lambda: fixtures.SOON,
            ledger=self.ledger,
            findings=self.told,
        )
        bodies = [json.dumps(fixtures.event(record)) for record in records]
        messages = [Message(str(number), body, receives=receives) for number, body in enumerate(bodies)]
        return handle(messages, ports, self.catalogue, self.settings)

    def changes(self) -> list[TagChanged]:
        history = self.ledger.history(ResourceKey(ACCOUNT, REGION, ARN))
        return [entry for entry in history if isinstance(entry, TagChanged)]


def created() -> dict[str, Any]:
    return fixtures.record("CreateVolume", responseElements={"volumeId": VOLUME}, userIdentity=fixtures.user("alice"))


def call(tags: dict[str, str | None], name: str = "CreateTags", event: int = 1, **fields: Any) -> dict[str, Any]:
    items = [{"key": key} if value is None else {"key": key, "value": value} for key, value in tags.items()]
    request = {"resourcesSet": {"items": [{"resourceId": VOLUME}]}, "tagSet": {"items": items}}
    return fixtures.record(
        name,
        **{
            "eventID": f"00000000-0000-4000-8000-{event:012}",
            "userIdentity": fixtures.user("mallory"),
            "requestParameters": request,
            **fields,
        },
    )


@pytest.fixture
def world() -> World:
    found = World()
    assert len(found(created()).done) == 1
    return found


def test_an_overwritten_owner_is_one_finding_with_old_and_new(world: World) -> None:
    answer = world(call({"owner": "mallory", "Name": "x"}))
    assert len(answer.done) == 1
    [finding] = world.told.findings
    assert (finding.resource, finding.changes) == (ARN, (TagChange("owner", "alice", "mallory"),))
    assert (finding.by, finding.owner) == (f"arn:aws:iam::{ACCOUNT}:user/mallory", "alice")
    [kept] = world.changes()
    assert (kept.changes, kept.resources, kept.actor.principal) == (finding.changes, 1, finding.by)


def test_a_removed_key_has_no_new_value(world: World) -> None:
    world(call({"owner": None}, "DeleteTags"))
    assert [finding.changes for finding in world.told.findings] == [(TagChange("owner", "alice", None),)]


def test_all_removed_is_one_finding_with_each_key(world: World) -> None:
    world(call({}, "DeleteTags"))
    [finding] = world.told.findings
    assert {change.key for change in finding.changes} == {"WhatIsThis", "dateCreated", "owner"}
    assert all(change.old for change in finding.changes)


@pytest.mark.parametrize("tags", [{}, {"owner": None}, {"owner": "mallory"}])
def test_a_removal_where_nothing_of_ours_is_known_is_done_and_silent(tags: dict[str, str | None]) -> None:
    world = World()
    [done] = world(call(tags, "DeleteTags")).done
    assert refusal_of(done).reason is Reason.NO_FINDING
    assert "nothing that we are known to have written" in refusal_of(done).detail
    assert (world.told.findings, world.ledger.entries) == ([], {})


def test_our_own_call_gives_none_and_is_done(world: World) -> None:
    answer = world(call({"owner": "alice"}, userIdentity=OURS))
    assert (len(answer.done), world.told.findings, world.changes()) == (1, [], [])


def test_who_writes_what_we_had_written_changes_nothing(world: World) -> None:
    answer = world(call({"owner": "alice"}))
    assert (len(answer.done), world.told.findings) == (1, [])


def test_a_resource_that_the_ledger_does_not_know_has_no_old_value_and_no_way_back(world: World) -> None:
    other = "vol-0ffffffffffffffff"
    request = {
        "resourcesSet": {"items": [{"resourceId": other}]},
        "tagSet": {"items": [{"key": "owner", "value": "x"}]},
    }
    world(call({}, requestParameters=request))
    [finding] = world.told.findings
    assert (finding.changes, finding.owner) == ((TagChange("owner", None, "x"),), None)


def launched(tags: dict[str, str], type_: str = "volume", **fields: Any) -> dict[str, Any]:
    """A creation that brings tags along."""
    items = [{"resourceType": type_, "tags": [{"key": key, "value": value} for key, value in tags.items()]}]
    return created() | {"requestParameters": {"tagSpecificationSet": {"items": items}}, **fields}


def wrapped(tags: dict[str, str]) -> dict[str, Any]:
    """The same in the newer form of a record."""
    pairs = [{"Value": value, "tag": number, "Key": key} for number, (key, value) in enumerate(tags.items(), 1)]
    request = {"CreateVolumeRequest": {"TagSpecification": {"ResourceType": "volume", "tag": 1, "Tag": pairs}}}
    return created() | {"requestParameters": request}


@pytest.mark.parametrize("form", [launched, wrapped])
def test_an_owner_that_a_creation_brings_is_overwritten_and_a_finding(form: Callable[..., dict[str, Any]]) -> None:
    world = World()
    assert len(world(form({"owner": "ceo", "Name": "x", "Owner": "me"})).done) == 1
    [finding] = world.told.findings
    assert (finding.resource, finding.changes) == (ARN, (TagChange("owner", None, "ceo"),))
    assert finding.by == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert (finding.overwritten, finding.test) == (True, False)
    assert world.aws.places[ACCOUNT, REGION].tags[VOLUME]["owner"] == "alice"
    assert [change.changes for change in world.changes()] == [finding.changes]


@pytest.mark.parametrize(
    "brings",
    [
        launched({"Name": "x"}),
        launched({"owner": "alice"}),
        launched({"owner": "ceo"}, "instance"),
        launched({}),
        created() | {"requestParameters": {"tagSpecificationSet": "?"}},
        created() | {"requestParameters": {"tagSpecificationSet": {"items": [{"resourceType": 7, "tags": ["owner"]}]}}},
    ],
    ids=["another key", "the right owner", "another type", "no tag", "no list", "no tags"],
)
def test_a_creation_that_brings_no_other_owner_for_what_it_made_is_no_finding(brings: dict[str, Any]) -> None:
    world = World()
    assert len(world(brings).done) == 1
    assert (world.told.findings, world.changes()) == ([], [])


def test_a_thousand_instances_that_bring_an_owner_are_one_finding() -> None:
    world = World()
    ids = [fixtures.numbered("i", number) for number in range(1000)]
    made = fixtures.launch(ids, [fixtures.numbered("eni", number) for number in range(1000)])
    tags = [{"key": key, "value": "ceo"} for key in ("owner", "dateCreated", "WhatIsThis")]
    items = [{"resourceType": type_, "tags": tags} for type_ in ("instance", "network-interface")]
    made["requestParameters"]["tagSpecificationSet"] = {"items": items}
    for id_ in ids:
        instance = LaunchedInstance(id_, "running", "/dev/xvda", True, frozenset({"/dev/xvda"}))
        world.aws.places[ACCOUNT, REGION].launched[id_] = Launched(instance, fixtures.RESERVATION)
    assert len(world(made).done) == 1
    [finding] = world.told.findings
    assert (finding.resources, finding.overwritten) == (2000, True)
    assert {(change.key, change.new) for change in finding.changes} == {(tag["key"], "ceo") for tag in tags}
    kept = [
        entry
        for entries in world.ledger.entries.values()
        for entry in entries.values()
        if isinstance(entry, TagChanged)
    ]
    assert [(entry.changes, entry.resources) for entry in kept] == [(finding.changes, 2000)]


def test_only_what_the_canary_makes_is_a_test() -> None:
    """By its role's own ARN, of a placement group, and only while ours stands there."""
    makes = {
        "canary": (fixtures.session("ownertag", "ownertag-canary"), "placement-group", True),
        "another role": (fixtures.session("ownertag-canary", "admin"), "placement-group", False),
        "at a path": (fixtures.session("ownertag", "ownertag-canary", path="/x/"), "placement-group", False),
        "another account's": (
            fixtures.session("ownertag", "ownertag-canary", account=fixtures.OTHER_ACCOUNT), "placement-group", False,
        ),
        "another type": (fixtures.session("ownertag", "ownertag-canary"), "volume", False),
    }  # fmt: skip
    for name, (by, type_, is_test) in makes.items():
        world = World()
        made = launched({"owner": "a test"}, type_, userIdentity=by)
        if type_ == "placement-group":
            group = {"groupId": "pg-0123456789abcdef0", "groupName": "ownertag-canary"}
            made |= {"eventName": "CreatePlacementGroup"}
            made["responseElements"] = {"CreatePlacementGroupResponse": {"placementGroup": group}}
        assert len(world(made).done) == 1, name
        [finding] = world.told.findings
        assert finding.test == is_test, name
    world = World()
    canary = launched({"owner": "x"}, userIdentity=makes["canary"][0])
    assert not world(canary).returned
    direct = call({"owner": "x"}, userIdentity=makes["canary"][0])
    world(direct)
    assert not any(finding.test for finding in world.told.findings)


def test_what_a_creation_brings_is_the_callers_to_set_where_the_settings_keep_it() -> None:
    world = World()
    world.settings = replace(world.settings, existing_tags={"owner": "keep"})
    assert len(world(launched({"owner": "ceo"})).done) == 1
    assert world.told.findings == []


def test_a_creation_is_not_finished_before_what_it_brought_is_told() -> None:
    world = World()
    world.told.failure = Failure("InternalException", 500)
    [returned] = world(launched({"owner": "ceo"})).returned
    assert "the findings can't be told" in returned.reasons[0]
    world.told.failure = None
    assert len(world(launched({"owner": "ceo"})).done) == 1
    assert [finding.changes[0].new for finding in world.told.findings] == ["ceo"]
    assert len(world.changes()) == 1
    for receives in (1, 2):
        assert len(world(launched({"owner": "ceo"}), receives=receives).done) == 1
        assert len(world.told.findings) == 1


def test_what_a_repeated_creation_brings_is_compared_with_whose_it_is(world: World) -> None:
    repeated = launched(
        {"owner": "alice"},
        eventID="00000000-0000-4000-8000-000000000007",
        eventTime="2026-03-02T09:14:09Z",
        userIdentity=fixtures.user("mallory"),
    )
    assert len(world(repeated).done) == 1
    assert world.told.findings == []


def test_what_is_found_later_on_a_creation_is_kept_beside_what_it_brought() -> None:
    world = World()
    assert len(world(launched({"owner": "ceo"})).done) == 1
    for value in ("eve", "eve", "mallory"):  # found, told, and written over; what is the same again is kept once
        world.aws.places[ACCOUNT, REGION].tags[VOLUME]["owner"] = value
        assert len(world(launched({"owner": "ceo"}), receives=2).done) == 1
    assert [finding.changes[0].new for finding in world.told.findings] == ["ceo", "eve", "eve", "mallory"]
    assert [change.changes[0].new for change in world.changes()] == ["ceo", "eve", "mallory"]


def test_the_same_event_again_is_kept_once(world: World) -> None:
    for _ in range(3):
        world(call({"owner": "mallory"}))
    assert len(world.changes()) == 1


def test_nothing_is_restored_by_itself(world: World) -> None:
    before = world.aws.count("ec2.CreateTags")
    assert before == 1
    world(call({"owner": "mallory"}), call({"owner": None}, "DeleteTags", event=2))
    assert world.aws.count("ec2.CreateTags") == before


def test_a_stranger_account_is_refused_and_kept_out_of_the_ledger(world: World) -> None:
    [done] = world(call({"owner": "x"}, recipientAccountId=fixtures.OUTSIDE_ACCOUNT)).done
    assert refusal_of(done).reason is Reason.UNKNOWN_ACCOUNT
    assert world.told.findings == []
    assert world.ledger.calls.count("append") == 1  # of the creation


def test_an_account_that_can_not_be_told_comes_back(world: World) -> None:
    world.accounts.unavailable = Unavailable(OutcomeKind.THROTTLED, "busy")
    [returned] = world(call({"owner": "x"})).returned
    assert returned.reasons == ("throttled: busy",)


def test_without_the_ledger_it_comes_back_and_nobody_is_told_half(world: World) -> None:
    world.ledger.fails = LedgerError("throttled", OutcomeKind.THROTTLED)
    answer = world(call({"owner": "mallory"}))
    [returned] = answer.returned
    assert "the ledger can't be used: throttled" in returned.reasons[0]
    assert world.told.findings == []
    world.ledger.fails = None
    assert len(world(call({"owner": "mallory"})).done) == 1
    assert len(world.told.findings) == 1


def test_what_the_ledger_refuses_of_one_account_does_not_keep_anothers_from_being_told() -> None:
    class Refusing(MemoryLedger):
        def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
            if any(isinstance(entry, TagChanged) and entry.resource.account == other for entry in entries):
                raise LedgerError("is busy", OutcomeKind.THROTTLED)
            return super().append(entries)

    world, other = World(), fixtures.OUTSIDE_ACCOUNT
    world.accounts, world.ledger = FakeAccounts({ACCOUNT, other}), Refusing()
    answer = world(
        call({"owner": "x"}, recipientAccountId=other),
        call({"owner": "mallory"}, event=2),
        call({"owner": "y"}, recipientAccountId=other, event=3),
    )
    assert [done.message.id for done in answer.done] == ["1"]
    assert [returned.message.id for returned in answer.returned] == ["0", "2"]
    assert [finding.account for finding in world.told.findings] == [ACCOUNT]


def test_what_can_not_be_told_comes_back(world: World) -> None:
    world.told.failure = Failure("InternalException", 500)
    [returned] = world(call({"owner": "mallory"})).returned
    assert "the findings can't be told" in returned.reasons[0]
    world.told.failure = None
    assert len(world(call({"owner": "mallory"})).done) == 1
    assert [finding.changes[0].new for finding in world.told.findings] == ["mallory"]
    assert len(world.changes()) == 1


def test_creations_and_tampering_of_one_batch_go_on_side_by_side(world: World) -> None:
    other = fixtures.record(
        "CreateVolume",
        responseElements={"volumeId": "vol-0bbbbbbbbbbbbbbbb"},
        eventID="0" * 8 + "-0000-4000-8000-" + "9" * 12,
    )
    answer = world(call({"owner": "mallory"}), other, call({"Name": "x"}, event=3))
    assert len(answer.done) == 3
    assert len(world.told.findings) == 1


def test_a_role_at_a_path_is_found_by_the_name_by_which_it_is_tagged() -> None:
    """TagRole takes the name alone, which is the last part of the ARN (doc: IAM API reference)."""
    world = World()
    world.catalogue = load_catalogue()
    role = f"arn:aws:iam::{ACCOUNT}:role/team/green/one"
    source = {"eventSource": "iam.amazonaws.com", "awsRegion": "us-east-1"}
    made = fixtures.record(
        "CreateRole",
        **source,
        userIdentity=fixtures.user("alice"),
        requestParameters={"roleName": "one", "path": "/team/green/"},
        responseElements={"role": {"arn": role, "roleName": "one", "path": "/team/green/"}},
    )
    assert len(world(made).done) == 1
    untag = fixtures.record(
        "UntagRole",
        **source,
        eventID="00000000-0000-4000-8000-000000000001",
        userIdentity=fixtures.user("mallory"),
        requestParameters={"roleName": "one", "tagKeys": ["owner"]},
    )
    assert len(world(untag).done) == 1
    [finding] = world.told.findings
    assert (finding.resource, finding.owner) == (role, "alice")
    assert finding.changes == (TagChange("owner", "alice", None),)
