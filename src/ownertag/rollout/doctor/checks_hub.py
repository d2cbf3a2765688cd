"""Whether the hub is as it should be. Pure: facts and what should be there, to findings."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from ownertag.core.arn import is_arn
from ownertag.render.documents import ALARM_TOPIC, AUDIT_ROLE, BUS, DEAD_LETTERS, HUB_RULE, HUB_STACK
from ownertag.rollout.deploy.package import parts_of
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.checks import (
    RECREATE,
    check_rule,
    missing_finding,
    never_made,
    not_held,
    same,
    statements,
    unread_finding,
)
from ownertag.rollout.doctor.checks_reconcile import check_reconcile
from ownertag.rollout.doctor.commands import Command, apply, aws, compact, redrive
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import (
    BusFacts,
    EventSourceMapping,
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


def check_hub(facts: HubFacts | Unread, expected: Expected) -> Iterator[Finding]:
    """Checks the hub, in its account's home Region."""
    organization = expected.organization
    place = Location(organization.hub_account, organization.home_region)
    if isinstance(facts, Unread):
        yield place.unreached(
            Check.HUB_STACK,
            f"the hub can't be looked at: {facts.reason}",
            f"put the role {AUDIT_ROLE} back in the hub's account, which must be in a unit that is deployed to",
            apply(place.account),
            cause=Cause.HUB_UNREAD,
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
    yield from check_reconcile(place, facts, expected)
    yield from _alarms(place, facts, expected)
    yield _topic(place, facts, expected)


def _stack(place: Location, stack: Observed[StackFacts], expected: Expected) -> Finding:
    if isinstance(stack, Missing):
        return place.fault(
            Check.HUB_STACK, f"there is no stack {HUB_STACK}", "make the hub", apply(), cause=Cause.HUB_STACK_MISSING
        )
    if not isinstance(stack, StackFacts):
        return unread_finding(place, Check.HUB_STACK, f"stack {HUB_STACK}", stack, Missing(), "")
    if not stack.complete:
        return place.fault(
            Check.HUB_STACK,
            f"stack {HUB_STACK} is {stack.status}",
            "its events say what failed; mend that, and deploy",
            aws(place.account, place.region, "cloudformation", "describe-stack-events", "--stack-name", HUB_STACK),
            apply(),
            cause=Cause.HUB_STACK_FAILED,
        )
    if stack.template.strip() != expected.hub_template.strip():
        return place.fault(
            Check.HUB_STACK,
            "the stack has another template than this version renders",
            "bring it up to date; before it asks, it shows the difference",
            apply(),
            cause=Cause.HUB_STACK_TEMPLATE,
        )
    return place.ok(Check.HUB_STACK, "complete, with the current template")


def _bus(place: Location, facts: HubFacts, expected: Expected) -> Finding:
    if not isinstance(facts.bus, BusFacts):
        return unread_finding(place, Check.BUS, f"bus {BUS}", facts.bus, facts.stack, "Bus")
    wanted = expected.filled_for(expected.bus_statement, place.account)
    found = statements(facts.bus.policy) if facts.bus.policy else []
    ours = [statement for statement in found if statement.get("Sid") == wanted["Sid"]]
    policy = compact({"Version": "2012-10-17", "Statement": [wanted]})
    of_bus = ("--event-bus-name", BUS)
    put = aws(place.account, place.region, "events", "put-permission", *of_bus, "--policy", policy)
    if not ours and never_made(facts.stack, "BusPolicy"):
        return not_held(place, Check.BUS, f"the policy of bus {BUS}")
    if not ours:
        said = f"the policy of bus {BUS} is not there: nothing gets in"
        return place.fault(Check.BUS, said, RECREATE, put, cause=Cause.BUS_POLICY)
    if not same(ours[0], wanted):
        said = f"the policy of bus {BUS} is not the rendered one"
        return place.fault(Check.BUS, said, RECREATE, put, cause=Cause.BUS_POLICY)
    if others := [str(statement.get("Sid", "")) for statement in found if statement not in ours]:
        return place.fault(
            Check.BUS,
            f"bus {BUS} lets in more than it should: statements {', '.join(others)}",
            "take them away",
            *(
                aws(place.account, place.region, "events", "remove-permission", *of_bus, "--statement-id", sid)
                for sid in others
                if sid
            ),
            cause=Cause.BUS_OTHERS,
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
            Check.HUB_RULE,
            f"rule {HUB_RULE} does not send to {queue} with {letters} for what fails",
            RECREATE,
            apply(place.account),
            cause=Cause.HUB_RULE_TARGET,
        )


def _queue(place: Location, facts: HubFacts, expected: Expected) -> Iterator[Finding]:
    queue, what = facts.queue, f"queue {BUS}"
    if not isinstance(queue, QueueFacts):
        yield unread_finding(place, Check.QUEUE, what, queue, facts.stack, "Queue")
        return
    letters = expected.arn("sqs", DEAD_LETTERS, place.account, place.region or "")
    faults, attributes = [], {}
    if queue.visibility < expected.visibility:
        faults.append(f"hides a message for {queue.visibility} s, not {expected.visibility}")
        attributes["VisibilityTimeout"] = str(expected.visibility)
    if queue.redrive_to != letters or queue.receives != expected.receives:
        faults.append(f"does not move a message to {DEAD_LETTERS} after {expected.receives} receives")
        attributes["RedrivePolicy"] = compact({"deadLetterTargetArn": letters, "maxReceiveCount": expected.receives})
    if faults:
        put = _set_attributes(place, queue, attributes)
        yield place.fault(Check.QUEUE, f"{what} {' and '.join(faults)}", RECREATE, put, cause=Cause.QUEUE_ATTRIBUTES)
    elif not isinstance(facts.oldest, float | int | None):
        yield unread_finding(
            place, Check.QUEUE, f"the age of the oldest message of {what}", facts.oldest, Missing(), ""
        )
    elif facts.oldest is not None and facts.oldest > expected.oldest:
        yield place.fault(
            Check.QUEUE,
            f"{queue.messages} messages wait, the oldest for {facts.oldest:.0f} s",
            "the function is too slow, throttled or failing: its log says why",
            aws(place.account, place.region, "logs", "tail", f"/aws/lambda/{BUS}", "--since", "1h"),
            cause=Cause.QUEUE_WAITS,
        )
    else:
        age = "" if facts.oldest is None else f", the oldest for {facts.oldest:.0f} s"
        yield place.ok(Check.QUEUE, f"{queue.messages} messages wait{age}")
    wanted = expected.filled_for(expected.queue_policy, place.account, place.region or "")
    for name, found in ((BUS, queue), (DEAD_LETTERS, facts.dead_letters)):
        if not isinstance(found, QueueFacts):
            continue
        put = _set_attributes(place, found, {"Policy": compact(wanted)})
        if found.policy is None and never_made(facts.stack, "QueuePolicy"):
            yield not_held(place, Check.QUEUE_POLICY, f"the policy of queue {name}")
        elif found.policy is None:
            said = f"the policy of queue {name} is not there"
            yield place.fault(Check.QUEUE_POLICY, said, RECREATE, put, cause=Cause.QUEUE_POLICY)
        elif not same(found.policy, wanted):
            said = f"queue {name} has another policy than rendered: events may not get in"
            yield place.fault(Check.QUEUE_POLICY, said, RECREATE, put, cause=Cause.QUEUE_POLICY)
        else:
            yield place.ok(Check.QUEUE_POLICY, f"that of {name} is as rendered")


def _set_attributes(place: Location, queue: QueueFacts, attributes: dict[str, str]) -> Command:
    given = ("--queue-url", queue.url, "--attributes", compact(attributes))
    return aws(place.account, place.region, "sqs", "set-queue-attributes", *given)


def _dead_letters(place: Location, facts: HubFacts) -> Finding:
    found = facts.dead_letters
    if not isinstance(found, QueueFacts):
        return unread_finding(place, Check.DEAD_LETTERS, f"queue {DEAD_LETTERS}", found, facts.stack, "DeadLetters")
    if not found.messages:
        return place.ok(Check.DEAD_LETTERS, "none")
    return place.fault(
        Check.DEAD_LETTERS,
        f"{found.messages} messages were not tagged",
        "this shows why, asks, and puts them back; mend the cause first",
        redrive(place.account, "dead-letters"),
        cause=Cause.DEAD_LETTERS_HELD,
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
            timeout = what == "timeout"
            yield place.fault(
                Check.FUNCTION,
                f"its {what} is {_text(seen)}, not {_text(right)}",
                RECREATE,
                _of_function(place, "update-function-configuration", "--timeout", str(right))
                if timeout
                else apply(place.account),
                cause=Cause.FUNCTION_TIMEOUT if timeout else Cause.FUNCTION_SETTINGS,
            )
        else:
            continue
        well = False
    if well:
        yield place.ok(Check.FUNCTION, "active, with the architecture and timeout of the template")


def _of_function(place: Location, operation: str, *words: str) -> Command:
    return aws(place.account, place.region, "lambda", operation, "--function-name", BUS, *words)


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
            Check.PACKAGE,
            f"the stack's package {key!r} has no version and hash in its name",
            "deploy the package that `ownertag deploy` builds, or one of `ownertag package`",
            apply(),
            cause=Cause.PACKAGE_NAME,
        )
    if not isinstance(code, str):
        return unread_finding(place, Check.PACKAGE, f"function {BUS}", code, facts.stack, "Function")
    version, sha256 = parts
    if base64.b64encode(bytes.fromhex(sha256)).decode() != code:
        return place.fault(
            Check.PACKAGE,
            f"the function runs other code than the stack's package {key}",
            RECREATE,
            # CloudFormation can't read a function's code back, so it can't see that it is another.
            _of_function(
                place, "update-function-code", "--s3-bucket", facts.stack.parameters.get("PackageBucket", ""),
                "--s3-key", key,
            ),
            cause=Cause.PACKAGE_CODE,
        )  # fmt: skip
    if version != expected.version:
        return place.fault(
            Check.PACKAGE,
            f"the function is version {version}, and this is {expected.version}",
            "deploy this version; or use the ownertag of the function's version",
            apply(),
            cause=Cause.PACKAGE_VERSION,
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
            "switch it on",
            _of_mapping(place, ours[0], "--enabled"),
            cause=Cause.EVENT_SOURCE_DISABLED,
        )
    if "ReportBatchItemFailures" not in ours[0].response_types:
        return place.fault(
            Check.EVENT_SOURCE,
            "failures of single messages are not reported: they are deleted undone",
            RECREATE,
            _of_mapping(place, ours[0], "--function-response-types", "ReportBatchItemFailures"),
            cause=Cause.EVENT_SOURCE_RESPONSES,
        )
    return place.ok(Check.EVENT_SOURCE, "enabled, with failures by message")


def _of_mapping(place: Location, mapping: EventSourceMapping, *words: str) -> Command:
    return aws(place.account, place.region, "lambda", "update-event-source-mapping", "--uuid", mapping.id, *words)


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
                "its description says what it means and what to do",
                aws(place.account, place.region, "cloudwatch", "describe-alarms", "--alarm-names", name,
                    "--query", "MetricAlarms[].AlarmDescription", "--output", "text"),
                cause=Cause.ALARM_ON,
            )  # fmt: skip
        else:
            yield place.ok(Check.ALARMS, f"{name} is quiet")


def _topic(place: Location, facts: HubFacts, expected: Expected) -> Finding:
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
    if waiting := sum(subscription == "PendingConfirmation" for subscription in found):
        return place.fault(
            Check.ALARM_TOPIC,
            f"nobody is told of alarms: {waiting} subscriptions wait to be confirmed",
            "follow the link in the mail that AWS sent to each address",
            cause=Cause.ALARM_TOPIC_UNCONFIRMED,
        )
    address = expected.settings.hub.alarm_email
    topic = expected.arn("sns", ALARM_TOPIC, place.account, place.region or "")
    given = ("--topic-arn", topic, "--protocol", "email", "--notification-endpoint", address)
    return place.fault(
        Check.ALARM_TOPIC,
        "nobody is told of alarms: the topic has no subscription",
        "subscribe, and follow the link in the mail that AWS sends then"
        if address
        else "set hub.alarm_email, deploy, and follow the link in the mail that AWS sends then",
        aws(place.account, place.region, "sns", "subscribe", *given) if address else apply(),
        cause=Cause.ALARM_TOPIC_NOBODY,
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
