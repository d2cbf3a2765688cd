"""What all checks share: findings for what could not be read, the check of a rule, and the comparison of documents."""

from __future__ import annotations

import json
from typing import Any

from ownertag.render.documents import BUS, PolicyDocument
from ownertag.rollout.doctor.facts import (
    Missing,
    NotGiven,
    Nothing,
    Observed,
    Rule,
    StackFacts,
    Unread,
)
from ownertag.rollout.doctor.findings import Check, Finding, Location

#: CloudFormation does not see by itself what was changed or deleted by hand.
DEPLOY = "`ownertag deploy apply --recreate {account}` puts it back"
ALLOW = "see that the audit role has the rendered permissions and no SCP or boundary denies them, then look again"


def unread_finding(
    place: Location, check: Check, what: str, seen: Nothing, stack: Observed[StackFacts], logical: str
) -> Finding:
    """The finding for what could not be read.

    Args:
        place: The account and Region.
        check: The check.
        what: What could not be read, for a person.
        seen: Why.
        stack: The stack that it belongs to.
        logical: Its logical name in the stack's template.
    """
    match seen:
        case Missing():
            if never_made(stack, logical):
                return not_held(place, check, what)
            return place.fault(check, f"{what} is not there", DEPLOY)
        case NotGiven(field):
            return place.not_checkable(check, f"the answer for {what} lacks {field}, which AWS always gives")
        case Unread(reason):
            return place.unreached(check, f"{what} can't be read: {reason}", ALLOW)


def missing_finding(
    place: Location, check: Check, what: str, stack: Observed[StackFacts], logical: str, so: str = ""
) -> Finding:
    """The finding for a missing part of something that is there; `so` says what follows from that."""
    if never_made(stack, logical):
        return not_held(place, check, what)
    return place.fault(check, f"{what} is not there{so}", DEPLOY)


def never_made(stack: Observed[StackFacts], logical: str) -> bool:
    """Whether a complete stack declares it and CloudFormation never made it, so that nobody deleted it."""
    return (
        isinstance(stack, StackFacts) and stack.complete and logical in stack.declared and logical not in stack.listed
    )


def not_held(place: Location, check: Check, what: str) -> Finding:
    """The finding for what the template declares and CloudFormation never made."""
    return place.not_checkable(check, f"{what}: CloudFormation holds no such resource although the template has it")


def check_rule(place: Location, check: Check, name: str, rule: Rule, pattern: PolicyDocument) -> Finding:
    """Whether a rule is enabled, and has the pattern that is rendered now."""
    if rule.state != "ENABLED":
        bus = f"--event-bus-name {BUS} " if check is Check.HUB_RULE else ""
        return place.fault(
            check,
            f"rule {name} is {rule.state}",
            f"find out who switched it off; `aws events enable-rule {bus}--name {name}`",
        )
    if not same(rule.pattern, pattern):
        return place.fault(
            check, f"rule {name} has another pattern than this version renders", "`ownertag deploy apply` updates it"
        )
    return place.ok(check, f"{name} is on, with the current pattern")


def same(one: Any, other: Any) -> bool:
    """Whether two documents say the same: the order of entries does not count, nor that a list has one entry only."""
    return bool(_canonical(one) == _canonical(other))


def statements(document: Any) -> list[Any]:
    """The statements of a policy, of which one alone may stand without a list."""
    found = document.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _canonical(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _canonical(value) for key, value in sorted(node.items())}
    if isinstance(node, list | tuple):
        entries = sorted({json.dumps(_canonical(item), sort_keys=True) for item in node})
        return json.loads(entries[0]) if len(entries) == 1 else entries
    # IAM takes true and "true", 1 and "1" for the same.
    return json.dumps(node) if isinstance(node, bool | int) else node
