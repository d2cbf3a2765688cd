"""Builders of CloudTrail records and of what carries them, shared by all tests. Accounts and names are made up."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ownertag.catalogue.loader import load_catalogue
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.parse import parse_event
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.settings_file import read_settings

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
HUB_ACCOUNT = "777788889999"
OUTSIDE_ACCOUNT = "555555555555"
REGION = "eu-central-1"
EVENT_TIME = datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)
SOON = EVENT_TIME + timedelta(minutes=2)
LATE = EVENT_TIME + timedelta(minutes=20)

SETTINGS_TEXT = f"""
[organization]
id = "o-exampleorg1"
management_account = "123456789012"
hub_account = "{HUB_ACCOUNT}"
home_region = "{REGION}"

[tags]
owner = "{{owner}}"
dateCreated = "{{created_at}}"
WhatIsThis = "{{event_name}} in {{region}}"
"""


@cache
def catalogue() -> Catalogue:
    """All rows that are on."""
    return load_catalogue()


def settings(more: str = "") -> Settings:
    """The settings of an organization, with more TOML below."""
    return read_settings(SETTINGS_TEXT + more, "ownertag.toml")


def anywhere(more: str = "") -> Settings:
    """Settings without an organization, so that no Region or partition is another's."""
    return read_settings(SETTINGS_TEXT[SETTINGS_TEXT.index("[tags]") :] + more, "ownertag.toml")


# --- who acted


def user(name: str = "alice", account: str = ACCOUNT) -> Json:
    """An IAM user."""
    return {
        "type": "IAMUser",
        "principalId": "AIDACKCEVSQ6C2EXAMPLE",
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "userName": name,
    }


def session(
    name: str = "john.stiles", role: str = "network-admin", path: str = "/", account: str = ACCOUNT, **context: Any
) -> Json:
    """A session of a role; `context` goes into `sessionContext`."""
    return {
        "type": "AssumedRole",
        "principalId": f"AROADBQP57FF2AEXAMPLE:{name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "accountId": account,
        "accessKeyId": "ASIAI44QH8DHBEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROADBQP57FF2AEXAMPLE",
                "arn": f"arn:aws:iam::{account}:role{path}{role}",
                "accountId": account,
                "userName": role,
            },
            "attributes": {"creationDate": "2026-03-02T08:55:10Z", "mfaAuthenticated": "false"},
            **context,
        },
    }


SSO_ROLE = "AWSReservedSSO_PowerUser_0123456789abcdef"
SSO_PATH = "/aws-reserved/sso.amazonaws.com/eu-central-1/"


def identity_center(name: str = "maria.rossi@example.com", account: str = ACCOUNT, **context: Any) -> Json:
    """A session of Identity Center."""
    return session(name, SSO_ROLE, SSO_PATH, account, **context)


# --- what happened


