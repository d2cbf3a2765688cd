"""Findings of tampering to the hub's bus, as events: whoever wants to know of them puts a rule there.

The hub's own rule sends them on to the alarm topic. On this bus nobody but the hub's account can put such an event.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.tamper import Finding
from ownertag.core.values import Failure

SOURCE = "ownertag"
DETAIL_TYPE = "Owner tag changed"
#: EventBridge takes at most ten entries a call (doc: PutEvents).
_BATCH = 10


class Findings:
    """The hub's bus.

    Args:
        client: An EventBridge client of the hub.
        bus: The bus's name.
    """

    def __init__(self, client: Any, bus: str) -> None:
        self._client = client
        self._bus = bus

    def tell(self, findings: Sequence[Finding]) -> Failure | None:
        """Put an event for each finding. An answer of 200 can hold failures of single entries."""
        for start in range(0, len(findings), _BATCH):
            entries = [self._entry(each) for each in findings[start : start + _BATCH]]
            try:
                answer = self._client.put_events(Entries=entries)
            except AWS_ERRORS as error:
                return failure_of(error)
            failed = [each["ErrorCode"] for each in answer["Entries"] if each.get("ErrorCode")]
            if failed:
                return Failure(failed[0], 200)
        return None

    def _entry(self, finding: Finding) -> dict[str, Any]:
        detail = {key: value for key, value in asdict(finding).items() if key != "at"}
        return {
            "Time": finding.at,
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "EventBusName": self._bus,
            "Resources": [finding.arn],
            "Detail": json.dumps(detail),
        }
