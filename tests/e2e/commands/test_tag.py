"""`ownertag tag` on records that CloudTrail still has, against a running sandbox."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness import sandbox_process
from ownertag.core.ownership import ResourceKey
from ownertag.ledger.entries import Transferred
from ownertag.ledger.sqlite import SqliteLedger

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
    command = [
        sandbox_process.OWNERTAG,
        "tag",
        "--json",
        "--profile",
        profile,
        "--config",
        str(config),
        *more,
        str(records),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.stdout, answer.stderr
    [line] = answer.stdout.splitlines()
    return answer.returncode, json.loads(line), answer.stderr


def teams(event: dict[str, Any]) -> dict[str, str]:
    ec2 = boto3.Session(profile_name="admin-web").client("ec2", region_name=event["region"])
    filters: Any = [{"Name": "resource-id", "Values": [resource["id"] for resource in event["resources"]]}]
    return {
        tag["ResourceId"]: tag["Value"] for tag in ec2.describe_tags(Filters=filters)["Tags"] if tag["Key"] == "team"
    }


def test_a_dry_run_looks_up_and_writes_nothing(records: Path) -> None:
    code, event, errors = tag(records, "admin-web", SETTINGS, "--dry-run")
    assert code == 0
    assert len(event["resources"]) == 2 + 2 + 2
    assert "would tag 6 resources" in errors
    assert {outcome["outcome"] for outcome in event["outcomes"]} == {"would-tag"}
    assert teams(event) == {}


def test_an_operator_tags_the_own_account_directly(records: Path) -> None:
    code, event, errors = tag(records, "admin-web", SETTINGS)
    assert code == 0, errors
    assert {outcome["outcome"] for outcome in event["outcomes"]} == {"tagged"}
    assert teams(event) == {resource["id"]: "alice" for resource in event["resources"]}


def test_without_a_hub_a_file_remembers_what_is_whose(records: Path) -> None:
    ledger = f"sqlite:{records.with_name('ledger.db')}"
    code, event, errors = tag(records, "admin-web", SETTINGS, "--ledger", ledger)
    assert code == 0, errors
    volume = next(resource for resource in event["resources"] if resource["type"] == "ec2:volume")
    key = ResourceKey(event["account"], event["region"], volume["arn"])
    with closing(SqliteLedger(ledger.removeprefix("sqlite:"))) as file:
        [known] = file.by_key([key])
        assert known.holding.owner.name == "alice"
        given = Transferred(
            key, "1", "bob", "ops", "alice has left", (("team", "bob"),), known.holding.claim.created_at
        )
        file.append([given])
    # What was given to bob is his: the tag that still says alice is written again.
    for more, outcome in ((["--dry-run"], "would-tag"), ([], "tagged")):
        code, event, errors = tag(records, "admin-web", SETTINGS, "--ledger", ledger, *more)
        assert code == 0, errors
        ended = {one["arn"]: (one["outcome"], one["reason"]) for one in event["outcomes"]}
        assert ended.pop(volume["arn"]) == (outcome, None)
        assert set(ended.values()) == {("unchanged", "is tagged already")}
    assert teams(event)[volume["id"]] == "bob"


def test_an_account_that_is_not_the_own_exits_with_3_without_a_hub(records: Path) -> None:
    code, event, _ = tag(records, "admin-data", SETTINGS)
    assert code == 3
    assert event["refusal"]["reason"] == "unknown-account"


@pytest.mark.parametrize(
    ("hub", "code", "said"),
    [
        ("222222222222", 2, "these are credentials of account 333333333333, and the hub's account is 222222222222"),
        ("333333333333", 3, "the hub's function ownertag can't be invoked"),
    ],
)
def test_who_can_not_invoke_the_function_is_told_and_tags_nothing(
    records: Path, hub: str, code: int, said: str
) -> None:
    config = records.with_name("ownertag.toml")
    config.write_text(SETTINGS + ORGANIZATION.replace("222222222222", hub))
    command = [sandbox_process.OWNERTAG, "tag", "--profile", "admin-web", "--config", str(config), str(records)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert said in answer.stderr


def test_a_profile_that_is_not_there_exits_with_2(records: Path) -> None:
    command = [sandbox_process.OWNERTAG, "tag", "--profile", "nobody", str(records)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "profile nobody: can't be used (ProfileNotFound): there is no such profile" in answer.stderr
