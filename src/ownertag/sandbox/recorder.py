"""Makes the records that CloudTrail would write of calls, keeps them for LookupEvents, and passes them to listeners."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4

from ownertag.sandbox.calls import Call, Response
from ownertag.sandbox.identities import Identities, SandboxActor
from ownertag.sandbox.records.parts import Parts, parts

#: CloudTrail leaves out a part of a record above this size (doc).
MAX_PART = 100 * 1024

Record = dict[str, Any]


class Recorder:
    """CloudTrail of every account and Region of the sandbox.

    Args:
        identities: Tells who acts.
    """

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._records: dict[tuple[str, str], list[Record]] = defaultdict(list)
        self._lock = Lock()
        self.listeners: list[Callable[[Record], None]] = []
        #: The time of what is recorded: for calls of long ago.
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def record(self, call: Call, actor: SandboxActor, answer: Response) -> None:
        """Writes the record of a call, if CloudTrail has such calls among its management events, and they write."""
        found = parts(call, answer)
        if found is None:
            return
        record = self._record(call, actor, answer, found)
        with self._lock:
            self._records[actor.account, found.region].append(record)
        for listener in self.listeners:
            listener(record)

    def records(self, account: str, region: str) -> list[Record]:
        """The records of an account and Region, oldest first."""
        with self._lock:
            return list(self._records[account, region])

    def all(self) -> list[Record]:
        """Every record."""
        with self._lock:
            return [record for records in self._records.values() for record in records]

    def _record(self, call: Call, actor: SandboxActor, answer: Response, found: Parts) -> Record:
        service = actor.identity.get("invokedBy")  # stands where others have an address, and no TLS (seen)
        tls = {} if service else {"tlsDetails": {"clientProvidedHostHeader": call.environ.get("HTTP_HOST", "")}}
        return {
            "eventVersion": "1.11",
            "userIdentity": self._identities.user_identity(actor, call.access_key),
            "eventTime": self.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": f"{found.source}.amazonaws.com",
            "eventName": found.event,
            "awsRegion": found.region,
            "sourceIPAddress": service or call.environ.get("REMOTE_ADDR", "127.0.0.1"),
            "userAgent": service or call.environ.get("HTTP_USER_AGENT", ""),
            **found.error,
            "requestParameters": _within_limit(found.request, "requestParameters"),
            "responseElements": _within_limit(found.response, "responseElements"),
            "requestID": dict(answer.headers)["x-amzn-RequestId"],
            "eventID": str(uuid4()),
            "readOnly": call.service == "sts",
            "eventType": "AwsApiCall",
            **({"apiVersion": found.version} if found.version else {}),
            "managementEvent": True,
            "recipientAccountId": actor.account,
            "eventCategory": "Management",
            **tls,
        }


def _within_limit(part: dict[str, Any] | None, name: str) -> dict[str, Any] | None:
    """The part, or the mark that CloudTrail leaves for one above 100 KB."""
    size = len(json.dumps(part, separators=(",", ":")))
    if size <= MAX_PART:
        return part
    return {"omitted": True, "originalSize": size, "reason": f"{name} too large"}
