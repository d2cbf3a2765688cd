"""Renders the event patterns of the rules: what an account's bus sends to the hub, and what the hub's bus takes."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.parse import CLOUDTRAIL_DETAIL_TYPE
from ownertag.core.settings import Settings
from ownertag.core.tamper import TAG_CALLS
from ownertag.render.documents import RULE_PREFIX, SHORTER_KEYS, arn, compact, within_limit

#: EventBridge takes patterns of at most 2,048 characters (doc: PutRule).
MAX_PATTERN = 2048


def spoke_rules(catalogue: Catalogue, settings: Settings) -> dict[str, dict[str, Any]]:
    """The rules of an account's Region, pattern by name: creations, and changes of our tags.

    The account and partition in them are CloudFormation's pseudo parameters.
    """
    creations = {
        f"{RULE_PREFIX}creations-{number}": pattern for number, pattern in enumerate(spoke_patterns(catalogue), 1)
    }
    return {**creations, f"{RULE_PREFIX}tampering": tampering_pattern(settings)}


def spoke_patterns(catalogue: Catalogue) -> list[dict[str, Any]]:
    """As few patterns as possible, for the successful calls of the catalogue's rows.

    The record of a failed call has an `errorCode`, which the patterns exclude.
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


def tampering_pattern(settings: Settings) -> dict[str, Any]:
    """Successful tag calls with a protected key in any letter case, or without keys, that are not the tagger's.

    The tagger makes most of these calls, and an event that no rule matches costs nothing. A removal without keys
    removes all tags.

    Raises:
        TooLong: AWS would not take it.
    """
    own = arn("iam", f"role/{settings.hub.tagger_role}")
    key: dict[str, Any] = {"tagSet": {"items": {"key": [{"equals-ignore-case": tag} for tag in sorted(settings.tags)]}}}
    none: dict[str, Any] = {"tagSet": {"items": {"key": [{"exists": False}]}}}
    pattern: dict[str, Any] = {
        "source": [{"prefix": "aws."}],
        "detail-type": [CLOUDTRAIL_DETAIL_TYPE],
        "detail": {
            "eventSource": sorted({source for source, _ in TAG_CALLS}),
            "eventName": sorted({name for _, name in TAG_CALLS}),
            "errorCode": [{"exists": False}],
            "requestParameters": {"$or": [key, none]},
            "$or": [_issuer([{"exists": False}]), _issuer([{"anything-but": own}])],
        },
    }
    return within_limit(pattern, MAX_PATTERN, "the event pattern for tampering", SHORTER_KEYS)


def _issuer(filters: list[Any]) -> dict[str, Any]:
    return {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": filters}}}}


def hub_pattern() -> dict[str, Any]:
    """The pattern of the hub's rule: CloudTrail's events of AWS's own sources."""
    return {"source": [{"prefix": "aws."}], "detail-type": [CLOUDTRAIL_DETAIL_TYPE]}


def _spoke(event_source: str, names: list[str]) -> dict[str, Any]:
    return {
        "source": [{"prefix": "aws."}],
        "detail-type": [CLOUDTRAIL_DETAIL_TYPE],
        "detail": {"eventSource": [event_source], "eventName": names, "errorCode": [{"exists": False}]},
    }
