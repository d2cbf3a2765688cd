"""Collects the facts of an account and its Regions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from ownertag.render.documents import UNDELIVERED
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
    TrailFacts,
    Unread,
)

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
        )

    return account.read("iam", account.home, use)


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


class Trails:
    """The trails of an account, each read once, whichever Regions it reaches.

    A trail logs or does not in all of its Regions alike: it is started in its home Region alone, and its selectors hold
    for all (doc: StartLogging, PutEventSelectors). So where one of all Regions logs what counts,
    no other is looked for.
    """

    def __init__(self, account: AuditedAccount) -> None:
        self._account = account
        self._read: dict[str, TrailFacts] = {}
        self._home = self._of(account.home)

    def reaching(self, region: str) -> Observed[tuple[TrailFacts, ...]]:
        """Those that reach a Region: its own, those of other Regions, and the organization's."""
        found = self._home
        if region == self._account.home or (isinstance(found, tuple) and any(map(_suffices, found))):
            return found
        return self._of(region)

    def _of(self, region: str) -> Observed[tuple[TrailFacts, ...]]:
        found = self._account.read(
            "cloudtrail", region, lambda client: client.describe_trails(includeShadowTrails=True)["trailList"]
        )
        if not isinstance(found, list):
            return found
        for trail in found:
            if trail["TrailARN"] not in self._read:
                self._read[trail["TrailARN"]] = self._one(trail, region)
        return tuple(self._read[trail["TrailARN"]] for trail in found)

    def _one(self, trail: dict[str, Any], region: str) -> TrailFacts:
        arn, account = trail["TrailARN"], self._account
        logging: Observed[bool] = account.read(
            "cloudtrail", region, lambda client: bool(client.get_trail_status(Name=arn)["IsLogging"])
        )
        writes: Observed[bool] = True
        selectors = None
        # Without selectors of its own a trail logs all management events (doc: logging management events).
        if trail.get("HasCustomEventSelectors"):
            found = account.read(
                "cloudtrail", region, lambda client: _selectors(client.get_event_selectors(TrailName=arn))
            )
            selectors = found if isinstance(found, dict) else None
            writes = found if isinstance(found, Missing | NotGiven | Unread) else _writes(found)
        return TrailFacts(arn, trail["HomeRegion"], bool(trail["IsMultiRegionTrail"]), logging, writes, selectors)


def _suffices(trail: TrailFacts) -> bool:
    return trail.multi_region and trail.logging is True and trail.writes is True


def _selectors(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The selectors of an answer; a malformed one raises here, where that becomes a fact."""
    _writes(answer)
    return {name: answer[name] for name in ("EventSelectors", "AdvancedEventSelectors") if answer.get(name)}


def _writes(selectors: Mapping[str, Any]) -> bool:
    """Whether the event selectors include management events that write."""
    basic = any(
        event_selector.get("IncludeManagementEvents", True)
        and event_selector.get("ReadWriteType", "All") in {"All", "WriteOnly"}
        for event_selector in selectors.get("EventSelectors") or ()
    )
    return basic or any(
        _advanced(advanced_event_selector) for advanced_event_selector in selectors.get("AdvancedEventSelectors") or ()
    )


def _advanced(selector: Mapping[str, Any]) -> bool:
    fields = {field_selector["Field"]: field_selector for field_selector in selector["FieldSelectors"]}
    management = "Management" in fields.get("eventCategory", {}).get("Equals", ())
    return management and "true" not in fields.get("readOnly", {}).get("Equals", ())


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
