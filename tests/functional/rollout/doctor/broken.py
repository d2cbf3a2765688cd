"""How each kind of advice comes about in the sandbox's organization: what somebody does by hand, as calls of AWS.

Rounds follow each other in one organization: all rows of a round are broken, looked at, mended by what was printed, and
looked at again. In a round no row's commands mend another row's fault, but where they are one command.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from ownertag.render.documents import HUB_RULE, REGION_STACK, ROLES_STACK
from ownertag.rollout.doctor.causes import Cause
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox

WEB, DATA, RESEARCH, LEGACY = "333333333333", "444444444444", "555555555555", "666666666666"
TRAIL_BUCKET = f"organization-trail-{MANAGEMENT}"


class By(Enum):
    """What mends it."""

    COMMANDS = "the commands as they are printed"
    PERSON = "a person: the advice says what"
    TIME = "nothing at once: it fades"


class World:
    """The sandbox, with an administrator's clients in each account, and the files that it is deployed from."""

    def __init__(self, sandbox: Sandbox, settings: Path, package: Path) -> None:
        self.sandbox, self.settings, self.package = sandbox, settings, package
        self.organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")

    def at(self, account: str, service: str, region: str = HOME_REGION) -> closing[Any]:
        """A client, for a with statement."""
        return closing(self.sandbox.client(self.sandbox.account_session(account, region), service))

    def policy_id(self, name: str) -> str:
        """The id of one of our service control policies."""
        listed = self.organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]
        [found] = [policy["Id"] for policy in listed if policy["Name"] == name]
        return str(found)


@dataclass(frozen=True)
class Row:
    """One fault: where, what was done, and what mends it.

    `first` is what a person does before the commands, since the advice says so; `person` what there is no command for.
    """

    cause: Cause
    account: str
    region: str | None
    does: Callable[[World], None]
    by: By = By.COMMANDS
    person: Callable[[World], None] | None = None
    first: Callable[[World], None] | None = None


def _role(account: str, name: str, do: Callable[[Any, str], None]) -> Callable[[World], None]:
    def does(world: World) -> None:
        with world.at(account, "iam") as iam:
            do(iam, name)

    return does


def _delete_role(iam: Any, name: str) -> None:
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=name)


_OPEN = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
_ODD = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "x:y", "Resource": "*"}]})
_TRUSTS_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
)


def _widen(iam: Any, name: str) -> None:
    iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=_OPEN)
    policy = iam.create_policy(PolicyName="and-more", PolicyDocument=_OPEN)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)


def _bound(iam: Any, name: str) -> None:
    policy = iam.create_policy(PolicyName="boundary", PolicyDocument=_OPEN)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=policy)


def call(account: str, region: str, service: str, operation: str, **given: Any) -> Callable[[World], None]:
    """One call of an account's administrator."""

    def does(world: World) -> None:
        with world.at(account, service, region) as client:
            getattr(client, operation)(**given)

    return does


def _delete_rule(world: World) -> None:
    with world.at(RESEARCH, "events", "eu-west-1") as events:
        targets = [target["Id"] for target in events.list_targets_by_rule(Rule="ownertag-creations-1")["Targets"]]
        events.remove_targets(Rule="ownertag-creations-1", Ids=targets)
        events.delete_rule(Name="ownertag-creations-1")


def _other_pattern(world: World) -> None:
    with world.at(RESEARCH, "events", "us-east-1") as events:
        events.put_rule(Name="ownertag-creations-1", EventPattern='{"source": ["aws.ec2"]}')


def _no_role(world: World) -> None:
    with world.at(RESEARCH, "events", "us-west-2") as events:
        [target] = events.list_targets_by_rule(Rule="ownertag-creations-1")["Targets"]
        events.put_targets(Rule="ownertag-creations-1", Targets=[{"Id": target["Id"], "Arn": target["Arn"]}])


def _queue(account: str, region: str, name: str, do: Callable[[Any, str], None]) -> Callable[[World], None]:
    def does(world: World) -> None:
        with world.at(account, "sqs", region) as sqs:
            do(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"])

    return does


def _close(sqs: Any, url: str) -> None:
    statement = {"Sid": "no", "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def _hasten(sqs: Any, url: str) -> None:
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "30"})