def record(event_name: str = "CreateVolume", **fields: Any) -> Json:
    """A record of CloudTrail, of a volume's creation if nothing else is said. A field given as `...` is left out."""
    plain: Json = {
        "eventVersion": "1.11",
        "userIdentity": user(),
        "eventTime": "2026-03-02T09:14:05Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": event_name,
        "awsRegion": REGION,
        "sourceIPAddress": "203.0.113.64",
        "userAgent": "aws-cli/2.27.41",
        "requestParameters": {"size": "20", "zone": "eu-central-1a"},
        "responseElements": {"volumeId": "vol-1234567890abcdef0", "size": "20", "status": "creating"},
        "requestID": "5f4cd0cf-4e9e-4a53-a1fe-c5bd0c2c7e0f",
        "eventID": "0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    return {key: value for key, value in (plain | fields).items() if value is not ...}


INSTANCE = "i-1234567890abcdef0"
INTERFACE = "eni-1234567890abcdef0"
RESERVATION = "r-1234567890abcdef0"
TOKEN = "4d2c7b1e-9a55-4f0e-8f60-1f9a3b7c5d21"


def numbered(prefix: str, number: int) -> str:
    """An id of 17 digits."""
    return f"{prefix}-{number:017x}"


def brings(tags: dict[str, str], *types: str) -> Json:
    """A request that has these tags for what it makes of each type."""
    items = [
        {"resourceType": type_, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
        for type_ in types
    ]
    return {"tagSpecificationSet": {"items": items}}


def launch(
    instances: Sequence[str] = (INSTANCE,),
    interfaces: Sequence[str] = (INTERFACE,),
    reservation: str = RESERVATION,
    account: str = ACCOUNT,
    **fields: Any,
) -> Json:
    """A launch; each instance has the interface of its place in the list."""
    items = [
        {
            "instanceId": id_,
            "instanceState": {"code": 0, "name": "pending"},
            "blockDeviceMapping": {},
            "networkInterfaceSet": {
                "items": [
                    {"networkInterfaceId": interface, "ownerId": account}
                    for interface in interfaces[number : number + 1]
                ]
            },
        }
        for number, id_ in enumerate(instances)
    ]
    return record(
        "RunInstances",
        **{
            "recipientAccountId": account,
            "requestParameters": {
                "instancesSet": {"items": [{"minCount": len(items), "maxCount": len(items)}]},
                "clientToken": TOKEN,
            },
            "responseElements": {"reservationId": reservation, "ownerId": account, "instancesSet": {"items": items}},
            **fields,
        },
    )


OMITTED = {"omitted": True, "originalSize": 154213, "reason": "responseElements too large"}


# --- what carries a record


def event(detail: Json, **fields: Any) -> Json:
    """The EventBridge event that carries a record. A field given as `...` is left out."""
    plain: Json = {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ec2",
        "account": detail.get("recipientAccountId"),
        "time": detail.get("eventTime"),
        "region": detail.get("awsRegion"),
        "resources": [],
        "detail": detail,
    }
    return {key: value for key, value in (plain | fields).items() if value is not ...}


def message(body: str, number: int = 0) -> Json:
    """A message as Lambda gets it from SQS."""
    return {
        "messageId": f"059f36b4-87a3-44ab-83d2-{number:012}",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1772442850000"},
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{HUB_ACCOUNT}:ownertag",
        "awsRegion": REGION,
    }


def bytes_of(plain: Any) -> bytes:
    """JSON as AWS writes it."""
    return json.dumps(plain, separators=(",", ":")).encode()


def text_of(plain: Any) -> str:
    """JSON as text."""
    return json.dumps(plain, separators=(",", ":"))


def packed(data: bytes) -> str:
    """Base64, as Kinesis, Firehose and CloudWatch Logs give data to Lambda."""
    return base64.b64encode(data).decode()


def notification(text: str) -> Json:
    """A notification of SNS, as it lies in a queue."""
    return {"Type": "Notification", "MessageId": "1", "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t", "Message": text}


def subscription(records: Sequence[Json]) -> Json:
    """What a subscription filter of CloudWatch Logs sends."""
    return {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": "CloudTrail",
        "logStream": f"{ACCOUNT}_CloudTrail_{REGION}",
        "subscriptionFilters": ["f"],
        "logEvents": [
            {"id": str(number), "timestamp": 1772442845000, "message": text_of(record)}
            for number, record in enumerate(records)
        ],
    }


def csv_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """CSV as Athena writes it: every cell in quotes."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([head, *rows])
    return written.getvalue().encode()


def _struct_of(value: Any) -> str:
    """A struct as Athena writes it: `{type=IAMUser, arn=…}`, all names in small letters."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key.lower()}={_struct_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_struct_of, value)) + "]"
    return "null" if value is None else str(value)


ATHENA = (
    *(
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
    ),
    *("errorCode", "errorMessage", "requestParameters", "responseElements", "requestID", "eventID", "resources"),
    *("eventType", "readOnly", "recipientAccountId", "sharedEventID"),
)


def athena(records: Sequence[Json], columns: Sequence[str] = ATHENA) -> bytes:
    """What Athena saves of `SELECT *` from the table that AWS documents."""

    def cell(plain: Json, column: str) -> str:
        value = plain.get(column)
        if value is None:
            return ""
        if column in {"userIdentity", "resources"}:
            return _struct_of(value)
        return text_of(value) if isinstance(value, dict | list) else str(value)

    return csv_of(
        [column.lower() for column in columns], [[cell(record, column) for column in columns] for record in records]
    )


def _looked_up(plain: Json) -> Json:
    return {"EventId": plain.get("eventID"), "EventName": plain.get("eventName"), "CloudTrailEvent": text_of(plain)}


def _batch(records: Sequence[Json]) -> Json:
    return {"Records": [message(text_of(event(record)), number) for number, record in enumerate(records)]}


def _received(records: Sequence[Json]) -> Json:
    return {
        "Messages": [{"MessageId": "1", "ReceiptHandle": "x", "Body": text_of(event(record))} for record in records]
    }


#: Each carrier of one record, by name.
CARRIERS: dict[str, Callable[[Json], bytes]] = {
    "bare": bytes_of,
    "event": lambda plain: bytes_of(event(plain)),
    "message": lambda plain: bytes_of(message(text_of(event(plain)))),
    "batch": lambda plain: bytes_of(_batch([plain])),
    "received": lambda plain: bytes_of(_received([plain])),
    "log-file": lambda plain: bytes_of({"Records": [plain]}),
    "log-file-gzipped": lambda plain: gzip.compress(bytes_of({"Records": [plain]}), mtime=0),
    "json-lines": lambda plain: bytes_of(plain) + b"\n",
    "event-lines": lambda plain: bytes_of(event(plain)) + b"\n\n",
    "log-file-lines": lambda plain: bytes_of({"Records": [plain]}) + b"\n",
    "list": lambda plain: bytes_of([plain]),
    "kinesis": lambda plain: bytes_of({"Records": [{"kinesis": {"data": packed(text_of(event(plain)).encode())}}]}),
    "sns-in-sqs": lambda plain: bytes_of({"Records": [message(text_of(notification(text_of(event(plain)))))]}),
    "sns-to-lambda": lambda plain: bytes_of(
        {"Records": [{"EventSource": "aws:sns", "Sns": notification(text_of(plain))}]}
    ),
    "awslogs": lambda plain: bytes_of(
        {"awslogs": {"data": packed(gzip.compress(bytes_of(subscription([plain])), 9, mtime=0))}}
    ),
    "indented": lambda plain: json.dumps(plain, indent=2).encode(),
    "looked-up": lambda plain: bytes_of({"Events": [_looked_up(plain)], "NextToken": "x"}),
    "looked-up-one": lambda plain: bytes_of(_looked_up(plain)),
}

#: Each carrier of several records, by name.
CARRIERS_OF_MANY: dict[str, Callable[[Sequence[Json]], bytes]] = {
    "log-file": lambda many: bytes_of({"Records": list(many)}),
    "log-file-gzipped": lambda many: gzip.compress(bytes_of({"Records": list(many)}), mtime=0),
    "log-files-gzipped-in-one": lambda many: b"".join(
        gzip.compress(bytes_of(record) + b"\n", mtime=0) for record in many
    ),
    "list": lambda many: bytes_of(list(many)),
    "json-lines": lambda many: b"\n".join(map(bytes_of, many)),
    "json-lines-of-windows": lambda many: b"\r\n".join(map(bytes_of, many)) + b"\r\n",
    "events-in-lines": lambda many: b"\n".join(bytes_of(event(record)) for record in many),
    "batch": lambda many: bytes_of(_batch(many)),
    "received": lambda many: bytes_of(_received(many)),
    "looked-up": lambda many: bytes_of({"Events": [_looked_up(record) for record in many]}),
    "subscription": lambda many: bytes_of(subscription(many)),
    "subscription-in-base64": lambda many: base64.encodebytes(gzip.compress(bytes_of(subscription(many)), mtime=0)),
    "subscriptions-by-firehose": lambda many: gzip.compress(
        b"".join(gzip.compress(bytes_of(subscription([record])), mtime=0) for record in many), mtime=0
    ),
    "filtered": lambda many: bytes_of(
        {"events": [{"message": text_of(record)} for record in many], "searchedLogStreams": []}
    ),
    "exported-by-cloudwatch-logs": lambda many: gzip.compress(
        b"".join(b"2026-03-02T09:14:05.000Z " + bytes_of(record) + b"\n" for record in many), mtime=0
    ),
    "logs-tail": lambda many: b"".join(
        b"2026-03-02T09:14:05.123000+00:00 111122223333_CloudTrail_eu-central-1 " + bytes_of(record) + b"\n"
        for record in many
    ),
    "logs-insights": lambda many: bytes_of(
        {
            "results": [
                [{"field": "@ptr", "value": "x"}, {"field": "@message", "value": text_of(record)}] for record in many
            ]
        }
    ),
    "kinesis": lambda many: bytes_of({"Records": [{"kinesis": {"data": packed(bytes_of(record))}} for record in many]}),
    "firehose-to-lambda": lambda many: bytes_of(
        {"records": [{"recordId": "1", "data": packed(bytes_of(event(record)))} for record in many]}
    ),
    "one-after-the-other": lambda many: b"".join(bytes_of(event(record)) for record in many),
    "indented": lambda many: "\n".join(json.dumps(record, indent=2) for record in many).encode(),
    "indented-log-file": lambda many: json.dumps({"Records": list(many)}, indent=4).encode(),
    "list-of-texts": lambda many: json.dumps([text_of(record) for record in many], indent=4).encode(),
    "texts-in-lines": lambda many: "\n".join(json.dumps(text_of(record)) for record in many).encode(),
    "by-tabs": lambda many: b"\t".join(map(bytes_of, many)),
    "sns-in-sqs": lambda many: bytes_of(
        {"Messages": [{"Body": text_of(notification(text_of(event(record))))} for record in many]}
    ),
    "utf-16": lambda many: ("\r\n".join(map(text_of, many)) + "\r\n").encode("utf-16"),
    "utf-16-without-a-mark": lambda many: text_of({"Records": list(many)}).encode("utf-16-le"),
    "utf-8-with-a-mark": lambda many: b"\xef\xbb\xbf" + bytes_of({"Records": list(many)}),
    "log-files-with-marks": lambda many: b"\n".join(
        b"\xef\xbb\xbf" + bytes_of({"Records": [record]}) for record in many
    ),
    "csv-of-messages": lambda many: csv_of(["@timestamp", "@message"], [["2026", text_of(record)] for record in many]),
}


# --- what the core makes of it


def arrival(plain: Json, where: str = "record") -> Arrival:
    """A record read without an envelope."""
    [read] = parse_document(bytes_of(plain), where)
    assert isinstance(read, Arrival), read
    return read


def live_arrival(plain: Json, where: str = "message") -> Arrival:
    """A record read from its EventBridge event."""
    read = parse_event(text_of(event(plain)), where)
    assert isinstance(read, Arrival), read
    return read


# --- records with what is expected of them


class Golden(NamedTuple):
    """A record in `tests/golden`, and what it has to come to."""

    name: str
    record: Json
    expected: Json


def golden_paths() -> list[Path]:
    """The files of all golden records."""
    return sorted(GOLDEN.glob("*/*/*.json"))


@cache
def _golden() -> tuple[Golden, ...]:
    files = ((path, json.loads(path.read_text())) for path in golden_paths())
    return tuple(
        Golden(path.relative_to(GOLDEN).with_suffix("").as_posix(), plain["record"], plain["expected"])
        for path, plain in files
    )


def golden() -> Iterator[Golden]:
    """All golden records, each a copy that may be changed."""
    return (deepcopy(golden) for golden in _golden())


# --- envelopes that AWS did not write (T1, T2, T3, T15, T24)


class Forged(NamedTuple):
    """The body of a queue message that must end in a refusal, before any role is assumed."""

    name: str
    body: str
    reason: str


def _changed(plain: Json, **changes: Any) -> Json:
    changed = deepcopy(plain)
    for path, value in changes.items():
        *keys, last = path.split("__")
        node = changed
        for key in keys:
            node = node[key]
        node[last] = value
    return changed


_FULLWIDTH = "".join(chr(ord(digit) + 0xFEE0) for digit in ACCOUNT)
_SOURCES = {
    "own": "evil.ec2", "upper-case": "AWS.ec2", "bare-prefix": "aws", "leading-space": " aws.ec2", "empty": "",
    "trailing-newline": "aws.ec2\n", "leading-newline": "\naws.ec2", "trailing-space": "aws.ec2 ", "dash": "aws-ec2",
    "prefix-alone": "aws.", "prefix-in-the-middle": "evil.aws.ec2", "cyrillic-a": "\u0430ws.ec2",
    "fullwidth": "\uff41\uff57\uff53.ec2", "zero-width": "aws\u200b.ec2", "upper-case-service": "aws.EC2",
    "nul": "aws.ec2\x00", "partner": "aws_partner/example.com", "too-long": "aws." + "a" * 10_000,
}  # fmt: skip
_DETAIL_TYPES = {
    "other": "Something Else", "lower-case": "aws api call via cloudtrail", "newline": "AWS API Call via CloudTrail\n",
    "leading-space": " AWS API Call via CloudTrail", "empty": "", "insight": "AWS Insight via CloudTrail",
    "service-event": "AWS Service Event via CloudTrail", "state-change": "EC2 Instance State-change Notification",
    "no-break-space": "AWS API Call via\u00a0CloudTrail",
}  # fmt: skip
_ACCOUNTS = {
    "other": OTHER_ACCOUNT, "empty": "", "newline": f"{ACCOUNT}\n", "space": f" {ACCOUNT}", "fullwidth": _FULLWIDTH,
    "11-digits": ACCOUNT[:-1], "13-digits": f"{ACCOUNT}0", "star": "*", "arn": f"arn:aws:iam::{ACCOUNT}:root",
    "path": f"{ACCOUNT}:role/x", "letters": "a" * 12,
}  # fmt: skip
_REGIONS = {
    "other": "us-east-1", "at": "us-east-1@evil", "dots": "us-east-1.evil.example.com", "slash": "us-east-1/../..",
    "newline": "eu-central-1\n", "empty": "", "host": "evil.example.com", "upper-case": "EU-CENTRAL-1",
    "fullwidth": "eu-central-\uff11", "port": "us-east-1:8080", "fragment": "us-east-1#",
}  # fmt: skip


def _forged() -> Iterator[Forged]:
    genuine = event(record())
    launched = event(launch())
    envelope, both, owner = "forged-envelope", "not-a-record", "other-account"
    for name, value in _SOURCES.items():
        yield Forged(f"source-{name}", text_of(_changed(genuine, source=value)), envelope)
    for name, value in _DETAIL_TYPES.items():
        yield Forged(f"detail-type-{name}", text_of(genuine | {"detail-type": value}), envelope)
    for name, value in _ACCOUNTS.items():
        yield Forged(f"account-{name}", text_of(_changed(genuine, account=value)), envelope)
        yield Forged(f"recipient-{name}", text_of(_changed(genuine, detail__recipientAccountId=value)), envelope)
        if name != "other":
            changed = _changed(genuine, account=value, detail__recipientAccountId=value)
            yield Forged(f"both-accounts-{name}", text_of(changed), both)
    for name, value in _REGIONS.items():
        yield Forged(f"region-{name}", text_of(_changed(genuine, region=value)), envelope)
        yield Forged(f"record-region-{name}", text_of(_changed(genuine, detail__awsRegion=value)), envelope)
        if name != "other":
            changed = _changed(genuine, region=value, detail__awsRegion=value)
            yield Forged(f"both-regions-{name}", text_of(changed), both)
    for key in ("source", "detail-type", "account", "region", "detail"):
        without = {name: value for name, value in genuine.items() if name != key}
        yield Forged(f"without-{key}", text_of(without), both)
        yield Forged(f"null-{key}", text_of(genuine | {key: None}), both)
        yield Forged(f"list-{key}", text_of(genuine | {key: ["aws.ec2"]}), both)
    yield Forged("no-envelope", text_of(record()), both)
    yield Forged("envelope-in-envelope", text_of(genuine | {"detail": genuine}), both)
    yield Forged("in-a-message", text_of(message(text_of(genuine))), both)
    yield Forged("in-a-list", text_of([genuine]), both)
    yield Forged("duplicate-source", text_of(genuine)[:-1] + ',"source":"evil.ec2"}', envelope)
    yield Forged("duplicate-account", text_of(genuine)[:-1] + f',"account":"{OTHER_ACCOUNT}"}}', envelope)
    detail = text_of(genuine["detail"])[:-1] + f',"recipientAccountId":"{OTHER_ACCOUNT}"}}'
    yield Forged("duplicate-recipient", text_of(genuine).replace(text_of(genuine["detail"]), detail), envelope)
    yield Forged("owner-of-launch", text_of(_changed(launched, detail__responseElements__ownerId=OTHER_ACCOUNT)), owner)
    yield Forged("owner-of-launch-null", text_of(_changed(launched, detail__responseElements__ownerId=1)), owner)
    for event_name, body in {
        "CreateVpc": {"vpc": {"vpcId": "vpc-0a1b2c3d4e5f60718", "ownerId": OTHER_ACCOUNT}},
        "CreateSubnet": {"subnet": {"subnetId": "subnet-0a1b2c3d4e5f60718", "ownerId": OTHER_ACCOUNT}},
        "CreateSnapshot": {"snapshotId": "snap-0a1b2c3d4e5f60718", "ownerId": OTHER_ACCOUNT},
        "CreateNetworkInterface": {"networkInterface": {"networkInterfaceId": INTERFACE, "ownerId": OTHER_ACCOUNT}},
    }.items():
        shared = record(event_name, responseElements=body, sharedEventID="a1b2c3d4-5678-90ab-cdef-11111EXAMPLE")
        yield Forged(f"owner-of-{event_name}", text_of(event(shared)), owner)
    for name, arn in {
        "volume": f"arn:aws:ec2:{REGION}:{OTHER_ACCOUNT}:volume/vol-1234567890abcdef0",
        "other-region": f"arn:aws:ec2:us-east-1:{OTHER_ACCOUNT}:volume/vol-1234567890abcdef0",
        "other-partition": f"arn:aws-cn:ec2:cn-north-1:{OTHER_ACCOUNT}:volume/vol-1234567890abcdef0",
    }.items():
        claims = [{"accountId": OTHER_ACCOUNT, "type": "AWS::EC2::Volume", "ARN": arn}]
        yield Forged(f"listed-arn-{name}", text_of(_changed(genuine, detail__resources=claims)), owner)


#: Bodies of messages that nothing may be written for, and no role assumed.
FORGED: tuple[Forged, ...] = tuple(_forged())


def outsider_event() -> str:
    """A genuine event of an account that is not one of the organization's (T15)."""
    return text_of(event(record(recipientAccountId=OUTSIDE_ACCOUNT, userIdentity=user(account=OUTSIDE_ACCOUNT))))
