"""Calls keep to the quota share of each account: calls of the SDK itself, sent to moto, with the test's clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config

from contracts.emulated import HOME, ROLE, Emulated, emulated
from harness.fakes import Clock
from ownertag.aws.pacing import MAX_PLACES, PATIENCE, Pacing, Quotas
from ownertag.aws.sessions import Sessions
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.catalogue_types import Quota
from ownertag.core.judge import judge
from ownertag.core.token_bucket import MAX_HOLD
from ownertag.core.values import Failure, OutcomeKind

#: With a share of a half over five functions: ten at once and one a second, as for EC2's CreateTags.
QUOTAS: Quotas = {"ec2": (("CreateTags", Quota(100, 10)), ("Describe*", Quota(100, 20)))}
THROTTLED = "RequestLimitExceeded"
VOLUME = "vol-0123456789abcdef0"


class Time:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Stage:
    """Sessions in the accounts of an organization, paced."""

    def __init__(self, world: Emulated, patience: float = PATIENCE, attempts: int = 1, functions: int = 5) -> None:
        self.world, self.time = world, Time()
        self.pacing = Pacing(QUOTAS, 0.5, functions, None, self.time, self.time.sleep, patience)
        self._sessions = Sessions(
            world.session,
            role_name=ROLE,
            region=HOME,
            now=Clock(datetime.now(UTC)),
            config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
            pacing=self.pacing,
        )

    def tag(self, account: str, region: str = HOME) -> Failure | None:
        def use(client: Any) -> None:
            client.create_tags(Resources=[VOLUME], Tags=[{"Key": "owner", "Value": "alice"}])

        return self._sessions.call("ec2", account, region, use)

    def describe(self, account: str) -> Failure | int:
        return self._sessions.call("ec2", account, HOME, lambda client: len(client.describe_volumes()["Volumes"]))

    def sent(self, operation: str = "CreateTags") -> int:
        return sum(call.operation == operation for call in self.world.wire.calls)


@pytest.fixture
def world() -> Iterator[Emulated]:
    with emulated() as found:
        for account in found.spokes:
            for region in (HOME, "us-east-1"):
                found.add_volumes(account, [VOLUME], region)
        yield found


def test_as_much_is_sent_at_once_as_the_bucket_holds_and_then_at_its_rate(world: Emulated) -> None:
    stage = Stage(world, patience=math.inf)
    [account, *_] = world.spokes
    assert [stage.tag(account) for _ in range(10)] == [None] * 10
    assert stage.time.waits == []
    assert [stage.tag(account) for _ in range(3)] == [None] * 3
    assert stage.time.waits == pytest.approx([1.0, 1.0, 1.0])


def test_each_account_region_and_api_has_a_bucket_of_its_own(world: Emulated) -> None:
    stage = Stage(world, patience=0)
    [account, other, *_] = world.spokes
    assert [stage.tag(account) for _ in range(10)] == [None] * 10
    assert stage.tag(account) is not None
    assert stage.tag(account, "us-east-1") is None
    assert stage.tag(other) is None
    assert stage.describe(account) == 1


def test_one_account_costs_a_batch_no_more_than_the_patience_and_then_nothing_is_sent(world: Emulated) -> None:
    stage = Stage(world)
    [account, other, *_] = world.spokes
    answers = [stage.tag(account) for _ in range(20)]
    sent = 10 + int(PATIENCE)
    assert answers[:sent] == [None] * sent
    assert {answer.code for answer in answers[sent:] if answer} == {"Paced"}
    assert sum(stage.time.waits) == pytest.approx(PATIENCE)
    assert stage.sent() == sent
    assert stage.tag(other) is None
    stage.pacing.begin()
    assert stage.tag(account) is None
    judged = judge(Failure("Paced"), None)
    assert (judged.outcome, judged.is_retried) == (OutcomeKind.THROTTLED, True)


def test_a_batch_never_waits_beyond_its_time(world: Emulated) -> None:
    stage = Stage(world)
    [account, *_] = world.spokes
    stage.pacing.begin(until=stage.time.now + 0.5)
    assert [stage.tag(account) is None for _ in range(11)] == [True] * 10 + [False]
    assert stage.time.waits == []


def test_the_sdks_own_repeats_count(world: Emulated) -> None:
    stage = Stage(world, patience=0, attempts=3)
    [account, *_] = world.spokes
    world.wire.fail("CreateTags", "InternalError", 500, times=2)
    assert stage.tag(account) is None
    assert [stage.tag(account) is None for _ in range(8)] == [True] * 7 + [False]


def test_after_a_third_refusal_on_end_the_place_is_left_alone_ever_longer(world: Emulated) -> None:
    stage = Stage(world, patience=0)
    [account, other, *_] = world.spokes
    world.wire.fail("CreateTags", THROTTLED, 503)
    for _ in range(2):
        assert stage.tag(account) == Failure(THROTTLED, 503)
        assert not stage.pacing.held(account, HOME, "ec2")
        stage.time.now += 1.0
    holds = []
    for _ in range(9):
        before, sent = stage.time.now, stage.sent()
        while stage.sent() == sent:  # one call more, as soon as it is let through
            stage.time.now += 0.25
            answer = stage.tag(account)
        assert answer == Failure(THROTTLED, 503)
        holds.append(stage.time.now - before)
        assert stage.pacing.held(account, HOME, "ec2")
        assert not stage.pacing.held(other, HOME, "ec2")
        assert not stage.pacing.held(account, HOME, "rds")  # another service is not throttled
        assert not stage.pacing.held(account, "us-east-1", "ec2")
    assert holds == pytest.approx([0.25, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, MAX_HOLD, MAX_HOLD], abs=0.3)
    world.wire.heal()
    stage.time.now += MAX_HOLD
    assert stage.tag(account) is None
    assert not stage.pacing.held(account, HOME, "ec2")


def test_the_sdks_own_repeats_end_a_short_throttle(world: Emulated) -> None:
    stage = Stage(world, attempts=3)
    [account, *_] = world.spokes
    world.wire.fail("CreateTags", THROTTLED, 503, times=2)
    assert stage.tag(account) is None
    assert stage.time.waits == pytest.approx([1.0, 1.0])  # for a token each


def test_a_hold_is_not_waited_for(world: Emulated) -> None:
    stage = Stage(world, attempts=3)
    [account, *_] = world.spokes
    world.wire.fail("CreateTags", THROTTLED, 503)
    assert stage.tag(account) == Failure(THROTTLED, 503)
    assert stage.sent() == 3
    stage.pacing.begin()
    for _ in range(5):
        assert stage.tag(account) == Failure("Paced")
    assert stage.sent() == 3
    assert stage.time.waits == pytest.approx([1.0, 1.0])


def test_who_has_patience_without_end_waits_for_the_end_of_a_hold(world: Emulated) -> None:
    stage = Stage(world, patience=math.inf)
    [account, *_] = world.spokes
    world.wire.fail("CreateTags", THROTTLED, 503, times=4)
    for _ in range(4):
        assert stage.tag(account) == Failure(THROTTLED, 503)
    assert stage.tag(account) is None
    assert stage.time.waits == pytest.approx([1.0, 1.0, 1.0, 2.0])  # for tokens, and for two holds


def test_a_call_of_which_no_quota_is_known_is_not_paced(world: Emulated) -> None:
    stage = Stage(world, patience=0)
    [account, *_] = world.spokes
    answers = [
        stage._sessions.call("sts", account, HOME, lambda client: client.get_caller_identity()["Account"])
        for _ in range(30)
    ]
    assert answers == [account] * 30


def test_places_that_are_full_again_are_forgotten(world: Emulated) -> None:
    stage = Stage(world)
    [account, *_] = world.spokes
    for number in range(MAX_PLACES):
        stage.pacing._tokens((f"{number:012}", HOME), "ec2", "CreateTags")
    stage.tag(account)  # one token less
    stage.pacing._tokens(("999999999999", HOME), "ec2", "CreateTags")
    assert set(stage.pacing._apis) == {(account, HOME), ("999999999999", HOME)}


def test_the_catalogue_knows_the_quotas_of_ec2s_calls_that_tag_or_look_up() -> None:
    """AWS publishes no quotas of most other services' tag calls: those are not paced, and a throttle is heard."""
    catalogue = load_catalogue()
    ec2 = [api.operation for api in catalogue.tag_apis.values() if api.client == "ec2"]
    assert ec2
    assert all(operation in dict(catalogue.quotas["ec2"]) for operation in ec2)
    assert dict(catalogue.quotas["ec2"])["CreateTags"] == Quota(100, 10)
