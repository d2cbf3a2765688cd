"""The cut models: the same requests and the same answers as botocore's own, for every call that the function makes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.loaders import Loader
from msgspec.structs import replace

import ownertag
from harness.sampling import sample
from ownertag.catalogue.loader import load_catalogue
from ownertag.rollout.package.models import ModelError, calls_of, cut_service

EXPIRES = b"2026-11-23T12:00:00Z"
FILTERS = {"Filters": [{"Name": "resource-id", "Values": ["a b&c", "i-1", "é"]}], "MaxResults": 1000}
QUEUE = "https://sqs.us-east-1.amazonaws.com/222222222222/ownertag"
PARAMETERS: dict[tuple[str, str], dict[str, Any]] = {
    ("ec2", "CreateTags"): {"Resources": ["i-1", "vol-1"], "Tags": [{"Key": "owner", "Value": "é &=+"}, {"Key": "b"}]},
    ("ec2", "DeleteTags"): {"Resources": ["i-1", "vol-1"], "Tags": [{"Key": "owner"}, {"Key": "é &=+"}]},
    ("autoscaling", "DescribeAutoScalingGroups"): {"AutoScalingGroupNames": ["web", "a b&c"], "NextToken": "abc"},
    ("cloudtrail", "LookupEvents"): {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}],
        "StartTime": datetime(2026, 11, 23, tzinfo=UTC),
        "MaxResults": 50,
    },
    ("codebuild", "ListBuilds"): {"sortOrder": "DESCENDING", "nextToken": "abc"},
    ("dynamodb", "BatchGetItem"): {
        "RequestItems": {"ledger": {"Keys": [{"pk": {"S": "é"}, "sk": {"S": "b"}}], "ConsistentRead": True}}
    },
    ("dynamodb", "Query"): {
        "TableName": "ledger",
        "IndexName": "by-id",
        "KeyConditionExpression": "#a = :v",
        "ExpressionAttributeNames": {"#a": "id"},
        "ExpressionAttributeValues": {":v": {"S": "i-1"}},
    },
    ("dynamodb", "TransactWriteItems"): {
        "ClientRequestToken": "1",
        "TransactItems": [
            {"Put": {"TableName": "ledger", "Item": {"pk": {"S": "a"}, "n": {"N": "1"}, "l": {"L": []}}}}
        ],
    },
    ("dynamodb", "UpdateItem"): {
        "TableName": "ledger",
        "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}},
        "UpdateExpression": "SET full_until = :after",
        "ConditionExpression": "attribute_not_exists(pk)",
        "ExpressionAttributeValues": {":after": {"N": "1"}},
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    },
    ("ec2", "DescribeLaunchTemplates"): {"LaunchTemplateIds": ["lt-1", "lt-2"]},
    ("ec2", "DescribeRegions"): {"Filters": [{"Name": "opt-in-status", "Values": ["opted-in"]}]},
    ("ecs", "DescribeTasks"): {"cluster": "prod", "tasks": ["a", "b"]},
    ("ecs", "ListClusters"): {"nextToken": "abc"},
    ("identitystore", "DescribeUser"): {"IdentityStoreId": "d-1234567890", "UserId": "u"},
    ("lambda", "Invoke"): {"FunctionName": "ownertag-reconcile", "InvocationType": "Event", "Payload": b"{}"},
    ("organizations", "DescribeAccount"): {"AccountId": "333333333333"},
    ("organizations", "ListAccounts"): {"NextToken": "abc"},
    ("organizations", "ListAccountsForParent"): {"ParentId": "ou-ab12-c3d4e5f6", "NextToken": "abc"},
    ("organizations", "ListOrganizationalUnitsForParent"): {"ParentId": "r-ab12", "NextToken": "abc"},
    ("organizations", "ListParents"): {"ChildId": "333333333333", "NextToken": "abc"},
    ("organizations", "ListTagsForResource"): {"ResourceId": "333333333333"},
    ("resourcegroupstaggingapi", "GetResources"): {"ResourceARNList": ["arn:aws:ec2:us-east-1:333333333333:fleet/f"]},
    ("events", "PutEvents"): {
        "Entries": [
            {
                "Time": datetime(2026, 11, 23, tzinfo=UTC),
                "Source": "ownertag",
                "DetailType": "Owner tag changed",
                "EventBusName": "ownertag",
                "Resources": ["arn:aws:ec2:us-east-1:333333333333:volume/vol-1"],
                "Detail": '{"key": "owner"}',
            }
        ]
    },
    ("sns", "Publish"): {
        "TopicArn": "arn:aws:sns:us-east-1:333333333333:ownertag-alarms",
        "Subject": "ownertag: a test",
        "Message": "tag  owner",
    },
    ("sqs", "GetQueueAttributes"): {"QueueUrl": QUEUE, "AttributeNames": ["RedrivePolicy"]},
    ("sqs", "SendMessage"): {
        "QueueUrl": QUEUE,
        "MessageBody": "abc",
        "MessageAttributes": {"ERROR_CODE": {"DataType": "String", "StringValue": "forbidden"}},
    },
    ("sqs", "ChangeMessageVisibilityBatch"): {
        "QueueUrl": QUEUE,
        "Entries": [{"Id": "0", "ReceiptHandle": "r==", "VisibilityTimeout": 15}],
    },
    ("sts", "AssumeRole"): {
        "RoleArn": "arn:aws:iam::333333333333:role/auto-tag-role",
        "RoleSessionName": "ownertag",
        "DurationSeconds": 900,
    },
}
ANSWERS: dict[tuple[str, str], bytes] = {
    ("ec2", "DescribeInstances"): b"<DescribeInstancesResponse><requestId>r</requestId><reservationSet><item>"
    b"<reservationId>r-1</reservationId><instancesSet><item><instanceId>i-1</instanceId><instanceState><code>16</code>"
    b"<name>running</name></instanceState><rootDeviceType>ebs</rootDeviceType><launchTime>2026-11-23T12:00:00.000Z"
    b"</launchTime><blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><volumeId>vol-1</volumeId>"
    b"<attachTime>2026-11-23T12:00:01.000Z</attachTime></ebs></item></blockDeviceMapping><clientToken>t</clientToken>"
    b"<operator><managed>false</managed></operator></item></instancesSet></item></reservationSet>"
    b"<nextToken>n</nextToken></DescribeInstancesResponse>",
    (
        "autoscaling",
        "DescribeAutoScalingGroups",
    ): b"<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult>"
    b"<AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName><CreatedTime>2026-11-23T12:00:00Z"
    b"</CreatedTime><Tags><member><Key>owner</Key><Value>alice</Value></member></Tags></member></AutoScalingGroups>"
    b"</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>",
    ("cloudtrail", "LookupEvents"): b'{"Events":[{"EventId":"e","EventTime":1.7e9,"CloudTrailEvent":"{}"}],'
    b'"NextToken":"n"}',
    ("codebuild", "ListBuilds"): b'{"ids":["shop:1"],"nextToken":"n"}',
    (
        "ec2",
        "DescribeLaunchTemplates",
    ): b"<DescribeLaunchTemplatesResponse><launchTemplates><item><launchTemplateId>lt-1"
    b"</launchTemplateId><createdBy>arn:aws:iam::333333333333:user/alice</createdBy></item></launchTemplates>"
    b"</DescribeLaunchTemplatesResponse>",
    ("ecs", "DescribeTasks"): b'{"tasks":[{"taskArn":"t","clusterArn":"c","group":"service:web"}],"failures":[]}',
    ("ecs", "ListClusters"): b'{"clusterArns":["c"],"nextToken":"n"}',
    ("identitystore", "DescribeUser"): b'{"UserName":"maria","UserId":"u","IdentityStoreId":"d-1234567890"}',
    (
        "organizations",
        "ListAccountsForParent",
    ): b'{"Accounts":[{"Id":"333333333333","State":"ACTIVE"}],"NextToken":"n"}',
    ("organizations", "ListOrganizationalUnitsForParent"): b'{"OrganizationalUnits":[{"Id":"ou-ab12-c3d4e5f6"}]}',
    ("organizations", "ListParents"): b'{"Parents":[{"Id":"ou-ab12-c3d4e5f6","Type":"ORGANIZATIONAL_UNIT"}]}',
    ("organizations", "ListTagsForResource"): b'{"Tags":[{"Key":"owner","Value":"team"}]}',
    ("resourcegroupstaggingapi", "GetResources"): b'{"PaginationToken":"","ResourceTagMappingList":[{"ResourceARN":"a",'
    b'"Tags":[{"Key":"owner","Value":"alice"}]}]}',
    ("organizations", "DescribeAccount"): b'{"Account":{"Id":"333333333333","Name":"web","State":"ACTIVE"}}',
    ("organizations", "ListAccounts"): b'{"Accounts":[{"Id":"333333333333","State":"ACTIVE",'
    b'"JoinedTimestamp":1.7e9}],"NextToken":"n"}',
    (
        "events",
        "PutEvents",
    ): b'{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"m"}]}',
    ("sns", "Publish"): b"<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>",
    ("sqs", "GetQueueAttributes"): b'{"Attributes":{"RedrivePolicy":"{}"}}',
    ("sqs", "SendMessage"): b'{"MessageId":"m","MD5OfMessageBody":"900150983cd24fb0d6963f7d28e17f72"}',
    ("sqs", "ChangeMessageVisibilityBatch"): b'{"Successful":[],"Failed":[{"Id":"0","SenderFault":true,"Code":"x"}]}',
    ("sts", "AssumeRole"): b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId>"
    b"<SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>" + EXPIRES + b"</Expiration>"
    b"</Credentials></AssumeRoleResult></AssumeRoleResponse>",
}
ERROR = b"<Code>InvalidInstanceID.NotFound</Code><Message>m</Message>"
ERRORS = {
    **dict.fromkeys(
        ("codebuild", "ecs", "identitystore", "lambda", "resourcegroupstaggingapi"),
        (400, b'{"__type":"AccessDeniedException","message":"m"}'),
    ),
    # An error that the operation declares: the cut model does not name those of others, whose code is the same.
    "cloudtrail": (400, b'{"__type":"InvalidTimeRangeException","message":"m"}'),
    "dynamodb": (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"m"}'),
    "events": (500, b'{"__type":"InternalException","message":"m"}'),
    "autoscaling": (403, b"<ErrorResponse><Error><Type>Sender</Type>" + ERROR + b"</Error></ErrorResponse>"),
    "ec2": (400, b"<Response><Errors><Error>" + ERROR + b"</Error></Errors><RequestID>r</RequestID></Response>"),
    "sns": (403, b"<ErrorResponse><Error><Type>Sender</Type>" + ERROR + b"</Error></ErrorResponse>"),
    "sts": (403, b"<ErrorResponse><Error><Type>Sender</Type>" + ERROR + b"</Error></ErrorResponse>"),
    "sqs": (400, b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"}'),
    "organizations": (400, b'{"__type":"AccessDeniedException","message":"m"}'),
}
# The calls that tag and list other services' resources are held against the full models in `unit/rollout/package`.
_CATALOGUE = load_catalogue()
_LOOKED_UP = {name: kind for name, kind in _CATALOGUE.types.items() if kind.lookup}
NAMED = calls_of(
    replace(_CATALOGUE, types=_LOOKED_UP, tag_apis={"ec2.CreateTags": _CATALOGUE.tag_apis["ec2.CreateTags"]})
)
EVERY = [(service, operation) for service, operations in NAMED.items() for operation in sorted(operations)]


def session(data: Path | None) -> botocore.session.Session:
    made = botocore.session.Session()
    if data:
        made.register_component("data_loader", Loader([str(data)], include_default_search_paths=False))
    made.set_credentials("AKIDEXAMPLE", "secret", "token")
    return made


class Body:
    """What urllib3 would read from the connection."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self._content

    def read(self, *_: object) -> bytes:
        return self._content


