"""An organization on moto, deployed to by plain calls: the hub's account, a member, and the management account.

What moto's CloudFormation does not make (policies of queues and of the bus, alarms, the function's architecture), or
writes as no JSON (policies of roles), is put there by the services' own calls.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse

from contracts.emulated import HOME, ONCE, Call, Emulated, Wire, answer, emulated, moto, session
from contracts.kept import Kept
from harness import fixtures
from ownertag.aws.credentials import CallerSession
from ownertag.core.settings_file import read_settings
from ownertag.render.documents import REGION_STACK, ROLES_STACK
from ownertag.rollout.doctor.access import AccountAccess
from ownertag.rollout.doctor.examine import AwsCollector
from ownertag.rollout.doctor.expected import expected

MANAGEMENT = "123456789012"
REGIONS = (HOME, "us-east-1", "us-west-2")


class Deployed:
    """The organization, and a client for an administrator of any of its accounts."""

    def __init__(self, world: Emulated) -> None:
        self.hub, self.member = world.spokes
        self._plain = session()
        self._sessions: dict[str, boto3.Session] = {}
        self.organizations = world.organizations
        root = self.organizations.list_roots()["Roots"][0]["Id"]
        unit = self.organizations.create_organizational_unit(ParentId=root, Name="all")["OrganizationalUnit"]["Id"]
        inner = self.organizations.create_organizational_unit(ParentId=unit, Name="inner")["OrganizationalUnit"]["Id"]
        for account, parent in ((self.hub, unit), (self.member, inner)):
            self.organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=parent)
        self.unit = unit
        text = f"""
            [organization]
            id = "{self.organizations.describe_organization()["Organization"]["Id"]}"
            management_account = "{MANAGEMENT}"
            hub_account = "{self.hub}"
            home_region = "{HOME}"
            regions = {json.dumps(REGIONS)}
            units = ["{unit}"]
            [protection]
            units = ["{unit}"]
            [tags]
            owner = "{{owner}}"
            WhatIsThis = "https://wiki.internal/ownertag"
            """
        settings = read_settings(text, "ownertag.toml")
        assert settings.organization
        self.text = text
        self.expected = expected(fixtures.catalogue(), settings, settings.organization)
        self._hub()
        self._stack_sets(unit)
        for name, regions in ((ROLES_STACK, (HOME,)), (REGION_STACK, REGIONS)):
            for region in regions:
                self.client(MANAGEMENT, "cloudformation", region).create_stack(
                    StackName=name, TemplateBody=self.expected.stack_sets[name]
                )
        for account in (MANAGEMENT, self.hub, self.member):
            self._around(account)
        self._policy(root)
        self._enter()

    def _enter(self) -> None:
        self.base = self._session(self.hub)
        self.wire = Wire(self.base)

    @cached_property
    def account_access(self) -> AccountAccess:
        """How doctor enters its accounts."""
        now = datetime.now(UTC)
        return AccountAccess(CallerSession(self.base), HOME, lambda: now, config=ONCE)

    @cached_property
    def collector(self) -> AwsCollector:
        """What doctor collects from it."""
        return AwsCollector(self.account_access, self.expected)

    def client(self, account: str, service: str, region: str = HOME) -> Any:
        """A client whose calls the wire does not count."""
        if account not in self._sessions:
            self._sessions[account] = self._session(account)
        return self._sessions[account].client(service, region_name=region)  # type: ignore[call-overload] # any service

    def _session(self, account: str) -> boto3.Session:
        if account == MANAGEMENT:
            return session()
        given = self._plain.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/admin", RoleSessionName="admin"
        )["Credentials"]
        core = botocore.session.Session()
        core.register_component("data_loader", self._plain._session.get_component("data_loader"))
        return boto3.Session(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], HOME, botocore_session=core
        )

    def _hub(self) -> None:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("empty.py", "")
        key = f"ownertag-{self.expected.version}-arm64-{hashlib.sha256(data.getvalue()).hexdigest()}.zip"
        s3 = self.client(self.hub, "s3")
        s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": HOME})
        s3.put_object(Bucket="packages", Key=key, Body=data.getvalue())
        self.client(self.hub, "cloudformation").create_stack(
            StackName="ownertag-hub",
            TemplateBody=self.expected.hub_template,
            Parameters=[
                {"ParameterKey": "PackageBucket", "ParameterValue": "packages"},
                {"ParameterKey": "PackageKey", "ParameterValue": key},
            ],
        )
        self.put_function(Code={"S3Bucket": "packages", "S3Key": key})
        statement = self.expected.filled_for(self.expected.bus_statement, self.hub)
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.client(self.hub, "events").put_permission(EventBusName="ownertag", Policy=json.dumps(policy))
        document = self.expected.filled_for(self.expected.queue_policy, self.hub, HOME)
        for name in ("ownertag", "ownertag-dead-letters"):
            self.put_queue_policy(self.hub, HOME, name, document)
        for name in self.expected.alarms.values():
            self.client(self.hub, "cloudwatch").put_metric_alarm(
                AlarmName=name, MetricName="Errors", Namespace="AWS/Lambda", Statistic="Sum", Period=60,
                EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold",
            )  # fmt: skip
        topic = self.expected.arn("sns", "ownertag-alarms", self.hub, HOME)
        self.client(self.hub, "sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")

    def put_function(self, **changes: Any) -> None:
        """Creates the function anew, as the template has it or with changes."""
        client = self.client(self.hub, "lambda")
        role = self.expected.arn("iam", "role/ownertag-hub", self.hub)
        as_rendered = {
            "Runtime": "python3.13",
            "Architectures": ["arm64"],
            "Timeout": 180,
            "Handler": "x.y",
            "Role": role,
        }
        client.delete_function(FunctionName="ownertag")
        client.create_function(FunctionName="ownertag", **{**as_rendered, **changes})

    def put_queue_policy(self, account: str, region: str, name: str, document: Any) -> None:
        """Sets this policy on a queue."""
        sqs = self.client(account, "sqs", region)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(document)})

    def _stack_sets(self, unit: str) -> None:
        cloudformation = self.client(MANAGEMENT, "cloudformation")
        for name, template in self.expected.stack_sets.items():
            cloudformation.create_stack_set(
                StackSetName=name,
                TemplateBody=template,
                PermissionModel="SERVICE_MANAGED",
                AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": False},
            )
            cloudformation.create_stack_instances(
                StackSetName=name,
                DeploymentTargets={"OrganizationalUnitIds": [unit]},
                Regions=[HOME] if name == ROLES_STACK else list(REGIONS),
            )

    def _around(self, account: str) -> None:
        """Creates an account's trail, and the policies of its roles and queues."""
        for name, role in self.expected.roles.items():
            self.client(account, "iam").put_role_policy(
                RoleName=name,
                PolicyName=role.policy_name,
                PolicyDocument=json.dumps(self.expected.filled_for(role.permissions, account)),
            )
        trail = self.client(account, "cloudtrail")
        self.client(account, "s3").create_bucket(
            Bucket=f"trail-{account}", CreateBucketConfiguration={"LocationConstraint": HOME}
        )
        trail.create_trail(Name="all", S3BucketName=f"trail-{account}", IsMultiRegionTrail=True)
        trail.start_logging(Name="all")
        for region in REGIONS:
            document = self.expected.filled_for(self.expected.undelivered_policy, account, region)
            self.put_queue_policy(account, region, "ownertag-undelivered", document)

    def _policy(self, root: str) -> None:
        self.organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
        for name, document in self.expected.scps.items():
            made = self.organizations.create_policy(
                Name=name, Description="", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(document)
            )["Policy"]["PolicySummary"]
            self.organizations.attach_policy(PolicyId=made["Id"], TargetId=self.unit)
            self.policy_id = made["Id"]

    def delete_rule(self, account: str, region: str) -> None:
        """Deletes the rule of a Region."""
        events = self.client(account, "events", region)
        events.remove_targets(Rule="ownertag-creations-1", Ids=["hub"])
        events.delete_rule(Name="ownertag-creations-1")

    def select_events(self, account: str, selectors: dict[str, Any]) -> None:
        """Gives an account's trail event selectors. moto never returns any, so the wire answers."""
        cloudtrail = self.client(account, "cloudtrail")
        cloudtrail.put_event_selectors(TrailName="all", **selectors)
        [trail] = cloudtrail.describe_trails()["trailList"]
        body = json.dumps({"trailList": [{**trail, "HasCustomEventSelectors": True}]})

        def say(call: Call) -> AWSResponse | None:
            return answer(call, 200, body) if (call.operation, call.account) == ("DescribeTrails", account) else None

        self.wire.rule(say)

    def sent(self, account: str, region: str, metric: str, value: float, ago: timedelta = timedelta(minutes=5)) -> None:
        """Sets what EventBridge's metrics count for the rule."""
        self.client(account, "cloudwatch", region).put_metric_data(
            Namespace="AWS/Events",
            MetricData=[
                {
                    "MetricName": metric,
                    "Dimensions": [{"Name": "RuleName", "Value": "ownertag-creations-1"}],
                    "Timestamp": datetime.now(UTC) - ago,
                    "Value": value,
                }
            ],
        )


@cache
def _first() -> tuple[Deployed, Kept]:
    """The organization, deployed once in a process, and moto's state after it."""
    with emulated() as world:
        return Deployed(world), Kept()


@contextmanager
def deployed() -> Iterator[Deployed]:
    """The organization as it was deployed, as long as the block lasts."""
    first, kept = _first()
    with moto():
        kept.restore()
        recreate = copy(first)
        recreate._enter()
        yield recreate


__all__ = ["HOME", "MANAGEMENT", "REGIONS", "Deployed", "deployed"]
