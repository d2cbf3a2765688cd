"""What lives in a large organization, worked out from a number: only how much is where is held in memory.

Accounts, Regions and types have fixed shares, so a number of resources gives the same ones each time. The forms of
items and records are those of the API references and of CloudTrail's user guide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
#: The Region of what is in no Region (IAM user guide, logging IAM events).
GLOBAL = "us-east-1"
#: One resource in so many was made within CloudTrail's 90 days.
YOUNG = 12
#: The tag that each carries beside ours.
TEAM = {"Key": "team", "Value": "payments"}

#: An account and a Region.
PreparedPlace = tuple[str, str]


class Kind(NamedTuple):
    """A type of resource.

    Attributes:
        share: Its part of all resources.
        client: The SDK's client.
        operation: The call that lists it, as the SDK names it.
        page: How many its service gives on a page at most (API references).
        arn: Its ARN, with `{region}`, `{account}` and `{id}`.
        id: Its id, with a number.
        item: What the list shows of it.
        answer: Where that stands in an answer.
        event: The call that makes it.
        response: What the record of that call has: (request, response).
        is_global: Whether it is in no Region.
    """

    share: float
    client: str
    operation: str
    page: int
    arn: str
    id: str
    item: Callable[[Made], Any]
    answer: Callable[[list[Any]], dict[str, Any]]
    event: tuple[str, str]
    record: Callable[[Made], tuple[Any, Any]]
    is_global: bool = False


class Made(NamedTuple):
    """A resource: which of its kind's in its account and Region, its id and ARN, when it was made, and its tags."""

    number: int
    id: str
    arn: str
    at: datetime
    tags: list[dict[str, str]]


def _under(*keys: str) -> Callable[[list[Any]], dict[str, Any]]:
    return lambda items: dict.fromkeys(keys, items)


def _ec2(share: float, name: str, prefix: str, field: str, listed: str, operation: str, **more: Any) -> Kind:
    """A type of EC2, whose lists tell tags."""
    time, tags, event, made = more["time"], more.get("tags", "Tags"), more["event"], more["made"]

    def item(one: Made) -> dict[str, Any]:
        also: dict[str, Any] = more["also"](one) if "also" in more else {}
        return {field: one.id, tags: one.tags} | ({time: one.at} if time else {}) | also

    arn = "arn:aws:ec2:{region}:{account}:" + name + "/{id}"
    source = "ec2.amazonaws.com"
    return Kind(
        share, "ec2", operation, 1000, arn, prefix + "-{number:017x}", item, _under(listed), (source, event),
        lambda one: ({}, made(one)),
    )  # fmt: skip


def _instance(one: Made) -> dict[str, Any]:
    interface = {"Attachment": {"DeviceIndex": 0, "AttachTime": one.at}}
    return {
        "InstanceId": one.id, "State": {"Name": "running"}, "Tags": one.tags, "NetworkInterfaces": [interface],
        "RootDeviceName": "/dev/xvda",
    }  # fmt: skip


def _launched(one: Made) -> dict[str, Any]:
    return {"reservationId": f"r-{one.number:017x}", "instancesSet": {"items": [{"instanceId": one.id}]}}


def _reservations(items: list[Any]) -> dict[str, Any]:
    return {"Reservations": [{"ReservationId": f"r-{one['InstanceId'][2:]}", "Instances": [one]} for one in items]}


def _here(service: str, path: str) -> str:
    return "arn:aws:" + service + ":{region}:{account}:" + path + "{id}"


