"""How a function takes tokens from the shared counter, and when: the SDK's calls, answered by the test."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from harness.memory_counter import MemoryCounter, SharedCounters
from ownertag.aws.pacing import AWAY, PATIENCE, Paced, Pacing
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.token_leases import LEASE_SECONDS

PLACE = ("111111111111", "eu-central-1")
KEY = (*PLACE, "ec2.CreateTags")


class Body(BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


class Function:
    """One of the functions; time passes only when somebody waits."""

    def __init__(self, numbers: SharedCounters, time: list[float], functions: int = 5, unsure: float = 0.0) -> None:
        self.time, self.sent, self.refuse = time, 0, False
        counter = MemoryCounter(numbers, lambda: time[0], (unsure, unsure))
        self.pacing = Pacing(load_catalogue().quotas, 0.5, functions, counter, lambda: time[0], self.sleep)
        session = boto3.Session("none", "none", region_name=PLACE[1])
        once = Config(retries={"mode": "standard", "total_max_attempts": 1})
        self.ec2, self.trail = session.client("ec2", config=once), session.client("cloudtrail", config=once)
        for client, service in ((self.ec2, "ec2"), (self.trail, "cloudtrail")):
            self.pacing.watch(client, lambda: PLACE)
            client.meta.events.register(f"before-send.{service}", self._answer)  # type: ignore[arg-type] # it may answer

    def sleep(self, seconds: float) -> None:
        self.time[0] += seconds

    def _answer(self, request: Any, **_: object) -> AWSResponse:
        self.sent += 1
        error = "<Errors><Error><Code>RequestLimitExceeded</Code><Message>no</Message></Error></Errors>"
        body = f"<Response>{error if self.refuse else ''}</Response>" if "ec2" in request.url else '{"Events": []}'
        return AWSResponse(request.url, 503 if self.refuse else 200, HTTPHeaders(), Body(body.encode()))

    def tag(self, times: int = 1) -> int:
        """Makes so many calls; returns the number of those that were sent."""
        return sum(self._sent(self.ec2.create_tags, Resources=["vol-1"], Tags=[]) for _ in range(times))

    def look_up(self, times: int = 1) -> int:
        return sum(self._sent(self.trail.lookup_events) for _ in range(times))

    @staticmethod
    def _sent(call: Any, **given: Any) -> bool:
        try:
            call(**given)
        except Paced:
            return False
        return True


@pytest.fixture
def numbers() -> SharedCounters:
    return SharedCounters()


@pytest.fixture
def time() -> list[float]:
    return [1_800_000_000.0]


def test_who_calls_little_asks_nobody(numbers: SharedCounters, time: list[float]) -> None:
    function = Function(numbers, time)
    for _ in range(20):  # two calls every ten seconds
        assert function.tag(2) == 2
        time[0] += 10
    assert not numbers.asked


def test_who_calls_much_takes_several_at_a_time(numbers: SharedCounters, time: list[float]) -> None:
    function = Function(numbers, time)
    function.pacing.hurry(True)
    assert function.tag(100) == 2 + 1 + int((40 - 1) - 4 * LEASE_SECONDS)
    assert numbers.asked["take"] <= 9


def test_one_function_may_use_all_that_the_others_do_not(numbers: SharedCounters, time: list[float]) -> None:
    function, begun = Function(numbers, time), time[0]
    sent = 0
    while time[0] < begun + 60:
        function.pacing.begin()
        sent += function.tag(10)
    # A share of five a second, of which the others' own parts are 0.8; 1 a second before.
    assert sent > 50 * 0.6 + 60 * 4.1


def test_tokens_of_a_function_that_ended_are_there_again_after_a_lease(
    numbers: SharedCounters, time: list[float]
) -> None:
    ended, other = Function(numbers, time), Function(numbers, time)
    for tagger in (ended, other):
        tagger.pacing.hurry(True)
        assert tagger.tag(2) == 2  # its own
    before = numbers.until.get(KEY)
    assert before is None
    assert ended.tag(2) == 2
    ended.tag(2)
    lost = 8  # it took 2, then 4, and 8 at most
    assert other.tag(100) >= 32 - 2 - 2 - lost
    time[0] += 60
    fresh = Function(numbers, time)
    fresh.pacing.hurry(True)
    assert fresh.tag(100) == 2 + 32


def test_all_functions_share_a_scarce_call(numbers: SharedCounters, time: list[float]) -> None:
    functions = [Function(numbers, time) for _ in range(5)]
    for function in functions:
        function.pacing.hurry(True)
    assert [function.look_up() for function in functions] == [1, 0, 0, 0, 0]
    time[0] += 1.2
    assert sum(function.look_up(3) for function in functions) == 1


def test_where_a_token_is_still_to_come_it_is_waited_for_as_long_as_the_patience(
    numbers: SharedCounters, time: list[float]
) -> None:
    function, begun = Function(numbers, time, unsure=0.2), time[0]
    assert function.look_up(20) == 1 + int(PATIENCE / 1.5)
    assert time[0] - begun <= PATIENCE + 0.5
    asked = numbers.asked["take"]
    function.look_up(20)
    assert numbers.asked["take"] == asked  # it knows that there is none


def test_in_a_hurry_only_the_time_itself_is_waited_for(numbers: SharedCounters, time: list[float]) -> None:
    function, begun = Function(numbers, time, unsure=0.2), time[0]
    function.pacing.hurry(True)
    assert function.look_up(20) == 1
    assert time[0] - begun == pytest.approx(0.4)


def test_without_the_counter_each_has_its_part_and_a_scarce_call_is_not_made(
    numbers: SharedCounters, time: list[float]
) -> None:
    functions = [Function(numbers, time) for _ in range(5)]
    numbers.away = True
    for function in functions:
        function.pacing.hurry(True)
        assert function.tag(20) == 2
        assert function.look_up() == 0
    time[0] += 4.0
    assert [function.tag(20) for function in functions] == [4] * 5  # one a second
    numbers.away = False
    time[0] += AWAY
    # It counts as empty then, since it does not know what was used meanwhile.
    assert sum(function.tag(50) for function in functions) <= 5 * (int(AWAY) + 1)


def test_fifty_functions_have_their_part_without_the_counter_as_well(
    numbers: SharedCounters, time: list[float]
) -> None:
    function = Function(numbers, time, functions=50)
    numbers.away = True
    function.pacing.hurry(True)
    assert function.tag(3) == 0
    time[0] += 10.1
    assert function.tag(3) == 1


def test_a_refusal_gives_up_what_was_taken_and_the_next_waits(numbers: SharedCounters, time: list[float]) -> None:
    function = Function(numbers, time)
    function.tag(3)
    function.refuse = True
    with pytest.raises(Exception, match="RequestLimitExceeded"):
        function.tag()
    function.refuse = False
    begun = time[0]
    assert function.tag() == 1
    assert time[0] - begun == pytest.approx(1 / 4)
