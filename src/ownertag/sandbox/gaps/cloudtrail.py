"""CloudTrail: LookupEvents over the records, and the organization's trails as its members see them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ownertag.sandbox.calls import Call, Response, answer_json, refuse
from ownertag.sandbox.recorder import Record

#: LookupEvents looks up events of the last 90 days (doc).
KEPT = timedelta(days=90)
#: It gives at most so many events a page (doc).
MAX_EVENTS = 50

_NUMBER = re.compile(r"[0-9]{1,9}")
_ID = re.compile(r"([a-z]{1,16})-[0-9a-f]{8,17}")
#: Types of the resources that EC2's ids name (doc: CloudFormation, resource types). CloudTrail says null where it can't
#: tell; of a reservation, which is no resource, nothing.
_TYPES = {
    "ami": "AWS::EC2::Ami",
    "eipalloc": "AWS::EC2::EIP",
    "eni": "AWS::EC2::NetworkInterface",
    "i": "AWS::EC2::Instance",
    "lt": "AWS::EC2::LaunchTemplate",
    "sg": "AWS::EC2::SecurityGroup",
    "snap": "AWS::EC2::Snapshot",
    "subnet": "AWS::EC2::Subnet",
    "vol": "AWS::EC2::Volume",
    "vpc": "AWS::EC2::VPC",
}
_NO_RESOURCE = "r"
#: Under these keys a record has names of resources that are no ids. That of an access key is the one that a call of STS
#: issues (seen in published output of lookup-events).
_NAMES = {
    "accessKeyId": "AWS::IAM::AccessKey",
    "autoScalingGroupName": "AWS::AutoScaling::AutoScalingGroup",
    "stackName": "AWS::CloudFormation::Stack",
}


def lookup_events(call: Call, records: list[Record]) -> Response:
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
    oldest = (datetime.now(UTC) - KEPT).timestamp()
    newest = records[::-1]
    newest.sort(key=_epoch, reverse=True)  # of one second the last first
    found = [
        record
        for record in newest
        if _epoch(record) >= oldest
        and all(
            attribute["AttributeValue"] in _attribute(record, attribute["AttributeKey"]) for attribute in attributes
        )
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
        "Username": _username(record),
        "Resources": [
            {"ResourceType": kind, "ResourceName": name} if kind else {"ResourceName": name}
            for name, kind in referenced_resources(record).items()
        ],
        "CloudTrailEvent": json.dumps(record),
    }


def referenced_resources(record: Record) -> dict[str, str | None]:
    """The resources that a record refers to, by name, with their types.

    CloudTrail's reference says only "the resource referenced by the event returned". Here it is every id of EC2 that
    request or response hold, access keys, and the names of groups and stacks (memory). Other names (a key pair's) are
    not told.
    """
    found: dict[str, str | None] = {}
    for key, text in _texts("", [record["requestParameters"], record["responseElements"]]):
        id_ = _ID.fullmatch(text)
        if key in _NAMES:
            found[text] = _NAMES[key]
        elif id_ and id_[1] != _NO_RESOURCE:
            found[text] = _TYPES.get(id_[1])
    return found


def _texts(key: str, node: Any) -> Iterator[tuple[str, str]]:
    """The texts of a part of a record, each with the key under which it stands."""
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(name, value)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(key, item)


def _attribute(record: Record, key: str) -> set[str | None]:
    """The values that a record has for an attribute; none for an unknown attribute."""
    match key:
        case "AccessKeyId":
            return {record["userIdentity"].get("accessKeyId")}
        case "EventId":
            return {record["eventID"]}
        case "EventName":
            return {record["eventName"]}
        case "EventSource":
            return {record["eventSource"]}
        case "ReadOnly":
            return {str(record["readOnly"]).lower()}
        case "ResourceName":
            return {*referenced_resources(record)}
        case "ResourceType":
            return {*referenced_resources(record).values()}
        case "Username":
            return {_username(record)}
    return set()


def _username(record: Record) -> str:
    identity = record["userIdentity"]
    return str(identity.get("userName") or identity.get("principalId", "").partition(":")[2] or "root")


def _epoch(record: Record) -> float:
    return datetime.fromisoformat(record["eventTime"]).astimezone(UTC).timestamp()


def organization_trails(call: Call, account: str, management: str, to: Callable[[str], Response]) -> Response:
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
    shared = [trail for trail in json.loads(theirs.body)["trailList"] if trail["IsOrganizationTrail"]]
    return answer_json({"trailList": json.loads(own.body)["trailList"] + shared})
