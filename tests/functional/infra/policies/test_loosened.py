"""What the bus compares only if EventBridge tells it, is held somewhere else.

Whoever may become the forwarder in a member account could send each of these where the key is missing. EventBridge's
own part is played by the sandbox, after its documentation ("Amazon EventBridge event structure": sources that begin
with `aws.` are AWS's own; `account` is the sender's).
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from moto.events.models import EventPattern, events_backends

from harness import fixtures
from infra.policies.mutants import is_loosened
from infra.policies.world import rendered
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.core.values import Refusal
from ownertag.render.patterns import hub_pattern
from ownertag.sandbox.calls import Call
from ownertag.sandbox.gaps.events import put_events
from ownertag.sinks.findings import DETAIL_TYPE, SOURCE


class Attack(NamedTuple):
    """What could be sent where one key is missing."""

    key: str
    changed: dict[str, Any]


GENUINE: Any = fixtures.event(fixtures.record())
ATTACKS = {
    "a made-up record under a source of one's own": Attack("events:source", {"source": "evil.ec2"}),
    "a made-up finding": Attack("events:source", {"source": SOURCE, "detail-type": DETAIL_TYPE}),
    "a source in capitals": Attack("events:source", {"source": "AWS.ec2"}),
    "an event of AWS that is no call": Attack(
        "events:detail-type", {"detail-type": "EC2 Instance State-change Notification"}
    ),
    "an insight of CloudTrail": Attack("events:detail-type", {"detail-type": "AWS Insight via CloudTrail"}),
    "a made-up record by an API call": Attack("events:eventBusInvocation", {"source": "evil.ec2"}),
    "everything there is, by a rule of one's own": Attack(
        "aws:SourceArn", {"source": "aws.health", "detail-type": "AWS Health Event"}
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_a_missing_key_lets_onto_the_bus_is_taken_by_no_rule_and_refused_by_parse(name: str) -> None:
    event: Any = {**GENUINE, **ATTACKS[name].changed}
    assert not EventPattern.load(json.dumps(hub_pattern())).matches_event(event)
    assert isinstance(parse_event(json.dumps(event), "message"), Refusal)


def test_the_genuine_event_is_taken() -> None:
    assert EventPattern.load(json.dumps(hub_pattern())).matches_event(GENUINE)
    assert isinstance(parse_event(json.dumps(GENUINE), "message"), Arrival)


def test_every_condition_that_is_compared_only_if_it_is_there_has_an_attack() -> None:
    [statement] = rendered()["bus"]["Statement"]
    condition = statement["Condition"]
    loosened = {key for operator, keys in condition.items() for key in keys if is_loosened(operator, key, condition)}
    assert loosened == {attack.key for attack in ATTACKS.values()}


def test_by_an_api_call_nobody_sends_a_source_of_awss_or_another_account() -> None:
    sent: list[dict[str, Any]] = []
    events_backends["111122223333"]["us-east-1"]
    entries = [
        {"Source": source, "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(fixtures.record())}
        for source in ("aws.ec2", "evil.ec2")
    ]
    call = Call({}, "events", "us-east-1", "PutEvents", {}, json.dumps({"Entries": entries}).encode(), None)
    answer = json.loads(put_events(call, "111122223333", lambda event, _: sent.append(event)).body)
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == ["NotAuthorizedForSourceException", None]
    assert [(event["source"], event["account"]) for event in sent] == [("evil.ec2", "111122223333")]


def test_a_record_of_another_account_is_refused_whatever_the_bus_lets_in() -> None:
    refusal = parse_event(json.dumps({**GENUINE, "account": "444455556666"}), "message")
    assert isinstance(refusal, Refusal)
    assert refusal.reason.value == "forged-envelope"
