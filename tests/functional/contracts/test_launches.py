"""A launch without ids and without a token is found by its time, or refused with the reason: fakes and adapters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import pytest

from contracts.emulated import HOME, IMAGE, ONCE, ROLE, Emulated, emulated, error
from contracts.instances import Instances, Launch, Machine
from contracts.trail import Trail
from harness import fixtures
from harness.events import CATALOGUE, SETTINGS, messages, record
from harness.fakes import Clock, FakeAccounts, FakeAws, FakeCall, FakeLookups, FakeTagger, Launched
from harness.memory_ledger import MemoryLedger
from ownertag.aws.sessions import Sessions
from ownertag.core.unnamed_launch import launch_record_of
from ownertag.core.values import (
    Failure,
    LaunchedInstance,
    LaunchRecord,
    OutcomeKind,
    Reason,
    Reservation,
    ReservedInstance,
)
from ownertag.flows.live import BatchAnswer, handle
from ownertag.flows.ports import Lookups, Ports
from ownertag.flows.result import FinishedBefore, Refused
from ownertag.sources.lookups import AwsLookups

NOW = datetime.now(UTC).replace(microsecond=0)
AT = NOW - timedelta(hours=2)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
OTHER = "999999999999"
TEMPLATE = "lt-0123456789abcdef0"
OF_TEMPLATE = (("aws:ec2launchtemplate:id", TEMPLATE), ("aws:ec2launchtemplate:version", "3"))


class Stage(Protocol):
    """An account with launches in it, and CloudTrail's records of them."""

    account: str
    clock: Clock
    lookups: Lookups

    def add(self, launch: Launch) -> None:
        """Adds a launch to EC2."""

    def tell(self, plain: dict[str, Any]) -> None:
        """Adds this record to CloudTrail."""

    def throttle(self, *names: str) -> None:
        """Throttles these calls from now on; with none, throttling ends."""


class FakeStage:
    """The fakes."""

    def __init__(self) -> None:
        self.account = "111111111111"
        self.clock = Clock(AT + 30 * MINUTE)
        self.aws = FakeAws()
        self.aws.now = self.clock
        self.lookups: Lookups = FakeLookups(self.aws)

    def add(self, launch: Launch) -> None:
        place = self.aws.places[self.account, HOME]
        instances = []
        for machine in launch.machines:
            of_aws = dict(machine.tags)
            facts = (machine.image, machine.type, machine.subnet, machine.zone, machine.key, machine.lifecycle, of_aws)
            instances.append(ReservedInstance(machine.id, machine.launched, machine.token, *facts))
            place.started[machine.id] = machine.started
            state = "running" if machine.launched else "terminated"
            place.launched[machine.id] = Launched(
                LaunchedInstance(machine.id, state, None, False), launch.id, machine.token
            )
        place.reservations.append(Reservation(launch.id, launch.owner, launch.requester, tuple(instances)))

    def tell(self, plain: dict[str, Any]) -> None:
        launch_record: LaunchRecord | None = None
        at = datetime.fromisoformat(plain["eventTime"])
        if plain.get("awsRegion"):  # else it can't be read
            made = fixtures.arrival(plain).record
            launch_record = launch_record_of(made)
            if launch_record is None:
                return
        self.aws.places[self.account, HOME].launches.append((at, launch_record))

    def throttle(self, *names: str) -> None:
        kinds = {"LookupEvents": "launches", "DescribeInstances": "reservations"}
        refused = {kinds[name] for name in names}

        def refuse(call: FakeCall) -> Failure | None:
            return Failure("ThrottlingException", 400) if call.name in refused else None

        self.aws.refuses = refuse