def _open_bus(world: World) -> None:
    with world.at(HUB, "events") as events:
        events.put_permission(EventBusName="ownertag", Principal=WEB, Action="events:PutEvents", StatementId="spy")


def _other_bus_policy(world: World) -> None:
    arn = f"arn:aws:events:{HOME_REGION}:{HUB}:event-bus/ownertag"
    statement = {
        "Sid": "AllowForwarders",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": arn,
    }
    with world.at(HUB, "events") as events:
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        events.put_permission(EventBusName="ownertag", Policy=policy)


def _mapping(**changes: Any) -> Callable[[World], None]:
    def does(world: World) -> None:
        with world.at(HUB, "lambda") as client:
            [mapping] = client.list_event_source_mappings(FunctionName="ownertag")["EventSourceMappings"]
            client.update_event_source_mapping(UUID=mapping["UUID"], **changes)

    return does


def _other_code(world: World) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("spy.py", "")
    with world.at(HUB, "lambda") as client:
        client.update_function_code(FunctionName="ownertag", ZipFile=data.getvalue())


def _alarm(state: str) -> Callable[[World], None]:
    def does(world: World) -> None:
        with world.at(HUB, "cloudwatch") as cloudwatch:
            cloudwatch.put_metric_alarm(
                AlarmName="ownertag-errors", AlarmDescription="Calls failed: read the log.", MetricName="Errors",
                Namespace="AWS/Lambda", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=0,
                ComparisonOperator="GreaterThanThreshold",
            )  # fmt: skip
            cloudwatch.set_alarm_state(AlarmName="ownertag-errors", StateValue=state, StateReason="a test")

    return does


def _failed(world: World) -> None:
    with world.at(WEB, "cloudwatch", "eu-west-1") as cloudwatch:
        datum = {
            "MetricName": "FailedInvocations", "Dimensions": [{"Name": "RuleName", "Value": "ownertag-creations-1"}],
            "Timestamp": datetime.now(UTC) - timedelta(minutes=5), "Value": 3,
        }  # fmt: skip
        cloudwatch.put_metric_data(Namespace="AWS/Events", MetricData=[datum])


def _trail(operation: str) -> Callable[[World], None]:
    def does(world: World) -> None:
        with world.at(MANAGEMENT, "cloudtrail") as cloudtrail:
            [trail] = cloudtrail.describe_trails()["trailList"]
        with world.at(MANAGEMENT, "cloudtrail", trail["HomeRegion"]) as cloudtrail:
            getattr(cloudtrail, operation)(Name=trail["Name"])

    return does


def _new_trail(world: World) -> None:
    with world.at(MANAGEMENT, "cloudtrail") as cloudtrail:
        given = {"S3BucketName": TRAIL_BUCKET, "IsMultiRegionTrail": True, "IsOrganizationTrail": True}
        cloudtrail.create_trail(Name="anew", **given)
        cloudtrail.start_logging(Name="anew")


# --- the organization


def change_stack_set(name: str, **changes: Any) -> Callable[[World], None]:
    """Updates a stack set, with what it has but for the changes."""

    def does(world: World) -> None:
        with world.at(MANAGEMENT, "cloudformation") as cloudformation:
            found = cloudformation.describe_stack_set(StackSetName=name)["StackSet"]
            given: dict[str, Any] = {
                "TemplateBody": found["TemplateBody"], "PermissionModel": "SERVICE_MANAGED",
                "AutoDeployment": {"Enabled": True, "RetainStacksOnAccountRemoval": False},
                "Capabilities": ["CAPABILITY_NAMED_IAM"], **changes,
            }  # fmt: skip
            if callable(given["TemplateBody"]):
                given["TemplateBody"] = given["TemplateBody"](found["TemplateBody"])
            cloudformation.update_stack_set(StackSetName=name, **given)

    return does


def _older(template: str) -> str:
    return f"{template}\n# an older one\n"


