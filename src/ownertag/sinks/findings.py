"""Publishes findings as events on the hub's bus, where rules can match them.

The event's `account` is the hub's: EventBridge writes it itself, so no other account's event can have it. Whether the
bus keeps a member's event of this source out depends on what EventBridge tells (`render.policies.bus_policy`). People
get mails: `sinks.mail`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import asdict

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.findings import TamperFinding
from ownertag.core.values import Failure

SOURCE = "ownertag"
DETAIL_TYPE = "Owner tag changed"
#: The version of `detail`: raised when a field changes its meaning or is removed.
SCHEMA = 1
#: EventBridge takes at most ten entries a call, and 256 KB of them (doc: PutEvents, "Calculating event entry size").
_MOST = 10
_MOST_BYTES = 250_000

#: After so many failed calls the rest is left for the next time: the SDK retries each, which takes a while.
_MOST_FAILED = 3


class FindingsBus:
    """The hub's bus.

    Args:
        client: An EventBridge client of the hub.
        bus: The bus's name.
    """

    def __init__(self, client: Any, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, findings: Sequence[TamperFinding]) -> list[Failure | None]:
        """Puts an event for each finding. Returns for each why that failed, or None; a 200 can have single failures."""
        failures: list[Failure | None] = []
        failed: list[Failure] = []
        for entries in _calls(self._entry(finding) for finding in findings):
            if len(failed) == _MOST_FAILED:
                failures += [failed[-1]] * len(entries)
                continue
            try:
                answer = self._client.put_events(Entries=entries)
            except AWS_ERRORS as error:
                failed.append(failure_of(error))
                failures += [failed[-1]] * len(entries)
                continue
            codes = [entry.get("ErrorCode") for entry in answer["Entries"]]
            failures += [Failure(code, 200) if code else None for code in codes]
        return failures

    def _entry(self, finding: TamperFinding) -> dict[str, Any]:
        detail = {"schema": SCHEMA} | asdict(finding)
        detail["at"] = finding.at.isoformat()
        detail["changes"] = [asdict(change) for change in finding.changes]
        return {
            "Time": finding.at,
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "EventBusName": self._bus,
            "Resources": [finding.resource] if finding.typed else [],
            "Detail": json.dumps(detail, ensure_ascii=False),
        }


def _calls(entries: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Entries in groups that one call takes. No entry is too large by itself: all texts of a finding are bounded."""
    call: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        length = len(entry["Detail"].encode()) + 1000
        if call and (len(call) == _MOST or size + length > _MOST_BYTES):
            yield call
            call, size = [], 0
        call.append(entry)
        size += length
    if call:
        yield call
