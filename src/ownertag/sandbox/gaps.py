"""What moto lacks and we rely on: each gap is a function that answers a call, or passes it on changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from ownertag.sandbox.calls import Answer, Call, answer_json, refuse
from ownertag.sandbox.identities import Actor, new_key
from ownertag.sandbox.recorder import Record

#: Passes a call on to moto.
Next = Callable[[Call], Answer]

_EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
_FILTERS = {"client-token", "reservation-id"}
_FILTER_VALUE = re.compile(r"Filter\.[0-9]+\.Value\.[0-9]+")
_NUMBER = re.compile(r"[0-9]{1,9}")
#: EC2 takes at most so many values of filters in a call (doc: FilterLimitExceeded).
MAX_VALUES = 200
#: LookupEvents gives at most so many events a page (doc).
MAX_EVENTS = 50


class ClientTokens:
    """Idempotent client tokens: a repeat gets the first answer; moto would create once more."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str, str], tuple[dict[str, str], Answer]] = {}

    def answer(self, call: Call, actor: Actor, next_: Next) -> Answer:
        """Answer a call of EC2 that carries a client token."""
        token = call.params.get("ClientToken")
        if call.service != "ec2" or not token:
            return next_(call)
        key = (actor.account, call.region, call.operation, token)
        known = self._answers.get(key)
        if known is not None:
            if known[0] != call.params:
                message = "The parameters are not those with which this client token was used before."
                return refuse(call, "IdempotentParameterMismatch", message, 400)
            return known[1]
        answer = next_(call)
        if not answer.failed:
            self._answers[key] = (call.params, answer)
        return answer


def too_many_values(call: Call) -> Answer | None:
    """EC2's refusal of a call with more than 200 values of filters; moto takes any number."""
    if sum(1 for key in call.params if _FILTER_VALUE.fullmatch(key)) <= MAX_VALUES:
        return None
    message = f"The maximum number of filter values specified on a single call is {MAX_VALUES}"
    return refuse(call, "FilterLimitExceeded", message, 400)


def describe_instances(call: Call, next_: Next) -> Answer:
    """DescribeInstances with the filters `client-token` and `reservation-id`, and its pages."""
    filters = _read_filters(call.params)
    ours = [(name, values) for name, values in filters if name in _FILTERS]
    if not ours:
        return next_(call)
    # moto reads all that the other filters leave; what is ours, and the pages, are cut from that.
    pages = {name: call.params.get(name) or default for name, default in (("NextToken", "0"), ("MaxResults", "1000"))}
    for name, value in pages.items():
        if not _NUMBER.fullmatch(value):
            return refuse(call, "InvalidParameterValue", f"Value ( {value} ) for parameter {name} is invalid.", 400)
    start, most = int(pages["NextToken"]), int(pages["MaxResults"])
    kept = {
        key: value for key, value in call.params.items() if not key.startswith(("Filter.", "MaxResults", "NextToken"))
    }
    rest = _write_filters([each for each in filters if each[0] not in _FILTERS])
    answer = _all_pages(call.with_params({**kept, **rest, "MaxResults": "1000"}), next_)
    if isinstance(answer, Answer):
        return answer
    reservations = [each for each in answer if all(_passes(each, name, values) for name, values in ours)]
    page: list[ET.Element] = []
    count, end = 0, start
    for reservation in reservations[start:]:
        count += len(reservation.findall("./instancesSet/item"))
        if page and count > most:
            break
        page.append(reservation)
        end += 1
    root = ET.Element("DescribeInstancesResponse", xmlns=_EC2_NAMESPACE)
    ET.SubElement(root, "requestId").text = "00000000-0000-0000-0000-000000000000"
    ET.SubElement(root, "reservationSet").extend(page)
    if end < len(reservations):
        ET.SubElement(root, "nextToken").text = str(end)
    return Answer(200, [("Content-Type", "text/xml")], ET.tostring(root))


def assume_role(call: Call, actor: Actor, next_: Next, trust: Callable[[str], dict[str, Any] | None]) -> Answer:
    """AssumeRole of a role that exists and trusts the caller; moto assumes any."""
    arn = call.params.get("RoleArn", "")
    policy = trust(arn)
    source = call.params.get("SourceIdentity")
    # A source identity stays through a chain and can't be changed in it (doc: "Monitor and control actions taken").
    changed = source and actor.source_identity and source != actor.source_identity
    if policy is None or changed or not _trusts(policy, actor):
        if not actor.arn:
            return refuse(call, "AccessDenied", f"Not authorized to perform sts:{call.operation}")
        message = f"User: {actor.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        return refuse(call, "AccessDenied", message)
    return next_(call)


def caller_identity(actor: Actor) -> Answer:
    """GetCallerIdentity; moto knows only the access keys that it made itself."""
    root = ET.Element("GetCallerIdentityResponse", xmlns="https://sts.amazonaws.com/doc/2011-06-15/")
    result = ET.SubElement(root, "GetCallerIdentityResult")
    ET.SubElement(result, "Arn").text = actor.arn
    ET.SubElement(result, "UserId").text = str(actor.identity["principalId"])
    ET.SubElement(result, "Account").text = actor.account
    return Answer(200, [("Content-Type", "text/xml")], ET.tostring(root))


