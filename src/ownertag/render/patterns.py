"""Event patterns for the rules: which records go on from an account's bus, and which the hub's bus lets in."""

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
    """The rules of an account's Region, name to pattern: what creates resources, and who touches our tags.

    The names of the account and partition in them are CloudFormation's pseudo parameters.
    """
    creations = {
        f"{RULE_PREFIX}creations-{number}": pattern for number, pattern in enumerate(spoke_patterns(catalogue), 1)
    }
    return {**creations, f"{RULE_PREFIX}tampering": tampering_pattern(settings)}


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


def tampering_pattern(settings: Settings) -> dict[str, Any]:
    """Successful tag calls that name a protected key in any letter case, or no key at all, but for the tagger's own.

    The tagger's calls are the many: what a rule keeps back costs nothing on the way. A removal without keys removes
    every tag.

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
