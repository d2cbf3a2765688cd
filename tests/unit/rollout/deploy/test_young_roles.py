"""Instances that failed because a role was too young are deployed once more, and they alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.rollout.deploy import stack_sets
from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.deploy.operation_events import is_passing, reasons, refusals
from ownertag.rollout.deploy.stacks import AGAIN_SECONDS
from ownertag.rollout.deploy.values import PutInstances, StackInstance, Why
from ownertag.rollout.deploy.young_roles import with_roles_that_are_old_enough

NAME, UNIT, OTHER = "ownertag-spoke-region", "ou-ab12-c3d4e5f6", "ou-ab12-aaaabbbb"
YOUNG = (
    "ResourceLogicalId:Creations1, ResourceType:AWS::Events::Rule, ResourceStatusReason:Provided role "
    "'arn:aws:iam::333333333333:role/ownertag-forwarder' cannot be assumed by principal 'events.amazonaws.com'."
)
TAKEN = "ResourceLogicalId:Tagger, ResourceType:AWS::IAM::Role, ResourceStatusReason:auto-tag-role already exists."
Where = tuple[str, str]


class FakeStackSets:
    """StackSets' operations on instances, as the API reference words them: each fails for a while, by its reasons.

    Args:
        units: The accounts of each unit.
        failing: Account and Region to what each next attempt fails by.
    """

    def __init__(self, units: dict[str, list[str]], failing: dict[Where, list[str]]) -> None:
        self.units, self.failing = units, failing
        self.asked: list[set[Where]] = []
        self.found: dict[Where, dict[str, str]] = {}

    def create_stack_instances(self, **given: Any) -> dict[str, str]:
        targets = given["DeploymentTargets"]
        named = targets.get("Accounts")
        places = {
            (account, region): unit
            for unit in targets["OrganizationalUnitIds"]
            for account in self.units[unit]
            if named is None or account in named
            for region in given["Regions"]
        }
        self.asked.append(set(places))
        for place, unit in places.items():
            waiting = self.failing.get(place)
            reason = waiting.pop(0) if waiting else ""
            status = "OUTDATED" if reason else "CURRENT"
            self.found[place] = {"OrganizationalUnitId": unit, "Status": status, "StatusReason": reason}
        return {"OperationId": str(len(self.asked))}

    def describe_stack_set_operation(self, **_: str) -> dict[str, Any]:
        failed = any(one["Status"] != "CURRENT" for one in self.found.values())
        return {"StackSetOperation": {"Status": "FAILED" if failed else "SUCCEEDED"}}

    def get_paginator(self, _: str) -> FakeStackSets:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"Summaries": [{"Account": a, "Region": r, **told} for (a, r), told in self.found.items()]}]


def ignore(_: str) -> None:
    pass


def none_left_out(_: object) -> dict[StackInstance, Why]:
    return {}


def deployed(fake: FakeStackSets) -> tuple[list[float], str]:
    """The waits, and how it ended."""
    waited: list[float] = []
    task = PutInstances(NAME, (*fake.units,), ("eu-central-1", "us-east-1"))
    first = partial(stack_sets.put_instances, fake, task, waited.append, ignore, none_left_out)
    try:
        with_roles_that_are_old_enough(first, fake, NAME, waited.append, ignore, none_left_out)
    except DeployError as error:
        return waited, str(error)
    return waited, ""


def test_those_alone_are_deployed_once_more() -> None:
    young = {("333333333333", "us-east-1"): [YOUNG], ("555555555555", "us-east-1"): [YOUNG, YOUNG]}
    fake = FakeStackSets({UNIT: ["333333333333", "444444444444"], OTHER: ["555555555555"]}, young)
    waited, failed = deployed(fake)
    assert (waited, failed) == ([AGAIN_SECONDS] * 2, "")
    assert fake.asked[1:] == [
        {("555555555555", "us-east-1")},
        {("333333333333", "us-east-1")},
        {("555555555555", "us-east-1")},
    ]


def test_it_ends_and_names_those_that_stay_too_young() -> None:
    fake = FakeStackSets({UNIT: ["333333333333"]}, {("333333333333", "us-east-1"): [YOUNG] * 10})
    waited, failed = deployed(fake)
    assert len(waited) == 2
    assert "333333333333 us-east-1: " in failed
    assert "cannot be assumed by principal 'events.amazonaws.com'" in failed


def test_another_reason_is_not_tried_again() -> None:
    fake = FakeStackSets({UNIT: ["333333333333"]}, {("333333333333", "us-east-1"): [TAKEN]})
    waited, failed = deployed(fake)
    assert (waited, len(fake.asked)) == ([], 1)
    assert "already exists" in failed


def test_beside_another_reason_the_young_ones_are_still_tried_again() -> None:
    failing = {("333333333333", "us-east-1"): [YOUNG], ("444444444444", "us-east-1"): [TAKEN]}
    fake = FakeStackSets({UNIT: ["333333333333", "444444444444"]}, failing)
    _, failed = deployed(fake)
    assert fake.asked[1:] == [{("333333333333", "us-east-1")}]
    assert "444444444444 us-east-1" in failed
    assert "333333333333" not in failed


@pytest.mark.parametrize(
    ("told", "passing"),
    [
        (YOUNG, True),
        ("The role defined for the function cannot be assumed by Lambda.", True),
        ("You must wait 60 seconds after deleting a queue before you can create another with the same name.", True),
        ("Rate exceeded (Service: CloudWatch)", True),
        (TAKEN, False),
        ("User is not authorized to perform: sts:AssumeRole", False),
        ("its events say no reason", False),
    ],
)
def test_what_passes_by_itself(told: str, passing: bool) -> None:
    assert is_passing([f"Function: {told}", "Bus: Resource creation cancelled"]) is passing


def test_only_the_first_reason_counts() -> None:
    assert not is_passing([TAKEN, YOUNG])


class FakeEvents:
    """DescribeStackEvents and DescribeEvents with prepared pages; an event a page."""

    def __init__(self, *events: dict[str, str], refused: Exception | None = None) -> None:
        self._events = events
        self._refused = refused

    def get_paginator(self, _: str) -> FakeEvents:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        if self._refused:
            raise self._refused
        return [{"StackEvents": [event], "OperationEvents": [event]} for event in self._events]


def event(logical: str, status: str, reason: str = "") -> dict[str, str]:
    own = {"PhysicalResourceId": "id"} if logical == "ownertag-hub" else {}
    return {
        "StackId": "id",
        "LogicalResourceId": logical,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        **own,
    }


def test_the_reasons_are_those_of_the_last_operation_the_first_one_first() -> None:
    client = FakeEvents(
        event("ownertag-hub", "UPDATE_ROLLBACK_COMPLETE"),
        event("Rule", "CREATE_FAILED", "Resource creation cancelled"),
        event("Function", "UPDATE_FAILED", "no such package"),
        event("Bus", "CREATE_FAILED", "taken"),
        event("ownertag-hub", "UPDATE_IN_PROGRESS", "User Initiated"),
        event("Ledger", "CREATE_FAILED", "of an older operation"),
    )
    assert reasons(client, "ownertag-hub") == ("Bus: taken", "Function: no such package")


def test_events_that_can_not_be_read_are_not_taken_for_none() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeEvents")
    for told in (reasons(FakeEvents(refused=denied), "x"), refusals(FakeEvents(refused=denied), "x")):
        assert told == ("its events can't be read (AccessDenied): look in the console",)


def test_a_refusal_names_the_resource_and_what_early_validation_says() -> None:
    """The words are those of a public issue of AWS's own tool (aws-cloudformation/rain#744)."""
    told = {
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": "TestBucket1",
        "ResourceType": "AWS::S3::Bucket",
        "ValidationName": "NAME_CONFLICT_VALIDATION",
        "ValidationStatusReason": "Resource of type 'AWS::S3::Bucket' with identifier 'test' already exists.",
    }
    [line] = refusals(FakeEvents(told, {"EventType": "STACK_EVENT"}), "x")
    assert line.startswith("TestBucket1 (AWS::S3::Bucket): Resource of type 'AWS::S3::Bucket' with identifier 'test'")
    assert "delete it or rename it" in line
