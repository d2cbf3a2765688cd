"""All records of a call from CloudTrail's own 90 days, or why there is no whole answer: the fake and the adapter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from contracts.emulated import HOME, ONCE, ROLE, Emulated, emulated, error
from contracts.trail import Trail
from harness import fixtures
from harness.fakes import Clock, FakeHistory
from ownertag.aws.concurrency import concurrent
from ownertag.aws.pacing import Pacing
from ownertag.aws.sessions import Sessions
from ownertag.core.history import whole_window
from ownertag.core.records import Arrival
from ownertag.core.values import OutcomeKind, Unavailable
from ownertag.flows.histories import histories
from ownertag.flows.ports import History
from ownertag.sources.history import EventHistory

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
WINDOW = (NOW - 3 * HOUR, NOW - HOUR)
VOLUMES = ("ec2.amazonaws.com", "CreateVolume")
OTHER_REGION = "eu-west-1"


class Stage(Protocol):
    """Two accounts, and the records of their calls."""

    spokes: list[str]
    history: History

    def tell(self, plain: fixtures.Json, at: str | None = None) -> None:
        """CloudTrail shows a record, in its own account or in this one."""

    def deny(self, account: str, region: str) -> None:
        """Refuses LookupEvents there."""


class FakeStage:
    """The fake."""

    def __init__(self) -> None:
        self.spokes = ["111111111111", "222222222222"]
        self.fake = FakeHistory(Clock(NOW))
        self.history: History = self.fake

    def tell(self, plain: fixtures.Json, at: str | None = None) -> None:
        arrival = fixtures.arrival(plain)
        self.fake.told[at or arrival.record.account, arrival.record.region].append(arrival)

    def deny(self, account: str, region: str) -> None:
        denied = Unavailable(OutcomeKind.FORBIDDEN, "denied")
        self.fake.unread = lambda *place: denied if place == (account, region) else None


class WireStage:
    """The adapter, with CloudTrail on the wire."""

    def __init__(self, world: Emulated) -> None:
        self.world = world
        self.spokes = world.spokes
        self.trail = Trail()
        world.wire.rule(self.trail)
        self.sessions = Sessions(world.session, role_name=ROLE, region=HOME, now=Clock(NOW), config=ONCE)
        self.history: History = EventHistory(self.sessions, Clock(NOW))

    def tell(self, plain: fixtures.Json, at: str | None = None) -> None:
        self.trail.add(plain, at=at)

    def deny(self, account: str, region: str) -> None:
        def refuse(call: Any) -> Any:
            there = call.operation == "LookupEvents" and (call.account, call.region) == (account, region)
            return error(call, "AccessDeniedException") if there else None

        self.world.wire.heal()
        self.world.wire.rule(refuse)
        self.world.wire.rule(self.trail)


@pytest.fixture(params=["fake", "wire"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    with emulated() as world:
        yield WireStage(world)


@pytest.fixture
def wire() -> Iterator[WireStage]:
    with emulated() as world:
        yield WireStage(world)


def volume(number: int, account: str, ago: timedelta = 2 * HOUR, **fields: Any) -> fixtures.Json:
    return fixtures.record(
        **{
            "eventID": f"00000000-0000-4000-8000-{number:012}",
            "eventTime": f"{NOW - ago:%Y-%m-%dT%H:%M:%SZ}",
            "recipientAccountId": account,
            "responseElements": {"volumeId": fixtures.numbered("vol", number)},
            **fields,
        }
    )


def ids(answer: object) -> list[int]:
    assert isinstance(answer, list), answer
    return sorted(int(arrival.record.event_id[-12:]) for arrival in answer if isinstance(arrival, Arrival))


def test_all_records_of_the_call_in_the_window_however_many_pages(stage: Stage) -> None:
    account, other = stage.spokes
    for number in range(130):
        stage.tell(volume(number, account, 2 * HOUR + timedelta(seconds=number)))
    stage.tell(volume(900, account, 4 * HOUR))
    stage.tell(volume(901, account, HOUR / 2))
    stage.tell(volume(902, account, eventName="CreateSnapshot"))
    stage.tell(volume(903, account, eventSource="fsx.amazonaws.com"))
    stage.tell(volume(904, other))
    stage.tell(volume(905, account, awsRegion=OTHER_REGION))
    assert ids(stage.history.records(account, HOME, VOLUMES, WINDOW)) == list(range(130))
    assert ids(stage.history.records(other, HOME, VOLUMES, WINDOW)) == [904]
    assert ids(stage.history.records(account, OTHER_REGION, VOLUMES, WINDOW)) == [905]


def test_what_another_account_is_the_recipient_of_is_left_out(stage: Stage) -> None:
    account, other = stage.spokes
    stage.tell(volume(1, account))
    stage.tell(volume(2, other), at=account)
    assert ids(stage.history.records(account, HOME, VOLUMES, WINDOW)) == [1]


def test_a_history_that_is_not_whole_is_no_answer(stage: Stage) -> None:
    """It begins before CloudTrail's 90 days, or ends so late that records may still come."""
    account = stage.spokes[0]
    stage.tell(volume(1, account))
    for window in ((NOW - timedelta(days=91), NOW - HOUR), (NOW - 3 * HOUR, NOW - timedelta(minutes=5))):
        assert isinstance(stage.history.records(account, HOME, VOLUMES, window), Unavailable)
    assert ids(stage.history.records(account, HOME, VOLUMES, whole_window(NOW))) == [1]