class WireStage:
    """The real adapters; EC2 and CloudTrail are played on the wire."""

    def __init__(self, world: Emulated) -> None:
        self.world = world
        self.account = world.spokes[0]
        self.clock = Clock(AT + 30 * MINUTE)
        self.trail, self.instances = Trail(), Instances()
        world.wire.rule(self._refused)
        world.wire.rule(self.trail)
        world.wire.rule(self.instances)
        self._throttled: tuple[str, ...] = ()
        # moto's credentials expire by the real time.
        sessions = Sessions(world.session, role_name=ROLE, region=HOME, now=Clock(NOW), config=ONCE)
        self.lookups: Lookups = AwsLookups(sessions, SETTINGS, fixtures.catalogue().parents, self.clock)

    def add(self, launch: Launch) -> None:
        self.instances.add(self.account, launch)

    def tell(self, plain: dict[str, Any]) -> None:
        self.trail.add(plain, region=HOME)

    def throttle(self, *names: str) -> None:
        self._throttled = names

    def _refused(self, call: Any) -> Any:
        return error(call, "ThrottlingException") if call.operation in self._throttled else None


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


def machines(count: int = 3, *, first: int = 1, at: datetime = AT, **more: Any) -> tuple[Machine, ...]:
    return tuple(Machine(fixtures.numbered("i", first + number), at, at, **more) for number in range(count))


def launch(stage: Stage, number: int = 1, count: int = 3, at: datetime = AT, **more: Any) -> Launch:
    of = machines(count, first=100 * number, at=at, **more)
    return Launch(fixtures.numbered("r", number), stage.account, of)


def omitted(stage: Stage, number: int = 1, least: int = 3, limit: int = 3, at: datetime = AT, **more: Any) -> Any:
    """The record of a launch without its response, which names no resource."""
    item = {"imageId": "ami-0abcdef1234567890", "minCount": least, "maxCount": limit}
    request = {"instancesSet": {"items": [item]}, "instanceType": "t3.micro", "subnetId": "subnet-0b1c2d3e4f5061728"}
    request |= more.pop("request", {})
    return record("RunInstances", stage.account, HOME, fixtures.OMITTED, request, at=at, number=number, **more)


def named(stage: Stage, reservation: str, number: int = 9, at: datetime = AT, **more: Any) -> Any:
    """The record of a launch that names what it created."""
    request = {"instancesSet": {"items": [{"minCount": 1, "maxCount": 1}]}} | more.pop("request", {})
    answer = {"reservationId": reservation, "ownerId": stage.account, "instancesSet": {"items": []}}
    return record("RunInstances", stage.account, HOME, answer, request, at=at, number=number, **more)


def handled(stage: Stage, *records: Any, ledger: MemoryLedger | None = None) -> tuple[BatchAnswer, FakeAws]:
    """The live flow's result for these records, and its writes."""
    written = FakeAws()
    tagger = FakeTagger(written)
    ports = Ports(FakeAccounts({stage.account}), stage.lookups, tagger, stage.clock, ledger=ledger or MemoryLedger())
    return handle(messages(*records), ports, CATALOGUE, SETTINGS), written


def tagged(stage: Stage, *records: Any) -> dict[str, str]:
    """The owner written on each instance and its interface; fails for a record that is not done."""
    answer, written = handled(stage, *records)
    assert [message.result.reasons for message in answer.done] == [()] * len(records), answer
    owners = {id_: tags["owner"] for id_, tags in written.places[stage.account, HOME].tags.items()}
    return {id_: owner for id_, owner in owners.items() if id_.startswith("i-")}


def refused(stage: Stage, *records: Any) -> str:
    """The detail of the refusal of the first record; checks that nothing was written."""
    answer, written = handled(stage, *records)
    assert [call.name for call in written.calls] == []
    result = answer.done[0].result
    assert isinstance(result, Refused)
    refusal = result.refusal
    assert refusal.reason is Reason.RESPONSE_OMITTED
    assert "`ownertag transfer`" in refusal.detail
    return refusal.detail


def waits(stage: Stage, *records: Any) -> str:
    """The reason why these messages come back; checks that nothing was written."""
    answer, written = handled(stage, *records)
    assert [call.name for call in written.calls] == []
    assert answer.done == ()
    return answer.returned[0].reasons[0]


# --- what is certain


def test_the_only_launch_of_that_time_is_found(stage: Stage) -> None:
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(made)
    assert tagged(stage, made) == dict.fromkeys([machine.id for machine in launch(stage).machines], "alice")


