"""Each fault that the hub can have, and the advice for it; a healthy one has none."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ownertag.rollout.doctor.checks_hub import check_hub
from ownertag.rollout.doctor.facts import BusFacts, HubFacts, Missing, NotGiven, Unread
from ownertag.rollout.doctor.findings import Check, CheckState, Finding
from rollout.doctor import healthy
from rollout.doctor.healthy import HOME, HUB, wanted

DENIED, GIVEN = Unread("denied (AccessDenied)"), NotGiven("Field")
WELL: Any = healthy.hub()
OTHER = {"Version": "2012-10-17", "Statement": [{"Sid": "Open", "Effect": "Allow", "Action": "*", "Principal": "*"}]}
KEY = "ownertag-{}-arm64-{}.zip"


def check(facts: HubFacts | Unread) -> list[Finding]:
    return list(check_hub(facts, wanted()))


def bad(**changes: Any) -> list[Finding]:
    return [finding for finding in check(replace(WELL, **changes)) if finding.state is not CheckState.OK]


def stack(**changes: Any) -> dict[str, Any]:
    return {"stack": replace(WELL.stack, **changes)}


def test_where_all_is_well_every_check_says_so() -> None:
    findings = check(WELL)
    assert {finding.state for finding in findings} == {CheckState.OK}
    assert {finding.check for finding in findings} == {
        Check.HUB_STACK, Check.BUS, Check.HUB_RULE, Check.QUEUE, Check.QUEUE_POLICY, Check.DEAD_LETTERS, Check.FUNCTION,
        Check.PACKAGE, Check.EVENT_SOURCE, Check.RECONCILE, Check.ALARMS, Check.ALARM_TOPIC,
    }  # fmt: skip
    assert {(finding.account, finding.region) for finding in findings} == {(HUB, HOME)}


def _rule(**changes: Any) -> dict[str, Any]:
    return {"rule": replace(WELL.rule, **changes)}


def _queue(**changes: Any) -> dict[str, Any]:
    return {"queue": replace(WELL.queue, **changes)}


def _function(**changes: Any) -> dict[str, Any]:
    return {"function": replace(WELL.function, **changes)}


def _source(**changes: Any) -> dict[str, Any]:
    return {"sources": (replace(WELL.sources[0], **changes),)}


FAULTS: dict[str, tuple[dict[str, Any], Check, str, str]] = {
    "nothing reconciles": (
        {"reconcile": Missing()}, Check.RECONCILE, "ownertag-reconcile is not there", "deploy apply",
    ),
    "other code reconciles": (
        {"reconcile": replace(WELL.reconcile, code_sha256="x")}, Check.RECONCILE, "runs other code", "deploy apply",
    ),
    "what reconciles is not active": (
        {"reconcile": replace(WELL.reconcile, state="Failed")}, Check.RECONCILE, "its state is Failed", "deploy apply",
    ),
    "reconciling is off": (
        {"schedule": replace(WELL.schedule, state="DISABLED")}, Check.RECONCILE, "is DISABLED", "enable-rule",
    ),
    "reconciling begins something else": (
        {"schedule": replace(WELL.schedule, targets=("x",))}, Check.RECONCILE, "does not begin", "deploy apply",
    ),
    "no schedule": ({"schedule": Missing()}, Check.RECONCILE, "hub-ownertag-reconcile is not there", "deploy apply"),
    "no stack": ({"stack": Missing()}, Check.HUB_STACK, "no stack ownertag-hub", "deploy apply"),
    "stack failed": (
        stack(status="UPDATE_ROLLBACK_COMPLETE"), Check.HUB_STACK, "is UPDATE_ROLLBACK_COMPLETE", "stack-events",
    ),
    "old template": (stack(template="x"), Check.HUB_STACK, "another template", "shows the difference"),
    "no bus": ({"bus": Missing()}, Check.BUS, "bus ownertag is not there", "deploy apply"),
    "bus without a policy": ({"bus": BusFacts(None)}, Check.BUS, "nothing gets in", "put-permission"),
    "bus with another policy": (
        {"bus": BusFacts({"Statement": [{**WELL.bus.policy["Statement"][0], "Principal": {"AWS": "1"}}]})},
        Check.BUS, "is not the rendered one", "put-permission",
    ),
    "bus opened": (
        {"bus": BusFacts({"Statement": [*WELL.bus.policy["Statement"], *OTHER["Statement"]]})},
        Check.BUS, "statements Open", "remove-permission",
    ),
    "no rule": ({"rule": Missing()}, Check.HUB_RULE, "is not there", "deploy apply"),
    "rule off": (_rule(state="DISABLED"), Check.HUB_RULE, "is DISABLED", "enable-rule --event-bus-name ownertag"),
    "rule with another pattern": (_rule(pattern={"source": ["x"]}), Check.HUB_RULE, "another pattern", "--recreate"),
    "rule without the queue": (_rule(targets=()), Check.HUB_RULE, "does not send to", "deploy apply"),
    "rule without dead letters": (
        _rule(targets=(replace(WELL.rule.targets[0], dead_letters=None),)), Check.HUB_RULE, "for what fails", "deploy",
    ),
    "no queue": ({"queue": Missing()}, Check.QUEUE, "queue ownertag is not there", "deploy apply"),
    "short visibility": (_queue(visibility=30), Check.QUEUE, "for 30 s, not 1090", "VisibilityTimeout"),
    "no redrive": (_queue(redrive_to=None), Check.QUEUE, "after 16 receives", "RedrivePolicy"),
    "another redrive": (_queue(receives=3), Check.QUEUE, "after 16 receives", "RedrivePolicy"),
    "backlog": ({"oldest": 1200.0, **_queue(messages=42)}, Check.QUEUE, "42 messages wait, the oldest for 1", "log"),
    "queue without a policy": (_queue(policy=None), Check.QUEUE_POLICY, "policy of queue ownertag", "set-queue"),
    "queue with another policy": (_queue(policy=OTHER), Check.QUEUE_POLICY, "another policy", "set-queue-attributes"),
    "dead letters with another policy": (
        {"dead_letters": replace(WELL.dead_letters, policy=OTHER)}, Check.QUEUE_POLICY, "dead-letters", "set-queue",
    ),
    "no dead-letter queue": ({"dead_letters": Missing()}, Check.DEAD_LETTERS, "is not there", "deploy apply"),
    "dead letters": (
        {"dead_letters": replace(WELL.dead_letters, messages=2)}, Check.DEAD_LETTERS, "2 messages were not tagged",
        "ownertag redrive --queue dead-letters",
    ),
    "function inactive": (_function(state="Failed"), Check.FUNCTION, "state is Failed", "deploy apply"),
    "another architecture": (_function(architectures=("x86_64",)), Check.FUNCTION, "x86_64, not arm64", "deploy"),
    "another timeout": (_function(timeout=3), Check.FUNCTION, "timeout is 3, not 180", "--timeout 180"),
    "other code": (_function(code_sha256="x"), Check.PACKAGE, "other code than the stack's package", "update-function"),
    "another version": (
        stack(parameters={"PackageKey": KEY.format("0.0.1", healthy.SHA256)}), Check.PACKAGE, "is version 0.0.1",
        "deploy this version",
    ),
    "a package without a name": (stack(parameters={"PackageKey": "x.zip"}), Check.PACKAGE, "'x.zip'", "deploy apply"),
    "no mapping": ({"sources": ()}, Check.EVENT_SOURCE, "a mapping from queue ownertag", "deploy apply"),
    "mapping of another queue": (_source(queue="arn:x"), Check.EVENT_SOURCE, "a mapping from queue", "deploy apply"),
    "mapping off": (_source(state="Disabled"), Check.EVENT_SOURCE, "is Disabled", "update-event-source-mapping"),
    "mapping without failures": (_source(response_types=()), Check.EVENT_SOURCE, "deleted undone", "ReportBatch"),
    "alarm gone": (
        {"alarms": {name: "OK" for name in wanted().alarms.values() if name != "ownertag-errors"}}, Check.ALARMS,
        "alarm ownertag-errors is not there", "deploy apply",
    ),
    "alarm on": ({"alarms": {**WELL.alarms, "ownertag-silence": "ALARM"}}, Check.ALARMS, "is on", "describe"),
    "no topic": ({"subscriptions": Missing()}, Check.ALARM_TOPIC, "is not there", "deploy apply"),
    "nobody told": ({"subscriptions": ()}, Check.ALARM_TOPIC, "has no subscription", "hub.alarm_email"),
    "nobody confirmed": (
        {"subscriptions": ("PendingConfirmation", "Deleted")}, Check.ALARM_TOPIC, "1 subscriptions wait",
        "link in the mail",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_hub_that_is_not_as_rendered_is_a_fault(name: str) -> None:
    changes, which, seen, advice = FAULTS[name]
    [finding] = [finding for finding in bad(**changes) if finding.check is which]
    assert (finding.account, finding.region, finding.state) == (HUB, HOME, CheckState.FAULT)
    assert seen in finding.seen
    assert advice in healthy.told(finding)
    # The package can't be judged without the stack that names it; nothing else follows from a fault.
    assert {finding.check for finding in bad(**changes)} <= {which, Check.PACKAGE}


NEVER_MADE: dict[str, tuple[dict[str, Any], Check]] = {
    "Bus": ({"bus": Missing()}, Check.BUS),
    "BusPolicy": ({"bus": BusFacts(None)}, Check.BUS),
    "Rule": ({"rule": Missing()}, Check.HUB_RULE),
    "Queue": ({"queue": Missing()}, Check.QUEUE),
    "QueuePolicy": (_queue(policy=None), Check.QUEUE_POLICY),
    "DeadLetters": ({"dead_letters": Missing()}, Check.DEAD_LETTERS),
    "Function": ({"function": Missing()}, Check.FUNCTION),
    "Source": ({"sources": ()}, Check.EVENT_SOURCE),
    "AgeAlarm": (
        {"alarms": {name: "OK" for name in wanted().alarms.values() if name != "ownertag-oldest-message"}},
        Check.ALARMS,
    ),
    "AlarmTopic": ({"subscriptions": Missing()}, Check.ALARM_TOPIC),
}


@pytest.mark.parametrize("logical", NEVER_MADE)
def test_what_cloudformation_never_made_is_not_checkable(logical: str) -> None:
    changes, which = NEVER_MADE[logical]
    assert logical in WELL.stack.declared
    findings = bad(**changes, **stack(listed=WELL.stack.listed - {logical}))
    assert which in {finding.check for finding in findings}
    assert {finding.state for finding in findings} == {CheckState.NOT_CHECKABLE}


def test_a_mail_that_cloudformation_never_made_is_not_checkable_but_one_that_nobody_asked_for_is_a_fault() -> None:
    listed = WELL.stack.listed - {"AlarmMail"}
    mailed = {**WELL.stack.parameters, "AlarmEmail": "ops@example.com"}
    [finding] = bad(subscriptions=(), **stack(listed=listed, parameters=mailed))
    assert (finding.check, finding.state) == (Check.ALARM_TOPIC, CheckState.NOT_CHECKABLE)
    [finding] = bad(subscriptions=(), **stack(listed=listed))
    assert (finding.check, finding.state) == (Check.ALARM_TOPIC, CheckState.FAULT)
    [finding] = bad(subscriptions=("PendingConfirmation",), **stack(listed=listed, parameters=mailed))
    assert finding.state is CheckState.FAULT


def test_every_alarm_of_the_template_has_its_name_there() -> None:
    for name in wanted().alarms.values():
        alarms = {alarm: "OK" for alarm in wanted().alarms.values() if alarm != name}
        listed = frozenset(logical for logical in WELL.stack.listed if not logical.endswith("Alarm"))
        [finding] = bad(alarms=alarms, **stack(listed=listed))
        assert finding.state is CheckState.NOT_CHECKABLE


UNSEEN: dict[str, Check] = {
    "stack": Check.HUB_STACK,
    "bus": Check.BUS,
    "rule": Check.HUB_RULE,
    "queue": Check.QUEUE,
    "oldest": Check.QUEUE,
    "dead_letters": Check.DEAD_LETTERS,
    "function": Check.FUNCTION,
    "sources": Check.EVENT_SOURCE,
    "alarms": Check.ALARMS,
    "subscriptions": Check.ALARM_TOPIC,
}


@pytest.mark.parametrize("field", UNSEEN)
def test_what_can_not_be_read_is_unreached_and_what_is_not_said_not_checkable(field: str) -> None:
    for said, state in ((DENIED, CheckState.UNREACHABLE), (GIVEN, CheckState.NOT_CHECKABLE)):
        findings = bad(**{field: said})
        assert UNSEEN[field] in {finding.check for finding in findings}
        assert {finding.state for finding in findings} == {state}


@pytest.mark.parametrize(
    ("field", "which"),
    [
        ("state", Check.FUNCTION),
        ("architectures", Check.FUNCTION),
        ("timeout", Check.FUNCTION),
        ("code_sha256", Check.PACKAGE),
    ],
)
def test_a_function_of_which_aws_does_not_say_all_is_not_called_well(field: str, which: Check) -> None:
    [finding] = bad(**_function(**{field: NotGiven(field)}))
    assert (finding.check, finding.state) == (which, CheckState.NOT_CHECKABLE)
    assert not [finding for finding in check(replace(WELL, **_function(**{field: GIVEN}))) if finding.check is which
                and finding.state is CheckState.OK]  # fmt: skip


def test_a_hub_that_can_not_be_entered_says_so() -> None:
    [finding] = check(DENIED)
    assert (finding.check, finding.state) == (Check.HUB_STACK, CheckState.UNREACHABLE)
    assert "ownertag-audit" in healthy.told(finding)


def test_a_short_wait_is_no_fault() -> None:
    [finding] = [finding for finding in check(replace(WELL, oldest=12.0)) if finding.check is Check.QUEUE]
    assert (finding.state, finding.seen) == (CheckState.OK, "0 messages wait, the oldest for 12 s")
