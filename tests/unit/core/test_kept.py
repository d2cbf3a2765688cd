"""Under `keep` stays what the creation's own request brought for that type, and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from harness import fixtures
from harness.fixtures import ACCOUNT, INSTANCE, INTERFACE, REGION, SOON, numbered
from harness.planning import plan
from ownertag.core.ask import account_of, launch_of
from ownertag.core.decide import apply_standings
from ownertag.core.match import match
from ownertag.core.ownership import ResourceKey, Standing
from ownertag.core.plan import plan_writes
from ownertag.core.settings import Settings
from ownertag.core.values import (
    Attached,
    Confidence,
    Creation,
    Decision,
    Fact,
    Found,
    LaunchedInstance,
    OutcomeKind,
    Owner,
    Plan,
    Question,
)

KEEPING = fixtures.anywhere('[existing_tags]\nowner = "keep"\n')
KEEPING_ALL = fixtures.anywhere('[existing_tags]\nowner = "keep"\ndateCreated = "keep"\nWhatIsThis = "keep"\n')
VOLUME = numbered("vol", 1)
CEO = {"owner": "ceo"}
TEMPLATE = {"launchTemplate": {"launchTemplateId": "lt-0123456789abcdef0", "version": "$Default"}}


def creation(plain: fixtures.Json) -> Creation:
    matched = match(fixtures.live_arrival(plain), fixtures.catalogue(), KEEPING)
    assert isinstance(matched, Creation), matched
    return matched


def planned(one: Creation, settings: Settings = KEEPING) -> Plan:
    volume = Attached(VOLUME, one.record.created_at)
    shown = LaunchedInstance(
        INSTANCE, "running", "/dev/xvda", True, frozenset({"/dev/xvda"}), (volume,), (Attached(INTERFACE),)
    )
    facts: dict[Question, Fact] = {account_of(one): Found()}
    if launch := launch_of(one):
        facts[launch] = Found((shown,))
    return plan([one], facts, fixtures.catalogue(), settings, SOON)


def owners(one: Creation, settings: Settings = KEEPING) -> dict[str, str | None]:
    """The owner that is written on each resource, None where the other tags alone are."""
    writes = planned(one, settings).writes
    return {resource.id: dict(write.tags).get("owner") for write in writes for resource in write.resources}


def launched(request: Any, response: Any = None) -> Creation:
    plain = fixtures.launch()
    plain["requestParameters"] |= request if request is not None else {}
    if request is None:
        plain["requestParameters"] = fixtures.OMITTED
    if response is not None:
        at = datetime.fromisoformat(plain["eventTime"]).timestamp()
        made = {"launchTime": int(at * 1000)}  # as real records have it
        plain["responseElements"]["instancesSet"]["items"][0] |= made | response
    return creation(plain)


@pytest.mark.parametrize(
    ("types", "kept"),
    [
        (("instance",), {INSTANCE}),
        (("volume",), {VOLUME}),
        (("network-interface",), {INTERFACE}),
        (("instance", "volume"), {INSTANCE, VOLUME}),
        (("instance", "volume", "network-interface"), {INSTANCE, VOLUME, INTERFACE}),
        (("spot-instances-request",), set()),
        (("image",), set()),
        ((), set()),
    ],
)
def test_a_launch_keeps_what_it_brought_for_each_type(types: tuple[str, ...], kept: set[str]) -> None:
    written = owners(launched(fixtures.brings(CEO, *types)))
    assert written == {id_: None if id_ in kept else "alice" for id_ in (INSTANCE, VOLUME, INTERFACE)}


@pytest.mark.parametrize(
    "request_",
    [
        fixtures.brings({"Owner": "ceo"}, "volume"),
        fixtures.brings({"Name": "owner"}, "volume"),
        fixtures.brings(CEO, "snapshot"),
        {"tagSpecificationSet": {"items": [{"tags": [{"key": "owner", "value": "ceo"}]}]}},
        {"tagSpecificationSet": {"items": [{"resourceType": 7, "tags": [{"key": "owner", "value": "ceo"}]}]}},
        {"tagSet": {"items": [{"key": "owner", "value": "ceo"}]}},
        {"description": "owner"},
        fixtures.OMITTED,
        None,
    ],
    ids=["case", "value", "other-type", "no-type", "type-of-no-text", "elsewhere", "text", "omitted", "null"],
)
def test_what_does_not_bring_the_key_for_that_type_keeps_nothing(request_: Any) -> None:
    assert owners(creation(fixtures.record(requestParameters=request_))) == {"vol-1234567890abcdef0": "alice"}


def test_a_wrapped_request_brings_as_a_flat_one_does() -> None:
    pairs = [{"Value": "ceo", "tag": 1, "Key": "owner"}]
    request = {"CreateVolumeRequest": {"TagSpecification": {"ResourceType": "volume", "tag": 1, "Tag": pairs}}}
    assert owners(creation(fixtures.record(requestParameters=request))) == {"vol-1234567890abcdef0": None}


def test_the_tags_that_a_group_hands_on_are_its_launch_s_own() -> None:
    """PropagateAtLaunch: Auto Scaling puts them into the request of the launch."""
    request = fixtures.brings({"aws:autoscaling:groupName": "web", "owner": "team-web"}, "instance")
    assert owners(launched(request))[INSTANCE] is None


def test_a_template_s_tags_stay_on_the_instance_that_the_answer_shows_them_on() -> None:
    shown = {"tagSet": {"items": [{"key": "owner", "value": "ceo"}]}}
    assert owners(launched(TEMPLATE, shown)) == {INSTANCE: None, VOLUME: "alice"}
    assert owners(launched(TEMPLATE)) == {INSTANCE: "alice", VOLUME: "alice"}


@pytest.mark.parametrize("at", [-3600, -6, 6, 10**400, None, "then", True])
@pytest.mark.parametrize("request_", [TEMPLATE, None], ids=["template", "left-out"])
def test_an_answer_that_may_be_a_repeat_s_shows_what_somebody_wrote_since(request_: Any, at: Any) -> None:
    """With a client token the same call answers what is there by then: its instances were launched before."""
    launched_at = datetime.fromisoformat(fixtures.launch()["eventTime"]).timestamp()
    time = (int(launched_at) + at) * 1000 if type(at) is int else at
    shown = {"tagSet": {"items": [{"key": "owner", "value": "mallory"}]}, "launchTime": time}
    assert owners(launched(request_, shown))[INSTANCE] == "alice"


def test_where_the_request_is_left_out_the_answer_says_what_it_brought() -> None:
    shown = {"tagSet": {"items": [{"key": "owner", "value": "ceo"}]}}
    assert owners(launched(None, shown))[INSTANCE] is None
    assert owners(launched(None))[INSTANCE] == "alice"


def test_what_the_answer_alone_shows_is_not_the_request_s_word() -> None:
    """An answer can show what was copied from a source, or what a repeat of the call finds."""
    shown = {"tagSet": {"items": [{"key": "owner", "value": "ceo"}]}}
    assert owners(launched({}, shown))[INSTANCE] == "alice"
    answer = {"volumeId": "vol-1234567890abcdef0", **shown}
    assert owners(creation(fixtures.record(responseElements=answer))) == {"vol-1234567890abcdef0": "alice"}


def test_without_keep_everything_is_written_over() -> None:
    one = launched(fixtures.brings(CEO, "instance", "volume"))
    assert set(owners(one, fixtures.anywhere()).values()) == {"alice"}


def test_what_brought_all_of_the_tags_is_unchanged() -> None:
    request = fixtures.brings(dict.fromkeys(KEEPING_ALL.tags, "x"), "volume")
    decided = planned(creation(fixtures.record(requestParameters=request)), KEEPING_ALL)
    assert decided.writes == ()
    [decision] = decided.decisions
    assert [outcome.kind for outcome in decision.settled] == [OutcomeKind.UNCHANGED]
    assert decision.waits == ()


def planned_by(decision: Decision, standings: dict[ResourceKey, Standing]) -> Plan:
    return plan_writes(apply_standings([decision], standings, {}), (), {}, fixtures.catalogue(), standings)


def test_a_repeat_says_the_same_whoever_holds_it() -> None:
    """With a client token the same request comes again: in another record, after or before the first."""
    plain = fixtures.record(requestParameters=fixtures.brings(CEO, "volume"))
    first, again = creation(plain), creation(plain | {"eventID": "00000000-0000-4000-8000-000000000007"})
    holder = Owner("alice", "iam-user", Confidence.ASSERTED)
    for one in (first, again):
        decided = planned(one)
        [decision] = decided.decisions
        key = ResourceKey(ACCOUNT, REGION, decision.resources[0].arn)
        tags = tuple((name, f"{value} of the first") for name, value in decision.tags)
        standing = Standing(first.record.event_id, holder, tags)
        stood = planned_by(decision, {key: standing})
        assert [{name for name, _ in write.tags} for write in stood.writes] == [{"dateCreated", "WhatIsThis"}]
        done = planned_by(decision, {key: replace(standing, outcome=OutcomeKind.TAGGED)})
        assert done.writes == ()