#: Shares are assumed; nobody publishes them.
KINDS: dict[str, Kind] = {
    "ec2:instance": Kind(
        0.08, "ec2", "describe_instances", 1000, _here("ec2", "instance/"), "i-{number:017x}", _instance,
        _reservations, ("ec2.amazonaws.com", "RunInstances"),
        lambda one: ({}, _launched(one)),
    ),
    "ec2:volume": _ec2(
        0.14, "volume", "vol", "VolumeId", "Volumes", "describe_volumes", time="CreateTime", event="CreateVolume",
        made=lambda one: {"volumeId": one.id},
    ),
    "ec2:network-interface": _ec2(
        0.12, "network-interface", "eni", "NetworkInterfaceId", "NetworkInterfaces", "describe_network_interfaces",
        time="", tags="TagSet", event="CreateNetworkInterface",
        made=lambda one: {"networkInterface": {"networkInterfaceId": one.id}},
    ),
    "ec2:snapshot": _ec2(
        0.18, "snapshot", "snap", "SnapshotId", "Snapshots", "describe_snapshots", time="StartTime",
        event="CreateSnapshot", made=lambda one: {"snapshotId": one.id},
    ),
    "ec2:security-group": _ec2(
        0.10, "security-group", "sg", "GroupId", "SecurityGroups", "describe_security_groups", time="",
        also=lambda one: {"SecurityGroupArn": one.arn, "GroupName": f"group-{one.number}", "VpcId": "vpc-0"},
        event="CreateSecurityGroup", made=lambda one: {"groupId": one.id},
    ),
    "logs:log-group": Kind(
        0.13, "logs", "describe_log_groups", 50, _here("logs", "log-group:"), "/aws/group-{number}",
        lambda one: {"arn": f"{one.arn}:*", "creationTime": int(one.at.timestamp() * 1000)}, _under("logGroups"),
        ("logs.amazonaws.com", "CreateLogGroup"), lambda one: ({"logGroupName": one.id}, None),
    ),
    "lambda:function": Kind(
        0.05, "lambda", "list_functions", 50, _here("lambda", "function:"), "function-{number}",
        lambda one: {"FunctionArn": one.arn}, _under("Functions"), ("lambda.amazonaws.com", "CreateFunction20150331"),
        lambda one: ({"functionName": one.id}, {"functionName": one.id, "functionArn": one.arn}),
    ),
    "s3:bucket": Kind(
        0.03, "s3", "list_buckets", 1000, "arn:aws:s3:::{id}", "bucket-{account}-{region}-{number}",
        lambda one: {"Name": one.id, "CreationDate": one.at}, _under("Buckets"),
        ("s3.amazonaws.com", "CreateBucket"), lambda one: ({"bucketName": one.id}, None),
    ),
    "sns:topic": Kind(
        0.02, "sns", "list_topics", 100, _here("sns", ""), "topic-{number}", lambda one: {"TopicArn": one.arn},
        _under("Topics"), ("sns.amazonaws.com", "CreateTopic"),
        lambda one: ({"name": one.id}, {"topicArn": one.arn}),
    ),
    "sqs:queue": Kind(
        0.02, "sqs", "list_queues", 1000, _here("sqs", ""), "queue-{number}",
        lambda one: f"https://sqs.here.amazonaws.com/0/{one.id}", _under("QueueUrls"),
        ("sqs.amazonaws.com", "CreateQueue"), lambda one: ({"queueName": one.id}, None),
    ),
    "cloudwatch:alarm": Kind(
        0.06, "cloudwatch", "describe_alarms", 100, _here("cloudwatch", "alarm:"), "alarm-{number}",
        lambda one: {"AlarmArn": one.arn}, _under("MetricAlarms"), ("monitoring.amazonaws.com", "PutMetricAlarm"),
        lambda one: ({"alarmName": one.id}, None),
    ),
    "rds:db": Kind(
        0.01, "rds", "describe_db_instances", 100, _here("rds", "db:"), "db-{number}",
        lambda one: {"DBInstanceArn": one.arn, "TagList": one.tags, "InstanceCreateTime": one.at},
        _under("DBInstances"), ("rds.amazonaws.com", "CreateDBInstance"),
        lambda one: ({"dBInstanceIdentifier": one.id}, {"dBInstanceArn": one.arn, "dBInstanceIdentifier": one.id}),
    ),
    "dynamodb:table": Kind(
        0.01, "dynamodb", "list_tables", 100, _here("dynamodb", "table/"), "table-{number}", lambda one: one.id,
        _under("TableNames"), ("dynamodb.amazonaws.com", "CreateTable"),
        lambda one: ({"tableName": one.id}, {"tableDescription": {"tableArn": one.arn, "tableName": one.id}}),
    ),
    "ecr:repository": Kind(
        0.01, "ecr", "describe_repositories", 1000, _here("ecr", "repository/"), "repository-{number}",
        lambda one: {"repositoryArn": one.arn, "createdAt": one.at}, _under("repositories"),
        ("ecr.amazonaws.com", "CreateRepository"),
        lambda one: ({"repositoryName": one.id}, {"repository": {"repositoryArn": one.arn, "repositoryName": one.id}}),
    ),
    "iam:role": Kind(
        0.04, "iam", "list_roles", 1000, "arn:aws:iam::{account}:role/{id}", "role-{number}",
        lambda one: {"Arn": one.arn, "Path": "/", "CreateDate": one.at}, _under("Roles"),
        ("iam.amazonaws.com", "CreateRole"),
        lambda one: ({"roleName": one.id}, {"role": {"arn": one.arn, "roleName": one.id}}), is_global=True,
    ),
}  # fmt: skip