def _shorter(template: str) -> str:
    """A template of other properties: what differs in comments only is no change for CloudFormation."""
    assert "MessageRetentionPeriod: 1209600" in template
    return template.replace("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 1209000")


def _without_instance(world: World) -> None:
    with world.at(MANAGEMENT, "cloudformation") as cloudformation:
        some = {"OrganizationalUnitIds": [world.sandbox.organization.unit], "Accounts": [LEGACY]}
        cloudformation.delete_stack_instances(
            StackSetName=REGION_STACK, DeploymentTargets={**some, "AccountFilterType": "INTERSECTION"},
            Regions=["us-west-2"], RetainStacks=False,
        )  # fmt: skip


def _other_policy(world: World) -> None:
    world.organizations.update_policy(PolicyId=world.policy_id("ownertag"), Content=_ODD)


def _loose_policy(world: World) -> None:
    given = {"PolicyId": world.policy_id("ownertag-2"), "TargetId": world.sandbox.organization.unit}
    world.organizations.detach_policy(**given)


def _surplus_policy(world: World) -> None:
    world.organizations.create_policy(
        Name="ownertag-9", Description="", Type="SERVICE_CONTROL_POLICY",
        Content=_ODD,
    )  # fmt: skip


def _no_policy(world: World) -> None:
    _loose_policy(world)
    world.organizations.delete_policy(PolicyId=world.policy_id("ownertag-2"))


def _hub_stack(change: Callable[[str], str] = lambda template: template, **parameters: str) -> Callable[[World], None]:
    def does(world: World) -> None:
        with world.at(HUB, "cloudformation") as cloudformation:
            [stack] = cloudformation.describe_stacks(StackName="ownertag-hub")["Stacks"]
            body = cloudformation.get_template(StackName="ownertag-hub")["TemplateBody"]
            now = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
            given = [{"ParameterKey": key, "ParameterValue": value} for key, value in {**now, **parameters}.items()]
            cloudformation.update_stack(
                StackName="ownertag-hub",
                TemplateBody=change(body),
                Parameters=given,
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )

    return does


def _no_stack_set(world: World) -> None:
    with world.at(MANAGEMENT, "cloudformation") as cloudformation:
        cloudformation.delete_stack_instances(
            StackSetName=REGION_STACK,
            DeploymentTargets={"OrganizationalUnitIds": [world.sandbox.organization.unit]},
            Regions=["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"],
            RetainStacks=False,
        )
        cloudformation.delete_stack_set(StackSetName=REGION_STACK)


