"""What of the fault matrix (`faults/`) is seen closer in the flow alone: calls, words of reasons, properties.

The wire (contracts/emulated.py) fails calls as they leave the SDK, so that parsing and signing are real.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.emulated import HOME, Emulated, answer, emulated
from flows.hub import A, Hub, every, kinds, on_fakes, outcomes, refusal_of, verdicts
from harness import fixtures
from harness.events import (
    CATALOGUE,
    SETTINGS,
    envelope,
    instance_id,
    launch,
    volume,
    volume_id,
)
from harness.fakes import Budget, FakeAccounts, FakeAws, fake_ports
from harness.properties import examples
from ownertag.aws.credentials import client_config
from ownertag.core.match import match
from ownertag.core.values import (
    Confidence,
    Creation,
    Decision,
    Outcome,
    OutcomeKind,
    Owner,
    Reason,
    Refusal,
    Wait,
)
from ownertag.flows import live
from ownertag.flows.live import Message
from ownertag.flows.result import Decided, FinishedBefore, Refused, Result, Undecided

ID = volume_id(1)
OTHER = volume_id(2)


@pytest.fixture
def world() -> Iterator[Emulated]:
    with emulated() as world:
        yield world


@pytest.fixture
def hub(world: Emulated) -> Hub:
    return Hub(world)


# --- C5, C6: AWS not well, no answer


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", ["", "<html>Bad Gateway</html>", "Service Unavailable"])
def test_c5_an_answer_that_is_none_of_ec2s(hub: Hub, status: int, body: str) -> None:
    batch = hub.volume(hub.world.spokes[0], ID)
    hub.world.wire.rule(lambda call: answer(call, status, body) if call.operation == "CreateTags" else None)
    found = hub.handle(*batch)
    assert kinds(found) == {ID: "throttled"}
    assert len(found.returned) == 1


def test_c6_timeouts_end_before_the_function_does() -> None:
    config: Any = client_config()
    attempts = config.retries["total_max_attempts"]
    assert (config.connect_timeout + config.read_timeout) * attempts <= 45


# --- C7 to C10: ids


def test_c7_seen_by_describe_and_not_yet_by_create_tags(hub: Hub) -> None:
    record = hub.launch(hub.world.spokes[0])
    hub.world.wire.fail("CreateTags", "InvalidInstanceID.NotFound", times=1)
    found = hub.handle(record)
    assert Counter(kinds(found).values())["tagged"] == 4 - Counter(kinds(found).values()).get("not-ready", 0)
    hub.world.wire.heal()
    assert len(hub.handle(record).done) == 1
    assert len(hub.world.tags(hub.world.spokes[0])) == 4


def test_c9_one_bad_id_of_a_thousand(hub: Hub) -> None:
    """moto fails a call that holds a volume which is not there, as EC2 does."""
    [account, _] = hub.world.spokes
    ids = [volume_id(number) for number in range(1000)]
    hub.world.add_volumes(account, [id_ for id_ in ids if id_ != volume_id(617)])
    records = [volume(account, id_, number=n, at=hub.clock() - timedelta(hours=1)) for n, id_ in enumerate(ids)]
    found = hub.handle(*records)
    assert Counter(kinds(found).values()) == {"tagged": 999, "gone": 1}
    assert len(found.done) == 1000
    assert len(hub.world.tags(account)) == 999
    assert hub.world.wire.counts == {"DescribeAccount": 1, "AssumeRole": 1, "CreateTags": 2, "DescribeVolumes": 5}


def test_c10_an_id_that_is_none_is_refused_before_any_call(hub: Hub) -> None:
    found = hub.handle(volume(hub.world.spokes[0], "vol-1; DROP"))
    refusal = refusal_of(found.done[0])
    assert refusal.reason is Reason.BAD_ID
    assert not hub.world.wire.calls


# --- C14: values


@examples(1000)
@given(st.text(max_size=400))
def test_c14_no_name_makes_a_value_that_aws_refuses(name: str) -> None:
    aws = FakeAws()
    record = volume(A, ID)
    record["userIdentity"] = {"type": "IAMUser", "userName": name}
    assert not on_fakes(aws, json.loads(json.dumps(record, ensure_ascii=True))).returned or not _encodable(name)
    for tags in aws.places[A, HOME].tags.values():
        for value in tags.values():
            assert 1 <= len(value) <= 256
            assert not value.lower().startswith("aws:")
            assert all(char.isprintable() for char in value)


def _encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


# --- C16 to C21: denied


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "AccessDenied"])
def test_c16_and_c17_denied(hub: Hub, code: str) -> None:
    batch = hub.volume(hub.world.spokes[0], ID, OTHER)
    hub.world.wire.fail(
        "CreateTags", code, 403, message="... with an explicit deny in a service control policy: vol-0000000001"
    )
    found = hub.handle(*batch)
    assert kinds(found) == {ID: "forbidden", OTHER: "forbidden"}
    assert len(found.returned) == 2
    assert f"denied ({code})" in verdicts(found)["m0"]
    assert "SCP" in verdicts(found)["m0"]
    assert "explicit deny" not in verdicts(found)["m0"]
    assert hub.world.wire.counts["CreateTags"] == 1


def test_c20_sts_is_not_active_in_the_region(hub: Hub) -> None:
    hub.world.wire.fail("AssumeRole", "RegionDisabledException", 403)
    found = hub.handle(*hub.volume(hub.world.spokes[0], ID))
    assert verdicts(found)["m0"].startswith("forbidden: Region")
    [asked] = [call for call in hub.world.wire.calls if call.operation == "AssumeRole"]
    assert "sts.eu-central-1" in str(asked.request.url) or asked.region == HOME


@pytest.mark.parametrize(
    "code", ["AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired"]
)
@pytest.mark.parametrize("operation", ["CreateTags", "DescribeInstances"])
def test_c21_a_region_that_is_switched_off(hub: Hub, code: str, operation: str) -> None:
    record = hub.launch(hub.world.spokes[0], region="ap-east-1")
    hub.world.wire.fail(operation, code, 401)
    found = hub.handle(record)
    assert f"Region ap-east-1 is switched off in the account or at the hub ({code})" in verdicts(found)["m0"]
    assert verdicts(found)["m0"].startswith("forbidden: ")
    assert hub.world.wire.counts["AssumeRole"] == 1
    assert hub.world.wire.counts[operation] == 1


# --- C26: managed


def test_c26_what_a_service_manages_is_refused_before_any_call(hub: Hub) -> None:
    record = launch(hub.world.spokes[0], [instance_id(1)])
    record["responseElements"]["instancesSet"]["items"][0]["operator"] = {"managed": True, "principal": "eks"}
    [done] = hub.handle(record).done
    refusal = refusal_of(done)
    assert refusal.reason is Reason.MANAGED_BY_SERVICE
    assert [resource.id for resource in refusal.resources] == [instance_id(1)]
    assert not hub.world.wire.calls


# --- the event path


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = sorted({*envelope(volume(A, ID)), *volume(A, ID)})


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """Anything, and events of which something was replaced by anything."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(st.text(max_size=200))
    if kind == 1:
        return json.dumps(draw(_JSON))
    event: Any = envelope(volume(A, volume_id(draw(st.integers(0, 3)))) if kind == 2 else launch(A, [instance_id(1)]))
    for name in draw(st.lists(st.sampled_from(_FIELDS), max_size=3)):
        place = event if name in event else event["detail"]
        if isinstance(place, dict):
            place[name] = draw(_JSON)
    return json.dumps(event)


