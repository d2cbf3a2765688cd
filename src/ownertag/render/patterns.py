"""Event patterns for the rules: which records go on from an account's bus, and which the hub's bus lets in."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ownertag.core.parse import CLOUDTRAIL_DETAIL_TYPE
from ownertag.core.rows import Catalogue
from ownertag.render.documents import compact

#: EventBridge takes patterns of at most 2,048 characters (doc: PutRule).
MAX_PATTERN = 2048


def spoke_patterns(catalogue: Catalogue) -> list[dict[str, Any]]:
    """The patterns of an account's rules, as few as fit: successful calls of the catalogue's rows.

    A failed call carries an `errorCode`, which a pattern can ask to be absent: so it is never sent.
    """
    by_source: dict[str, list[str]] = defaultdict(list)
    for event_source, event_name in sorted(catalogue.rows):
        by_source[event_source].append(event_name)
    patterns = []
    for event_source, names in by_source.items():
        left = names
        while left:
            count = len(left)
            while count > 1 and len(compact(_spoke(event_source, left[:count]))) > MAX_PATTERN:
                count -= 1
            patterns.append(_spoke(event_source, left[:count]))
            left = left[count:]
    return patterns


def hub_pattern() -> dict[str, Any]:
    """The pattern of the hub's rule: CloudTrail's events of AWS's own sources."""
    return {"source": [{"prefix": "aws."}], "detail-type": [CLOUDTRAIL_DETAIL_TYPE]}


def _spoke(event_source: str, names: list[str]) -> dict[str, Any]:
    return {
        "source": [{"prefix": "aws."}],
        "detail-type": [CLOUDTRAIL_DETAIL_TYPE],
        "detail": {"eventSource": [event_source], "eventName": names, "errorCode": [{"exists": False}]},
    }
