"""What all checks share: findings for what could not be read, the check of a rule, and the comparison of documents."""

from __future__ import annotations

import json
from typing import Any

from ownertag.render.documents import BUS, PolicyDocument
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.commands import apply, aws
from ownertag.rollout.doctor.expected import Expected
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
RECREATE = "put it back"
ALLOW = "see that the audit role has the rendered permissions and no SCP or boundary denies them, then look again"

#: What is missing, by its check.
_MISSING = {
    Check.STACK_SET: Cause.STACK_SET_MISSING,
    Check.POLICY: Cause.POLICY_MISSING,
    Check.BUS: Cause.BUS_MISSING,
    Check.HUB_RULE: Cause.HUB_RULE_MISSING,
    Check.OBSERVED: Cause.LEDGER_MISSING,
    Check.QUEUE: Cause.QUEUE_MISSING,
    Check.QUEUE_POLICY: Cause.QUEUE_POLICY,
    Check.DEAD_LETTERS: Cause.DEAD_LETTERS_MISSING,
    Check.FUNCTION: Cause.FUNCTION_MISSING,
    Check.PACKAGE: Cause.FUNCTION_MISSING,
    Check.RECONCILE: Cause.RECONCILE_MISSING,
    Check.EVENT_SOURCE: Cause.EVENT_SOURCE_MISSING,
    Check.ALARMS: Cause.ALARM_MISSING,
    Check.ALARM_TOPIC: Cause.ALARM_TOPIC_MISSING,
    Check.AUDIT_ROLE: Cause.ROLE_MISSING,
    Check.TAGGER_ROLE: Cause.ROLE_MISSING,
    Check.FORWARDER_ROLE: Cause.ROLE_MISSING,
    Check.CANARY_ROLE: Cause.ROLE_MISSING,
    Check.REDRIVE_ROLE: Cause.ROLE_MISSING,
    Check.RULE: Cause.RULE_MISSING,
    Check.UNDELIVERED: Cause.UNDELIVERED_MISSING,
}
#: What `ownertag deploy apply` sees by itself.
_SEEN = frozenset({Check.STACK_SET, Check.POLICY})


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
            return missing_finding(place, check, what, stack, logical)
        case NotGiven(field):
            return place.not_checkable(check, f"the answer for {what} lacks {field}, which AWS always gives")
        case Unread(reason):
            return place.unreached(check, f"{what} can't be read: {reason}", ALLOW, cause=Cause.UNREAD)


def missing_finding(
    place: Location, check: Check, what: str, stack: Observed[StackFacts], logical: str, so: str = ""
) -> Finding:
    """The finding for a missing part of something that is there; `so` says what follows from that."""
    if never_made(stack, logical):
        return not_held(place, check, what)
    command = apply() if check in _SEEN else apply(place.account)
    cause = _MISSING.get(check, Cause.MISSING)
    return place.fault(check, f"{what} is not there{so}", RECREATE, command, cause=cause)


def by_break_glass(expected: Expected) -> str:
    """Who may mend by hand what the policy guards, to follow an advice; nothing where no unit is protected."""
    if expected.settings.protection.units == ():
        return ""
    return f", as {' or '.join(expected.settings.protection.break_glass) or 'a break-glass role'}"


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
    at_hub = check is Check.HUB_RULE
    if rule.state != "ENABLED":
        bus = ("--event-bus-name", BUS) if at_hub else ()
        return place.fault(
            check,
            f"rule {name} is {rule.state}",
            "switch it on",
            aws(place.account, place.region, "events", "enable-rule", *bus, "--name", name),
            cause=Cause.HUB_RULE_DISABLED if at_hub else Cause.RULE_DISABLED,
        )
    if not same(rule.pattern, pattern):
        return place.fault(
            check,
            f"rule {name} has another pattern than this version renders",
            RECREATE,
            apply(place.account),
            cause=Cause.HUB_RULE_PATTERN if at_hub else Cause.RULE_PATTERN,
        )
    return place.ok(check, f"{name} is on, with the current pattern")


def same(one: Any, other: Any) -> bool:
    """Whether two documents say the same: the order of entries does not count, nor that a list has one entry only."""
    # Nearly always they are equal as they stand, which is fifty times as fast to see.
    return bool(one == other or _canonical(one) == _canonical(other))


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
