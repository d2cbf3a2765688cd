"""Whether the hub is as it should be. Pure: facts and what should be there, to findings."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from ownertag.core.arn import is_arn
from ownertag.render.documents import ALARM_TOPIC, AUDIT_ROLE, BUS, DEAD_LETTERS, HUB_RULE, HUB_STACK
from ownertag.rollout.deploy.package import parts_of
from ownertag.rollout.doctor.checks import (
    DEPLOY,
    check_rule,
    missing_finding,
    never_made,
    not_held,
    same,
    statements,
    unread_finding,
)
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import (
    BusFacts,
    Function,
    HubFacts,
    Missing,
    NotGiven,
    Observed,
    QueueFacts,
    Rule,
    StackFacts,
    Unread,
)
from ownertag.rollout.doctor.findings import Check, Finding, Location

_LOG = f"its log says why: `aws logs tail /aws/lambda/{BUS} --since 1h`"


def check_hub(facts: HubFacts | Unread, expected: Expected) -> Iterator[Finding]:
    """Checks the hub, in its account's home Region."""
    organization = expected.organization
    place = Location(organization.hub_account, organization.home_region)
    if isinstance(facts, Unread):
        yield place.unreached(
            Check.HUB_STACK,
            f"the hub can't be looked at: {facts.reason}",
            f"the hub's account needs the role {AUDIT_ROLE} as well: deploy to its unit",
        )
        return
    yield _stack(place, facts.stack, expected)
    yield _bus(place, facts, expected)
    yield from _rule(place, facts, expected)
    yield from _queue(place, facts, expected)
    yield _dead_letters(place, facts)
    yield from _function(place, facts, expected)
    yield _package(place, facts, expected)
    yield _source(place, facts, expected)
    yield from _alarms(place, facts, expected)
    yield _topic(place, facts)


def _stack(place: Location, stack: Observed[StackFacts], expected: Expected) -> Finding:
    if isinstance(stack, Missing):
        return place.fault(Check.HUB_STACK, f"there is no stack {HUB_STACK}", "`ownertag deploy apply` makes the hub")
    if not isinstance(stack, StackFacts):
        return unread_finding(place, Check.HUB_STACK, f"stack {HUB_STACK}", stack, Missing(), "")
    if not stack.complete:
        return place.fault(
            Check.HUB_STACK,
            f"stack {HUB_STACK} is {stack.status}",
            f"`aws cloudformation describe-stack-events --stack-name {HUB_STACK}` says what failed",
        )
    if stack.template.strip() != expected.hub_template.strip():
        return place.fault(
            Check.HUB_STACK,
            "the stack has another template than this version renders",
            "`ownertag deploy plan` shows the difference, `ownertag deploy apply` brings it up to date",
        )
    return place.ok(Check.HUB_STACK, "complete, with the current template")


def _bus(place: Location, facts: HubFacts, expected: Expected) -> Finding:
    if not isinstance(facts.bus, BusFacts):
        return unread_finding(place, Check.BUS, f"bus {BUS}", facts.bus, facts.stack, "Bus")
    wanted = expected.filled_for(expected.bus_statement, place.account)
    found = statements(facts.bus.policy) if facts.bus.policy else []
    ours = [statement for statement in found if statement.get("Sid") == wanted["Sid"]]
    if not ours:
        return missing_finding(
            place, Check.BUS, f"the policy of bus {BUS}", facts.stack, "BusPolicy", ": nothing gets in"
        )
    if not same(ours[0], wanted):
        return place.fault(Check.BUS, f"the policy of bus {BUS} is not the rendered one", DEPLOY)
    if others := [str(statement.get("Sid", "without a name")) for statement in found if statement not in ours]:
        return place.fault(
            Check.BUS,
            f"bus {BUS} lets in more than it should: statements {', '.join(others)}",
            f"take them away: `aws events remove-permission --event-bus-name {BUS} --statement-id ...`",
        )
    return place.ok(Check.BUS, "its policy is as rendered")