def test_launches_that_say_what_they_made_leave_one_over(stage: Stage) -> None:
    """Launches named by their answer or their token, before and after it, alike and different."""
    stage.add(launch(stage))
    stage.add(launch(stage, 2))
    stage.add(launch(stage, 3, count=1, at=AT + 3 * SECOND))
    stage.add(launch(stage, 4, token="by-token"))
    stage.add(launch(stage, 5, token="by-token-and-left-out", at=AT - 2 * SECOND))
    made = omitted(stage)
    for launched in (
        made,
        named(stage, fixtures.numbered("r", 2), 92, user="bob"),
        named(stage, fixtures.numbered("r", 3), 93, at=AT + 3 * SECOND),
        named(stage, fixtures.numbered("r", 4), 94, request={"clientToken": "by-token"}),
        omitted(stage, 95, at=AT - 2 * SECOND, request={"clientToken": "by-token-and-left-out"}),
        named(stage, "", 96, errorCode="Client.InstanceLimitExceeded", responseElements=None),
        named(stage, "", 97, errorCode="Client.DryRunOperation", responseElements=None),
        named(stage, "", 98, errorCode="Server.InsufficientInstanceCapacity", responseElements=None),
    ):
        stage.tell(launched)
    assert set(tagged(stage, made)) == {machine.id for machine in launch(stage).machines}


def test_an_older_instance_that_was_started_then_is_no_launch_of_then(stage: Stage) -> None:
    old = Launch("r-00000000000000abc", stage.account, (replace(machines(1)[0], id="i-00000000000000abc",
                                                               launched=AT - 30 * MINUTE),))  # fmt: skip
    stage.add(old)
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(made)
    assert set(tagged(stage, made)) == {machine.id for machine in launch(stage).machines}


def test_what_was_stopped_and_started_since_is_found_with_the_rest_of_its_launch(stage: Stage) -> None:
    whole = launch(stage)
    again = replace(whole.machines[1], started=AT + 20 * MINUTE)
    stage.add(replace(whole, machines=(whole.machines[0], again, whole.machines[2])))
    made = omitted(stage)
    stage.tell(made)
    assert set(tagged(stage, made)) == {machine.id for machine in whole.machines}


def test_what_a_template_leaves_open_is_not_asked_of_the_instances(stage: Stage) -> None:
    stage.add(launch(stage, image="ami-0ddddddddddddddd0", type="m7g.large", tags=OF_TEMPLATE))
    request = {
        "instancesSet": {"items": [{"minCount": 2, "maxCount": 5}]},
        "instanceType": None,
        "launchTemplate": {"launchTemplateId": TEMPLATE, "version": "$Latest"},
    }
    made = omitted(stage, request=request)
    stage.tell(made)
    assert len(tagged(stage, made)) == 3


def test_pages_that_cut_reservations_change_nothing(wire: WireStage) -> None:
    wire.instances.page = 2
    for number in (1, 2, 3):
        wire.add(launch(wire, number))
    made = omitted(wire)
    for launched in (made, named(wire, fixtures.numbered("r", 2), 92), named(wire, fixtures.numbered("r", 3), 93)):
        wire.tell(launched)
    assert set(tagged(wire, made)) == {machine.id for machine in launch(wire).machines}
    assert wire.world.wire.counts["DescribeInstances"] == 7


def test_pages_of_records_are_read_to_their_end(wire: WireStage) -> None:
    wire.add(launch(wire))
    made = omitted(wire)
    for number in range(120):
        wire.tell(named(wire, fixtures.numbered("r", 1000 + number), 1000 + number))
    wire.tell(made)
    assert len(tagged(wire, made)) == 3
    assert wire.world.wire.counts["LookupEvents"] == 3


