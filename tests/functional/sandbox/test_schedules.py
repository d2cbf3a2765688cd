"""What is due of the rules on a schedule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ownertag.sandbox.schedules import Schedules

FUNCTION = "arn:aws:lambda:eu-central-1:222222222222:function:ownertag"


@pytest.fixture
def events() -> Iterator[Any]:
    with mock_aws():
        yield boto3.Session("x", "y", region_name="eu-central-1").client("events")


def rule(events: Any, name: str, target: str = FUNCTION, payload: object = None, **fields: str) -> None:
    events.put_rule(Name=name, **{"ScheduleExpression": "rate(10 minutes)", **fields})
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target, "Input": json.dumps(payload)}])


class Seconds:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_a_schedule_is_due_at_once_and_after_each_interval(events: Any) -> None:
    clock = Seconds()
    schedules = Schedules(clock)
    assert schedules.due() == []
    rule(events, "accounts", payload={"accounts": "keep"})
    [due] = schedules.due()
    assert (due.function, json.loads(due.payload), due.seconds) == (FUNCTION, {"accounts": "keep"}, 600)
    assert schedules.due() == [due]
    schedules.done(due)
    clock.at += 599
    assert schedules.due() == []
    clock.at += 1
    assert schedules.due() == [due]


def test_what_is_disabled_is_no_schedule_or_leads_to_no_function_is_never_due(events: Any) -> None:
    rule(events, "off", State="DISABLED")
    rule(events, "at-noon", ScheduleExpression="cron(0 12 * * ? *)")
    rule(events, "queue", "arn:aws:sqs:eu-central-1:222222222222:ownertag")
    events.put_rule(Name="pattern", EventPattern='{"source": ["aws.ec2"]}')
    assert Schedules(Seconds()).due() == []


def test_a_rule_that_is_deployed_anew_is_due_at_once(events: Any) -> None:
    schedules = Schedules(Seconds())
    rule(events, "accounts")
    for scheduled in schedules.due():
        schedules.done(scheduled)
    events.disable_rule(Name="accounts")
    assert schedules.due() == []
    events.enable_rule(Name="accounts")
    assert len(schedules.due()) == 1