def _rule(place: Location, facts: HubFacts, expected: Expected) -> Iterator[Finding]:
    if not isinstance(facts.rule, Rule):
        yield unread_finding(place, Check.HUB_RULE, f"rule {HUB_RULE}", facts.rule, facts.stack, "Rule")
        return
    yield check_rule(place, Check.HUB_RULE, HUB_RULE, facts.rule, expected.hub_pattern)
    queue = expected.arn("sqs", BUS, place.account, place.region or "")
    letters = expected.arn("sqs", DEAD_LETTERS, place.account, place.region or "")
    if not any(target.arn == queue and target.dead_letters == letters for target in facts.rule.targets):
        yield place.fault(
            Check.HUB_RULE, f"rule {HUB_RULE} does not send to {queue} with {letters} for what fails", DEPLOY
        )


def _queue(place: Location, facts: HubFacts, expected: Expected) -> Iterator[Finding]:
    queue, what = facts.queue, f"queue {BUS}"
    if not isinstance(queue, QueueFacts):
        yield unread_finding(place, Check.QUEUE, what, queue, facts.stack, "Queue")
        return
    letters = expected.arn("sqs", DEAD_LETTERS, place.account, place.region or "")
    faults = []
    if queue.visibility < expected.visibility:
        faults.append(f"hides a message for {queue.visibility} s, not {expected.visibility}")
    if queue.redrive_to != letters or queue.receives != expected.receives:
        faults.append(f"does not move a message to {DEAD_LETTERS} after {expected.receives} receives")
    if faults:
        yield place.fault(Check.QUEUE, f"{what} {' and '.join(faults)}", DEPLOY)
    elif not isinstance(facts.oldest, float | int | None):
        yield unread_finding(
            place, Check.QUEUE, f"the age of the oldest message of {what}", facts.oldest, Missing(), ""
        )
    elif facts.oldest is not None and facts.oldest > expected.oldest:
        yield place.fault(
            Check.QUEUE,
            f"{queue.messages} messages wait, the oldest for {facts.oldest:.0f} s",
            f"the function is too slow, throttled or failing: {_LOG}",
        )
    else:
        age = "" if facts.oldest is None else f", the oldest for {facts.oldest:.0f} s"
        yield place.ok(Check.QUEUE, f"{queue.messages} messages wait{age}")
    wanted = expected.filled_for(expected.queue_policy, place.account, place.region or "")
    for name, found in ((BUS, queue), (DEAD_LETTERS, facts.dead_letters)):
        if not isinstance(found, QueueFacts):
            continue
        if found.policy is None:
            yield missing_finding(place, Check.QUEUE_POLICY, f"the policy of queue {name}", facts.stack, "QueuePolicy")
        elif not same(found.policy, wanted):
            yield place.fault(
                Check.QUEUE_POLICY, f"queue {name} has another policy than rendered: events may not get in", DEPLOY
            )
        else:
            yield place.ok(Check.QUEUE_POLICY, f"that of {name} is as rendered")


def _dead_letters(place: Location, facts: HubFacts) -> Finding:
    found = facts.dead_letters
    if not isinstance(found, QueueFacts):
        return unread_finding(place, Check.DEAD_LETTERS, f"queue {DEAD_LETTERS}", found, facts.stack, "DeadLetters")
    if not found.messages:
        return place.ok(Check.DEAD_LETTERS, "none")
    return place.fault(
        Check.DEAD_LETTERS,
        f"{found.messages} messages were not tagged",
        "`ownertag redrive --queue dead-letters` shows why, and puts them back after asking; mend the cause first, or "
        "they come back",
    )


def _function(place: Location, facts: HubFacts, expected: Expected) -> Iterator[Finding]:
    found = facts.function
    if not isinstance(found, Function):
        yield unread_finding(place, Check.FUNCTION, f"function {BUS}", found, facts.stack, "Function")
        return
    wanted: tuple[tuple[str, object, object], ...] = (
        ("state", found.state, "Active"),
        ("architecture", found.architectures, (expected.architecture,)),
        ("timeout", found.timeout, expected.timeout),
    )
    well = True
    for what, seen, right in wanted:
        if isinstance(seen, NotGiven):
            yield unread_finding(place, Check.FUNCTION, f"function {BUS}", seen, facts.stack, "Function")
        elif seen != right:
            yield place.fault(Check.FUNCTION, f"its {what} is {_text(seen)}, not {_text(right)}", DEPLOY)
        else:
            continue
        well = False
    if well:
        yield place.ok(Check.FUNCTION, "active, with the architecture and timeout of the template")