class Organization:
    """So many resources in these accounts and Regions.

    Args:
        number: How many resources.
        accounts: The accounts, the largest first: the n-th has a part of 1 in n + 30.
        regions: Each Region's part.
        ours: The tags of ours that they carry; the one in `missed` that was missed carries none.
        missed: Of the volumes of an account and Region, every so many-th was made three hours ago, and nobody saw it.
            0: none.
    """

    def __init__(
        self,
        number: int,
        accounts: list[str],
        regions: dict[str, float],
        ours: dict[str, str] | None = None,
        missed: int = 0,
    ) -> None:
        self.accounts, self.regions, self.missed = accounts, list(regions), missed
        self._tags = [TEAM, *({"Key": key, "Value": value} for key, value in (ours or {}).items())]
        weights = {account: 1 / (rank + 30) for rank, account in enumerate(accounts)}
        all_weights, all_shares = sum(weights.values()), sum(regions.values())
        self.counts: dict[PreparedPlace, dict[str, int]] = {
            (account, region): {} for region in regions for account in accounts
        }
        for name, kind in KINDS.items():
            held = 0.0
            for account, region in self.counts:
                if kind.is_global and region != GLOBAL:
                    continue
                share = weights[account] / all_weights * (1 if kind.is_global else regions[region] / all_shares)
                before, held = round(held), held + number * kind.share * share
                if round(held) > before:
                    self.counts[account, region][name] = round(held) - before

    @property
    def resources(self) -> int:
        """How many there are."""
        return sum(sum(counts.values()) for counts in self.counts.values())

    def made(self, name: str, place: PreparedPlace, start: int = 0, end: int | None = None) -> Iterator[Made]:
        """Those of a type in an account and Region, from one number to another."""
        kind, (account, region) = KINDS[name], place
        here = kind.arn.replace("{account}", account).replace("{region}", region)
        count = self.counts[place].get(name, 0)
        for number in range(start, count if end is None else min(end, count)):
            id_ = kind.id.format(number=number, account=account, region=region)
            tags = self._tags[:1] if self.is_missed(name, number) else self._tags
            yield Made(number, id_, here.replace("{id}", id_), self._made_at(name, number), tags)

    def is_missed(self, name: str, number: int) -> bool:
        """Whether nobody saw it being made."""
        return bool(self.missed) and name == "ec2:volume" and number % self.missed == self.missed - 1

    def is_young(self, name: str, number: int) -> bool:
        """Whether it was made within CloudTrail's 90 days."""
        return number % YOUNG == 0 or self.is_missed(name, number)

    def records(self, event_name: str, place: PreparedPlace, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """CloudTrail's records of a call in a window, as LookupEvents shows them, the newest first."""
        found = [
            (one, kind)
            for name, kind in KINDS.items()
            if kind.event[1] == event_name
            for one in self.made(name, place)
            if self.is_young(name, one.number) and start <= one.at <= end
        ]
        found.sort(key=lambda pair: pair[0].at, reverse=True)
        return [_shown(one, kind, place) for one, kind in found]

    def _made_at(self, name: str, number: int) -> datetime:
        if self.is_missed(name, number):
            return NOON - timedelta(hours=3)
        if self.is_young(name, number):
            return NOON - timedelta(days=1 + number * 7 % 88, minutes=number * 13 % 1440)
        return NOON - timedelta(days=100 + number * 11 % 1000, minutes=number * 17 % 1440)


def _shown(one: Made, kind: Kind, place: PreparedPlace) -> dict[str, Any]:
    account, region = place
    request, response = kind.record(one)
    source, name = kind.event
    id_ = f"{account}-{region}-{name}-{one.number}"
    user = f"user-{one.number % 97}"
    record = {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": f"arn:aws:iam::{account}:user/{user}",
            "accountId": account, "userName": user,
        },
        "eventTime": f"{one.at:%Y-%m-%dT%H:%M:%SZ}", "eventSource": source, "eventName": name, "awsRegion": region,
        "sourceIPAddress": "192.0.2.1", "userAgent": "aws-cli/2.0", "requestParameters": request,
        "responseElements": response, "requestID": id_, "eventID": id_, "eventType": "AwsApiCall",
        "managementEvent": True, "recipientAccountId": account, "eventCategory": "Management",
    }  # fmt: skip
    return {"EventId": id_, "EventName": name, "EventSource": source, "CloudTrailEvent": json.dumps(record)}
