"""Who touches our tags is kept and told once, with the old value and the new; our own calls give nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from harness import fixtures
from harness.fakes import FakeAccounts, FakeAws, FakeLookups, FakeTagger
from harness.memory_ledger import MemoryLedger
from ownertag.core.claims import ResourceKey
from ownertag.core.tamper import Finding
from ownertag.core.values import Failure, OutcomeKind, Reason, Unavailable
from ownertag.flows.live import Answer, Message, handle
from ownertag.flows.ports import Ports
from ownertag.ledger.entries import TagChanged
from ownertag.ledger.port import LedgerError

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
VOLUME = "vol-0a1b2c3d4e5f60718"
ARN = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{VOLUME}"
OURS = fixtures.session("ownertag", "auto-tag-role")


class Told:
    """Keeps what it is told, or fails."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.failure: Failure | None = None

    def tell(self, findings: Sequence[Finding]) -> Failure | None:
        if self.failure is None:
            self.findings += findings
        return self.failure


class World:
    """A hub over fakes, with a ledger that remembers from batch to batch."""

    def __init__(self) -> None:
        self.aws, self.ledger, self.told = FakeAws(), MemoryLedger(), Told()
        self.accounts = FakeAccounts({ACCOUNT})
        self.settings = fixtures.settings()

    def __call__(self, *records: dict[str, Any], receives: int = 1) -> Answer:
        ports = Ports(
            self.accounts,
            FakeLookups(self.aws),
            FakeTagger(self.aws),
            lambda: fixtures.SOON,
            ledger=self.ledger,
            findings=self.told,
        )
        bodies = [json.dumps(fixtures.event(each)) for each in records]
        messages = [Message(str(number), body, receives=receives) for number, body in enumerate(bodies)]
        return handle(messages, ports, fixtures.catalogue(), self.settings)

    def changes(self) -> list[TagChanged]:
        history = self.ledger.history(ResourceKey(ACCOUNT, REGION, ARN))
        return [each for each in history if isinstance(each, TagChanged)]


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
    assert (finding.arn, finding.key, finding.old, finding.new) == (ARN, "owner", "alice", "mallory")
    assert finding.by == f"arn:aws:iam::{ACCOUNT}:user/mallory"
    assert finding.restore == f"ownertag transfer {ARN} --to alice --reason 'put back what was changed'"
    [kept] = world.changes()
    assert (kept.key, kept.old, kept.new, kept.actor.principal) == ("owner", "alice", "mallory", finding.by)


def test_a_removed_key_has_no_new_value(world: World) -> None:
    world(call({"owner": None}, "DeleteTags"))
    assert [(each.key, each.old, each.new) for each in world.told.findings] == [("owner", "alice", None)]


def test_all_removed_is_a_finding_for_each_key(world: World) -> None:
    world(call({}, "DeleteTags"))
    assert [each.key for each in world.told.findings] == ["WhatIsThis", "dateCreated", "owner"]
    assert all(each.old for each in world.told.findings)


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
    assert (finding.old, finding.new, finding.restore) == (None, "x", None)


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
    assert (finding.arn, finding.key, finding.old, finding.new) == (ARN, "owner", None, "ceo")
    assert finding.by == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert (finding.overwritten, finding.restore) == (True, None)
    assert world.aws.places[ACCOUNT, REGION].tags[VOLUME]["owner"] == "alice"
    assert [(each.key, each.new) for each in world.changes()] == [("owner", "ceo")]


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


def test_what_a_creation_brings_is_the_callers_to_set_where_the_settings_keep_it() -> None:
    world = World()
    world.settings = replace(world.settings, existing={"owner": "keep"})
    assert len(world(launched({"owner": "ceo"})).done) == 1
    assert world.told.findings == []


def test_a_creation_is_not_finished_before_what_it_brought_is_told() -> None:
    world = World()
    world.told.failure = Failure("InternalException", 500)
    [returned] = world(launched({"owner": "ceo"})).returned
    assert "the findings can't be told" in returned.reasons[0]
    world.told.failure = None
    assert len(world(launched({"owner": "ceo"})).done) == 1
    assert [each.new for each in world.told.findings] == ["ceo"]
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
    assert done.result.refusal is not None
    assert done.result.refusal.reason is Reason.UNKNOWN_ACCOUNT
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


def test_what_can_not_be_told_comes_back(world: World) -> None:
    world.told.failure = Failure("InternalException", 500)
    [returned] = world(call({"owner": "mallory"})).returned
    assert "the findings can't be told" in returned.reasons[0]
    world.told.failure = None
    assert len(world(call({"owner": "mallory"})).done) == 1
    assert [each.new for each in world.told.findings] == ["mallory"]
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
