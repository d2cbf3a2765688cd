"""From a record to the hub's queue, over what is deployed; what can't be delivered waits where EventBridge puts it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from moto.events.models import events_backends
from moto.sqs.models import sqs_backends

from harness import fixtures
from harness.waiting import wait
from ownertag.render.patterns import spoke_rules
from ownertag.sandbox.bus import _matching, as_event
from ownertag.sandbox.personas import HOME_REGION, HUB
from ownertag.sandbox.sandbox import Sandbox

WEB, DATA, REGION = "333333333333", "444444444444", "us-east-1"
BUS = "ownertag"
# The rule that has `record`'s event: which one that is changes with the catalogue.
RULE = next(
    name
    for name, pattern in spoke_rules(fixtures.catalogue(), fixtures.settings()).items()
    if '"CreateVolume"' in json.dumps(pattern)
)
FORWARDER = "ownertag-forwarder"


def record(account: str = WEB, **changed: Any) -> dict[str, Any]:
    return {
        "eventSource": "ec2.amazonaws.com",
        "eventName": "CreateVolume",
        "eventTime": "2026-01-31T12:00:00Z",
        "awsRegion": REGION,
        "recipientAccountId": account,
        "eventID": str(uuid4()),
        **changed,
    }


def received(sandbox: Sandbox, account: str, region: str, url: str) -> list[dict[str, Any]]:
    sqs = sandbox.client(sandbox.account_session(account, region), "sqs")
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
        "Messages"
    ):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message)
    sqs.close()
    return found


def carried(sandbox: Sandbox, *records: Mapping[str, Any]) -> None:
    """Lets the bus carry records: what comes last has been carried when a metric of its rule moves."""
    before = matched(sandbox, DATA, "eu-west-1")
    for sent in (*records, record(DATA, awsRegion="eu-west-1")):
        sandbox.bus.put(dict(sent))
    wait(lambda: matched(sandbox, DATA, "eu-west-1") != before)
    with sandbox.bus._lock:  # given back when the last one is with its targets
        pass


def delivered(sandbox: Sandbox, *records: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events of these records that come to the hub's queue."""
    carried(sandbox, *records)
    ids = {record["eventID"] for record in records}
    events = [json.loads(message["Body"]) for message in received(sandbox, HUB, HOME_REGION, sandbox.queue_url)]
    return [event for event in events if event["detail"]["eventID"] in ids]


def undelivered(sandbox: Sandbox, account: str = WEB, region: str = REGION) -> list[tuple[str, dict[str, str]]]:
    url = f"{sandbox.endpoint_url}/{account}/ownertag-undelivered"
    return [attributes(message) for message in received(sandbox, account, region, url)]


def attributes(message: dict[str, Any]) -> tuple[str, dict[str, str]]:
    given = {key: attribute["StringValue"] for key, attribute in message["MessageAttributes"].items()}
    return json.loads(message["Body"])["detail"]["eventID"], given


def count(sandbox: Sandbox, account: str, region: str, metric: str, **dimensions: str) -> float:
    """A metric of the last minutes, as `GetMetricStatistics` gives it."""
    cloudwatch = sandbox.client(sandbox.account_session(account, region), "cloudwatch")
    now = datetime.now(UTC)
    found = cloudwatch.get_metric_statistics(
        Namespace="AWS/Events",
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    cloudwatch.close()
    return float(sum(datum["Sum"] for datum in found))


def matched(sandbox: Sandbox, account: str, region: str) -> float:
    return count(sandbox, account, region, "MatchedEvents", RuleName=RULE)


@contextmanager
def without_role(sandbox: Sandbox, account: str, name: str) -> Iterator[Any]:
    """An account without a role, which comes back as it was."""
    iam = sandbox.client(sandbox.account_session(account), "iam")
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)
    yield iam
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.close()


def test_a_creation_goes_to_the_hub_with_the_envelope_that_eventbridge_writes(sandbox: Sandbox) -> None:
    sent = record()
    [event] = delivered(sandbox, sent)
    assert event["detail"] == sent
    assert (event["source"], event["account"], event["region"]) == ("aws.ec2", WEB, REGION)


@pytest.mark.parametrize("account", ["111111111111", HUB, "666666666666"], ids=["management", "hub", "spoke"])
def test_every_account_is_heard(sandbox: Sandbox, account: str) -> None:
    [event] = delivered(sandbox, record(account, awsRegion="us-west-2"))
    assert (event["account"], event["region"]) == (account, "us-west-2")


