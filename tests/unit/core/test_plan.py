"""From creations and facts to the fewest writes: what is tagged, what is left alone, what is waited for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from harness import fixtures
from harness.fixtures import (
    ACCOUNT,
    EVENT_TIME,
    INSTANCE,
    INTERFACE,
    LATE,
    OTHER_ACCOUNT,
    REGION,
    SOON,
    TOKEN,
    numbered,
)
from harness.planning import plan
from ownertag.core.ask import account_of, ask, launch_of, tags_question
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.decide import age_of
from ownertag.core.match import match
from ownertag.core.settings import Settings
from ownertag.core.values import (
    YOUNG,
    Absent,
    Attached,
    Creation,
    Decision,
    Fact,
    Found,
    LaunchedInstance,
    OutcomeKind,
    Plan,
    Question,
    Reason,
    Unavailable,
)

SETTINGS = fixtures.anywhere()
KEEPING = fixtures.anywhere('[existing_tags]\nowner = "keep"\n')
VOLUME, DATA_VOLUME, LATE_VOLUME = (numbered("vol", number) for number in (1, 2, 3))
LATE_INTERFACE = numbered("eni", 3)
AT_LAUNCH = EVENT_TIME + timedelta(seconds=2)
LATER = EVENT_TIME + timedelta(minutes=2)


def creation(plain: fixtures.Json, settings: Settings = SETTINGS) -> Creation:
    matched = match(fixtures.live_arrival(plain), fixtures.catalogue(), settings)
    assert isinstance(matched, Creation), matched
    return matched


def instance(id_: str = INSTANCE, state: str = "running", **fields: object) -> LaunchedInstance:
    """An instance with a root volume and the interface of its launch, as DescribeInstances shows it."""
    plain = {
        "id": id_,
        "state": state,
        "root_device": "/dev/xvda",
        "root_is_ebs": True,
        "devices": frozenset({"/dev/xvda"}),
        "volumes": (Attached(VOLUME, AT_LAUNCH),),
        "interfaces": (Attached(INTERFACE, AT_LAUNCH),),
    }
    return LaunchedInstance(**(plain | fields))  # type: ignore[arg-type] # a mixed bag of an instance's own fields


def decide(
    creations: Sequence[Creation],
    launched: Fact | None = None,
    settings: Settings = SETTINGS,
    now: datetime = SOON,
    tags: Fact | dict[str, Fact] | None = None,
    account: Fact | None = None,
    careful: bool = False,
) -> Plan:
    """Ask until no question is new, answer from what is given, and plan."""
    facts: dict[Question, Fact] = {}
    for _ in range(6):
        questions = ask(creations, facts, fixtures.catalogue(), settings, careful)
        if not questions:
            return plan(creations, facts, fixtures.catalogue(), settings, now, careful)
        for question in questions:
            if question.kind is QuestionKind.ACCOUNT:
                facts[question] = account or Found()
            elif question.kind is QuestionKind.TAGS:
                facts[question] = (tags.get(question.value) if isinstance(tags, dict) else tags) or Absent()
            else:
                facts[question] = launched or Absent()
    raise AssertionError("the questions never end")


def written(decided: Plan) -> dict[str, dict[str, str]]:
    """The tags that are written, by id."""
    return {resource.id: dict(write.tags) for write in decided.writes for resource in write.resources}


def only(decided: Plan) -> Decision:
    [decision] = decided.decisions
    return decision


# --- the fewest writes


def test_one_creation_is_one_write_with_all_tags() -> None:
    [write] = decide([creation(fixtures.record())]).writes
    assert (write.account, write.region, write.tag_api) == (ACCOUNT, REGION, "ec2.CreateTags")
    assert dict(write.tags) == {
        "owner": "alice",
        "dateCreated": "2026-03-02T09:14:05Z",
        "WhatIsThis": "CreateVolume in eu-central-1",
    }
    assert [resource.arn for resource in write.resources] == [
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1234567890abcdef0"
    ]


def launches(count: int) -> list[Creation]:
    """Launches of an instance each, of different calls."""
    return [
        creation(
            fixtures.launch(
                [numbered("i", number)],
                [numbered("eni", number)],
                numbered("r", number),
                eventID=f"e{number}",
            )
        )
        for number in range(count)
    ]


def seen(creations: Sequence[Creation]) -> Found:
    return Found(
        tuple(
            instance(
                resource.id,
                volumes=(Attached(f"vol{resource.id[1:]}", AT_LAUNCH),),
                interfaces=(Attached(f"eni{resource.id[1:]}", AT_LAUNCH),),
            )
            for one in creations
            for resource in one.resources
            if resource.type == "ec2:instance"
        )
    )


def test_launches_of_one_owner_and_second_share_a_write() -> None:
    creations = launches(300)
    [write] = decide(creations, seen(creations)).writes
    assert len(write.resources) == 900


@pytest.mark.parametrize(("count", "sizes"), [(333, [999]), (334, [1000, 2]), (1000, [1000, 1000, 1000])])
def test_a_write_takes_a_thousand_ids(count: int, sizes: list[int]) -> None:
    creations = launches(count)
    assert [len(write.resources) for write in decide(creations, seen(creations)).writes] == sizes


def test_one_launch_of_a_thousand_is_asked_once_and_written_in_three() -> None:
    many = creation(fixtures.launch(responseElements=fixtures.OMITTED))
    instances = [numbered("i", number) for number in range(1000)]
    fact = Found(
        tuple(
            instance(
                id_,
                volumes=(Attached(f"vol{id_[1:]}", AT_LAUNCH),),
                interfaces=(Attached(f"eni{id_[1:]}", AT_LAUNCH),),
            )
            for id_ in instances
        )
    )
    assert [len(write.resources) for write in decide([many], fact).writes] == [1000, 1000, 1000]


@pytest.mark.parametrize(
    "different",
    [
        {"userIdentity": fixtures.user("bob")},
        {"eventTime": "2026-03-02T09:14:06Z"},
        {"awsRegion": "us-east-1"},
        {"recipientAccountId": OTHER_ACCOUNT},
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_differs_in_owner_time_region_or_account_is_a_write_of_its_own(different: fixtures.Json) -> None:
    other = fixtures.record(**different, responseElements={"volumeId": VOLUME}, eventID="other")
    assert len(decide([creation(fixtures.record()), creation(other)]).writes) == 2


def test_two_accounts_with_the_same_ids_never_mix() -> None:
    both = [creation(fixtures.launch(account=account)) for account in (ACCOUNT, OTHER_ACCOUNT)]
    decided = decide(both, Found((instance(),)))
    assert sorted(write.account for write in decided.writes) == [ACCOUNT, OTHER_ACCOUNT]
    for write in decided.writes:
        assert len(write.resources) == 3
        assert all(f":{write.account}:" in resource.arn for resource in write.resources)


def test_two_regions_with_the_same_ids_never_mix() -> None:
    both = [creation(fixtures.launch(awsRegion=region)) for region in (REGION, "us-east-1")]
    for write in decide(both, Found((instance(),))).writes:
        assert all(f":{write.region}:" in resource.arn for resource in write.resources)


def test_the_partition_is_the_regions() -> None:
    china = creation(fixtures.record(awsRegion="cn-north-1"))
    [write] = decide([china]).writes
    assert write.resources[0].arn == f"arn:aws-cn:ec2:cn-north-1:{ACCOUNT}:volume/vol-1234567890abcdef0"


def test_nothing_is_planned_for_nothing() -> None:
    assert decide([]) == Plan((), (), ())


# --- the order and the number of messages change nothing


def test_a_repeated_event_is_written_once() -> None:
    creations = [creation(fixtures.launch())] * 3
    decided = decide(creations, Found((instance(),)))
    assert len(decided.decisions) == 3
    assert len(decided.writes) == 1
    assert len(decided.writes[0].resources) == 3


def test_of_two_creations_of_one_resource_the_first_owns_it_in_any_order() -> None:
    alice = creation(fixtures.record())
    mallory = creation(
        fixtures.record(userIdentity=fixtures.user("mallory"), eventTime="2026-03-02T09:15:05Z", eventID="2")
    )
    plans = [decide(list(order)) for order in permutations([alice, mallory, alice])]
    assert {written(planned)["vol-1234567890abcdef0"]["owner"] for planned in plans} == {"alice"}
    assert len({planned.writes for planned in plans}) == 1


def test_the_record_that_names_an_interface_owns_it_before_a_launch_that_shows_it() -> None:
    made = fixtures.record(
        "CreateNetworkInterface",
        userIdentity=fixtures.user("netops"),
        eventTime="2026-03-02T09:14:40Z",
        responseElements={"networkInterface": {"networkInterfaceId": LATE_INTERFACE, "ownerId": ACCOUNT}},
    )
    shown = Found((instance(interfaces=(Attached(INTERFACE, AT_LAUNCH), Attached(LATE_INTERFACE, AT_LAUNCH))),))
    for order in permutations([creation(made), creation(fixtures.launch())]):
        tags = written(decide(list(order), shown))
        assert tags[LATE_INTERFACE]["owner"] == "netops"
        assert tags[INTERFACE]["owner"] == "alice"


def test_an_amendment_is_the_same_creation_and_counts_in_any_order() -> None:
    """E4: CloudTrail delivers a record again as UPDATED_DATA, here with the identity that it lacked."""
    first = fixtures.record(userIdentity=fixtures.session("botocore-session-1", "deploy"))
    amended = first | {
        "userIdentity": fixtures.session("botocore-session-1", "deploy", sourceIdentity="richard.roe"),
        "eventID": "99999999-4c5d-4e6f-8a9b-0c1d2e3f4a5b",
        "addendum": {"reason": "UPDATED_DATA", "originalEventID": first["eventID"]},
    }
    plans = [decide(list(order)) for order in permutations([creation(first), creation(amended)])]
    assert plans[0].writes == plans[1].writes
    assert {tags["owner"] for tags in written(plans[0]).values()} == {"richard.roe"}


# --- volumes and interfaces


def test_a_launch_brings_its_volumes_and_interfaces() -> None:
    shown = instance(volumes=(Attached(VOLUME, AT_LAUNCH), Attached(DATA_VOLUME, AT_LAUNCH)))
    decided = decide([creation(fixtures.launch())], Found((shown,)))
    assert set(written(decided)) == {INSTANCE, INTERFACE, VOLUME, DATA_VOLUME}
    assert only(decided).waits == ()


def test_what_is_attached_while_an_instance_can_not_run_yet_was_made_by_its_launch() -> None:
    omitted = creation(fixtures.launch(responseElements=fixtures.OMITTED))
    for seconds, born in ((-1, True), (0, True), (4, True), (5, False), (60, False), (86_400 * 400, False)):
        at = EVENT_TIME + timedelta(seconds=seconds)
        shown = instance(
            volumes=(Attached(VOLUME, AT_LAUNCH), Attached(LATE_VOLUME, at)),
            interfaces=(Attached(INTERFACE, AT_LAUNCH), Attached(LATE_INTERFACE, at)),
        )
        tags = written(decide([omitted], Found((shown,))))
        assert (LATE_VOLUME in tags) is (LATE_INTERFACE in tags) is born, seconds


def births(launched: Creation, shown: LaunchedInstance, made_at: datetime | Fact | None) -> tuple[Plan, set[str]]:
    """The plan, and of which resources it was asked when they were made: all of them at one time."""
    facts: dict[Question, Fact] = {account_of(launched): Found()}
    question = launch_of(launched)
    assert question
    facts[question] = Found((shown,))
    asked = [
        question
        for question in ask([launched], facts, fixtures.catalogue(), SETTINGS)
        if question.kind is QuestionKind.BIRTH
    ]
    answer = made_at if isinstance(made_at, Found | Absent | Unavailable) else Found(born_at=made_at)
    facts |= dict.fromkeys(asked, answer)
    assert not ask([launched], facts, fixtures.catalogue(), SETTINGS)
    return plan([launched], facts, fixtures.catalogue(), SETTINGS, SOON), {question.value for question in asked}


@pytest.mark.parametrize("attached", [None, 5, 10, 30, 60])
@pytest.mark.parametrize(
    ("made", "born"),
    [
        (0, True), (-1, True), (3, True), (29, True), (60, True),
        (-6, False), (-3600, False), (-86_400 * 400, False), (61, False),
    ],
)  # fmt: skip
def test_a_volume_that_is_attached_later_is_the_launch_s_only_if_it_is_no_older(
    attached: int | None, made: int, born: bool
) -> None:
    """Another member's volume, attached by the launcher within the minute, stays nobody's that is known here."""
    at = None if attached is None else EVENT_TIME + timedelta(seconds=attached)
    shown = instance(volumes=(Attached(VOLUME, AT_LAUNCH), Attached(LATE_VOLUME, at, ends_with=True)))
    decided, asked = births(creation(fixtures.launch()), shown, EVENT_TIME + timedelta(seconds=made))
    assert asked == {LATE_VOLUME}
    assert (LATE_VOLUME in written(decided)) is born
    assert VOLUME in written(decided)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Absent(), OutcomeKind.NOT_READY),
        (Unavailable(OutcomeKind.THROTTLED, "busy"), OutcomeKind.THROTTLED),
        (Unavailable(OutcomeKind.FORBIDDEN, "no"), OutcomeKind.FORBIDDEN),
    ],
)
def test_a_volume_whose_age_is_not_known_is_not_claimed_and_waited_for(answer: Fact, kind: OutcomeKind) -> None:
    shown = instance(volumes=(Attached(VOLUME, AT_LAUNCH), Attached(LATE_VOLUME, EVENT_TIME + timedelta(seconds=9))))
    decided, _ = births(creation(fixtures.launch()), shown, answer)
    assert LATE_VOLUME not in written(decided)
    assert [wait.outcome for wait in only(decided).waits] == [kind]


def test_what_is_attached_after_the_minute_or_beside_the_launch_is_not_asked_for() -> None:
    late = EVENT_TIME + timedelta(seconds=61)
    shown = instance(volumes=(Attached(VOLUME, AT_LAUNCH), Attached(LATE_VOLUME, late)))
    _, asked = births(creation(fixtures.launch()), shown, None)
    assert not asked


TEMPLATE = {"launchTemplate": {"launchTemplateId": "lt-0abc1234def567890", "version": "1"}, "clientToken": TOKEN}


def launched_with(interface: fixtures.Json, **fields: Any) -> Creation:
    """A launch whose record shows its interface so."""
    plain = fixtures.launch(**fields)
    [item] = plain["responseElements"]["instancesSet"]["items"]
    item["networkInterfaceSet"]["items"] = [{"networkInterfaceId": INTERFACE, **interface}]
    return creation(plain)


NEW = {"attachment": {"deleteOnTermination": True}}
OLD = {"attachment": {"deleteOnTermination": False}}


@pytest.mark.parametrize(
    "request_",
    [
        TEMPLATE,
        {"launchTemplate": {"launchTemplateName": "web", "version": "$Latest"}, "clientToken": TOKEN},
        {**TEMPLATE, "networkInterfaceSet": {"items": [{"deviceIndex": 1, "subnetId": "subnet-0a1b2c3d"}]}},
        {"omitted": True, "originalSize": 120_000, "reason": "requestParameters too large"},
        {"omitted": "true"},
        None,
    ],
)
def test_an_interface_that_the_request_may_have_named_is_the_launch_s_only_if_it_ends_with_the_instance(
    request_: Any,
) -> None:
    """Its forged twin differs in one field: an old interface of somebody else's in a template is not taken over."""
    shown = instance(interfaces=(Attached(INTERFACE, AT_LAUNCH),))
    for interface, made in ((NEW, True), (OLD, False), ({}, False), ({"attachment": {}}, False)):
        launched = launched_with(interface, requestParameters=request_)
        assert (INTERFACE in {resource.id for resource in launched.resources}) is made, interface
        assert (INTERFACE in written(decide([launched], Found((shown,))))) is made, interface