def test_denied_is_never_none_there_and_costs_no_other_place(stage: Stage) -> None:
    account, other = stage.spokes
    for number, one in enumerate((account, other)):
        stage.tell(volume(number, one))
    stage.deny(account, HOME)
    wanted = [(one, region, VOLUMES, WINDOW) for one in (account, other) for region in (HOME, OTHER_REGION)]
    found = histories(wanted, stage.history, concurrent(4))
    assert set(found) == set(wanted)
    denied = found[wanted[0]]
    assert isinstance(denied, Unavailable)
    assert denied.outcome is OutcomeKind.FORBIDDEN
    assert [ids(found[one]) for one in wanted[1:]] == [[], [1], []]


# --- the adapter alone


def test_a_token_that_is_refused_begins_the_window_again_and_no_record_is_doubled(wire: WireStage) -> None:
    account = wire.spokes[0]
    for number in range(120):
        wire.tell(volume(number, account))
    wire.world.wire.heal()
    wire.world.wire.fail(
        "LookupEvents", "InvalidNextTokenException", times=1, when=lambda call: '"NextToken": "100"' in call.text
    )
    wire.world.wire.rule(wire.trail)
    assert ids(wire.history.records(account, HOME, VOLUMES, WINDOW)) == list(range(120))
    assert wire.world.wire.counts["LookupEvents"] == 6


@pytest.mark.parametrize(
    ("code", "outcome", "calls"),
    [
        ("InvalidNextTokenException", OutcomeKind.FAILED, 3),
        ("InvalidTimeRangeException", OutcomeKind.FAILED, 1),
        ("ThrottlingException", OutcomeKind.THROTTLED, 1),
        ("AccessDeniedException", OutcomeKind.FORBIDDEN, 1),
    ],
)
def test_an_error_on_the_way_is_no_shorter_history(
    wire: WireStage, code: str, outcome: OutcomeKind, calls: int
) -> None:
    account = wire.spokes[0]
    for number in range(120):
        wire.tell(volume(number, account))
    wire.world.wire.heal()
    wire.world.wire.fail("LookupEvents", code, when=lambda call: '"NextToken": "100"' in call.text)
    wire.world.wire.rule(wire.trail)
    answer = wire.history.records(account, HOME, VOLUMES, WINDOW)
    assert isinstance(answer, Unavailable)
    assert answer.outcome is outcome
    assert wire.world.wire.counts["LookupEvents"] == 3 * calls


def test_a_record_that_cant_be_read_may_be_a_creation(wire: WireStage) -> None:
    account = wire.spokes[0]
    wire.tell(volume(1, account))
    wire.tell(volume(2, account, userIdentity={"type": 7}))
    answer = wire.history.records(account, HOME, VOLUMES, WINDOW)
    assert isinstance(answer, Unavailable)
    assert "can't be read" in answer.reason


def test_without_time_it_is_no_answer(wire: WireStage) -> None:
    wire.tell(volume(1, wire.spokes[0]))
    history = EventHistory(wire.sessions, Clock(NOW), lambda: True)
    assert isinstance(history.records(wire.spokes[0], HOME, VOLUMES, WINDOW), Unavailable)
    assert not wire.world.wire.counts["LookupEvents"]


def test_two_calls_a_second_for_each_account_and_region_and_no_place_waits_for_another(wire: WireStage) -> None:
    account, other = wire.spokes
    seconds = [0.0]

    def sleep(wait: float) -> None:
        seconds[0] += wait

    quotas = fixtures.catalogue().quotas
    pacing = Pacing(quotas, 1.0, clock=lambda: seconds[0], sleep=sleep, patience=float("inf"))
    sessions = Sessions(wire.world.session, role_name=ROLE, region=HOME, now=Clock(NOW), config=ONCE, pacing=pacing)
    for number in range(21 * 50):
        wire.tell(volume(number, account, 2 * HOUR + timedelta(seconds=number)))
    wire.tell(volume(5000, other))
    history = EventHistory(sessions, Clock(NOW))
    assert len(ids(history.records(account, HOME, VOLUMES, WINDOW))) == 21 * 50
    took = seconds[0]
    assert wire.world.wire.counts["LookupEvents"] == 21
    assert took == pytest.approx(9.5)
    assert ids(history.records(other, HOME, VOLUMES, WINDOW)) == [5000]
    assert seconds[0] == took