def test_it_is_kept_whose_it_is_and_done_once(stage: Stage) -> None:
    stage.add(launch(stage))
    made, ledger = omitted(stage), MemoryLedger()
    stage.tell(made)
    handled(stage, made, ledger=ledger)
    answer, written = handled(stage, made, ledger=ledger)
    assert [isinstance(done.result, FinishedBefore) for done in answer.done] == [True]
    assert written.calls == []
    assert {holding.owner.name for holding in (known.holding for known in ledger.by_owner("alice"))} == {"alice"}


# --- what is not


def test_two_equal_launches_of_one_second_are_nobodys(stage: Stage) -> None:
    for number in (1, 2):
        stage.add(launch(stage, number))
    both = [omitted(stage, 1, user="alice"), omitted(stage, 2, user="bob")]
    for launched in both:
        stage.tell(launched)
    for made in both:
        assert "1 other launches of that time don't say what they made either" in refused(stage, made)


@pytest.mark.parametrize("seconds", [-20, -11, 11, 20])
def test_another_silent_launch_counts_as_far_as_both_could_have_made_it(stage: Stage, seconds: int) -> None:
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(made)
    stage.tell(omitted(stage, 2, at=AT + seconds * SECOND, least=1, limit=1, request={"instanceType": "m5.large"}))
    assert "don't say what they made either" in refused(stage, made)


@pytest.mark.parametrize("seconds", [-21, 21])
def test_one_further_away_does_not(stage: Stage, seconds: int) -> None:
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(made)
    stage.tell(omitted(stage, 2, at=AT + seconds * SECOND))
    assert len(tagged(stage, made)) == 3


@pytest.mark.parametrize("answer", [None, {}, {"ownerId": "x"}, {"reservationId": 7}, "text"])
def test_a_record_that_says_nothing_makes_it_uncertain(stage: Stage, answer: Any) -> None:
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(made)
    stage.tell(named(stage, "", 91, responseElements=answer))
    assert "don't say what they made either" in refused(stage, made)


@pytest.mark.parametrize(
    "code", ["Server.InternalError", "InternalFailure", "Server.Unavailable", "ServiceUnavailable", "Server.Timeout"]
)
def test_a_call_that_failed_in_aws_may_have_launched_all_the_same(stage: Stage, code: str) -> None:
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(made)
    stage.tell(named(stage, "", 91, errorCode=code, responseElements=None))
    assert "don't say what they made either" in refused(stage, made)


def test_a_record_that_can_not_be_read_makes_it_uncertain(stage: Stage) -> None:
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(made)
    stage.tell(named(stage, "r-1", 91, awsRegion=None))
    assert "more launches of that time than can be read" in refused(stage, made)


def test_more_records_than_can_be_read_make_it_uncertain(wire: WireStage) -> None:
    wire.add(launch(wire))
    made = omitted(wire)
    wire.tell(made)
    for number in range(250):
        wire.tell(named(wire, fixtures.numbered("r", 1000 + number), 1000 + number))
    assert "more launches of that time than can be read" in refused(wire, made)
    assert wire.world.wire.counts["DescribeInstances"] == 1  # pages are read before it is known; no more is asked


def test_two_that_no_record_tells_of_are_uncertain(stage: Stage) -> None:
    for number in (1, 2):
        stage.add(launch(stage, number))
    made = omitted(stage)
    stage.tell(made)
    assert "2 launches of that time are to be seen" in refused(stage, made)


def test_what_is_terminated_is_uncertain(stage: Stage) -> None:
    gone = tuple(replace(machine, launched=None) for machine in machines())
    stage.add(Launch("r-00000000000000001", stage.account, gone))
    made = omitted(stage)
    stage.tell(made)
    assert "is terminated" in refused(stage, made)


def test_a_terminated_one_beside_it_makes_it_uncertain_and_its_own_do_not(stage: Stage) -> None:
    whole = launch(stage)
    stage.add(replace(whole, machines=(*whole.machines[:2], replace(whole.machines[2], launched=None))))
    made = omitted(stage)
    stage.tell(made)
    assert set(tagged(stage, made)) == {machine.id for machine in whole.machines}
    stage.add(Launch("r-00000000000000abc", stage.account, (replace(machines(1)[0], launched=None),)))
    assert "2 launches of that time" in refused(stage, made)