def test_without_a_template_the_request_tells_what_was_there_before() -> None:
    for interface in (NEW, OLD, {}):
        assert INTERFACE in written(decide([launched_with(interface)], Found((instance(),))))


@pytest.mark.parametrize(
    "request_",
    [
        {"networkInterfaceSet": {"items": [{"deviceIndex": 0, "networkInterfaceId": INTERFACE}]}},
        {"networkInterfaceSet": {"item": {"deviceIndex": 0, "networkInterfaceId": INTERFACE}}},
        {"RunInstancesRequest": {"NetworkInterface": [{"DeviceIndex": 0, "NetworkInterfaceId": INTERFACE, "tag": 1}]}},
        {"RunInstancesRequest": {"NetworkInterface": {"DeviceIndex": 0, "NetworkInterfaceId": INTERFACE, "tag": 1}}},
        {"networkInterfaces": [{"networkInterfaceId": INTERFACE}]},
    ],
)
def test_an_interface_that_the_request_names_in_any_shape_was_there_before(request_: Any) -> None:
    for interface in (OLD, {}):
        launched = launched_with(interface, requestParameters=request_)
        assert INTERFACE not in written(decide([launched], Found((instance(),))))
    other = json.loads(json.dumps(request_).replace(INTERFACE, LATE_INTERFACE))  # the twin: it names another
    assert INTERFACE in written(decide([launched_with(OLD, requestParameters=other)], Found((instance(),))))


