"""Collects the facts of an account and its Regions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from ownertag.core.arn import last_part, parse_arn
from ownertag.render.documents import AUDIT_POLICY, TAGGER_POLICY, UNDELIVERED
from ownertag.rollout.doctor.access import AuditedAccount
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import (
    SENT_DAYS,
    AccountFacts,
    Document,
    Missing,
    NotGiven,
    Observed,
    QueueFacts,
    RegionFacts,
    Role,
    Rule,
    RuleTarget,
    Sent,
    StackFacts,
    Unread,
)
from ownertag.rollout.doctor.trails import Trails

#: How recent a failure must be to count.
FAILED_WITHIN = timedelta(days=1)
_HOUR = timedelta(hours=1)


def collect(
    account: AuditedAccount,
    expected: Expected,
    regions: Iterable[str],
    stacks: Mapping[tuple[str, str], str],
    now: datetime,
) -> AccountFacts:
    """Collects the facts of an account and its Regions.

    Args:
        account: The account.
        expected: For the names of roles and rules.
        regions: The Regions to read; one that the account has not enabled is left out.
        stacks: Names or ids of the stacks by (stack, Region), as far as they are known. They are read only where
            something is missing, to tell what was deleted from what CloudFormation never made.
        now: The time.
    """
    if refused := account.refused():
        return AccountFacts(account.id, refused)
    enabled = enabled_regions(account)
    off = frozenset(regions) - enabled if isinstance(enabled, frozenset) else frozenset()
    roles = {name: role(account, name) for name in expected.roles}
    roles_stack, region_stack = expected.stack_sets
    lacking = any(isinstance(found, Missing) for found in roles.values())
    trails = Trails(account)
    places = [
        _region(account, expected, region, trails, stacks.get((region_stack, region)), now)
        for region in regions
        if region not in off
    ]
    stack = _stack_where(lacking, account, account.home, stacks.get((roles_stack, account.home)))
    return AccountFacts(account.id, None, enabled, roles, stack, tuple(places))


def enabled_regions(account: AuditedAccount) -> Observed[frozenset[str]]:
    """The Regions that an account has enabled."""

    def use(ec2: Any) -> frozenset[str]:
        regions = ec2.describe_regions(AllRegions=True)["Regions"]
        return frozenset(region["RegionName"] for region in regions if region["OptInStatus"] != "not-opted-in")

    return account.read("ec2", account.home, use)


def role(account: AuditedAccount, name: str) -> Observed[Role]:
    """A role, with its policies."""

    def use(iam: Any) -> Role:
        found = iam.get_role(RoleName=name)["Role"]
        names = [
            policy_name
            for page in iam.get_paginator("list_role_policies").paginate(RoleName=name)
            for policy_name in page["PolicyNames"]
        ]
        attached = [
            attached_policy["PolicyArn"]
            for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
            for attached_policy in page["AttachedPolicies"]
        ]
        return Role(
            found["AssumeRolePolicyDocument"],
            {
                policy_name: _document(iam.get_role_policy(RoleName=name, PolicyName=policy_name))
                for policy_name in names
            },
            tuple(attached),
            found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            {last_part(arn): _managed(iam, arn) for arn in attached if _is_ours(account.id, arn)},
        )

    return account.read("iam", account.home, use)


def _is_ours(account: str, arn: str) -> bool:
    """Whether a managed policy is the account's own, and has a name of ours: the audit role may read no other."""
    found = parse_arn(arn)
    ours = tuple(f"policy/{name}-" for name in (AUDIT_POLICY, TAGGER_POLICY))
    return found is not None and found.account == account and found.resource.startswith(ours)


def _managed(iam: Any, arn: str) -> Document | NotGiven:
    """The document of a managed policy that counts: its default version."""
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return found if isinstance(found, Mapping) else NotGiven("a Document in JSON")


def _document(answer: Mapping[str, Any]) -> Document | NotGiven:
    """The document of a role's policy. botocore leaves it as text where it is no JSON."""
    found = answer["PolicyDocument"]
    return found if isinstance(found, Mapping) else NotGiven("a PolicyDocument in JSON")