def test_nothing_of_that_time_is_uncertain(stage: Stage) -> None:
    stage.add(launch(stage, at=AT + 11 * SECOND))
    made = omitted(stage)
    stage.tell(made)
    assert "no launch of that time is to be seen" in refused(stage, made)


def test_what_was_all_started_anew_since_is_not_to_be_seen(stage: Stage) -> None:
    whole = launch(stage)
    stage.add(replace(whole, machines=tuple(replace(machine, started=AT + 20 * MINUTE) for machine in whole.machines)))
    made = omitted(stage)
    stage.tell(made)
    assert "no launch of that time is to be seen" in refused(stage, made)


def test_a_reservation_of_another_account_in_a_shared_subnet_is_not_its_own(stage: Stage) -> None:
    stage.add(replace(launch(stage, 2), owner=OTHER))
    made = omitted(stage)
    stage.tell(made)
    assert "no launch of that time is to be seen" in refused(stage, made)
    stage.add(launch(stage))
    assert set(tagged(stage, made)) == {machine.id for machine in launch(stage).machines}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"image": "ami-0ddddddddddddddd0"}, "another image"),
        ({"type": "m5.large"}, "another type"),
        ({"subnet": "subnet-00000000000000bad"}, "another subnet"),
        ({"token": "somebody-s"}, "has a client token"),
        ({"lifecycle": "spot"}, "Spot or scheduled"),
        ({"lifecycle": "scheduled"}, "Spot or scheduled"),
        ({"tags": (("aws:ec2:fleet-id", "fleet-1"),)}, "a group or a fleet"),
        ({"tags": (("aws:autoscaling:groupName", "web"),)}, "a group or a fleet"),
        ({"tags": OF_TEMPLATE}, "another launch template"),
        ({"count": 2}, "shows 2 instances, and 3 were asked for"),
        ({"count": 4}, "shows 4 instances, and 3 were asked for"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_one_that_differs_in_one_fact_is_uncertain(stage: Stage, more: dict[str, Any], why: str) -> None:
    stage.add(launch(stage, **more))
    made = omitted(stage)
    stage.tell(made)
    assert why in refused(stage, made)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"availabilityZone": "eu-central-1b"}, "another Availability Zone"),
        ({"instancesSet": {"items": [{"minCount": 3, "maxCount": 3, "keyName": "hers"}]}}, "another key"),
        ({"launchTemplate": {"launchTemplateId": TEMPLATE}}, "another launch template"),
        ({"launchTemplate": {"launchTemplateName": "web"}}, "another launch template"),
        ({"instancesSet": {"items": [{"minCount": 4, "maxCount": 9}]}}, "shows 3 instances, and 4 to 9"),
    ],
)
def test_what_was_asked_for_and_is_not_there_makes_it_uncertain(
    stage: Stage, request_: dict[str, Any], why: str
) -> None:
    stage.add(launch(stage))
    made = omitted(stage, request=request_)
    stage.tell(made)
    assert why in refused(stage, made)


def test_one_that_was_launched_on_the_account_s_behalf_is_a_service_s(stage: Stage) -> None:
    stage.add(replace(launch(stage), requester="226008221399"))
    made = omitted(stage)
    stage.tell(made)
    assert "on behalf of the account" in refused(stage, made)


@pytest.mark.parametrize(
    "request_",
    [
        {"instancesSet": None},
        {"instancesSet": {"items": [{"minCount": "3", "maxCount": "3"}]}},
        {"instancesSet": {"items": [{"minCount": 3, "maxCount": 2}]}},
        {"instancesSet": {"items": [{"minCount": 0, "maxCount": 2}]}},
        {"instancesSet": {"items": [{"minCount": True, "maxCount": True}]}},
        {"instancesSet": {"items": [{"minCount": 3, "maxCount": 3}] * 2}},
    ],
)
def test_a_request_without_a_number_is_refused_at_once(stage: Stage, request_: dict[str, Any]) -> None:
    stage.clock.time = AT + MINUTE
    assert "how many it asked for" in refused(stage, omitted(stage, request=request_))


