"""The page on privacy: its figures are the templates', and nothing leaves but by the AWS SDK."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from docs.test_commands import ROOT
from infra.test_templates import resources

PAGE = (ROOT / "docs/explanation/privacy.md").read_text("utf-8")
HUB, REGION, ACCOUNT = resources("hub"), resources("spoke_region"), resources("spoke_account")


def row(place: str) -> list[str]:
    """The cells of the table of places, by what its first one names."""
    [line] = [line for line in PAGE.splitlines() if line.startswith("| ") and place in line.split("|")[1]]
    return [cell.strip() for cell in line.strip("|").split("|")]


def of_type(of: dict[str, Any], type_: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in of.items() if each["Type"] == type_}


def days(place: str) -> int:
    found = re.search(r"(\d+) days", row(place)[2])
    assert found, place
    return int(found[1])


def test_every_queue_keeps_its_messages_as_long_as_the_page_says() -> None:
    queues = [*of_type(HUB, "AWS::SQS::Queue").values(), *of_type(REGION, "AWS::SQS::Queue").values()]
    assert {queue["QueueName"] for queue in queues} == {
        "ownertag",
        "ownertag-dead-letters",
        "ownertag-undelivered",
    }
    for queue in queues:
        place = "`ownertag` and" if queue["QueueName"] == "ownertag" else f"`{queue['QueueName']}`"
        assert queue["MessageRetentionPeriod"] == days(place) * 86_400
        assert queue["SqsManagedSseEnabled"] is True


def test_log_and_archive_are_kept_as_long_as_the_page_says() -> None:
    [log] = of_type(HUB, "AWS::Logs::LogGroup").values()
    assert log["RetentionInDays"] == days(f"`{log['LogGroupName']}`")
    [archive] = of_type(HUB, "AWS::Events::Archive").values()
    assert archive["RetentionDays"] == days(f"archive `{archive['ArchiveName']}`")
    assert "EventPattern" not in archive  # all of the bus


def test_the_ledger_has_no_end_and_is_protected_as_the_page_says() -> None:
    [table] = of_type(HUB, "AWS::DynamoDB::Table").values()
    assert "without end" in row(f"`{table['TableName']}`")[2]
    assert "TimeToLiveSpecification" not in table
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} >= {"by-owner"}


def statements(of: dict[str, Any], role: str) -> list[dict[str, Any]]:
    [found] = [each for each in of_type(of, "AWS::IAM::Role").values() if each["RoleName"] == role]
    return [statement for policy in found["Policies"] for statement in policy["PolicyDocument"]["Statement"]]


def actions(of: list[dict[str, Any]]) -> set[str]:
    lists = [each["Action"] if isinstance(each["Action"], list) else [each["Action"]] for each in of]
    return {action for each in lists for action in each}


def test_the_function_can_delete_nothing_of_the_ledger_and_read_it_in_no_other_way() -> None:
    table = {action for action in actions(statements(HUB, "ownertag-hub")) if action.startswith("dynamodb:")}
    assert table == {"dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"}


def test_of_the_roles_in_accounts_one_reads_the_table_by_one_index() -> None:
    roles = [role["RoleName"] for role in of_type(ACCOUNT, "AWS::IAM::Role").values()]
    reading = {
        role: [each for each in statements(ACCOUNT, role) if any("dynamodb:" in action for action in actions([each]))]
        for role in roles
    }
    assert [role for role, found in reading.items() if found] == ["ownertag-audit"]
    [statement] = reading["ownertag-audit"]
    assert "index/by-link" in str(statement["Resource"])
    assert "`ownertag-audit` may count" in row("`ownertag-ledger`")[3]


def test_every_place_of_the_templates_that_keeps_something_is_on_the_page() -> None:
    kept = ("AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::Events::Archive", "AWS::DynamoDB::Table", "AWS::SNS::Topic")
    names = ("QueueName", "LogGroupName", "ArchiveName", "TableName", "TopicName")
    for template in (HUB, REGION, ACCOUNT):
        for type_, name in zip(kept, names, strict=True):
            for properties in of_type(template, type_).values():
                assert f"`{properties[name]}`" in PAGE
    others = {"AWS::S3::Bucket", "AWS::RDS::DBInstance", "AWS::Kinesis::Stream", "AWS::KinesisFirehose::DeliveryStream"}
    assert not others & {each["Type"] for template in (HUB, REGION, ACCOUNT) for each in template.values()}


# --- what leaves

#: Modules by which a program reaches the network.
NETWORK = {
    *("socket", "ssl", "http", "ftplib", "smtplib", "telnetlib", "xmlrpc", "asyncio", "urllib.request", "webbrowser"),
    *("requests", "httpx", "urllib3", "aiohttp", "websockets", "paramiko", "grpc", "sentry_sdk", "opentelemetry"),
}
#: What may, and why: the sandbox listens on 127.0.0.1, and plays AWS there.
MAY = {"sandbox"}


def imports(text: str) -> set[str]:
    """All that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def reaching(text: str) -> set[str]:
    return {name for name in imports(text) for part in NETWORK if name == part or name.startswith(f"{part}.")}


def test_nothing_but_the_sandbox_opens_a_connection_by_itself() -> None:
    source = ROOT / "src/ownertag"
    found = {
        str(path.relative_to(source)): names
        for path in sorted(source.rglob("*.py"))
        if (names := reaching(path.read_text("utf-8")))
    }
    assert {name.split("/")[0] for name in found} <= MAY, found


@pytest.mark.parametrize(
    "line", ["import socket", "from http.client import HTTPSConnection", "from urllib import request", "import httpx"]
)
def test_a_connection_would_be_found(line: str) -> None:
    assert reaching(f"def f():\n    {line}\n")