ROUNDS: dict[str, tuple[Row, ...]] = {
    "by one call": (
        Row(Cause.RULE_DISABLED, WEB, "us-east-1", call(
            WEB, "us-east-1", "events", "disable_rule", Name="ownertag-creations-1",
        )),
        Row(Cause.TARGET_OTHERS, WEB, "us-east-1", call(
            WEB, "us-east-1", "events", "put_targets", Rule="ownertag-tampering",
            Targets=[{"Id": "spy", "Arn": f"arn:aws:sqs:us-east-1:{WEB}:spy"}],
        )),
        Row(Cause.ROLE_TOO_WIDE, WEB, None, _role(WEB, "auto-tag-role", _widen)),
        Row(Cause.ROLE_BOUNDARY, WEB, None, _role(WEB, "ownertag-forwarder", _bound)),
        Row(Cause.SENT_FAILED, WEB, "eu-west-1", _failed, By.TIME),
        Row(Cause.TRAIL_STOPPED, WEB, "us-west-2", _trail("stop_logging")),
        Row(Cause.BUS_POLICY, HUB, HOME_REGION, _other_bus_policy),
        Row(Cause.HUB_RULE_DISABLED, HUB, HOME_REGION, call(
            HUB, HOME_REGION, "events", "disable_rule", Name=HUB_RULE, EventBusName="ownertag",
        )),
        Row(Cause.QUEUE_ATTRIBUTES, HUB, HOME_REGION, _queue(HUB, HOME_REGION, "ownertag", _hasten)),
        Row(Cause.QUEUE_POLICY, HUB, HOME_REGION, _queue(HUB, HOME_REGION, "ownertag-dead-letters", _close)),
        Row(Cause.FUNCTION_TIMEOUT, HUB, HOME_REGION, call(
            HUB, HOME_REGION, "lambda", "update_function_configuration", FunctionName="ownertag", Timeout=3,
        )),
        Row(Cause.EVENT_SOURCE_DISABLED, HUB, HOME_REGION, _mapping(Enabled=False)),
        Row(Cause.RECONCILE_DISABLED, HUB, HOME_REGION, call(
            HUB, HOME_REGION, "events", "disable_rule", Name="hub-ownertag-reconcile",
        )),
        Row(Cause.PACKAGE_CODE, HUB, HOME_REGION, _other_code),
        Row(Cause.ALARM_ON, HUB, HOME_REGION, _alarm("ALARM"), By.PERSON, _alarm("OK")),
    ),
    "by one call more": (
        Row(Cause.BUS_OTHERS, HUB, HOME_REGION, _open_bus),
        Row(Cause.TRAIL_NONE, WEB, "us-east-1", _trail("delete_trail"), By.PERSON, _new_trail),
    ),
    "by deploying": (
        Row(Cause.STACK_SET_AUTOMATIC, MANAGEMENT, None, change_stack_set(
            ROLES_STACK, AutoDeployment={"Enabled": False},
        )),
        Row(Cause.INSTANCE_MISSING, LEGACY, "us-west-2", _without_instance),
        Row(Cause.POLICY_CONTENT, MANAGEMENT, None, _other_policy),
        Row(Cause.POLICY_DETACHED, MANAGEMENT, None, _loose_policy),
        Row(Cause.POLICY_SURPLUS, MANAGEMENT, None, _surplus_policy),
        Row(Cause.HUB_STACK_TEMPLATE, HUB, HOME_REGION, _hub_stack(_shorter)),
    ),
    "by deploying again": (
        Row(Cause.STACK_SET_TEMPLATE, MANAGEMENT, None, change_stack_set(REGION_STACK, TemplateBody=_older)),
        Row(Cause.POLICY_MISSING, MANAGEMENT, None, _no_policy),
        Row(Cause.PACKAGE_NAME, HUB, HOME_REGION, _hub_stack(PackageKey="x.zip")),
    ),
    "by making accounts anew": (
        Row(Cause.AUDIT_ROLE_REFUSED, DATA, None, _role(DATA, "ownertag-audit", _delete_role)),
        Row(Cause.ROLE_MISSING, RESEARCH, None, _role(RESEARCH, "auto-tag-role", _delete_role)),
        Row(Cause.ROLE_TRUST, RESEARCH, None, _role(
            RESEARCH, "ownertag-forwarder",
            lambda iam, name: iam.update_assume_role_policy(RoleName=name, PolicyDocument=_TRUSTS_ALL),
        )),
        Row(Cause.ROLE_PERMISSIONS, RESEARCH, None, _role(
            RESEARCH, "ownertag-canary",
            lambda iam, name: iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=_OPEN),
        )),
        Row(Cause.RULE_MISSING, RESEARCH, "eu-west-1", _delete_rule),
        Row(Cause.RULE_PATTERN, RESEARCH, "us-east-1", _other_pattern),
        Row(Cause.TARGET_WRONG, RESEARCH, "us-west-2", _no_role),
        Row(Cause.UNDELIVERED_MISSING, RESEARCH, "us-east-1", _queue(
            RESEARCH, "us-east-1", "ownertag-undelivered", lambda sqs, url: sqs.delete_queue(QueueUrl=url),
        )),
        Row(Cause.UNDELIVERED_POLICY, RESEARCH, "us-west-2", _queue(
            RESEARCH, "us-west-2", "ownertag-undelivered", _close,
        )),
    ),
    "by making the hub's roles anew": (
        Row(Cause.HUB_UNREAD, HUB, HOME_REGION, _role(HUB, "ownertag-audit", _delete_role)),
    ),
    "by making the management account's roles anew": (
        Row(Cause.ACCOUNTS_UNREAD, MANAGEMENT, None, _role(MANAGEMENT, "ownertag-audit", _delete_role)),
    ),
    "by deploying what is gone": (
        Row(Cause.STACK_SET_MISSING, MANAGEMENT, None, _no_stack_set),
        Row(Cause.HUB_STACK_MISSING, HUB, HOME_REGION, call(
            HUB, HOME_REGION, "cloudformation", "delete_stack", StackName="ownertag-hub",
        )),
    ),
}  # fmt: skip

