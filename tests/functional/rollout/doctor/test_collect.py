"""What doctor collects on moto by the calls that AWS would get, healthy and broken by the service's own calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from contracts.emulated import Call, answer
from ledger.entries import created, ended, event, key, owned
from ownertag.core.ownership import Observation
from ownertag.core.settings import ObserveSettings
from ownertag.core.values import OutcomeKind
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.entries import Unobserved
from ownertag.render.documents import LEDGER_TABLE
from ownertag.rollout.doctor.examine import AwsCollector, Scope, examine
from ownertag.rollout.doctor.findings import Check, CheckState, Finding
from rollout.doctor.deployed import HOME, MANAGEMENT, REGIONS, Deployed

Keys = set[tuple[str, str | None, Check, CheckState]]


def not_ok(findings: list[Finding]) -> Keys:
    """The findings that are not OK."""
    return {
        (finding.account, finding.region, finding.check, finding.state)
        for finding in findings
        if finding.state is not CheckState.OK
    }


#: moto does not say these of a stack set.
NOT_GIVEN: Keys = {(MANAGEMENT, None, check, CheckState.NOT_CHECKABLE) for check in (Check.STACK_SET, Check.DRIFT)}


def seen(findings: list[Finding], account: str, region: str | None, check: Check) -> str:
    """What the finding of a check reports; of several rules, of the first."""
    return next(
        finding.seen
        for finding in findings
        if (finding.account, finding.region, finding.check) == (account, region, check)
    )


def test_where_all_is_deployed_all_is_well(world: Deployed) -> None:
    findings = examine(world.collector, world.expected)
    assert not_ok(findings) == NOT_GIVEN
    places = {(finding.account, finding.region) for finding in findings}
    assert places == {
        (account, region) for account in (MANAGEMENT, world.hub, world.member) for region in (None, *REGIONS)
    }
    # Everything is read with the audit role, and in the accounts that it is read of.
    used = {call.account for call in world.wire.calls if call.operation != "AssumeRole"}
    assert used == {MANAGEMENT, world.hub, world.member}
    roles = {call.parameters["RoleArn"] for call in world.wire.calls if call.operation == "AssumeRole"}
    assert {role.rpartition("/")[2] for role in roles} == {"ownertag-audit"}


def test_what_was_observed_is_counted_in_the_hubs_ledger(world: Deployed) -> None:
    """By the audit role, which may read the index of keys alone."""
    with closing(world.client(world.hub, "dynamodb")) as client:
        ledger = DynamoLedger(DynamoDBClient(client, LEDGER_TABLE))
        for number in range(1, 4):
            id_ = f"vol-0000000{number}"
            ledger.claim([created(number, account=world.member)], [owned(number, id_=id_, account=world.member)])
            entry = ended(number, id_=id_, kind=OutcomeKind.UNCHANGED)
            there = {"resource": key(id_, world.member), "event": event(number, world.member)}
            ledger.append([replace(entry, observed=Observation(entry.at), **there)])
        ledger.append([replace(ended(1), resource=key(account=world.member), event=event(1, world.member))])
        ledger.append([Unobserved(key(account=world.member))])
    findings = examine(world.collector, world.expected)
    assert not_ok(findings) == NOT_GIVEN
    assert "2 resources that were observed wait" in seen(findings, world.member, None, Check.OBSERVED)
    observe = ObserveSettings(units=(world.unit,))
    expected = replace(world.expected, settings=replace(world.expected.settings, observe=observe))
    findings = examine(AwsCollector(world.collector._access, expected), expected)
    assert "observed: 2 resources decided" in seen(findings, world.member, None, Check.OBSERVED)


def _under_a_key_of(member: str) -> Callable[[Call], object]:
    """DescribeEventBus after `events:UpdateEventBus` with a customer's key, which moto does not know (doc: its API)."""

    def answered(call: Call) -> object:
        if (call.operation, call.account, call.region) != ("DescribeEventBus", member, "us-west-2"):
            return None
        key = f"arn:aws:kms:us-west-2:{member}:key/0123"
        return answer(call, 200, json.dumps({"Name": "default", "KmsKeyIdentifier": key}))

    return answered


