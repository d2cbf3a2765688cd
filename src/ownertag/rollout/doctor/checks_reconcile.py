"""Whether what was never delivered is looked for: the function that reconciles, and the rule that begins it. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from ownertag.render.documents import RECONCILE_FUNCTION, RECONCILE_RULE
from ownertag.rollout.deploy.package import parts_of
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.checks import RECREATE, unread_finding
from ownertag.rollout.doctor.commands import apply, aws
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import Function, HubFacts, NotGiven, Observed, Schedule, StackFacts
from ownertag.rollout.doctor.findings import Check, Finding, Location


def check_reconcile(place: Location, facts: HubFacts, expected: Expected) -> Iterator[Finding]:
    """Checks both; the alarms and the template are checked with all others."""
    yield _function(place, facts)
    yield _schedule(place, facts, expected)


def _function(place: Location, facts: HubFacts) -> Finding:
    found, what = facts.reconcile, f"function {RECONCILE_FUNCTION}"
    if not isinstance(found, Function):
        return unread_finding(place, Check.RECONCILE, what, found, facts.stack, "ReconcileFunction")
    if isinstance(found.state, NotGiven):
        return unread_finding(place, Check.RECONCILE, what, found.state, facts.stack, "ReconcileFunction")
    wrong = f"its state is {found.state}" if found.state != "Active" else _other_code(found, facts.stack)
    if wrong:
        return place.fault(
            Check.RECONCILE, f"{what}: {wrong}", RECREATE, apply(place.account), cause=Cause.RECONCILE_FUNCTION
        )
    return place.ok(Check.RECONCILE, f"{what} is active, with the stack's package")


def _other_code(found: Function, stack: Observed[StackFacts]) -> str:
    parts = parts_of(stack.parameters.get("PackageKey", "")) if isinstance(stack, StackFacts) else None
    if parts is None or base64.b64encode(bytes.fromhex(parts[1])).decode() == found.code_sha256:
        return ""
    return "it runs other code than the stack's package"


def _schedule(place: Location, facts: HubFacts, expected: Expected) -> Finding:
    found, what = facts.schedule, f"rule {RECONCILE_RULE}"
    if not isinstance(found, Schedule):
        return unread_finding(place, Check.RECONCILE, what, found, facts.stack, "ReconcileRule")
    if found.state != "ENABLED":
        return place.fault(
            Check.RECONCILE,
            f"{what} is {found.state}: nobody looks for what was never delivered",
            "switch it on",
            aws(place.account, place.region, "events", "enable-rule", "--name", RECONCILE_RULE),
            cause=Cause.RECONCILE_DISABLED,
        )
    function = expected.arn("lambda", f"function:{RECONCILE_FUNCTION}", place.account, place.region or "")
    if function not in found.targets:
        return place.fault(
            Check.RECONCILE,
            f"{what} does not begin {function}",
            RECREATE,
            apply(place.account),
            cause=Cause.RECONCILE_FUNCTION,
        )
    return place.ok(Check.RECONCILE, f"{what} begins it every night")
