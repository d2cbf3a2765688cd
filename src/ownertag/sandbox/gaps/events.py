"""EventBridge's PutEvents: onto the sandbox's own bus; moto's delivery lacks topics, and takes events of AWS's name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from moto.events.models import events_backends

from ownertag.sandbox.calls import Call, Response, answer_json


def put_events(call: Call, account: str, put: Callable[[dict[str, Any], str], None]) -> Response:
    """Answers PutEvents for each entry by itself, as AWS does."""
    given = [_put(entry, call, account, put) for entry in call.json().get("Entries", [])]
    failed = sum("ErrorCode" in entry for entry in given)
    return answer_json({"FailedEntryCount": failed, "Entries": given})


def _put(entry: dict[str, Any], call: Call, account: str, put: Callable[[dict[str, Any], str], None]) -> dict[str, Any]:
    source, bus = str(entry.get("Source", "")), str(entry.get("EventBusName", "default")).rpartition("/")[2]
    if source.startswith("aws."):  # only AWS's own events have such a source (doc: EventBridge event structure)
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
    if bus not in events_backends[account][call.region].event_buses:
        return {"ErrorCode": "ResourceNotFoundException", "ErrorMessage": f"Event bus {bus} does not exist."}
    try:
        detail = msgspec.json.decode(str(entry.get("Detail", "")))
    except msgspec.DecodeError:
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    event_id = str(uuid4())
    event = {
        "version": "0",
        "id": event_id,
        "detail-type": str(entry.get("DetailType", "")),
        "source": source,
        "account": account,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": call.region,
        "resources": entry.get("Resources", []),
        "detail": detail,
    }
    put(event, bus)
    return {"EventId": event_id}
