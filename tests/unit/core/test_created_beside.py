"""What is made beside what a record names: its parent's decision, where something says that the creation made it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from harness import fixtures
from harness.fixtures import ACCOUNT, EVENT_TIME, LATE, REGION, SOON
from harness.planning import plan
from ownertag.core.ask import account_of, ask, launch_of
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.match import match
from ownertag.core.values import (
    Absent,
    Creation,
    Decision,
    Fact,
    Found,
    OutcomeKind,
    Part,
    Question,
    Unavailable,
)

CATALOGUE = fixtures.catalogue()
SETTINGS = fixtures.anywhere()

IMAGE, VPC, GATEWAY = "ami-0abc1234def567890", "vpc-0abc1234def567890", "nat-0abc1234def567890"
SNAPSHOT, OLD_SNAPSHOT = "snap-0abc1234def567890", "snap-0abc1234def567891"
TABLE, ACL, GROUP = "rtb-0abc1234def567890", "acl-0abc1234def567890", "sg-0abc1234def567890"
INTERFACE = "eni-0abc1234def567890"

NAT_ANSWER = {"CreateNatGatewayResponse": {"natGateway": {"natGatewayId": GATEWAY, "state": "pending"}}}
BORN_WITH_VPC = (Part("ec2:security-group", GROUP), Part("ec2:network-acl", ACL), Part("ec2:route-table", TABLE))
BORN_WITH_GATEWAY = (Part("ec2:network-interface", INTERFACE),)
BORN_WITH_IMAGE = (Part("ec2:snapshot", SNAPSHOT, aged=True),)

#: (response, what is asked, what it made beside the named resource) of each event that makes more than it names.
EVENTS: dict[str, tuple[fixtures.Json, QuestionKind, tuple[Part, ...]]] = {
    "CreateImage": ({"imageId": IMAGE}, QuestionKind.SNAPSHOTS_OF_IMAGE, BORN_WITH_IMAGE),
    "CopyImage": ({"imageId": IMAGE}, QuestionKind.SNAPSHOTS_OF_IMAGE, BORN_WITH_IMAGE),
    "RegisterImage": ({"imageId": IMAGE}, QuestionKind.SNAPSHOTS_OF_IMAGE, BORN_WITH_IMAGE),
    "CreateVpc": ({"vpc": {"vpcId": VPC, "ownerId": ACCOUNT}}, QuestionKind.PARTS_OF_VPC, BORN_WITH_VPC),
    "CreateDefaultVpc": (
        {"CreateDefaultVpcResponse": {"vpc": {"vpcId": VPC, "ownerId": ACCOUNT}}},
        QuestionKind.PARTS_OF_VPC,
        BORN_WITH_VPC,
    ),
    "CreateNatGateway": (NAT_ANSWER, QuestionKind.INTERFACES_OF_NAT_GATEWAY, BORN_WITH_GATEWAY),
}


def creation(event: str, **fields: Any) -> Creation:
    matched = match(
        fixtures.arrival(fixtures.record(event, responseElements=EVENTS[event][0], **fields)), CATALOGUE, SETTINGS
    )
    assert isinstance(matched, Creation), matched
    return matched


def decided(
    made: Creation, fact: Fact, births: dict[str, Fact] | None = None, now: datetime = SOON
) -> tuple[Decision, dict[str, str]]:
    """The decision, and the owner written on each resource."""
    facts: dict[Question, Fact] = {account_of(made): Found()}
    question = launch_of(made)
    assert question is not None
    assert question in ask([made], facts, CATALOGUE, SETTINGS)
    facts[question] = fact
    asked = ask([made], facts, CATALOGUE, SETTINGS)
    assert {question.kind for question in asked} <= {QuestionKind.BIRTH}
    facts |= {question: (births or {}).get(question.value, Found(born_at=EVENT_TIME)) for question in asked}
    result = plan([made], facts, CATALOGUE, SETTINGS, now)
    [decision] = result.decisions
    return decision, {resource.id: dict(write.tags)["owner"] for write in result.writes for resource in write.resources}


@pytest.mark.parametrize("event", EVENTS)
def test_what_is_made_beside_it_gets_its_parent_s_decision(event: str) -> None:
    _, kind, parts = EVENTS[event]
    made = creation(event)
    assert made.asked_by == (kind, made.resources[0].id)
    decision, owners = decided(made, Found(parts=parts))
    assert owners == dict.fromkeys([made.resources[0].id, *(part.id for part in parts)], "alice")
    assert not decision.waits
    types = CATALOGUE.types
    assert {resource.arn for resource in decision.resources[1:]} == {
        types[part.type].arn.format(partition="aws", region=REGION, account=ACCOUNT, id=part.id) for part in parts
    }


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    ("fact", "kind"),
    [
        (Absent(), OutcomeKind.NOT_READY),
        (Found(complete=False), OutcomeKind.NOT_READY),
        (Unavailable(OutcomeKind.THROTTLED, "busy"), OutcomeKind.THROTTLED),
        (Unavailable(OutcomeKind.FORBIDDEN, "may not"), OutcomeKind.FORBIDDEN),
    ],
)
def test_what_is_named_does_not_wait_for_what_can_not_be_seen(event: str, fact: Fact, kind: OutcomeKind) -> None:
    made = creation(event)
    decision, owners = decided(made, fact)
    assert owners == {made.resources[0].id: "alice"}
    assert [wait.outcome for wait in decision.waits] == [kind]
    late, _ = decided(made, fact, now=LATE)
    assert bool(late.waits) is (kind is not OutcomeKind.NOT_READY)


@pytest.mark.parametrize("event", ["CreateImage", "CopyImage", "RegisterImage"])
@pytest.mark.parametrize(
    ("made", "born"), [(-86_400, False), (-6, False), (-5, True), (0, True), (30, True), (3600, True)]
)
def test_a_snapshot_that_was_there_before_stays_its_own_maker_s(event: str, made: int, born: bool) -> None:
    """The forged twin of the snapshot of an image: an image is registered from another member's snapshot."""
    births: dict[str, Fact] = {OLD_SNAPSHOT: Found(born_at=EVENT_TIME + timedelta(seconds=made))}
    parts = (*BORN_WITH_IMAGE, Part("ec2:snapshot", OLD_SNAPSHOT, aged=True))
    _, owners = decided(creation(event), Found(parts=parts), births)
    assert (OLD_SNAPSHOT in owners) is born
    assert SNAPSHOT in owners