def break_member(world: Deployed) -> Keys:
    member = world.member
    iam = world.client(member, "iam")
    iam.delete_role_policy(RoleName="ownertag-forwarder", PolicyName="ownertag-forwarder")
    iam.delete_role(RoleName="ownertag-forwarder")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    made = iam.create_policy(PolicyName="Everything", PolicyDocument=json.dumps(everything))["Policy"]
    iam.attach_role_policy(RoleName="auto-tag-role", PolicyArn=made["Arn"])
    trust = world.expected.filled_for(world.expected.roles["ownertag-canary"].trust, member)
    trust["Statement"][0]["Condition"] = {}
    iam.update_assume_role_policy(RoleName="ownertag-canary", PolicyDocument=json.dumps(trust))

    world.client(member, "events").disable_rule(Name="ownertag-creations-1")
    world.client(member, "events", "us-east-1").remove_targets(Rule="ownertag-creations-1", Ids=["hub"])
    world.delete_rule(member, "us-west-2")
    world.wire.rule(_under_a_key_of(member))  # type: ignore[arg-type] # an answer, or None
    sqs = world.client(member, "sqs", "us-east-1")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="ownertag-undelivered")["QueueUrl"], MessageBody="{}")
    world.sent(member, HOME, "Invocations", 2)
    world.sent(member, HOME, "FailedInvocations", 1)
    return {
        (member, None, Check.FORWARDER_ROLE, CheckState.FAULT),
        (member, None, Check.TAGGER_ROLE, CheckState.FAULT),
        (member, None, Check.CANARY_ROLE, CheckState.FAULT),
        (member, HOME, Check.RULE, CheckState.FAULT),
        (member, HOME, Check.SENT, CheckState.FAULT),
        (member, "us-east-1", Check.TARGET, CheckState.FAULT),
        (member, "us-east-1", Check.UNDELIVERED, CheckState.FAULT),
        (member, "us-west-2", Check.RULE, CheckState.FAULT),
        (member, "us-west-2", Check.DEFAULT_BUS, CheckState.FAULT),
    }


