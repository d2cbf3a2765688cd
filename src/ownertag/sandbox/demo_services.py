"""The demo's creations of other services than EC2, each read back by the service's own call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import jmespath

from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.demo_launches import DemoLaunch, compare, is_done, step
from ownertag.sandbox.personas import PERSONAS
from ownertag.sandbox.sandbox import Sandbox

_ROLE = "arn:aws:iam::{account}:role/shop"


@dataclass(frozen=True)
class DemoCreation:
    """A creation by a persona.

    Attributes:
        who: The persona.
        what: What it makes, in words.
        client: Of the SDK.
        calls: The creating call with its parameters, and the call that reads the tags with its own. Words in braces are
            the account, the Region, and what `id` finds in the answer.
        tags: Path to the tags in the answer.
        id: Path to an id or ARN in the creating call's answer.
        event: The event's name, where it is not the call's.
        region: Where the service's events are recorded, if not where it was called.
    """

    who: str
    what: str
    client: str
    calls: tuple[tuple[str, Mapping[str, Any]], tuple[str, Mapping[str, Any]]]
    tags: str
    id: str = "@"
    event: str = ""
    region: str = ""


def _zipped() -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("index.py", "")
    return content.getvalue()


_KEYS: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
_DATABASE = {
    "DBInstanceIdentifier": "shop", "DBInstanceClass": "db.t3.micro", "Engine": "mysql", "AllocatedStorage": 20,
    "MasterUsername": "shop", "MasterUserPassword": "only-a-demo",
}  # fmt: skip
_FUNCTION = {
    "FunctionName": "shop", "Runtime": "python3.12", "Role": _ROLE, "Handler": "index.run",
    "Code": {"ZipFile": _zipped()},
}  # fmt: skip
_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
_IN_REGION = {"LocationConstraint": "{region}"}
_LOG_GROUP = "arn:aws:logs:{region}:{account}:log-group:/shop"

#: One of each of ten services.
CREATIONS = (
    DemoCreation("dave", "1 IAM role", "iam", (
        ("create_role", {"RoleName": "shop", "AssumeRolePolicyDocument": _TRUST}),
        ("list_role_tags", {"RoleName": "shop"})), "Tags", region="us-east-1"),
    DemoCreation("dave", "1 Lambda function", "lambda", (
        ("create_function", _FUNCTION), ("list_tags", {"Resource": "{id}"})),
        "Tags", "FunctionArn", "CreateFunction20150331"),
    DemoCreation("carol", "1 S3 bucket", "s3", (
        ("create_bucket", {"Bucket": "shop-{account}", "CreateBucketConfiguration": _IN_REGION}),
        ("get_bucket_tagging", {"Bucket": "shop-{account}"})), "TagSet"),
    DemoCreation("carol", "1 DynamoDB table", "dynamodb", (
        ("create_table", {"TableName": "shop", **_KEYS}), ("list_tags_of_resource", {"ResourceArn": "{id}"})),
        "Tags", "TableDescription.TableArn"),
    DemoCreation("alice", "1 SNS topic", "sns", (
        ("create_topic", {"Name": "shop"}), ("list_tags_for_resource", {"ResourceArn": "{id}"})), "Tags", "TopicArn"),
    DemoCreation("alice", "1 SQS queue", "sqs", (
        ("create_queue", {"QueueName": "shop"}), ("list_queue_tags", {"QueueUrl": "{id}"})), "Tags", "QueueUrl"),
    DemoCreation("erin", "1 KMS key", "kms", (
        ("create_key", {"Description": "shop"}), ("list_resource_tags", {"KeyId": "{id}"})),
        "Tags[].{Key: TagKey, Value: TagValue}", "KeyMetadata.KeyId"),
    DemoCreation("frank", "1 RDS instance", "rds", (
        ("create_db_instance", _DATABASE), ("list_tags_for_resource", {"ResourceName": "{id}"})),
        "TagList", "DBInstance.DBInstanceArn"),
    DemoCreation("ci", "1 ECR repository", "ecr", (
        ("create_repository", {"repositoryName": "shop"}), ("list_tags_for_resource", {"resourceArn": "{id}"})),
        "tags", "repository.repositoryArn"),
    DemoCreation("ci", "1 log group", "logs", (
        ("create_log_group", {"logGroupName": "/shop"}), ("list_tags_for_resource", {"resourceArn": _LOG_GROUP})),
        "tags"),
)  # fmt: skip


def create_and_check(sandbox: Sandbox, reporter: ConsoleReporter, say: Callable[[str], None]) -> list[DemoLaunch]:
    """Creates all, waits for the tags, reads them back, and compares; as `launch_and_check` does with EC2's."""
    made = [_create(sandbox, creation, say) for creation in CREATIONS]
    for creation, known, launch, record in made:
        if record is None:
            launch.problems.append("CloudTrail has no record of it")
        elif is_done(launch, record, reporter):
            compare(launch, record, {launch.ids[0]: _tags(sandbox, creation, launch, known)})
    return [launch for _, _, launch, _ in made]


def _create(
    sandbox: Sandbox, creation: DemoCreation, say: Callable[[str], None]
) -> tuple[DemoCreation, dict[str, str], DemoLaunch, dict[str, Any] | None]:
    persona = next(persona for persona in PERSONAS if persona.name == creation.who)
    say(step(persona, f"creates {creation.what}"))
    known = {"account": persona.account, "region": persona.region}
    operation, parameters = creation.calls[0]
    place = persona.account, creation.region or persona.region
    before = len(sandbox.recorder.records(*place))
    launch = DemoLaunch(persona, creation.what, "", time.monotonic())
    with closing(sandbox.client(sandbox.session(persona.name), creation.client)) as client:
        answer = getattr(client, operation)(**_filled(parameters, known))
    launch.ids = [creation.what]
    event = creation.event or "".join(part.capitalize() for part in operation.split("_")).replace("Db", "DB")
    found = (record for record in sandbox.recorder.records(*place)[before:] if record["eventName"] == event)
    return creation, {**known, "id": str(jmespath.search(creation.id, answer))}, launch, next(found, None)


def _tags(sandbox: Sandbox, creation: DemoCreation, launch: DemoLaunch, known: dict[str, str]) -> dict[str, str]:
    """The tags, as the account's own call of the service tells them."""
    operation, parameters = creation.calls[1]
    session = sandbox.account_session(launch.persona.account, launch.persona.region)
    with closing(sandbox.client(session, creation.client)) as client:
        found = jmespath.search(creation.tags, getattr(client, operation)(**_filled(parameters, known))) or {}
    return found if isinstance(found, dict) else {tag["Key"]: tag["Value"] for tag in found}


def _filled(given: Any, known: Mapping[str, str]) -> Any:
    if isinstance(given, Mapping):
        return {key: _filled(value, known) for key, value in given.items()}
    if isinstance(given, str):
        for name, value in known.items():
            given = given.replace(f"{{{name}}}", value)
    return given
