"""Makes the records that CloudTrail would write of calls, keeps them for LookupEvents, and passes them to listeners."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

from ownertag.sandbox import cloudtrail
from ownertag.sandbox.calls import Call, Response
from ownertag.sandbox.identities import Identities, SandboxActor

#: Recorded beside what creates: what changes tags, what ends instances, what makes others launch, what gives sessions.
ALSO = {
    ("autoscaling.amazonaws.com", "CreateAutoScalingGroup"),
    ("autoscaling.amazonaws.com", "DeleteAutoScalingGroup"),
    ("cloudformation.amazonaws.com", "CreateStack"),
    ("cloudformation.amazonaws.com", "DeleteStack"),
    ("cloudformation.amazonaws.com", "ExecuteChangeSet"),
    ("cloudformation.amazonaws.com", "UpdateStack"),
    ("ec2.amazonaws.com", "CreateTags"),
    ("ec2.amazonaws.com", "DeleteTags"),
    ("ec2.amazonaws.com", "TerminateInstances"),
    ("sts.amazonaws.com", "AssumeRole"),
    ("sts.amazonaws.com", "AssumeRoleWithSAML"),
    ("sts.amazonaws.com", "AssumeRoleWithWebIdentity"),
    ("sts.amazonaws.com", "GetFederationToken"),
}
# What CloudTrail does not write down: proofs of identity, and templates (memory).
_LEFT_OUT = {"sts": ("webIdentityToken", "sAMLAssertion"), "cloudformation": ("templateBody",)}

Record = dict[str, Any]


class Recorder:
    """CloudTrail of every account and Region of the sandbox.

    Args:
        identities: Tells who acts.
        creations: (event source, event name) of the catalogue's rows, to whether CloudTrail wraps their records.
    """

    def __init__(self, identities: Identities, creations: Mapping[tuple[str, str], bool]) -> None:
        self._identities = identities
        self._wrapped = {**creations, **dict.fromkeys(ALSO, False)}
        self._records: dict[tuple[str, str], list[Record]] = defaultdict(list)
        self._lock = Lock()
        self.listeners: list[Callable[[Record], None]] = []

    def record(self, call: Call, actor: SandboxActor, answer: Response) -> None:
        """Writes the record of a call, if CloudTrail records such calls."""
        wrapped = self._wrapped.get((f"{call.service}.amazonaws.com", call.operation))
        if wrapped is None:
            return
        record = self._record(call, actor, answer, wrapped)
        with self._lock:
            self._records[actor.account, call.region].append(record)
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

    def _record(self, call: Call, actor: SandboxActor, answer: Response, wrapped: bool) -> Record:
        request = cloudtrail.request_parameters(call.service, call.operation, call.params, wrapped)
        response = None
        error: dict[str, str] = {}
        if answer.failed:
            error = _error(call, answer)
        else:
            response = cloudtrail.response_elements(call.service, call.operation, answer, wrapped)
        left_out = _LEFT_OUT.get(call.service, ())
        request = {key: value for key, value in request.items() if key not in left_out}
        if call.service == "sts" and response and "credentials" in response:
            response["credentials"].pop("secretAccessKey", None)
        service = actor.identity.get("invokedBy")  # stands where others have an address, and no TLS (seen)
        tls = {} if service else {"tlsDetails": {"clientProvidedHostHeader": call.environ.get("HTTP_HOST", "")}}
        return {
            "eventVersion": "1.11",
            "userIdentity": self._identities.user_identity(actor, call.access_key),
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": f"{call.service}.amazonaws.com",
            "eventName": call.operation,
            "awsRegion": call.region,
            "sourceIPAddress": service or call.environ.get("REMOTE_ADDR", "127.0.0.1"),
            "userAgent": service or call.environ.get("HTTP_USER_AGENT", ""),
            **error,
            "requestParameters": _within_limit(request, "requestParameters"),
            "responseElements": _within_limit(response, "responseElements"),
            "requestID": dict(answer.headers)["x-amzn-RequestId"],
            "eventID": str(uuid4()),
            "readOnly": call.service == "sts",
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": actor.account,
            "eventCategory": "Management",
            **tls,
        }


def _within_limit(part: dict[str, Any] | None, name: str) -> dict[str, Any] | None:
    """The part, or the mark that CloudTrail leaves for one above 100 KB."""
    size = len(json.dumps(part, separators=(",", ":")))
    if size <= cloudtrail.MAX_PART:
        return part
    return {"omitted": True, "originalSize": size, "reason": f"{name} too large"}


def _error(call: Call, answer: Response) -> dict[str, str]:
    try:
        root = answer.xml()
    except ET.ParseError:  # moto failed in a way of its own, and answered with a page
        root = ET.Element("Response")
    code = root.findtext(".//Error/Code") or "InternalError"
    if call.service == "ec2":
        code = f"{'Server' if answer.status >= 500 else 'Client'}.{code}"
    return {"errorCode": code, "errorMessage": root.findtext(".//Error/Message") or ""}