def rule(account: AuditedAccount, region: str, name: str, bus: str = "default") -> Observed[Rule]:
    """A rule of a bus, with its targets."""

    def use(events: Any) -> Rule:
        found = events.describe_rule(Name=name, EventBusName=bus)
        targets = events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
        return Rule(
            found["State"],
            json.loads(found["EventPattern"]),
            tuple(
                RuleTarget(
                    target["Arn"], target.get("RoleArn"), target.get("DeadLetterConfig", {}).get("Arn"), target["Id"]
                )
                for target in targets
            ),
        )

    return account.read("events", region, use)


def queue(account: AuditedAccount, region: str, name: str) -> Observed[QueueFacts]:
    """A queue, and how many messages it holds."""

    def use(sqs: Any) -> QueueFacts:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        redrive = json.loads(found.get("RedrivePolicy") or "{}")
        return QueueFacts(
            int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"]),
            json.loads(found["Policy"]) if found.get("Policy") else None,
            int(found["VisibilityTimeout"]),
            redrive.get("deadLetterTargetArn"),
            int(redrive["maxReceiveCount"]) if redrive else None,
            url,
        )

    return account.read("sqs", region, use)


def _region(
    account: AuditedAccount, expected: Expected, region: str, trails: Trails, stack: str | None, now: datetime
) -> RegionFacts:
    rules = tuple(rule(account, region, name) for name in expected.rules)
    undelivered = queue(account, region, UNDELIVERED)
    lacking = any(isinstance(found, Missing) for found in (*rules, undelivered)) or (
        isinstance(undelivered, QueueFacts) and undelivered.policy is None
    )
    return RegionFacts(
        region,
        account.read(
            "events", region, lambda client: client.describe_event_bus(Name="default").get("KmsKeyIdentifier")
        ),
        trails.reaching(region),
        rules,
        _sent(account, region, tuple(expected.rules), now),
        undelivered,
        _stack_where(lacking, account, region, stack),
    )


def _stack_where(lacking: bool, account: AuditedAccount, region: str, name: str | None) -> Observed[StackFacts]:
    if not lacking:
        return Unread("nothing is missing, so it was not asked for")
    return account.stack(region, name) if name else Missing()


def _sent(account: AuditedAccount, region: str, rules: tuple[str, ...], now: datetime) -> tuple[Observed[Sent], ...]:
    """What EventBridge counted for the rules: it publishes only what is not zero (doc: EventBridge metrics)."""
    wanted = [(metric, {"RuleName": name}) for name in rules for metric in ("Invocations", "FailedInvocations")]
    since = (now - timedelta(days=SENT_DAYS)).replace(minute=0, second=0, microsecond=0)
    found = metrics(account, region, Metrics("AWS/Events", tuple(wanted), "Sum", _HOUR), since, now)
    if not isinstance(found, list):
        return tuple(found for _ in rules)
    sent = []
    for invoked, failed in zip(found[::2], found[1::2], strict=True):
        hours = [hour for hour, number in invoked if number > 0]
        recent = sum(number for hour, number in failed if hour > now - FAILED_WITHIN - _HOUR)
        sent.append(Sent(max(hours, default=None), int(recent)))
    return tuple(sent)


class Metrics(Struct, frozen=True):
    """Metrics of one namespace as (name, dimensions), with their statistic and period."""

    namespace: str
    wanted: tuple[tuple[str, dict[str, str]], ...]
    statistic: str
    period: timedelta


def metrics(
    account: AuditedAccount, region: str, asked: Metrics, since: datetime, now: datetime
) -> Observed[list[list[tuple[datetime, float]]]]:
    """The data points of each metric, as (beginning of the period, value)."""
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": asked.namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                },
                "Period": int(asked.period.total_seconds()),
                "Stat": asked.statistic,
            },
        }
        for number, (name, dimensions) in enumerate(asked.wanted)
    ]

    def use(cloudwatch: Any) -> list[list[tuple[datetime, float]]]:
        points: dict[str, list[tuple[datetime, float]]] = {f"m{number}": [] for number in range(len(queries))}
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=since, EndTime=now
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                points[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
        return list(points.values())

    return account.read("cloudwatch", region, use)