def _package(place: Location, facts: HubFacts, expected: Expected) -> Finding:
    if not isinstance(facts.function, Function):
        return unread_finding(place, Check.PACKAGE, f"function {BUS}", facts.function, facts.stack, "Function")
    if not isinstance(facts.stack, StackFacts):
        return unread_finding(
            place, Check.PACKAGE, f"stack {HUB_STACK}, which names the package,", facts.stack, Missing(), ""
        )
    key = facts.stack.parameters.get("PackageKey", "")
    parts, code = parts_of(key), facts.function.code_sha256
    if parts is None:
        return place.fault(
            Check.PACKAGE, f"the stack's package {key!r} has no version and hash in its name", "`ownertag deploy apply`"
        )
    if not isinstance(code, str):
        return unread_finding(place, Check.PACKAGE, f"function {BUS}", code, facts.stack, "Function")
    version, sha256 = parts
    if base64.b64encode(bytes.fromhex(sha256)).decode() != code:
        return place.fault(
            Check.PACKAGE,
            f"the function runs other code than the stack's package {key}",
            f"find out who changed it; {DEPLOY}",
        )
    if version != expected.version:
        return place.fault(
            Check.PACKAGE,
            f"the function is version {version}, and this is {expected.version}",
            "`make package`, then `ownertag deploy apply`; or use the ownertag of the function's version",
        )
    return place.ok(Check.PACKAGE, f"version {version}")


def _source(place: Location, facts: HubFacts, expected: Expected) -> Finding:
    found = facts.sources
    if not isinstance(found, tuple):
        what = f"the event source mappings of function {BUS}"
        return unread_finding(place, Check.EVENT_SOURCE, what, found, facts.stack, "Source")
    queue = expected.arn("sqs", BUS, place.account, place.region or "")
    ours = [mapping for mapping in found if mapping.queue == queue]
    if not ours:
        return missing_finding(
            place, Check.EVENT_SOURCE, f"a mapping from queue {BUS} to the function", facts.stack, "Source"
        )
    if ours[0].state != "Enabled":
        return place.fault(
            Check.EVENT_SOURCE,
            f"the function is not fed: its mapping is {ours[0].state}",
            "switch it on: `aws lambda update-event-source-mapping --enabled --uuid ...`",
        )
    if "ReportBatchItemFailures" not in ours[0].response_types:
        return place.fault(
            Check.EVENT_SOURCE, "failures of single messages are not reported: they are deleted undone", DEPLOY
        )
    return place.ok(Check.EVENT_SOURCE, "enabled, with failures by message")


def _alarms(place: Location, facts: HubFacts, expected: Expected) -> Iterator[Finding]:
    found = facts.alarms
    if isinstance(found, Missing | NotGiven | Unread):
        yield unread_finding(place, Check.ALARMS, "the alarms", found, facts.stack, "")
        return
    for logical, name in expected.alarms.items():
        if name not in found:
            yield missing_finding(place, Check.ALARMS, f"alarm {name}", facts.stack, logical)
        elif found[name] == "ALARM":
            yield place.fault(
                Check.ALARMS,
                f"alarm {name} is on",
                f"its description says what it means: `aws cloudwatch describe-alarms --alarm-names {name}`",
            )
        else:
            yield place.ok(Check.ALARMS, f"{name} is quiet")


def _topic(place: Location, facts: HubFacts) -> Finding:
    found = facts.subscriptions
    if not isinstance(found, tuple):
        return unread_finding(place, Check.ALARM_TOPIC, f"topic {ALARM_TOPIC}", found, facts.stack, "AlarmTopic")
    confirmed = [subscription for subscription in found if is_arn(subscription)]
    if confirmed:
        return place.ok(Check.ALARM_TOPIC, f"{len(confirmed)} confirmed subscriptions")
    # The template has the subscription only where an address is given.
    mailed = isinstance(facts.stack, StackFacts) and facts.stack.parameters.get("AlarmEmail")
    if mailed and not found and never_made(facts.stack, "AlarmMail"):
        return not_held(place, Check.ALARM_TOPIC, f"the subscription of topic {ALARM_TOPIC}")
    waiting = sum(subscription == "PendingConfirmation" for subscription in found)
    return place.fault(
        Check.ALARM_TOPIC,
        f"nobody is told of alarms: {waiting} subscriptions wait to be confirmed"
        if waiting
        else "nobody is told of alarms: the topic has no subscription",
        f"confirm the mail that AWS sent, or subscribe to {ALARM_TOPIC}, or set hub.alarm_email",
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