@pytest.mark.parametrize("answer", [Absent(), Unavailable(OutcomeKind.THROTTLED, "busy")])
def test_a_snapshot_whose_age_is_not_known_is_waited_for(answer: Fact) -> None:
    decision, owners = decided(creation("CopyImage"), Found(parts=BORN_WITH_IMAGE), {SNAPSHOT: answer})
    assert SNAPSHOT not in owners
    assert len(decision.waits) == 1


@pytest.mark.parametrize(
    ("replaceable", "seconds", "born"), [(True, 60, True), (True, 61, False), (False, 61, True), (False, 86_400, True)]
)
def test_a_main_route_table_that_may_have_taken_the_place_of_another_is_not_claimed_later(
    replaceable: bool, seconds: int, born: bool
) -> None:
    """Its forged twin: another member's table, made the main one of the VPC, is not the VPC's owner's."""
    table = Part("ec2:route-table", TABLE, replaceable=replaceable)
    now = EVENT_TIME + timedelta(seconds=seconds)
    _, owners = decided(creation("CreateVpc"), Found(parts=(*BORN_WITH_VPC[:2], table)), now=now)
    assert (TABLE in owners) is born
    assert GROUP in owners


def test_a_record_that_names_the_part_goes_before_a_parent_that_shows_it() -> None:
    vpc = creation("CreateVpc")
    own = match(
        fixtures.arrival(
            fixtures.record(
                "CreateRouteTable", userIdentity=fixtures.user("bob"), eventTime="2026-03-02T09:14:45Z",
                responseElements={"routeTable": {"routeTableId": TABLE, "ownerId": ACCOUNT}},
                eventID="99999999-4c5d-4e6f-8a9b-0c1d2e3f4a5b",
            )
        ),
        CATALOGUE, SETTINGS,
    )  # fmt: skip
    assert isinstance(own, Creation)
    question = launch_of(vpc)
    assert question is not None
    facts: dict[Question, Fact] = {account_of(vpc): Found(), question: Found(parts=BORN_WITH_VPC)}
    for order in ([vpc, own], [own, vpc]):
        writes = plan(order, facts, CATALOGUE, SETTINGS, SOON).writes
        owners = {resource.id: dict(write.tags)["owner"] for write in writes for resource in write.resources}
        assert owners == {VPC: "alice", GROUP: "alice", ACL: "alice", TABLE: "bob"}


def test_what_is_no_id_of_a_part_is_left_out() -> None:
    _, owners = decided(creation("CreateNatGateway"), Found(parts=(Part("ec2:network-interface", "eni-*"),)))
    assert owners == {GATEWAY: "alice"}