def break_hub(world: Deployed) -> Keys:
    hub = world.hub
    sqs = world.client(hub, "sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="ownertag-dead-letters")["QueueUrl"], MessageBody="{}")
    world.client(hub, "cloudwatch").set_alarm_state(AlarmName="ownertag-errors", StateValue="ALARM", StateReason="x")
    functions = world.client(hub, "lambda")
    [mapping] = functions.list_event_source_mappings(FunctionName="ownertag")["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    world.put_function(Timeout=3, Code={"ZipFile": b"other"})
    sns = world.client(hub, "sns")
    for subscription in sns.list_subscriptions()["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    world.client(hub, "events").put_permission(
        EventBusName="ownertag", StatementId="Open", Principal="*", Action="events:PutEvents"
    )
    world.client(hub, "cloudtrail").stop_logging(Name="all")
    world.sent(hub, HOME, "FailedInvocations", 1, timedelta(days=3))
    checks = (
        Check.DEAD_LETTERS, Check.ALARMS, Check.EVENT_SOURCE, Check.FUNCTION, Check.PACKAGE, Check.ALARM_TOPIC,
        Check.BUS,
    )  # fmt: skip
    return {(hub, HOME, check, CheckState.FAULT) for check in checks} | {
        (hub, region, Check.TRAIL, CheckState.FAULT) for region in REGIONS
    }


def test_each_break_is_seen_where_it_is(world: Deployed) -> None:
    faults = break_member(world) | break_hub(world)
    world.organizations.detach_policy(PolicyId=world.policy_id, TargetId=world.unit)
    faults.add((MANAGEMENT, None, Check.POLICY, CheckState.FAULT))
    findings = examine(world.collector, world.expected)
    assert not_ok(findings) == faults | NOT_GIVEN
    assert "Everything" in seen(findings, world.member, None, Check.TAGGER_ROLE)
    sent = seen(findings, world.member, HOME, Check.SENT)
    assert sent.startswith("rule ownertag-creations-1 could not send 1 events")
    assert f"{datetime.now(UTC) - timedelta(minutes=5):%Y-%m-%d %H:00}Z" in sent
    assert seen(findings, world.hub, HOME, Check.SENT) == "ownertag-creations-1, last sent: none in 14 days"


def test_what_moto_never_made_is_not_checkable_and_what_is_gone_is_a_fault(world: Deployed) -> None:
    sqs = world.client(MANAGEMENT, "sqs", "us-west-2")
    url = sqs.get_queue_url(QueueName="ownertag-undelivered")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    world.delete_rule(MANAGEMENT, "us-west-2")
    world.client(world.hub, "cloudwatch").delete_alarms(AlarmNames=["ownertag-silence"])
    findings = not_ok(examine(world.collector, world.expected))
    assert findings - NOT_GIVEN == {
        (MANAGEMENT, "us-west-2", Check.UNDELIVERED, CheckState.NOT_CHECKABLE),
        (MANAGEMENT, "us-west-2", Check.RULE, CheckState.FAULT),
        (world.hub, HOME, Check.ALARMS, CheckState.NOT_CHECKABLE),
    }


def test_what_is_denied_is_never_taken_for_none(world: Deployed) -> None:
    for operation, check in {
        "DescribeTrails": Check.TRAIL,
        "GetTrailStatus": Check.TRAIL,
        "DescribeEventBus": Check.DEFAULT_BUS,
        "DescribeRule": Check.RULE,
        "ListTargetsByRule": Check.RULE,
        "GetMetricData": Check.SENT,
        "GetQueueUrl": Check.UNDELIVERED,
        "GetQueueAttributes": Check.UNDELIVERED,
    }.items():
        world.wire.heal()
        world.wire.fail(operation, "AccessDeniedException", 403)
        findings = not_ok(examine(world.collector, world.expected, Scope(frozenset({world.member}), frozenset({HOME}))))
        assert findings == {(world.member, HOME, check, CheckState.UNREACHABLE)}, operation


def test_an_account_without_the_role_is_unreached_and_the_others_are_looked_at(world: Deployed) -> None:
    world.wire.fail("AssumeRole", "AccessDenied", 403, when=lambda call: world.member in call.parameters["RoleArn"])
    findings = examine(world.collector, world.expected)
    assert not_ok(findings) - NOT_GIVEN == {(world.member, None, Check.AUDIT_ROLE, CheckState.UNREACHABLE)}
    # It is asked for once, not once a Region.
    refused = [call for call in world.wire.calls if world.member in call.parameters.get("RoleArn", "")]
    assert len(refused) == 1


def test_a_management_account_without_the_role_leaves_the_hub_to_be_looked_at(world: Deployed) -> None:
    world.wire.fail("AssumeRole", "AccessDenied", 403, when=lambda call: MANAGEMENT in call.parameters["RoleArn"])
    findings = not_ok(examine(world.collector, world.expected))
    assert findings == {
        (MANAGEMENT, None, Check.ACCOUNTS, CheckState.UNREACHABLE),
        (MANAGEMENT, None, Check.AUDIT_ROLE, CheckState.UNREACHABLE),
    }


def regions_of_the_member(world: Deployed, **statuses: str) -> None:
    """The answer of DescribeRegions there, by a Region's name with underscores."""

    def answered(call: Call) -> object:
        if call.operation != "DescribeRegions" or call.account != world.member:
            return None
        items = "".join(
            f"<item><regionName>{region.replace('_', '-')}</regionName><optInStatus>{status}</optInStatus></item>"
            for region, status in statuses.items()
        )
        return answer(call, 200, f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>")

    world.wire.rule(answered)  # type: ignore[arg-type] # an answer, or None


def test_a_region_that_the_member_alone_has_switched_on_is_told(world: Deployed) -> None:
    always = dict.fromkeys(("eu_central_1", "us_east_1", "us_west_2"), "opt-in-not-required")
    regions_of_the_member(world, **always, af_south_1="opted-in", ap_east_1="not-opted-in", xx_east_9="opted-in")
    findings = examine(world.collector, world.expected)
    assert not_ok(findings) - NOT_GIVEN == {(world.member, "xx-east-9", Check.REGION, CheckState.FAULT)}
    assert "in this account alone" in seen(findings, world.member, "xx-east-9", Check.REGION)


def test_a_region_that_is_off_is_told_and_nothing_else_is_asked_there(world: Deployed) -> None:
    regions_of_the_member(world, eu_central_1="opt-in-not-required", us_east_1="not-opted-in", us_west_2="opted-in")
    findings = not_ok(examine(world.collector, world.expected))
    assert findings - NOT_GIVEN == {(world.member, "us-east-1", Check.REGION, CheckState.FAULT)}
    asked = [call.service for call in world.wire.calls if (call.account, call.region) == (world.member, "us-east-1")]
    assert set(asked) == {"iam"}  # which has no other Region


def test_a_trail_is_judged_by_what_its_selectors_let_pass(world: Deployed) -> None:
    management = {"Field": "eventCategory", "Equals": ["Management"]}

    def advanced(*fields: dict[str, Any]) -> dict[str, Any]:
        return {"AdvancedEventSelectors": [{"FieldSelectors": list(fields)}]}

    for selectors, state in (
        ({"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]}, None),
        ({"EventSelectors": [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]}, CheckState.FAULT),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}, CheckState.FAULT),
        (advanced(management), None),
        (advanced(management, {"Field": "readOnly", "Equals": ["false"]}), None),
        (advanced(management, {"Field": "readOnly", "Equals": ["true"]}), CheckState.FAULT),
        (advanced({"Field": "eventCategory", "Equals": ["Data"]}), CheckState.FAULT),
    ):
        world.wire.heal()
        world.select_events(world.member, selectors)
        findings = not_ok(examine(world.collector, world.expected, Scope(frozenset({world.member}), frozenset({HOME}))))
        assert findings == ({(world.member, HOME, Check.TRAIL, state)} if state else set()), selectors