# --- what is not told yet


def test_it_waits_until_cloudtrail_has_all_records_of_that_time_however_old_it_is_then(stage: Stage) -> None:
    """The wait is fifteen minutes and some seconds, longer than until an absent resource counts as gone."""
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(made)
    for minutes in (0, 1, 9, 11, 15):
        stage.clock.time = AT + minutes * MINUTE
        assert waits(stage, made).startswith(OutcomeKind.NOT_READY.value)
    stage.clock.time = AT + 16 * MINUTE
    assert len(tagged(stage, made)) == 3


def test_nothing_is_asked_of_aws_before_there_can_be_an_answer(wire: WireStage) -> None:
    made = omitted(wire)
    wire.clock.time = AT + MINUTE
    waits(wire, made)
    assert wire.world.wire.counts == {}


def test_a_list_that_lacks_the_launch_itself_is_not_whole(stage: Stage) -> None:
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(named(stage, "r-00000000000000bad"))
    assert "may not show all" in waits(stage, made)
    stage.tell(made)
    stage.clock.move(MINUTE)
    assert len(tagged(stage, made)) == 3


def test_an_amended_record_is_the_launch_itself(stage: Stage) -> None:
    stage.add(launch(stage))
    made = omitted(stage)
    addendum = {"reason": "UPDATED_DATA", "originalEventID": made["eventID"]}
    amended = made | {"eventID": str(UUID(int=77)), "addendum": addendum}
    for delivered in (made, amended):
        stage.tell(delivered)
    for delivered in (amended, made):
        assert len(tagged(stage, delivered)) == 3


def test_a_reservation_other_than_its_amended_record_names_is_not_its_own(stage: Stage) -> None:
    stage.add(launch(stage, 2))
    made = omitted(stage)
    addendum = {"reason": "UPDATED_DATA", "originalEventID": made["eventID"]}
    stage.tell(made)
    stage.tell(named(stage, fixtures.numbered("r", 1), 77, addendum=addendum))
    assert "is not the one that an amended record names" in refused(stage, made)
    stage.add(launch(stage, 1))
    assert set(tagged(stage, made)) == {machine.id for machine in launch(stage, 1).machines}


@pytest.mark.parametrize("name", ["LookupEvents", "DescribeInstances"])
def test_what_is_throttled_comes_back_and_is_never_taken_for_nothing(stage: Stage, name: str) -> None:
    stage.add(launch(stage))
    made = omitted(stage)
    stage.tell(made)
    stage.throttle(name)
    assert waits(stage, made).startswith(OutcomeKind.THROTTLED.value)
    stage.throttle()
    assert len(tagged(stage, made)) == 3


def test_what_cloudtrail_has_forgotten_is_refused(wire: WireStage) -> None:
    wire.add(launch(wire))
    made = omitted(wire)
    wire.clock.time = AT + timedelta(days=91)
    assert "after 90 days" in refused(wire, made)


# --- EC2 as moto plays it


def test_a_launch_on_moto_is_found_by_its_time(world_of_moto: WireStage) -> None:
    stage = world_of_moto
    ec2 = stage.world.ec2(stage.account)
    answered = ec2.run_instances(ImageId=IMAGE, MinCount=2, MaxCount=2, ClientToken="")
    made_at = answered["Instances"][0]["LaunchTime"]
    request = {"instancesSet": {"items": [{"imageId": IMAGE, "minCount": 2, "maxCount": 2}]}}
    made = record("RunInstances", stage.account, HOME, fixtures.OMITTED, request, at=made_at, number=1)
    stage.tell(made)
    stage.clock.time = made_at + 20 * MINUTE
    assert {instance["InstanceId"] for instance in answered["Instances"]} == set(tagged(stage, made))


@pytest.fixture
def world_of_moto() -> Iterator[WireStage]:
    with emulated() as world:
        stage = WireStage(world)
        world.wire.heal()
        world.wire.rule(stage.trail)
        yield stage
