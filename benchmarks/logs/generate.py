"""Writes log files shaped like CloudTrail's, all by chance from a seed.

| what | as | from |
|---|---|---|
| layout | organization, 20 accounts, 4 Regions, 30 days, `ACCOUNT_CloudTrail_REGION_TIME_ID.json.gz` | CloudTrail user guide |
| records a file | log-normal, median 2, deviation 2.3, at most 4,000: 44% of the files are under 1,000 bytes | Chariot Solutions, "Aggregating Files in your Data Lake": 44% of 4.6 million files |
| a record | 1.2 to 1.7 KB of JSON on one line, fields in CloudTrail's order | 154 real ones: 1.7 KB; 76 of AWS's documentation: 1.3 KB |
| compression | gzip level 6; a file of 3 records shrinks 2.7 times, of 20 4.8, of 150 6.5 | the same real ones, whose session tokens were taken out: 3.7, 7.1 and 9.3 times |
| events | 62% read, 22% make a session, 11% use keys or logs, 3.4% change, 1.2% create what the catalogue has, 0.4% delete | an assumption: nobody publishes it by name |
| callers | roles' sessions 70%, services 20%, users 10%, a few of each in an account | an assumption |
"""  # noqa: E501 - a table

from __future__ import annotations

import json
import math
import random
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

ACCOUNTS = tuple(f"{111122223333 + 1000003 * number}" for number in range(20))
REGIONS = ("us-east-1", "eu-central-1", "eu-west-1", "us-west-2")
DAYS = 30
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
ORGANIZATION = "o-a1b2c3d4e5"
MEDIAN, DEVIATION, MOST = 2, 2.3, 4_000

_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_AGENTS = (
    "aws-sdk-go/1.44.122 (go1.20.5; linux; amd64)",
    "Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#5.10 md/arch#x86_64 lang/python#3.11.8 cfg/retry-mode#standard",
    "APN/1.0 HashiCorp/1.0 Terraform/1.7.5 (+https://www.terraform.io) terraform-provider-aws/5.43.0 os/linux lang/go",
    "aws-sdk-java/2.25.11 Linux/5.10.210 OpenJDK_64-Bit_Server_VM/17.0.10 Java/17.0.10 vendor/Amazon io/sync",
)
_ROLES = ("ci-deploy", "monitoring-reader", "eks-node-group", "backup-service", "data-pipeline", "AWSReservedSSO_Admin")
_SERVICES = ("lambda", "ec2", "ecs-tasks", "config", "autoscaling", "cloudformation")

#: A request and an answer as JSON.
Made = Callable[["Chance"], tuple[str, str]]