_REVERTS = (
    "the emulator plays no drift-aware change set, by which `--recreate` puts back what was changed in the hub; "
    "tests/functional/rollout/deploy shows that it is asked for"
)
_SUBSCRIBES = "the emulator makes no subscriptions from a template, and confirms each that is made"
_READS = "what it names is for a person to read or decide; no call of the emulator brings it about"

#: What can't be broken and mended here, and why; its commands are still parsed by the AWS CLI.
NOT_HERE: dict[Cause, str] = {
    Cause.UNREAD: "the emulator asks no identity policy, so nothing that exists is refused",
    Cause.MISSING: "what AWS always has: kept for an answer that nobody expects",
    Cause.DRIFT_FOUND: "the emulator detects no drift",
    Cause.DRIFT_UNCHECKED: "the emulator detects no drift",
    Cause.TIERS: _READS,
    Cause.POLICY_UNASKED: _READS,
    Cause.OBSERVED: "nothing is wrong: to turn it off is a change of the settings; tests/functional/sandbox does it",
    Cause.OBSERVED_WAITS: "it passes by itself, every ten minutes",
    Cause.OBSERVED_UNKNOWN: "the emulator asks no identity policy, so the units can always be read",
    Cause.LEDGER_MISSING: _REVERTS,
    Cause.BUS_MISSING: _REVERTS,
    Cause.HUB_RULE_MISSING: _REVERTS,
    Cause.HUB_RULE_PATTERN: _REVERTS,
    Cause.HUB_RULE_TARGET: _REVERTS,
    Cause.QUEUE_MISSING: _REVERTS,
    Cause.DEAD_LETTERS_MISSING: _REVERTS,
    Cause.FUNCTION_MISSING: _REVERTS,
    Cause.FUNCTION_SETTINGS: _REVERTS,
    Cause.RECONCILE_MISSING: _REVERTS,
    Cause.RECONCILE_FUNCTION: _REVERTS,
    Cause.EVENT_SOURCE_MISSING: _REVERTS,
    Cause.EVENT_SOURCE_RESPONSES: "the emulator always reports what the template has",
    Cause.ALARM_MISSING: "the emulator makes no alarms from a template",
    Cause.ALARM_TOPIC_MISSING: _REVERTS,
    Cause.ALARM_TOPIC_NOBODY: _SUBSCRIBES,
    Cause.ALARM_TOPIC_UNCONFIRMED: _SUBSCRIBES,
    Cause.QUEUE_WAITS: "the emulator has no age of the oldest message",
    Cause.PACKAGE_VERSION: "another version of ownertag is needed; the command is that of the package's other faults",
    Cause.DEFAULT_BUS_KEY: "the emulator keeps no key of a bus",
    Cause.TRAIL_WRITES: "the emulator never says that a trail has selectors of its own",
    Cause.CANARY_LEFT: "the emulator's placement groups can always be deleted",
    Cause.CANARY_STUCK: "the emulator's placement groups can always be deleted",
    Cause.CANARY_UNTAGGED: "it says where to look; the looks are doctor's own",
    Cause.CANARY_UNREACHED: "the same command as for the audit role",
    Cause.CANARY_NO_FINDING: _READS,
    Cause.CANARY_NOBODY: _READS,
    Cause.CANARY_LEDGER_UNREAD: _READS,
    Cause.CANARY_TOPIC_UNREAD: _READS,
    Cause.CANARY_NOT_SEEN: _READS,
}
