"""What a hub that was deleted leaves behind: the next one takes it over before anything else is made.

The ledger, the function's log and the dead letters are retained. A new stack can't create what is there:
CloudFormation's early validation refuses it. Nor does it import all of it by itself: of a resource whose primary
identifier is read-only, such as a queue's address, it must be told (doc: "Import AWS resources into a CloudFormation
stack automatically"). So a first change set of the type IMPORT names each of them, and makes a stack of them alone; an
update brings the rest. An import that fails deletes nothing, and neither does an update that is rolled back: what it
rolls back to has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ownertag.render.retained import retained
from ownertag.rollout.deploy.failures import DeployError

_TYPE = re.compile(r"^    Type: (\S+)", re.MULTILINE)
_KEY = re.compile(r"^      KeySchema:\n((?:        - .*\n)+)", re.MULTILINE)
_KEY_PART = re.compile(r"AttributeName: (\w+), KeyType: (\w+)")

#: Asks for a resource's identifier by its name and the template's text of it; None where there is none.
_Find = Callable[[Any, str, str], str | None]


def left_over(template: str, client_of: Callable[[str], Any]) -> list[dict[str, Any]]:
    """Those of a template's retained resources that are there, as `ResourcesToImport` takes them.

    Args:
        template: Of a stack that is not there.
        client_of: A client of a service in the stack's account and Region.

    Raises:
        DeployError: What has the name is somebody else's.
    """
    found = []
    for logical, block in retained(template).items():
        kind = _TYPE.search(block)
        if kind is None or kind[1] not in _LOOK:
            continue
        service, key, name_key, find = _LOOK[kind[1]]
        name = re.search(rf"^      {name_key}: (\S+)", block, re.MULTILINE)
        identifier = find(client_of(service), name[1], block) if name else None
        if identifier is not None:
            found.append(
                {"ResourceType": kind[1], "LogicalResourceId": logical, "ResourceIdentifier": {key: identifier}}
            )
    return found


def _queue(sqs: Any, name: str, _: str) -> str | None:
    missing = ("QueueDoesNotExist", "NonExistentQueue")
    return _unless(missing, lambda: str(sqs.get_queue_url(QueueName=name)["QueueUrl"]))


def _table(dynamodb: Any, name: str, block: str) -> str | None:
    def find() -> str:
        held = {(part["AttributeName"], part["KeyType"]) for part in described()["KeySchema"]}
        schema = _KEY.search(block)
        if schema is None or held != {*_KEY_PART.findall(schema[1])}:
            keys = ", ".join(sorted(attribute for attribute, _ in held))
            raise DeployError(
                f"there is a DynamoDB table {name} that is not ownertag's: its key is {keys}. Nothing was changed: "
                "take it away, or give the hub another account"
            )
        return name

    def described() -> dict[str, Any]:
        table: dict[str, Any] = dynamodb.describe_table(TableName=name)["Table"]
        return table

    return _unless(("ResourceNotFoundException",), find)


def _log_group(logs: Any, name: str, _: str) -> str | None:
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    names = (group["logGroupName"] for page in pages for group in page["logGroups"])
    return next((found for found in names if found == name), None)


def _unless(missing: tuple[str, ...], call: Callable[[], str]) -> str | None:
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"].endswith(missing):
            return None
        raise


#: By type: the service, its primary identifier, the property with its name (doc: the types' schemas), and the look-up.
_LOOK: Mapping[str, tuple[str, str, str, _Find]] = {
    "AWS::SQS::Queue": ("sqs", "QueueUrl", "QueueName", _queue),
    "AWS::DynamoDB::Table": ("dynamodb", "TableName", "TableName", _table),
    "AWS::Logs::LogGroup": ("logs", "LogGroupName", "LogGroupName", _log_group),
}