class Wire:
    """Keeps what a client would send, and answers."""

    def __init__(self, client: Any, status: int, body: bytes) -> None:
        self.sent: list[Any] = []
        self._status, self._body = status, body
        client.meta.events.register("before-send", self._answer)

    def _answer(self, request: Any, **_: object) -> AWSResponse:
        kept = {name: request.headers.get(name) for name in ("Content-Type", "X-Amz-Target")}
        self.sent.append((request.method, request.url, request.body, kept))

        headers: Any = {"x-amzn-RequestId": "r"}
        return AWSResponse(request.url, self._status, headers, Body(self._body))


def exchange(
    made: botocore.session.Session, region: str, call: tuple[str, str], parameters: Any, answer: tuple[int, bytes]
) -> tuple[Any, Any, Any]:
    """What was sent, what was answered, and how pages are told."""
    service, operation = call
    client: Any = made.create_client(service, region_name=region)
    try:
        wire = Wire(client, *answer)
        try:
            result = getattr(client, xform_name(operation))(**parameters)
            if "Payload" in result:
                result["Payload"] = result["Payload"].read()
        except client.exceptions.ClientError as error:
            result = (type(error).__name__, error.response)
        pages = None
        if client.can_paginate(xform_name(operation)):
            pages = client.get_paginator(xform_name(operation))._pagination_cfg
        return wire.sent, result, pages
    finally:
        client.close()