@examples(1000)
@given(st.lists(st.tuples(bodies(), st.integers(-3, 10_000)), max_size=6))
def test_e9_done_and_returned_are_what_was_received_whatever_it_was(batch: list[tuple[str, int]]) -> None:
    received = [Message(f"m{number % 4}", body, "", receives) for number, (body, receives) in enumerate(batch)]
    found = on_fakes_raw(received)
    assert Counter(verdict.message.id for verdict in every(found)) == Counter(message.id for message in received)
    named = [
        batch_item_failure["itemIdentifier"] for batch_item_failure in found.batch_item_failures["batchItemFailures"]
    ]
    assert named == [verdict.message.id for verdict in found.returned]
    assert all(verdict.reasons and 1 <= verdict.seconds <= 300 for verdict in found.returned)


def on_fakes_raw(received: list[Message]) -> live.BatchAnswer:
    return live.handle(received, fake_ports(FakeAws(), FakeAccounts({A})), CATALOGUE, SETTINGS)


def decided(where: str, waits: tuple[Wait, ...], outcomes: tuple[Outcome, ...]) -> Decided:
    creation = match(fixtures.arrival(volume(A, ID), where), CATALOGUE, SETTINGS)
    assert isinstance(creation, Creation)
    owner = Owner("alice", "iam-user", Confidence.ASSERTED)
    return Decided(Decision(creation, owner, (), waits=waits), outcomes)


_PLACES = st.sampled_from("abcdefgh")
_WAITS = st.builds(Wait, st.sampled_from(OutcomeKind), st.just("why"))
_OUTCOMES = st.builds(Outcome, st.just("arn"), st.sampled_from(OutcomeKind), st.just("why"), st.booleans())
_RESULTS: st.SearchStrategy[Result] = st.one_of(
    st.builds(Refused, st.builds(Refusal, _PLACES, st.sampled_from(Reason), st.just("why"))),
    st.builds(decided, _PLACES, st.lists(_WAITS).map(tuple), st.lists(_OUTCOMES).map(tuple)),
    st.builds(FinishedBefore, _PLACES, st.just(fixtures.arrival(volume(A, ID)).record)),
    st.builds(Undecided, _PLACES, _WAITS),
)


@examples(1000)
@given(st.sets(st.sampled_from("abcdefgh")), st.lists(_RESULTS))
def test_e9_and_e10_the_one_exit_names_messages_of_the_input_and_all_of_them(
    names: set[str], results: list[Result]
) -> None:
    """Results that are missing come back; results of messages that nobody sent name nothing."""
    received = {name: Message(f"id-{name}", "{}") for name in sorted(names)}
    by_place = {result.where: result for result in results}
    found = live.batch_answer(received, by_place)
    done, returned = ({verdict.message.id for verdict in part} for part in (found.done, found.returned))
    assert done | returned == {f"id-{name}" for name in names}
    assert not done & returned
    assert len(found.done) + len(found.returned) == len(names)
    for name in names - set(by_place):
        assert f"id-{name}" in returned
    for name in names & set(by_place):
        assert (f"id-{name}" in returned) == by_place[name].is_retried


def test_e9_an_empty_batch_has_an_answer_that_names_nothing() -> None:
    assert on_fakes(FakeAws()).batch_item_failures == {"batchItemFailures": []}


def test_e11_every_moment_at_which_time_can_end(hub: Hub) -> None:
    [account, other] = hub.world.spokes
    batch = [hub.launch(account), hub.launch(other, number=1), *hub.volume(account, ID, user="bob", requestID="x")]
    for asks in range(12):
        found = hub.handle(*batch, expired=Budget(asks))
        assert len(found.done) + len(found.returned) == 3
        tagged = {id_ for tags in hub.world.all_tags().values() for id_ in tags}
        said = {id_ for id_, outcome in outcomes(found).items() if outcome.kind is OutcomeKind.TAGGED}
        assert said <= tagged
    assert len(found.done) == 3
