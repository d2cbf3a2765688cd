"""`ownertag tag` on records that CloudTrail still has, against a running sandbox."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness import started

SETTINGS = '[tags]\nteam = "{owner}"\n'
ORGANIZATION = (
    '[organization]\nid = "o-a1b2c3d4e5"\nmanagement_account = "111111111111"\n'
    'hub_account = "222222222222"\nhome_region = "eu-central-1"\n'
)


@pytest.fixture
def records(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What LookupEvents answers of a launch by alice, in a file."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, environment[name])
    alice = boto3.Session(profile_name="alice")
    alice.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=2, MaxCount=2)
    trail = boto3.Session(profile_name="admin-web").client("cloudtrail", region_name="us-east-1")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "RunInstances"}]
    answer = trail.lookup_events(LookupAttributes=wanted, MaxResults=1)
    path = tmp_path / "events.json"
    path.write_text(json.dumps(answer, default=str))
    return path


def tag(records: Path, profile: str, settings: str, *more: str) -> tuple[int, dict[str, Any], str]:
    config = records.with_name("ownertag.toml")
    config.write_text(settings)
    command = [started.OWNERTAG, "tag", "--json", "--profile", profile, "--config", str(config), *more, str(records)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.stdout, answer.stderr
    [line] = answer.stdout.splitlines()
    return answer.returncode, json.loads(line), answer.stderr


def teams(each: dict[str, Any]) -> dict[str, str]:
    ec2 = boto3.Session(profile_name="admin-web").client("ec2", region_name=each["region"])
    filters: Any = [{"Name": "resource-id", "Values": [resource["id"] for resource in each["resources"]]}]
    return {
        tag["ResourceId"]: tag["Value"] for tag in ec2.describe_tags(Filters=filters)["Tags"] if tag["Key"] == "team"
    }


def test_a_dry_run_looks_up_and_writes_nothing(records: Path) -> None:
    code, each, errors = tag(records, "admin-web", SETTINGS, "--dry-run")
    assert code == 0
    assert len(each["resources"]) == 2 + 2 + 2
    assert "would be: 6 tagged" in errors
    assert teams(each) == {}


def test_an_operator_tags_the_own_account_directly(records: Path) -> None:
    code, each, errors = tag(records, "admin-web", SETTINGS)
    assert code == 0, errors
    assert {outcome["outcome"] for outcome in each["outcomes"]} == {"tagged"}
    assert teams(each) == {resource["id"]: "alice" for resource in each["resources"]}


def test_the_hub_tags_another_account_by_the_taggers_role(records: Path) -> None:
    code, each, errors = tag(records, "hub", SETTINGS + ORGANIZATION)
    assert code == 0, errors
    assert set(teams(each).values()) == {"alice"}


def test_an_account_that_cant_be_reached_exits_with_3(records: Path) -> None:
    code, each, _ = tag(records, "admin-security", SETTINGS + ORGANIZATION)
    assert code == 3
    assert [(outcome["arn"], outcome["outcome"]) for outcome in each["outcomes"]] == [(None, "forbidden")]
    code, each, _ = tag(records, "admin-data", SETTINGS)
    assert code == 3
    assert each["refusal"]["reason"] == "unknown-account"


def test_a_profile_that_is_not_there_exits_with_2(records: Path) -> None:
    command = [started.OWNERTAG, "tag", "--profile", "nobody", str(records)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "profile nobody: can't be used (ProfileNotFound)" in answer.stderr
