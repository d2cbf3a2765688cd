"""EventBridge: delivers records to the hub's queue by the rules, roles, buses and queues that are deployed.

The rules are read when a record comes, from moto's own state, so that what is disabled or deleted by hand counts at
once. moto's own delivery is not used: it fires disabled rules and loses the account of an event that goes on to another
account's bus. Policies of buses and queues are not enforced: moto's CloudFormation does not create them.
"""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Thread
from typing import Any
from uuid import uuid4

from moto.cloudwatch.models import cloudwatch_backends
from moto.core.exceptions import ServiceException
from moto.events.models import events_backends
from moto.sqs.models import sqs_backends

from ownertag.sandbox.organization import role_trust
from ownertag.sandbox.recorder import Record
from ownertag.sandbox.trust import allows, service

#: Larger events are never sent to EventBridge (doc).
MAX_EVENT = 256 * 1024


@dataclass(frozen=True)
class DeliveryFailure:
    """The reason why a target could not be reached, as the attributes of a dead-letter queue name it."""

    code: str
    message: str


class Bus:
    """Carries events on a thread of its own, as EventBridge does: the caller waits for nothing.

    Args:
        lock: Held while moto's state is read.
        arrived: Is told that something came into a queue.
    """

    def __init__(self, lock: AbstractContextManager[Any], arrived: Callable[[], None]) -> None:
        self._lock = lock
        self._arrived = arrived
        self._waiting: queue.SimpleQueue[tuple[dict[str, Any], str] | None] = queue.SimpleQueue()
        self._thread = Thread(target=self._carry, name="bus", daemon=True)
        self.delivered = 0
        self.too_large = 0
        self.undelivered = 0

    def start(self) -> None:
        """Starts the delivery."""
        self._thread.start()

    def stop(self) -> None:
        """Delivers what is waiting, and ends."""
        self._waiting.put(None)
        self._thread.join()

    def put(self, record: Record) -> None:
        """Takes a record that CloudTrail has written."""
        self._waiting.put((as_event(record), "default"))

    def put_event(self, event: dict[str, Any], bus: str) -> None:
        """Takes an event that somebody has put on a bus of the event's account and Region."""
        self._waiting.put((event, bus))

    def _carry(self) -> None:
        while (taken := self._waiting.get()) is not None:
            event, bus = taken
            if len(json.dumps(event)) > MAX_EVENT:
                self.too_large += 1
                continue
            with self._lock:
                self._arrive(event, event["account"], event["region"], bus)
            self._arrived()

    def _arrive(self, event: dict[str, Any], account: str, region: str, bus: str) -> None:
        """Delivers an event on a bus to the targets of each rule that matches."""
        for rule in _matching(event, account, region, bus):
            _count(rule, "MatchedEvents")
            for target in rule.targets:
                to = target["Arn"].split(":", 5)
                if to[2] == "events" and to[5].startswith("event-bus/"):
                    failure = self._to_bus(event, rule, target, to, bus)
                elif to[2] == "sqs":
                    failure = self._to_queue(event, to)
                else:  # an archive's own rule, or what is not here
                    continue
                _count(rule, "FailedInvocations" if failure else "Invocations")
                if failure:
                    self.undelivered += 1
                    _dead_letter(event, rule, target, failure)

    def _to_bus(
        self, event: dict[str, Any], rule: Any, target: dict[str, Any], to: list[str], bus: str
    ) -> DeliveryFailure | None:
        if bus != "default":  # an event goes on to one other account, and no further (doc)
            return DeliveryFailure("THIRD_ACCOUNT_HOP_DETECTED", "The event came from another bus already")
        role = target.get("RoleArn", "")
        caller = service("events.amazonaws.com", rule.arn, rule.account_id)
        if not allows(role_trust(role), caller, "sts:AssumeRole"):
            return DeliveryFailure("FAILED_TO_ASSUME_ROLE", f"Failed to assume role {role or '(none is set)'}")
        name = to[5].removeprefix("event-bus/")
        if name not in events_backends[to[4]][to[3]].event_buses:
            return DeliveryFailure("NO_RESOURCE", f"Event bus {name} does not exist in {to[3]} of account {to[4]}")
        self._arrive(event, to[4], to[3], name)
        return None

    def _to_queue(self, event: dict[str, Any], to: list[str]) -> DeliveryFailure | None:
        try:
            there = send(to[4], to[3], to[5], json.dumps(event))
        except ServiceException as error:
            return DeliveryFailure("ERROR_FROM_TARGET", str(error))
        if not there:
            return DeliveryFailure("NO_RESOURCE", f"Queue {to[5]} does not exist in {to[3]} of account {to[4]}")
        self.delivered += 1
        return None


def send(account: str, region: str, name: str, body: str, attributes: dict[str, str] | None = None) -> bool:
    """Puts a message into a queue, and tells whether the queue exists."""
    backend = sqs_backends[account][region]
    if name not in backend.queues:
        return False
    typed = {key: {"DataType": "String", "StringValue": value} for key, value in (attributes or {}).items()}
    backend.send_message(name, body, message_attributes=typed)
    return True


def _matching(event: Any, account: str, region: str, bus: str) -> Iterator[Any]:
    event = _flat(event)
    found = events_backends[account][region].event_buses.get(bus)
    for rule in list(found.rules.values()) if found else ():
        # A rule keeps its pattern parsed. One without a pattern is a schedule.
        if rule.state == "ENABLED" and rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event):
            yield rule


def _flat(node: Any) -> Any:
    """An event as EventBridge matches it: objects in a list count as one whose members are lists (doc: event arrays).

    moto's patterns never match into such a list.
    """
    if isinstance(node, dict):
        return {key: _flat(value) for key, value in node.items()}
    if isinstance(node, list) and node and all(isinstance(item, dict) for item in node):
        keys = dict.fromkeys(key for item in node for key in item)
        return {key: _flat([item[key] for item in node if key in item]) for key in keys}
    return node


def _dead_letter(event: dict[str, Any], rule: Any, target: dict[str, Any], why: DeliveryFailure) -> None:
    """Sends an undelivered event to the target's dead-letter queue, with the attributes that EventBridge sets.

    Missing permissions and resources are not retried (doc: "Using dead-letter queues to process undelivered events").
    """
    to = target.get("DeadLetterConfig", {}).get("Arn", "").split(":", 5)
    attributes = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": why.code,
        "ERROR_MESSAGE": why.message,
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "0",
    }
    kept = len(to) == 6 and send(to[4], to[3], to[5], json.dumps(event), attributes)
    _count(rule, "InvocationsSentToDlq" if kept else "InvocationsFailedToBeSentToDlq")


def _count(rule: Any, metric: str) -> None:
    """Adds one to a metric of a rule; it has the bus as a dimension unless that is the default one (doc)."""
    dimensions = [{"Name": "RuleName", "Value": rule.name}]
    if rule.event_bus_name != "default":
        dimensions.insert(0, {"Name": "EventBusName", "Value": rule.event_bus_name})
    datum = {"MetricName": metric, "Dimensions": dimensions, "Value": 1.0, "Unit": "Count"}
    cloudwatch_backends[rule.account_id][rule.region_name].put_metric_data("AWS/Events", [datum])


def as_event(record: Record) -> dict[str, Any]:
    """The event that EventBridge makes of a record; `source`, `account` and `region` are its own words."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{record['eventSource'].partition('.')[0]}",
        "account": record["recipientAccountId"],
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    }