@pytest.mark.parametrize(
    "changed",
    [
        {"eventName": "StopInstances"},
        {"errorCode": "Client.Error"},
        {"eventSource": "sts.amazonaws.com"},
        {"awsRegion": "ap-south-1"},
    ],
    ids=["no creation", "failed", "another service", "a Region without rules"],
)
def test_what_no_rule_matches_stays_in_its_account(sandbox: Sandbox, changed: dict[str, str]) -> None:
    assert delivered(sandbox, record(**changed)) == []
    assert undelivered(sandbox) == []


def test_an_event_above_256_kb_is_never_delivered(sandbox: Sandbox) -> None:
    before = sandbox.bus.too_large
    assert delivered(sandbox, record(requestParameters={"x": "y" * 300_000})) == []
    assert sandbox.bus.too_large == before + 1


def test_a_disabled_rule_sends_nothing(sandbox: Sandbox) -> None:
    events = sandbox.client(sandbox.account_session(WEB, REGION), "events")
    events.disable_rule(Name=RULE)
    other = record(DATA)
    assert [event["account"] for event in delivered(sandbox, record(), other)] == [DATA]
    assert undelivered(sandbox) == []
    events.enable_rule(Name=RULE)
    assert len(delivered(sandbox, record())) == 1


def test_without_the_forwarder_an_event_waits_in_its_own_region(sandbox: Sandbox) -> None:
    failed = count(sandbox, WEB, REGION, "FailedInvocations", RuleName=RULE)
    with without_role(sandbox, WEB, FORWARDER):
        lost, other = record(), record(DATA)
        assert [event["account"] for event in delivered(sandbox, lost, other)] == [DATA]
    bus = f"arn:aws:events:{HOME_REGION}:{HUB}:event-bus/{BUS}"
    # That the role was deleted is an event of its own, which waits there as well.
    [why] = [why for event_id, why in undelivered(sandbox) if event_id == lost["eventID"]]
    assert why.pop("ERROR_MESSAGE").endswith(f"arn:aws:iam::{WEB}:role/{FORWARDER}")
    assert why == {
        "RULE_ARN": f"arn:aws:events:{REGION}:{WEB}:rule/{RULE}",
        "TARGET_ARN": bus,
        "ERROR_CODE": "FAILED_TO_ASSUME_ROLE",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "0",
    }
    assert count(sandbox, WEB, REGION, "FailedInvocations", RuleName=RULE) == failed + 1
    assert len(delivered(sandbox, record())) == 1


def test_a_forwarder_that_trusts_the_rules_of_another_account_does_not_help(sandbox: Sandbox) -> None:
    iam = sandbox.client(sandbox.account_session(WEB), "iam")
    trust = iam.get_role(RoleName=FORWARDER)["Role"]["AssumeRolePolicyDocument"]
    iam.update_assume_role_policy(RoleName=FORWARDER, PolicyDocument=json.dumps(trust).replace(WEB, DATA))
    assert delivered(sandbox, record()) == []
    iam.update_assume_role_policy(RoleName=FORWARDER, PolicyDocument=json.dumps(trust))
    assert [why["ERROR_CODE"] for _, why in undelivered(sandbox)] == ["FAILED_TO_ASSUME_ROLE"]


def test_a_hub_bus_that_is_gone_takes_nothing(sandbox: Sandbox) -> None:
    buses = events_backends[HUB][HOME_REGION].event_buses
    kept = buses[BUS]
    rules = dict(kept.rules)
    sandbox.client(sandbox.account_session(HUB, HOME_REGION), "events").delete_event_bus(Name=BUS)
    assert BUS not in buses
    assert delivered(sandbox, record()) == []
    kept.rules.update(rules)
    buses[BUS] = kept
    assert [why["ERROR_CODE"] for _, why in undelivered(sandbox)] == ["NO_RESOURCE"]
    assert len(delivered(sandbox, record())) == 1


def test_without_its_queue_the_hub_keeps_the_event_in_its_dead_letter_queue(sandbox: Sandbox) -> None:
    queues = sqs_backends[HUB][HOME_REGION].queues
    kept = queues["ownertag"]
    sandbox.client(sandbox.account_session(HUB, HOME_REGION), "sqs").delete_queue(QueueUrl=sandbox.queue_url)
    sent = record()
    carried(sandbox, sent)
    queues["ownertag"] = kept
    found = dict(attributes(message) for message in received(sandbox, HUB, HOME_REGION, sandbox.dead_letter_url))
    assert found[sent["eventID"]]["ERROR_CODE"] == "NO_RESOURCE"
    assert found[sent["eventID"]]["RULE_ARN"].endswith(f"rule/{BUS}/ownertag-creations")


