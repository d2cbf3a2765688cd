"""CloudTrail's LookupEvents on the wire, which moto lacks: records of accounts and Regions, in pages, the newest first.

As the API reference has it: one attribute a call, at most 50 events a page. What a record is listed under as its
resource is what a test says, and the access key that it issued (seen in published output of lookup-events).
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from botocore.awsrequest import AWSResponse

from contracts.emulated import Call, answer, error
from harness.fixtures import Json

PAGE = 50


class Trail:
    """A rule of the wire."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], list[tuple[str, Json]]] = {}

    def add(self, record: Json, resource: str = "", region: str | None = None, at: str | None = None) -> None:
        """Adds this record to CloudTrail, listed under a resource's name, in its own account or in this one."""
        place = (at or record["recipientAccountId"], region or record["awsRegion"])
        self._records.setdefault(place, []).append((resource, record))

    def __call__(self, call: Call) -> AWSResponse | None:
        if call.operation != "LookupEvents":
            return None
        wanted = json.loads(call.text)
        [attribute] = wanted["LookupAttributes"]
        if not 1 <= wanted["MaxResults"] <= PAGE:
            return error(call, "InvalidMaxResultsException")
        found = [
            record
            for resource, record in reversed(self._records.get((call.account, call.region), []))
            if _has(attribute, resource, record)
            and wanted.get("StartTime", 0) <= _epoch(record) <= wanted.get("EndTime", 1e12)
        ]
        first = int(wanted.get("NextToken", "0"))
        content: dict[str, Any] = {
            "Events": [
                {"EventId": record["eventID"], "EventName": record["eventName"], "CloudTrailEvent": json.dumps(record)}
                for record in found[first : first + PAGE]
            ]
        }
        if first + PAGE < len(found):
            content["NextToken"] = str(first + PAGE)
        return answer(call, 200, json.dumps(content))


def _has(attribute: dict[str, str], resource: str, record: Json) -> bool:
    key, value = attribute["AttributeKey"], attribute["AttributeValue"]
    response = record.get("responseElements")
    issued = ((response if isinstance(response, dict) else {}).get("credentials") or {}).get("accessKeyId")
    known: dict[str, set[str | None]] = {"ResourceName": {resource, issued}, "EventName": {record["eventName"]}}
    return value in known[key]


def _epoch(record: Json) -> float:
    return datetime.fromisoformat(record["eventTime"]).timestamp()