@pytest.fixture(scope="session")
def data(unpacked: Path) -> Path:
    return unpacked / "botocore" / "data"


@pytest.fixture(scope="session")
def full() -> botocore.session.Session:
    return session(None)


@pytest.mark.parametrize("region", sample(["us-east-1", "eu-central-1", "ap-east-1", "us-gov-west-1", "cn-north-1"], 3))
@pytest.mark.parametrize(("service", "operation"), EVERY)
def test_requests_and_answers_are_those_of_the_full_model(
    full: botocore.session.Session, data: Path, service: str, operation: str, region: str
) -> None:
    parameters = PARAMETERS.get((service, operation), FILTERS)
    default = f"<{operation}Response><requestId>r</requestId></{operation}Response>".encode()
    answer = ANSWERS.get((service, operation), default)
    cut = session(data)
    for status, body in ((200, answer), ERRORS[service]):
        ours = exchange(cut, region, (service, operation), parameters, (status, body))
        assert ours == exchange(full, region, (service, operation), parameters, (status, body))
        assert ours[0]
        assert ours[1]


#: Adapters that only the command line has a use for.
FOR_PEOPLE = {"ec2_state"}


def test_what_is_for_people_is_imported_by_the_command_line_alone() -> None:
    package = Path(ownertag.__file__).parent
    importing = {
        path.relative_to(package).parts[0]
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in {f"ownertag.sources.{name}" for name in FOR_PEOPLE}
    }
    assert importing == {"cli"}


