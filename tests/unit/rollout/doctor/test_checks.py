"""Each fault that an account or a Region can have, and the advice for it; a healthy one has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ownertag.render.documents import AUDIT_ROLE, CANARY_ROLE, FORWARDER_ROLE, REDRIVE_ROLE
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.checks_account import check_account
from ownertag.rollout.doctor.commands import apply
from ownertag.rollout.doctor.facts import (
    AccountFacts,
    Missing,
    NotGiven,
    Role,
    RuleTarget,
    StackFacts,
    TrailFacts,
    Unread,
)
from ownertag.rollout.doctor.findings import Check, CheckState, Finding
from rollout.doctor import healthy
from rollout.doctor.healthy import HOME, MEMBER, NOW, wanted

DENIED = Unread("denied (AccessDenied)")
GIVEN = NotGiven("Field")
TRAIL = healthy.region().trails[0]  # type: ignore[index] # healthy
RULE: Any = healthy.region().rules[0]
QUEUE: Any = healthy.region().undelivered
TAGGER = "auto-tag-role"


def check(facts: AccountFacts) -> list[Finding]:
    return list(check_account(facts, wanted(), (HOME,)))


def role(name: str, change: Callable[[Any], Any]) -> AccountFacts:
    facts = healthy.account(regions=(HOME,))
    return replace(facts, roles={**facts.roles, name: change(facts.roles[name])})


def place(**changes: Any) -> AccountFacts:
    """The account, with changes in its one Region; those of rules are of the first."""
    well = healthy.region()
    for field in ("rules", "sent"):
        if field in changes:
            changes[field] = (*changes[field], *getattr(well, field)[1:])
    return replace(healthy.account(regions=(HOME,)), places=(replace(well, **changes),))


def never_made(stack: Any, *logical: str) -> StackFacts:
    """The stack, in which CloudFormation lists no such resource."""
    found: StackFacts = replace(stack, listed=stack.listed - set(logical))
    return found


def test_where_all_is_well_every_check_says_so() -> None:
    findings = check(healthy.account(regions=(HOME,)))
    assert {finding.state for finding in findings} == {CheckState.OK}
    assert {finding.check for finding in findings} == {
        Check.AUDIT_ROLE, Check.TAGGER_ROLE, Check.FORWARDER_ROLE, Check.CANARY_ROLE, Check.REDRIVE_ROLE, Check.REGION,
        Check.TRAIL, Check.RULE, Check.TARGET, Check.SENT, Check.UNDELIVERED, Check.DEFAULT_BUS,
    }  # fmt: skip
    assert {finding.account for finding in findings} == {MEMBER}


def _policies(role: Role, **more: Any) -> Role:
    return replace(role, inline={**role.inline, **more})


def _other(document: Any) -> Any:
    return {**document, "Statement": [*document["Statement"], {"Effect": "Allow", "Action": "*", "Resource": "*"}]}


ROLES: dict[str, tuple[str, Check, Callable[[Any], Any], str, str]] = {
    "gone": (TAGGER, Check.TAGGER_ROLE, lambda _: Missing(), "is not there", "deploy apply"),
    "trusts another": (
        TAGGER, Check.TAGGER_ROLE, lambda role: replace(role, trust=_other(role.trust)), "trusts others", "--recreate",
    ),
    "lacks its policy": (
        FORWARDER_ROLE, Check.FORWARDER_ROLE, lambda role: replace(role, inline={}), "lacks its policy", "deploy apply",
    ),
    "other permissions": (
        FORWARDER_ROLE, Check.FORWARDER_ROLE,
        lambda role: replace(role, inline={FORWARDER_ROLE: _other(role.inline[FORWARDER_ROLE])}),
        "other permissions than rendered", "deploy apply",
    ),
    "wider inline": (
        TAGGER, Check.TAGGER_ROLE, lambda role: _policies(role, more={}), "too wide: it has more",
        "take that away",
    ),
    "wider attached": (
        CANARY_ROLE, Check.CANARY_ROLE, lambda role: replace(role, attached=("AdministratorAccess",)),
        "has AdministratorAccess as well", "take that away",
    ),
    "bounded": (
        AUDIT_ROLE, Check.AUDIT_ROLE, lambda role: replace(role, boundary="arn:aws:iam::1:policy/b"),
        "permissions boundary", "take it away",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROLES)
def test_a_role_that_is_not_as_rendered_is_a_fault(name: str) -> None:
    held, which, change, seen, advice = ROLES[name]
    facts = role(held, change)
    [finding] = [finding for finding in check(facts) if finding.state is not CheckState.OK]
    assert (finding.account, finding.region, finding.check, finding.state) == (MEMBER, None, which, CheckState.FAULT)
    assert held in finding.seen
    assert seen in finding.seen
    assert advice in healthy.told(finding)


@pytest.mark.parametrize(
    ("name", "logical"),
    [(TAGGER, "Tagger"), (FORWARDER_ROLE, "Forwarder"), (CANARY_ROLE, "Canary"), (REDRIVE_ROLE, "Redrive")],
)
def test_a_role_that_cloudformation_never_made_is_not_checkable(name: str, logical: str) -> None:
    facts = role(name, lambda _: Missing())
    facts = replace(facts, stack=never_made(facts.stack, logical))
    [finding] = [finding for finding in check(facts) if finding.state is not CheckState.OK]
    assert finding.state is CheckState.NOT_CHECKABLE
    assert "holds no such resource although the template has it" in finding.seen


def test_a_role_whose_policy_is_not_given_is_not_called_well() -> None:
    facts = role(TAGGER, lambda role: replace(role, inline={"ownertag-tagger": GIVEN}))
    findings = [finding for finding in check(facts) if finding.check is Check.TAGGER_ROLE]
    assert [finding.state for finding in findings] == [CheckState.NOT_CHECKABLE]
    opened = role(TAGGER, lambda role: replace(role, inline={"ownertag-tagger": GIVEN}, attached=("Admin",)))
    assert CheckState.FAULT in {finding.state for finding in check(opened)}


def test_a_role_that_an_unfinished_stack_lacks_is_a_fault() -> None:
    facts = role(TAGGER, lambda _: Missing())
    unfinished = replace(never_made(facts.stack, "Tagger"), status="ROLLBACK_COMPLETE")
    assert CheckState.FAULT in {finding.state for finding in check(replace(facts, stack=unfinished))}
    assert CheckState.FAULT in {finding.state for finding in check(replace(facts, stack=DENIED))}


def test_an_account_that_can_not_be_entered_says_so_and_nothing_more() -> None:
    [finding] = check(AccountFacts(MEMBER, DENIED))
    assert (finding.check, finding.state) == (Check.AUDIT_ROLE, CheckState.UNREACHABLE)
    assert "denied (AccessDenied)" in finding.seen
    assert "--recreate" in healthy.told(finding)


def _trail(**changes: Any) -> tuple[TrailFacts, ...]:
    return (replace(TRAIL, **changes),)


def _target(**changes: Any) -> Any:
    return (replace(RULE, targets=(replace(RULE.targets[0], **changes),)),)


OTHER_TARGET = RuleTarget("arn:aws:lambda:eu-central-1:1:function:spy", None, None)
SENT: Any = healthy.region().sent[0]

FAULTS: dict[str, tuple[dict[str, Any], Check, str, str]] = {
    "no trail": ({"trails": ()}, Check.TRAIL, "no trail records this Region", "create a trail"),
    "trail of another Region": (
        {"trails": _trail(multi_region=False, home="us-east-1")}, Check.TRAIL, "no trail records", "create a trail",
    ),
    "trail stopped": ({"trails": _trail(logging=False)}, Check.TRAIL, "logging is stopped: all", "start-logging"),
    "trail without writes": (
        {"trails": _trail(writes=False)}, Check.TRAIL, "no trail logs management events", "put-event-selectors",
    ),
    "rule gone": ({"rules": (Missing(),)}, Check.RULE, "ownertag-creations-1 is not there", "deploy apply"),
    "rule off": (
        {"rules": (replace(RULE, state="DISABLED"),)}, Check.RULE, "is DISABLED",
        "enable-rule --name ownertag-creations-1",
    ),
    "rule with an old pattern": (
        {"rules": (replace(RULE, pattern={"source": ["aws.ec2"]}),)}, Check.RULE, "another pattern", "--recreate",
    ),
    "no target": ({"rules": (replace(RULE, targets=()),)}, Check.TARGET, "does not send to", "deploy apply"),
    "another bus": (
        {"rules": _target(arn="arn:aws:events:eu-central-1:1:event-bus/x")}, Check.TARGET, "does not send to",
        "deploy apply",
    ),
    "no forwarder": ({"rules": _target(role=None)}, Check.TARGET, "sends as nobody", "deploy apply"),
    "no queue": ({"rules": _target(dead_letters=None)}, Check.TARGET, "loses what it can't deliver", "deploy apply"),
    "another target as well": (
        {"rules": (replace(RULE, targets=(*RULE.targets, OTHER_TARGET)),)}, Check.TARGET, "also sends to", "--ids",
    ),
    "failed": (
        {"sent": (replace(SENT, failed=3),)}, Check.SENT, "ownertag-creations-1 could not send 3 events", "say why",
    ),
    "queue gone": ({"undelivered": Missing()}, Check.UNDELIVERED, "is not there", "deploy apply"),
    "undelivered": (
        {"undelivered": replace(QUEUE, messages=7)}, Check.UNDELIVERED, "7 events were not delivered",
        "ownertag redrive --queue undelivered --accounts 111122223333 --regions eu-central-1",
    ),
    "queue without a policy": (
        {"undelivered": replace(QUEUE, policy=None)}, Check.UNDELIVERED, "policy of queue", "deploy apply",
    ),
    "queue with another policy": (
        {"undelivered": replace(QUEUE, policy=_other(QUEUE.policy))}, Check.UNDELIVERED, "another policy",
        "deploy apply",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_region_that_does_not_deliver_is_a_fault(name: str) -> None:
    changes, which, seen, advice = FAULTS[name]
    [finding] = [finding for finding in check(place(**changes)) if finding.state is not CheckState.OK]
    assert (finding.account, finding.region, finding.check, finding.state) == (MEMBER, HOME, which, CheckState.FAULT)
    assert seen in finding.seen
    assert advice in healthy.told(finding)


NEVER_MADE: dict[str, tuple[dict[str, Any], str, Check]] = {
    "rule": ({"rules": (Missing(),)}, "Creations1", Check.RULE),
    "queue": ({"undelivered": Missing()}, "DeadLetters", Check.UNDELIVERED),
    "policy": ({"undelivered": replace(QUEUE, policy=None)}, "DeadLettersPolicy", Check.UNDELIVERED),
}


@pytest.mark.parametrize("name", NEVER_MADE)
def test_what_cloudformation_never_made_in_a_region_is_not_checkable(name: str) -> None:
    changes, logical, which = NEVER_MADE[name]
    stack = never_made(healthy.region().stack, logical)
    [finding] = [finding for finding in check(place(**changes, stack=stack)) if finding.state is not CheckState.OK]
    assert (finding.check, finding.state) == (which, CheckState.NOT_CHECKABLE)


def test_a_key_on_the_default_bus_is_a_fault() -> None:
    key = "arn:aws:kms:eu-central-1:111122223333:key/abc"
    [finding] = [finding for finding in check(place(bus_key=key)) if finding.state is not CheckState.OK]
    assert (finding.region, finding.check, finding.state) == (HOME, Check.DEFAULT_BUS, CheckState.FAULT)
    assert key in finding.seen


def test_a_region_that_an_account_alone_has_switched_on_is_a_fault() -> None:
    facts = replace(healthy.account(regions=(HOME,)), enabled=frozenset({HOME, "us-east-1", "af-south-1"}))
    known = frozenset({HOME, "us-east-1"})
    [finding] = [
        finding for finding in check_account(facts, wanted(), (HOME,), known) if finding.state is not CheckState.OK
    ]
    assert (finding.region, finding.check, finding.state) == ("af-south-1", Check.REGION, CheckState.FAULT)
    assert "account:EnableRegion" in healthy.told(finding)


UNSEEN: dict[str, tuple[dict[str, Any], Check]] = {
    "default bus": ({"bus_key": DENIED}, Check.DEFAULT_BUS),
    "trails": ({"trails": DENIED}, Check.TRAIL),
    "trail's status": ({"trails": _trail(logging=DENIED)}, Check.TRAIL),
    "trail's selectors": ({"trails": _trail(writes=DENIED)}, Check.TRAIL),
    "rule": ({"rules": (DENIED,)}, Check.RULE),
    "metrics": ({"sent": (DENIED,)}, Check.SENT),
    "queue": ({"undelivered": DENIED}, Check.UNDELIVERED),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_can_not_be_read_is_unreached_and_what_is_not_said_not_checkable(name: str) -> None:
    changes, which = UNSEEN[name]
    [finding] = [finding for finding in check(place(**changes)) if finding.state is not CheckState.OK]
    assert (finding.check, finding.state) == (which, CheckState.UNREACHABLE)
    assert "denied (AccessDenied)" in finding.seen
    assert "permissions" in healthy.told(finding)
    [finding] = [finding for finding in check(place(**_given(changes))) if finding.state is not CheckState.OK]
    assert (finding.check, finding.state) == (which, CheckState.NOT_CHECKABLE)
    assert "lacks Field" in finding.seen


def _given(changes: Any) -> Any:
    """The changes, with a field that is not given in the place of what is denied."""
    if changes is DENIED:
        return GIVEN
    if isinstance(changes, dict):
        return {key: _given(value) for key, value in changes.items()}
    if isinstance(changes, tuple):
        return tuple(map(_given, changes))
    if isinstance(changes, TrailFacts):
        return replace(changes, logging=_given(changes.logging), writes=_given(changes.writes))
    return changes


def test_one_trail_that_logs_is_enough_and_an_unread_one_is_not_called_stopped() -> None:
    stopped, unread = replace(TRAIL, logging=False), replace(TRAIL, logging=DENIED)
    assert CheckState.OK in _states(place(trails=(stopped, unread, TRAIL)), Check.TRAIL)
    assert _states(place(trails=(stopped, unread)), Check.TRAIL) == [CheckState.UNREACHABLE]


def test_a_trail_of_this_region_alone_is_enough() -> None:
    assert _states(place(trails=_trail(multi_region=False)), Check.TRAIL) == [CheckState.OK]


def test_a_region_that_is_switched_off_is_a_fault_and_an_unknown_one_unreached() -> None:
    facts = replace(healthy.account(regions=()), enabled=frozenset({"us-east-1"}))
    [finding] = [finding for finding in check(facts) if finding.state is not CheckState.OK]
    assert (finding.check, finding.region, finding.state) == (Check.REGION, HOME, CheckState.FAULT)
    assert "organization.regions" in healthy.told(finding)
    assert _states(replace(facts, enabled=DENIED), Check.REGION) == [CheckState.UNREACHABLE]


def test_where_nothing_happened_nothing_was_sent_and_that_is_no_fault() -> None:
    quiet, *_ = [finding for finding in check(place(sent=(replace(SENT, last=None),))) if finding.check is Check.SENT]
    assert (quiet.state, quiet.seen) == (CheckState.OK, "ownertag-creations-1, last sent: none in 14 days")
    sent, *_ = [finding for finding in check(place(sent=(SENT,))) if finding.check is Check.SENT]
    assert sent.seen == f"ownertag-creations-1, last sent: {NOW:%Y-%m-%d} 09:00Z"


def _states(facts: AccountFacts, check_: Check) -> list[CheckState]:
    return [finding.state for finding in check(facts) if finding.check is check_]


@pytest.mark.parametrize("name", wanted().roles)
def test_a_role_that_is_gone_has_that_cause_and_is_put_back(name: str) -> None:
    [finding] = [finding for finding in check(role(name, lambda _: Missing())) if finding.state is CheckState.FAULT]
    assert (finding.cause, finding.commands) == (Cause.ROLE_MISSING, (apply(MEMBER),))