def own_key(call: Call, next_: Next) -> Answer:
    """Credentials with an access key of their own; moto gives every federated user the same one."""
    answer = next_(call)
    key = new_key("ASIA").encode()
    body = re.sub(rb"(<AccessKeyId>)[^<]*(</AccessKeyId>)", rb"\g<1>" + key + rb"\g<2>", answer.body)
    return Answer(answer.status, answer.headers, body)


def lookup_events(call: Call, records: list[Record]) -> Answer:
    """CloudTrail's LookupEvents: newest first, one attribute at most, 50 events a page."""
    wanted = call.json()
    attributes = wanted.get("LookupAttributes") or []
    start, end = wanted.get("StartTime"), wanted.get("EndTime")
    token, most = str(wanted.get("NextToken") or "0"), wanted.get("MaxResults") or MAX_EVENTS
    if len(attributes) > 1:
        return refuse(call, "InvalidLookupAttributesException", "Only one attribute can be looked up at a time", 400)
    if start is not None and end is not None and start > end:
        return refuse(call, "InvalidTimeRangeException", "The start time is after the end time", 400)
    if not 1 <= most <= MAX_EVENTS:
        return refuse(call, "InvalidMaxResultsException", f"MaxResults must be from 1 to {MAX_EVENTS}", 400)
    if not _NUMBER.fullmatch(token):
        return refuse(call, "InvalidNextTokenException", "The token is not one that was given", 400)
    found = [
        record
        for record in reversed(records)
        if all(_attribute(record, each["AttributeKey"]) == each["AttributeValue"] for each in attributes)
        and (start is None or _epoch(record) >= start)
        and (end is None or _epoch(record) <= end)
    ]
    first = int(token)
    content: dict[str, Any] = {"Events": [_looked_up(record) for record in found[first : first + most]]}
    if first + most < len(found):
        content["NextToken"] = str(first + most)
    return answer_json(content)


def _looked_up(record: Record) -> dict[str, Any]:
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "EventSource": record["eventSource"],
        "EventTime": _epoch(record),
        "ReadOnly": str(record["readOnly"]).lower(),
        "AccessKeyId": record["userIdentity"].get("accessKeyId"),
        "Username": _attribute(record, "Username"),
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }


def _attribute(record: Record, key: str) -> str | None:
    identity = record["userIdentity"]
    known = {
        "AccessKeyId": identity.get("accessKeyId"),
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "EventSource": record["eventSource"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "Username": identity.get("userName") or identity["principalId"].partition(":")[2] or "root",
    }
    return known.get(key)


def _epoch(record: Record) -> float:
    return datetime.fromisoformat(record["eventTime"]).astimezone(UTC).timestamp()


def _trusts(policy: dict[str, Any], actor: Actor) -> bool:
    """Whether a role's trust policy names the caller, its role or its account. Conditions are not read."""
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        provider = actor.identity.get("identityProvider")
        names = principal if isinstance(principal, str) else principal.get("Federated" if provider else "AWS", [])
        issuer = actor.identity.get("sessionContext", {}).get("sessionIssuer", {}).get("arn")
        own = {"*", actor.account, f"arn:aws:iam::{actor.account}:root", actor.arn, issuer}
        trusted = {provider} if provider else own
        if statement.get("Effect") == "Allow" and trusted & set([names] if isinstance(names, str) else names):
            return True
    return False


def _all_pages(call: Call, next_: Next) -> list[ET.Element] | Answer:
    reservations: list[ET.Element] = []
    token: str | None = None
    while True:
        answer = next_(call.with_params({**call.params, **({"NextToken": token} if token else {})}))
        if answer.failed:
            return answer
        root = answer.xml()
        reservations += root.findall("./reservationSet/item")
        token = root.findtext("./nextToken")
        if not token:
            return reservations


def _read_filters(params: dict[str, str]) -> list[tuple[str, list[str]]]:
    filters = []
    number = 1
    while name := params.get(f"Filter.{number}.Name"):
        values: list[str] = []
        while (value := params.get(f"Filter.{number}.Value.{len(values) + 1}")) is not None:
            values.append(value)
        filters.append((name, values))
        number += 1
    return filters


def _write_filters(filters: list[tuple[str, list[str]]]) -> dict[str, str]:
    params = {}
    for number, (name, values) in enumerate(filters, 1):
        params[f"Filter.{number}.Name"] = name
        params.update({f"Filter.{number}.Value.{index}": value for index, value in enumerate(values, 1)})
    return params


def _passes(reservation: ET.Element, name: str, values: list[str]) -> bool:
    """Whether a filter lets a reservation pass. AWS reads `*` and `?` as wildcards unless a backslash stands before."""
    path = "./reservationId" if name == "reservation-id" else "./instancesSet/item/clientToken"
    found = {element.text or "" for element in reservation.findall(path)}
    return any(_wildcard(value).fullmatch(each) for value in values for each in found)


def _wildcard(value: str) -> re.Pattern[str]:
    parts = re.findall(r"\\[*?\\]|.", value, re.DOTALL)
    return re.compile("".join({"*": ".*", "?": "."}.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)