def test_every_operation_that_the_adapters_name_is_in_the_cut_models() -> None:
    """By the words of the source: any text or attribute that is an operation's name in botocore's full models."""
    calls = calls_of(load_catalogue())
    kept = {xform_name(operation) for operations in calls.values() for operation in operations}
    loader = botocore.session.Session().get_component("data_loader")
    known = {
        xform_name(operation)
        for service in NAMED
        for operation in loader.load_service_model(service, "service-2")["operations"]
    }
    named: set[str] = set()
    for folder in ("aws", "sources", "sinks", "handler"):
        for path in (Path(ownertag.__file__).parent / folder).glob("*.py"):
            if folder == "sources" and path.stem in FOR_PEOPLE:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    named.add(node.value)
                elif isinstance(node, ast.Attribute):
                    named.add(node.attr)
    assert {"assume_role", "describe_tags", "list_accounts"} <= named & known
    # Tags are written, read and removed by data: no adapter names these.
    for api in load_catalogue().tag_apis.values():
        others = {call.operation for call in (api.read, api.remove) if call}
        assert {api.operation, *others} <= calls[api.client]
    assert named & known <= kept


def test_the_cut_model_of_ec2_is_a_small_part(full: botocore.session.Session, data: Path) -> None:
    [path] = data.glob("ec2/*/service-2.json")
    model = full.get_component("data_loader").load_service_model("ec2", "service-2")
    cut = cut_service(model, calls_of(load_catalogue())["ec2"])
    # Most of it lists what is there, to reconcile: 4 ms of a start on the machine on which it was measured.
    assert len(cut["operations"]) < len(model["operations"]) / 7
    assert path.stat().st_size < 400_000
    assert '"documentation"' not in path.read_text()


def test_a_member_that_is_called_documentation_stays() -> None:
    model = {
        "metadata": {"serviceId": "X"},
        "operations": {"A": {"input": {"shape": "In", "documentation": "w"}}, "B": {"input": {"shape": "Other"}}},
        "shapes": {
            "In": {"type": "structure", "members": {"documentation": {"shape": "Text", "documentation": "w"}}},
            "Text": {"type": "string", "documentation": "w"},
            "Other": {"type": "structure", "members": {}},
        },
        "documentation": "w",
    }
    assert cut_service(model, frozenset({"A"})) == {
        "metadata": {"serviceId": "X"},
        "operations": {"A": {"input": {"shape": "In"}}},
        "shapes": {
            "In": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
            "Text": {"type": "string"},
        },
    }
    with pytest.raises(ModelError, match="X has no operation C"):
        cut_service(model, frozenset({"A", "C"}))
