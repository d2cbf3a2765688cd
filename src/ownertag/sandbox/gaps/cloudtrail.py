"""CloudTrail: LookupEvents over the records, and the organization's trails as its members see them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from ownertag.sandbox.calls import Answer, Call, answer_json, refuse
from ownertag.sandbox.recorder import Record

#: LookupEvents gives at most so many events a page (doc).
MAX_EVENTS = 50

# Under these keys a record names resources that it is listed by (memory).
_NAMES = {"autoScalingGroupName", "instanceId", "launchTemplateId", "networkInterfaceId", "stackName", "volumeId"}

_NUMBER = re.compile(r"[0-9]{1,9}")


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
        if all(_has(record, each["AttributeKey"], each["AttributeValue"]) for each in attributes)
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


def _has(record: Record, key: str, value: str) -> bool:
    if key == "ResourceName":
        return value in _names((record["requestParameters"], record["responseElements"]))
    return _attribute(record, key) == value


def _names(node: Any) -> Iterator[str]:
    """The resources that a part of a record names."""
    if isinstance(node, dict):
        yield from (str(node[key]) for key in _NAMES & node.keys())
        node = node.values()
    elif not isinstance(node, list | tuple):
        return
    for each in node:
        yield from _names(each)


def _attribute(record: Record, key: str) -> str | None:
    identity = record["userIdentity"]
    known = {
        "AccessKeyId": identity.get("accessKeyId"),
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "EventSource": record["eventSource"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "Username": identity.get("userName") or identity.get("principalId", "").partition(":")[2] or "root",
    }
    return known.get(key)


def _epoch(record: Record) -> float:
    return datetime.fromisoformat(record["eventTime"]).astimezone(UTC).timestamp()


def organization_trails(call: Call, account: str, management: str, to: Callable[[str], Answer]) -> Answer:
    """DescribeTrails, GetTrail and GetTrailStatus of a member, which sees the trails of the organization as well.

    Args:
        call: The call; a trail of the organization is named by its ARN.
        account: The member.
        management: The account of the organization's trails.
        to: Makes the call in an account.
    """
    if call.operation != "DescribeTrails":
        return to(management if call.json().get("Name", "").split(":")[4:5] == [management] else account)
    own, theirs = to(account), to(management)
    if own.failed or theirs.failed or call.json().get("includeShadowTrails") is False:
        return own
    shared = [each for each in json.loads(theirs.body)["trailList"] if each["IsOrganizationTrail"]]
    return answer_json({"trailList": json.loads(own.body)["trailList"] + shared})