class Chance(random.Random):
    """Chance, with what records are full of."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._letters = "".join(self.choices(_KEY + _KEY.lower() + "/+", k=1 << 20))

    def hex_id(self, begins: str) -> str:
        """An id as EC2 gives it."""
        return f"{begins}{self.getrandbits(68):017x}"

    def uuid(self) -> str:
        """An id as events and requests have."""
        text = f"{self.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def letters(self, length: int) -> str:
        """Letters of a token."""
        start = self.randrange(len(self._letters) - length)
        return self._letters[start : start + length]

    def key(self) -> str:
        """What follows ASIA in an access key."""
        return "".join(self.choices(_KEY, k=16))

    def name(self, what: str) -> str:
        """The name of one of a few hundred things."""
        return f"{('prod', 'staging', 'dev')[self.getrandbits(16) % 3]}-{what}-{self.getrandbits(16) % 400}"


def _described(key: str, begins: str) -> Made:
    return lambda chance: (
        f'{{"{key}sSet":{{"items":[{{"{key}":"{chance.hex_id(begins)}"}}]}},"filterSet":{{}}}}',
        "null",
    )


def _named(key: str, what: str) -> Made:
    return lambda chance: (f'{{"{key}":"{chance.name(what)}"}}', "null")


def _session(chance: Chance) -> tuple[str, str]:
    role = f"arn:aws:iam::{chance.choice(ACCOUNTS)}:role/{chance.choice(_ROLES)}"
    name = chance.hex_id("i-")
    return (
        f'{{"roleArn":"{role}","roleSessionName":"{name}","durationSeconds":3600}}',
        (
            f'{{"credentials":{{"accessKeyId":"ASIA{chance.key()}","sessionToken":"{chance.letters(420)}","expiration":'
            f'"Jan 9, 2026, 6:12:33 PM"}},"assumedRoleUser":{{"assumedRoleId":"AROAEXAMPLEEXAMPLE{role[-3:]}:{name}",'
            f'"arn":"{role}/{name}"}}}}'
        ),
    )


def _decrypt(chance: Chance) -> tuple[str, str]:
    function = f"arn:aws:lambda:eu-central-1:111122223333:function:{chance.name('fn')}"
    return (
        f'{{"encryptionContext":{{"aws:lambda:FunctionArn":"{function}"}},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}}',
        "null",
    )


def _run(chance: Chance) -> tuple[str, str]:
    def instance() -> str:
        host, id_ = f"10.0.{chance.randrange(256)}.{chance.randrange(256)}", chance.hex_id("i-")
        return (
            f'{{"instanceId":"{id_}","imageId":"ami-0c55b159cbfafe1f0","instanceState":{{"code":0,"name":"pending"}},'
            f'"privateDnsName":"ip-{host.replace(".", "-")}.ec2.internal","amiLaunchIndex":0,"productCodes":{{}},'
            f'"instanceType":"m5.large","launchTime":{1767225600000 + chance.getrandbits(30)},"placement":'
            f'{{"availabilityZone":"eu-central-1a","tenancy":"default"}},"monitoring":{{"state":"pending"}},'
            f'"subnetId":"{chance.hex_id("subnet-")}","vpcId":"{chance.hex_id("vpc-")}","privateIpAddress":"{host}",'
            f'"stateReason":{{"code":"pending","message":"pending"}},"architecture":"x86_64","rootDeviceType":"ebs",'
            f'"rootDeviceName":"/dev/xvda","blockDeviceMapping":{{}},"virtualizationType":"hvm","hypervisor":"xen",'
            f'"clientToken":"{chance.uuid()}","groupSet":{{"items":[{{"groupId":"{chance.hex_id("sg-")}","groupName":'
            f'"default"}}]}},"sourceDestCheck":true,"ebsOptimized":false}}'
        )

    count = chance.choice((1, 1, 1, 2, 4))
    return (
        f'{{"instancesSet":{{"items":[{{"imageId":"ami-0c55b159cbfafe1f0","minCount":1,"maxCount":{count}}}]}}}}',
        (
            f'{{"reservationId":"{chance.hex_id("r-")}","ownerId":"111122223333","instancesSet":{{"items":'
            f"[{','.join(instance() for _ in range(count))}]}}}}"
        ),
    )


def _volume(chance: Chance) -> tuple[str, str]:
    return (
        '{"size":"100","zone":"eu-central-1a","volumeType":"gp3","encrypted":true}',
        f'{{"volumeId":"{chance.hex_id("vol-")}","size":"100","zone":"eu-central-1a","status":"creating"}}',
    )


def _group(chance: Chance) -> tuple[str, str]:
    name = chance.name("sg")
    return (
        f'{{"groupName":"{name}","groupDescription":"{name}","vpcId":"{chance.hex_id("vpc-")}"}}',
        f'{{"groupId":"{chance.hex_id("sg-")}"}}',
    )


#: (weight, service, event, whether it only reads, what makes its request and answer).
EVENTS: tuple[tuple[float, str, str, bool, Made], ...] = (
    (22.0, "sts", "AssumeRole", True, _session),
    (9.0, "kms", "Decrypt", True, _decrypt),
    (2.0, "kms", "GenerateDataKey", True, _decrypt),
    (11.0, "ec2", "DescribeInstances", True, _described("instanceId", "i-")),
    (4.0, "ec2", "DescribeVolumes", True, _described("volumeId", "vol-")),
    (4.0, "ec2", "DescribeNetworkInterfaces", True, _described("networkInterfaceId", "eni-")),
    (3.0, "ec2", "DescribeSecurityGroups", True, _described("securityGroupId", "sg-")),
    (3.0, "ec2", "DescribeTags", True, _described("resourceId", "i-")),
    (5.0, "s3", "GetBucketAcl", True, _named("bucketName", "bucket")),
    (4.0, "s3", "GetBucketTagging", True, _named("bucketName", "bucket")),
    (6.0, "monitoring", "DescribeAlarms", True, _named("alarmNamePrefix", "alarm")),
    (5.0, "logs", "DescribeLogStreams", True, _named("logGroupName", "group")),
    (4.0, "iam", "GetRole", True, _named("roleName", "role")),
    (3.0, "iam", "ListAttachedRolePolicies", True, _named("roleName", "role")),
    (3.0, "lambda", "GetFunction20150331v2", True, _named("functionName", "fn")),
    (3.0, "dynamodb", "DescribeTable", True, _named("tableName", "table")),
    (2.0, "ssm", "GetParameters", True, _named("names", "parameter")),
    (2.0, "autoscaling", "DescribeAutoScalingGroups", True, _named("autoScalingGroupName", "group")),
    (1.4, "logs", "CreateLogStream", False, _named("logGroupName", "group")),
    (0.8, "ssm", "UpdateInstanceInformation", False, _named("instanceId", "i")),
    (0.8, "ec2", "AttachVolume", False, _described("volumeId", "vol-")),
    (0.4, "s3", "PutBucketPolicy", False, _named("bucketName", "bucket")),
    (0.5, "ec2", "RunInstances", False, _run),
    (0.4, "ec2", "CreateVolume", False, _volume),
    (0.3, "ec2", "CreateSecurityGroup", False, _group),
    (0.2, "ec2", "TerminateInstances", False, _described("instanceId", "i-")),
    (0.2, "ec2", "DeleteVolume", False, _described("volumeId", "vol-")),
)


class _Account:
    """Who calls in an account: sessions of roles, services, users."""

    def __init__(self, account: str, chance: Chance) -> None:
        self._callers: list[tuple[str, str, str]] = []
        for number in range(20):
            role = chance.choice(_ROLES)
            role_id = "AROA" + chance.key()
            session = chance.hex_id("i-") if number % 2 else f"user{chance.randrange(50)}@example.com"
            issuer = {
                "type": "Role", "principalId": role_id, "arn": f"arn:aws:iam::{account}:role/{role}",
                "accountId": account, "userName": role,
            }  # fmt: skip
            attributes = {
                "creationDate": f"2026-01-{chance.randrange(1, 29):02}T08:12:33Z",
                "mfaAuthenticated": "false",
            }
            identity = {
                "type": "AssumedRole", "principalId": f"{role_id}:{session}",
                "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}", "accountId": account,
                "accessKeyId": "ASIA" + chance.key(),
                "sessionContext": {"sessionIssuer": issuer, "webIdFederationData": {}, "attributes": attributes},
            }  # fmt: skip
            self._add(identity, f"10.{chance.randrange(256)}.{chance.randrange(256)}.7", chance.choice(_AGENTS))
        for service in _SERVICES:
            name = f"{service}.amazonaws.com"
            self._add({"type": "AWSService", "invokedBy": name}, name, name)
        for number in range(3):
            identity = {
                "type": "IAMUser", "principalId": "AIDA" + chance.key(),
                "arn": f"arn:aws:iam::{account}:user/user{number}", "accountId": account,
                "accessKeyId": "AKIA" + chance.key(), "userName": f"user{number}",
            }  # fmt: skip
            self._add(identity, "198.51.100.23", chance.choice(_AGENTS))

    def _add(self, identity: dict[str, Any], address: str, agent: str) -> None:
        self._callers.append((json.dumps(identity, separators=(",", ":")), address, json.dumps(agent)))

    def caller(self, chance: Chance) -> tuple[str, str, str]:
        kind = chance.random()
        if kind < 0.7:
            return self._callers[chance.randrange(20)]
        return self._callers[20 + chance.randrange(6)] if kind < 0.9 else self._callers[26 + chance.randrange(3)]


_WEIGHTS = list(accumulate(event[0] for event in EVENTS))


def record(account: str, region: str, time: datetime, caller: tuple[str, str, str], chance: Chance) -> str:
    """A record's JSON."""
    _, service, name, reads, made = chance.choices(EVENTS, cum_weights=_WEIGHTS)[0]
    request, answer = made(chance)
    identity, address, agent = caller
    tls = (
        f',"tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":'
        f'"{service}.{region}.amazonaws.com"}}'
    )
    return (
        f'{{"eventVersion":"1.09","userIdentity":{identity},"eventTime":"{time:%Y-%m-%dT%H:%M:%SZ}","eventSource":'
        f'"{service}.amazonaws.com","eventName":"{name}","awsRegion":"{region}","sourceIPAddress":"{address}",'
        f'"userAgent":{agent},"requestParameters":{request},"responseElements":'
        f'{answer},"requestID":"{chance.uuid()}","eventID":"{chance.uuid()}","readOnly":'
        f'{"true" if reads else "false"},"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":'
        f'"{account}","eventCategory":"Management"{"" if "AWSService" in identity else tls}}}'
    )


def files(seed: int) -> Iterator[tuple[str, bytes]]:
    """(Key, content) of file after file, without an end."""
    chance = Chance(seed)
    accounts = {account: _Account(account, chance) for account in ACCOUNTS}
    while True:
        account, region = chance.choice(ACCOUNTS), chance.choice(REGIONS)
        at = FIRST + timedelta(minutes=5 * chance.randrange(DAYS * 288))
        count = min(MOST, max(1, round(math.exp(chance.gauss(math.log(MEDIAN), DEVIATION)))))
        records = ",".join(
            record(
                account, region, at - timedelta(seconds=chance.randrange(600)), accounts[account].caller(chance), chance
            )
            for _ in range(count)
        )
        name = chance.key()
        key = (
            f"AWSLogs/{ORGANIZATION}/{account}/CloudTrail/{region}/{at:%Y/%m/%d}/"
            f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{name}.json.gz"
        )
        packing = zlib.compressobj(6, wbits=31)
        yield key, packing.compress(b'{"Records":[' + records.encode() + b"]}") + packing.flush()


def write(folder: Path, size: int, seed: int) -> None:
    """Writes files of so many bytes together."""
    written = 0
    for key, content in files(seed):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written += len(content)
        if written >= size:
            return


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