def test_an_event_that_the_queue_does_not_take_does_not_end_the_hop(sandbox: Sandbox) -> None:
    sqs = sandbox.client(sandbox.account_session(HUB, HOME_REGION), "sqs")
    size = sqs.get_queue_attributes(QueueUrl=sandbox.queue_url, AttributeNames=["MaximumMessageSize"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=sandbox.queue_url, Attributes={"MaximumMessageSize": "2048"})
    bad, good = record(requestParameters={"x": "y" * 3000}), record()
    assert [event["detail"] for event in delivered(sandbox, bad, good)] == [good]
    sqs.set_queue_attributes(QueueUrl=sandbox.queue_url, Attributes=size)
    found = dict(attributes(message) for message in received(sandbox, HUB, HOME_REGION, sandbox.dead_letter_url))
    assert found[bad["eventID"]]["ERROR_CODE"] == "ERROR_FROM_TARGET"


def test_cloudwatch_tells_when_an_account_last_delivered(sandbox: Sandbox) -> None:
    at_hub = {"EventBusName": BUS, "RuleName": "ownertag-creations"}
    before = count(sandbox, WEB, "us-west-2", "Invocations", RuleName=RULE)
    hub_before = count(sandbox, HUB, HOME_REGION, "MatchedEvents", **at_hub)
    delivered(sandbox, record(awsRegion="us-west-2"))
    assert count(sandbox, WEB, "us-west-2", "Invocations", RuleName=RULE) == before + 1
    assert count(sandbox, HUB, HOME_REGION, "MatchedEvents", **at_hub) >= hub_before + 1
    assert count(sandbox, DATA, "us-west-2", "Invocations", RuleName=RULE) == 0

    cloudwatch = sandbox.client(sandbox.account_session(WEB, "us-west-2"), "cloudwatch")
    dimensions = [{"Name": "RuleName", "Value": RULE}]
    stat = {
        "Metric": {"Namespace": "AWS/Events", "MetricName": "Invocations", "Dimensions": dimensions},
        "Period": 300,
        "Stat": "Sum",
    }
    now = datetime.now(UTC)
    [found] = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "last", "MetricStat": stat}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
    )["MetricDataResults"]
    assert sum(found["Values"]) == before + 1
    assert now - max(found["Timestamps"]) < timedelta(minutes=6)


# Patterns as rules over many sources have them, and which of three events they match (doc: "Comparison operators for
# use in event patterns in Amazon EventBridge").
OPERATORS: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    ({"eventName": [{"prefix": "Create"}]}, {("rds", "CreateDBInstance"), ("sns", "CreateTopic")}),
    ({"eventName": [{"suffix": "Topic"}, "TagRole"]}, {("sns", "CreateTopic"), ("iam", "TagRole")}),
    ({"eventName": [{"wildcard": "Create*Instance"}]}, {("rds", "CreateDBInstance")}),
    ({"eventName": [{"equals-ignore-case": "tagrole"}]}, {("iam", "TagRole")}),
    ({"eventName": [{"anything-but": ["CreateTopic", "TagRole"]}]}, {("rds", "CreateDBInstance")}),
    ({"eventName": [{"anything-but": {"prefix": "Create"}}]}, {("iam", "TagRole")}),
    (
        {"eventName": [{"exists": True}], "errorCode": [{"exists": False}]},
        {("rds", "CreateDBInstance"), ("iam", "TagRole")},
    ),
    (
        {
            "$or": [
                {"eventSource": ["sns.amazonaws.com"], "eventName": [{"prefix": "Create"}]},
                {"eventSource": ["iam.amazonaws.com"], "eventName": [{"prefix": "Tag"}]},
            ]
        },
        {("sns", "CreateTopic"), ("iam", "TagRole")},
    ),
    ({"eventSource": ["rds.amazonaws.com"], "$or": [{"eventName": ["TagRole"]}, {"errorCode": ["Denied"]}]}, set()),
]


@pytest.mark.parametrize(
    ("detail", "matching"), OPERATORS, ids=lambda value: json.dumps(value) if isinstance(value, dict) else ""
)
def test_the_operators_of_patterns_match_as_eventbridge_says(
    sandbox: Sandbox, detail: dict[str, Any], matching: set[tuple[str, str]]
) -> None:
    region = "ap-southeast-1"
    events = sandbox.client(sandbox.account_session(DATA, region), "events")
    events.put_rule(Name="operators", EventPattern=json.dumps({"detail": detail}))
    found = set()
    for source, name, error in (
        ("rds", "CreateDBInstance", None),
        ("sns", "CreateTopic", "Denied"),
        ("iam", "TagRole", None),
    ):
        made = record(DATA, eventSource=f"{source}.amazonaws.com", eventName=name, awsRegion=region)
        event = as_event(made | ({"errorCode": error} if error else {}))
        if "operators" in {rule.name for rule in _matching(event, DATA, region, "default")}:
            found.add((source, name))
    events.delete_rule(Name="operators")
    events.close()
    assert found == matching