@pytest.mark.parametrize("ends_with", [True, False])
def test_the_same_where_the_answer_is_left_out(ends_with: bool) -> None:
    shown = Found((instance(interfaces=(Attached(INTERFACE, AT_LAUNCH, ends_with=ends_with),)),))
    by_template = creation(fixtures.launch(requestParameters=TEMPLATE, responseElements=fixtures.OMITTED))
    assert (INTERFACE in written(decide([by_template], shown))) is ends_with
    later = Attached(INTERFACE, EVENT_TIME + timedelta(seconds=20), ends_with=ends_with)
    assert INTERFACE not in written(decide([by_template], Found((instance(interfaces=(later,)),))))


def test_an_interface_beside_those_that_the_record_names_came_later() -> None:
    """AttachNetworkInterface: another member's interface on the launcher's instance."""
    shown = instance(interfaces=(Attached(INTERFACE, AT_LAUNCH), Attached(LATE_INTERFACE, AT_LAUNCH, ends_with=True)))
    assert LATE_INTERFACE not in written(decide([creation(fixtures.launch())], Found((shown,))))


def test_a_launch_that_was_there_first_keeps_what_a_later_call_names() -> None:
    """A claim by looking counts from the end of the birth window: what is named until then goes before, no later."""
    shown = Found((instance(volumes=(Attached(VOLUME, AT_LAUNCH),)),))
    for seconds, owner in ((-86_400, "bob"), (0, "bob"), (30, "bob"), (60, "bob"), (61, "alice"), (3600, "alice")):
        at = (EVENT_TIME + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        named = fixtures.record(
            userIdentity=fixtures.user("bob"), eventTime=at, responseElements={"volumeId": VOLUME},
            eventID="99999999-4c5d-4e6f-8a9b-0c1d2e3f4a5b",
        )  # fmt: skip
        for order in permutations([creation(named), creation(fixtures.launch())]):
            assert written(decide(list(order), shown))[VOLUME]["owner"] == owner, seconds


def test_an_interface_that_the_request_names_is_untouched() -> None:
    request = {"clientToken": TOKEN, "networkInterfaceSet": {"items": [{"networkInterfaceId": INTERFACE}]}}
    named = creation(fixtures.launch(requestParameters=request))
    assert set(written(decide([named], Found((instance(),))))) == {INSTANCE, VOLUME}


def test_an_interface_that_the_request_names_is_untouched_when_the_response_is_omitted() -> None:
    request = {"clientToken": TOKEN, "networkInterfaceSet": {"items": [{"networkInterfaceId": INTERFACE}]}}
    named = creation(fixtures.launch(requestParameters=request, responseElements=fixtures.OMITTED))
    assert set(written(decide([named], Found((instance(),))))) == {INSTANCE, VOLUME}


def test_what_a_service_manages_is_untouched() -> None:
    shown = (
        instance(volumes=(Attached(VOLUME, AT_LAUNCH, managed=True),), interfaces=()),
        instance(numbered("i", 9), managed=True),
    )
    both = creation(fixtures.launch(responseElements=fixtures.OMITTED))
    assert set(written(decide([both], Found(shown)))) == {INSTANCE}


def test_what_only_the_lookup_shows_to_be_managed_is_refused_before_any_call() -> None:
    decided = decide([creation(fixtures.launch())], Found((instance(managed=True),)))
    assert decided.writes == ()
    [refusal] = decided.refusals
    assert refusal.reason is Reason.MANAGED_BY_SERVICE
    assert {resource.id for resource in refusal.resources} == {INSTANCE, INTERFACE}


def test_an_instance_of_the_reservation_that_the_record_does_not_name_is_untouched() -> None:
    shown = (instance(), instance(numbered("i", 9), volumes=(Attached(DATA_VOLUME, AT_LAUNCH),)))
    assert set(written(decide([creation(fixtures.launch())], Found(shown)))) == {INSTANCE, INTERFACE, VOLUME}


def test_an_odd_id_of_a_lookup_is_left_out() -> None:
    shown = instance(volumes=(Attached("vol-x", AT_LAUNCH), Attached(VOLUME, AT_LAUNCH)))
    assert set(written(decide([creation(fixtures.launch())], Found((shown,))))) == {INSTANCE, INTERFACE, VOLUME}


# --- what is waited for, and how long

PENDING = instance(state="pending", devices=frozenset(), volumes=())


@pytest.mark.parametrize(
    ("shown", "complete"),
    [
        (PENDING, False),
        (instance(state="pending"), False),
        (instance(devices=frozenset(), volumes=()), False),
        (instance(devices=frozenset({"/dev/sdb"})), False),
        (instance(), True),
        (instance(state="stopped"), True),
        (instance(root_device=None, devices=frozenset()), True),
        (instance(root_is_ebs=False, devices=frozenset(), volumes=()), True),
        (instance(state="terminated", devices=frozenset(), volumes=()), True),
        (instance(state="shutting-down", devices=frozenset(), volumes=()), True),
    ],
)
def test_an_instance_is_complete_when_it_shows_its_root_device(shown: LaunchedInstance, complete: bool) -> None:
    waits = only(decide([creation(fixtures.launch())], Found((shown,)))).waits
    assert (not waits) is complete
    assert all(wait.outcome is OutcomeKind.NOT_READY for wait in waits)


def test_a_pending_instance_is_tagged_at_once_and_waited_for_only_while_young() -> None:
    launched = creation(fixtures.launch())
    assert set(written(decide([launched], Found((PENDING,))))) == {INSTANCE, INTERFACE}
    assert only(decide([launched], Found((PENDING,)), now=EVENT_TIME + YOUNG - timedelta(seconds=1))).waits
    assert not only(decide([launched], Found((PENDING,)), now=EVENT_TIME + YOUNG)).waits


def test_an_instance_that_is_not_to_be_seen_yet_is_waited_for() -> None:
    decided = decide([creation(fixtures.launch())], Absent())
    assert [wait.outcome for wait in only(decided).waits] == [OutcomeKind.NOT_READY]
    assert INSTANCE not in written(decided)
    assert decided.refusals == ()


def test_an_instance_that_is_not_to_be_seen_any_more_is_gone() -> None:
    decided = decide([creation(fixtures.launch())], Absent(), now=LATE)
    assert only(decided).waits == ()
    assert [(outcome.kind, outcome.is_retried) for outcome in only(decided).settled] == [(OutcomeKind.GONE, False)]


def test_one_instance_of_two_is_tagged_while_the_other_is_waited_for() -> None:
    two = creation(fixtures.launch([INSTANCE, numbered("i", 2)], []))
    decided = decide([two], Found((instance(interfaces=()),)))
    assert set(written(decided)) == {INSTANCE, VOLUME}
    assert [wait.reason for wait in only(decided).waits] == ["1 launched instances are not to be seen yet"]


def test_an_omitted_launch_waits_for_as_many_as_were_asked_for() -> None:
    request = {"clientToken": TOKEN, "instancesSet": {"items": [{"minCount": 2, "maxCount": 60}]}}
    launched = creation(fixtures.launch(requestParameters=request, responseElements=fixtures.OMITTED))
    question = launch_of(launched)
    assert question == Question(QuestionKind.INSTANCES_BY_CLIENT_TOKEN, ACCOUNT, REGION, TOKEN)
    one, two = Found((instance(),)), Found((instance(), instance(numbered("i", 2), volumes=(), interfaces=())))
    assert only(decide([launched], one)).waits
    assert set(written(decide([launched], one))) == {INSTANCE, INTERFACE, VOLUME}
    assert not only(decide([launched], two)).waits
    assert not only(decide([launched], one, now=LATE)).waits


def test_an_omitted_launch_of_which_nothing_is_left_is_refused_only_when_old() -> None:
    launched = creation(fixtures.launch(responseElements=fixtures.OMITTED))
    assert only(decide([launched], Absent())).waits
    [refusal] = decide([launched], Absent(), now=LATE).refusals
    assert refusal.reason is Reason.GONE


@pytest.mark.parametrize("now", [SOON, LATE], ids=["young", "old"])
@pytest.mark.parametrize("outcome", [OutcomeKind.THROTTLED, OutcomeKind.FORBIDDEN, OutcomeKind.FAILED])
def test_a_launch_that_could_not_be_looked_up_is_never_taken_for_gone(outcome: OutcomeKind, now: datetime) -> None:
    decided = decide([creation(fixtures.launch())], Unavailable(outcome, "no answer"), now=now)
    assert decided.writes == ()
    assert decided.refusals == ()
    assert [(wait.outcome, wait.reason) for wait in only(decided).waits] == [(outcome, "no answer")]


def test_a_clock_that_is_behind_makes_an_event_new_and_not_old() -> None:
    launched = creation(fixtures.launch())
    assert age_of(launched, EVENT_TIME - timedelta(minutes=15)) == timedelta(0)
    assert only(decide([launched], Absent(), now=EVENT_TIME - timedelta(minutes=15))).waits


# --- accounts


def test_an_unknown_account_is_refused_and_nothing_else_is_asked() -> None:
    decided = decide([creation(fixtures.launch())], account=Absent())
    assert (decided.decisions, decided.writes) == ((), ())
    assert [(refusal.reason, refusal.where) for refusal in decided.refusals] == [(Reason.UNKNOWN_ACCOUNT, "message")]


@pytest.mark.parametrize("now", [SOON, LATE], ids=["young", "old"])
def test_an_account_that_could_not_be_looked_up_comes_back(now: datetime) -> None:
    away = Unavailable(OutcomeKind.THROTTLED, "Organizations is throttled")
    decided = decide([creation(fixtures.record())], account=away, now=now)
    assert (decided.writes, decided.refusals) == ((), ())
    assert [wait.outcome for wait in only(decided).waits] == [OutcomeKind.THROTTLED]


def test_one_account_does_not_cost_another() -> None:
    mine, theirs = (creation(fixtures.record(recipientAccountId=account)) for account in (ACCOUNT, OTHER_ACCOUNT))
    facts: dict[Question, Fact] = {account_of(mine): Found(), account_of(theirs): Absent()}
    decided = plan([mine, theirs], facts, fixtures.catalogue(), SETTINGS, SOON)
    assert [write.account for write in decided.writes] == [ACCOUNT]


# --- what a resource carries already

PRESENT = {"owner": "alice", "dateCreated": "2026-03-02T09:14:05Z", "WhatIsThis": "CreateVolume in eu-central-1"}


def test_tags_are_asked_for_when_care_is_taken_and_for_no_kept_key() -> None:
    one = creation(fixtures.record())
    facts: dict[Question, Fact] = {account_of(one): Found()}
    assert ask([one], facts, fixtures.catalogue(), SETTINGS) == ()
    assert ask([one], facts, fixtures.catalogue(), KEEPING) == ()
    careful = ask([one], facts, fixtures.catalogue(), SETTINGS, careful=True)
    assert [question.kind for question in careful] == [QuestionKind.TAGS]


@pytest.mark.parametrize(
    ("present", "owner", "others"),
    [
        ({}, "alice", True),
        ({"owner": "ceo"}, None, True),
        ({"owner": ""}, None, True),
        ({"Owner": "ceo"}, "alice", True),
        ({"owner": "ceo", "dateCreated": "yesterday"}, None, True),
        (PRESENT, None, False),
        ({**PRESENT, "Name": "web"}, None, False),
        ({**PRESENT, "WhatIsThis": "x"}, None, False),
    ],
)
def test_while_the_ledger_is_away_what_is_there_stays(present: dict[str, str], owner: str | None, others: bool) -> None:
    tags = written(decide([creation(fixtures.record())], tags=Found(tags=present), careful=True))
    assert tags.get("vol-1234567890abcdef0", {}).get("owner") == owner
    assert bool(tags) is others


@pytest.mark.parametrize("settings", [SETTINGS, KEEPING], ids=["overwrite", "keep"])
def test_what_is_found_on_a_resource_is_written_over_even_where_a_key_is_kept(settings: Settings) -> None:
    """Whoever tags first in the seconds before ownertag does names nobody."""
    one = creation(fixtures.record())
    facts: dict[Question, Fact] = {
        account_of(one): Found(),
        tags_question(one.resources[0], one): Found(tags={**PRESENT, "owner": "ceo"}),
    }
    assert written(plan([one], facts, fixtures.catalogue(), settings, SOON)) == {
        "vol-1234567890abcdef0": {"owner": "alice"}
    }


def test_what_has_its_tags_already_is_unchanged_and_not_written() -> None:
    decided = decide([creation(fixtures.record())], tags=Found(tags=PRESENT), careful=True)
    assert decided.writes == ()
    assert [outcome.kind for outcome in only(decided).settled] == [OutcomeKind.UNCHANGED]


def test_tags_that_could_not_be_read_are_not_written_over() -> None:
    away: dict[str, Fact] = {INSTANCE: Unavailable(OutcomeKind.FORBIDDEN, "denied")}
    decided = decide([creation(fixtures.launch())], Found((instance(),)), tags=away, careful=True)
    assert set(written(decided)) == {INTERFACE, VOLUME}
    assert [wait.outcome for wait in only(decided).waits] == [OutcomeKind.FORBIDDEN]


def test_the_tags_of_what_a_lookup_brought_are_asked_for_in_the_next_round() -> None:
    launched = creation(fixtures.launch())
    there: dict[str, Fact] = {VOLUME: Found(tags={"owner": "ceo"})}
    tags = written(decide([launched], Found((instance(),)), tags=there, careful=True))
    assert "owner" not in tags[VOLUME]
    assert tags[INSTANCE]["owner"] == "alice"


def test_a_question_is_asked_once_for_a_repeated_event() -> None:
    launched = creation(fixtures.launch())
    facts: dict[Question, Fact] = {account_of(launched): Found()}
    assert len(ask([launched] * 5, facts, fixtures.catalogue(), SETTINGS)) == 1
    assert len(ask([launched] * 5, {}, fixtures.catalogue(), SETTINGS)) == 1
