"""The functions that are deployed: found, run with their own settings and credentials, and replaced."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.waiting import wait
from ownertag.core.settings import SettingsError
from ownertag.ledger.accounts import KeptAccounts
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.render.documents import LEDGER_TABLE
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.demo_launches import IMAGE
from ownertag.sandbox.personas import ACCOUNTS, HOME_REGION, HUB, PERSONAS, TAGGER_ROLE
from ownertag.sandbox.sandbox import Sandbox

WHO = {persona.name: persona.account for persona in PERSONAS}


class Told:
    """What the functions told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failures: list[Exception] = []


@pytest.fixture(scope="module")
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def sandbox(told: Told) -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(told.lines.append), failed=told.failures.append) as running:
        yield running


def launch(sandbox: Sandbox, name: str) -> str:
    ec2 = sandbox.client(sandbox.session(name), "ec2")
    answer = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
    ec2.close()
    return str(answer["Instances"][0]["InstanceId"])


def owner(sandbox: Sandbox, name: str, id_: str) -> str | None:
    region = next(persona.region for persona in PERSONAS if persona.name == name)
    ec2 = sandbox.client(sandbox.account_session(WHO[name], region), "ec2")
    tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [id_]}])["Tags"]
    ec2.close()
    return next((tag["Value"] for tag in tags if tag["Key"] == "owner"), None)


@contextmanager
def changed_role(sandbox: Sandbox, account: str, name: str, trust: dict[str, Any] | None) -> Iterator[None]:
    """A role with another trust policy, or without the role; afterwards as it was."""
    iam = sandbox.client(sandbox.account_session(account), "iam")
    old = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    if trust is None:
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
        iam.delete_role(RoleName=name)
    else:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    try:
        yield
    finally:
        if trust is None:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(old))
        else:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(old))
        iam.close()


def trusting(**changed: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
        "Action": "sts:AssumeRole",
        **changed,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


# In an account each: the function keeps a session as long as it lasts, and remembers a refusal for a while.
REFUSING = {
    "no role": ("frank", None),
    "another role of the hub": (
        "dave",
        trusting(Condition={"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{HUB}:role/another"}}),
    ),
}


@pytest.mark.parametrize(("refused", "trust"), REFUSING.values(), ids=REFUSING)
def test_where_the_tagger_cant_be_taken_the_message_comes_back_and_others_are_tagged(
    sandbox: Sandbox, told: Told, refused: str, trust: dict[str, Any] | None
) -> None:
    told.lines.clear()
    with changed_role(sandbox, WHO[refused], TAGGER_ROLE, trust):
        ids = {name: launch(sandbox, name) for name in ("alice", "ci", refused)}
        wait(lambda: owner(sandbox, "alice", ids["alice"]) and owner(sandbox, "ci", ids["ci"]))
        place = ACCOUNTS[WHO[refused]]
        wait(lambda: any("comes back" in line and place in line for line in told.lines))
        assert owner(sandbox, refused, ids[refused]) is None
    assert told.failures == []


def test_a_session_of_a_role_that_is_deleted_ends(sandbox: Sandbox, told: Told) -> None:
    known = launch(sandbox, "ci")
    wait(lambda: owner(sandbox, "ci", known))
    told.lines.clear()
    with changed_role(sandbox, WHO["ci"], TAGGER_ROLE, None):
        lost = launch(sandbox, "ci")
        wait(lambda: any("comes back" in line for line in told.lines))
        assert owner(sandbox, "ci", lost) is None


def redeploy(sandbox: Sandbox, settings: str | None) -> None:
    """A new package under a new key, as a deployment brings it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(*(("ownertag.toml", settings) if settings is not None else ("README", "no settings")))
    session = sandbox.account_session(HUB, HOME_REGION)
    key = f"{time.monotonic_ns()}.zip"
    sandbox.client(session, "s3").put_object(
        Bucket=f"ownertag-packages-{HUB}-{HOME_REGION}", Key=key, Body=content.getvalue()
    )
    cloudformation = sandbox.client(session, "cloudformation")
    cloudformation.update_stack(
        StackName="ownertag-hub",
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": "PackageBucket", "UsePreviousValue": True},
            {"ParameterKey": "PackageKey", "ParameterValue": key},
        ],
    )


def test_a_new_package_replaces_the_old_one_and_a_broken_one_is_told(sandbox: Sandbox, told: Told) -> None:
    settings = sandbox.settings_file.read_text("utf-8")
    redeploy(sandbox, None)
    wait(lambda: told.failures)
    assert isinstance(told.failures[0], SettingsError)
    assert "can't be read" in str(told.failures[0])
    told.failures.clear()
    redeploy(sandbox, settings.replace("team-platform", "team-builders"))

    def tagged_by_the_new() -> bool:
        id_ = launch(sandbox, "ci")
        wait(lambda: owner(sandbox, "ci", id_) is not None)
        return owner(sandbox, "ci", id_) == "team-builders"

    wait(tagged_by_the_new)
    assert told.failures == []


def test_the_function_has_the_limits_that_are_deployed(sandbox: Sandbox) -> None:
    sqs = sandbox.client(sandbox.account_session(HUB, HOME_REGION), "sqs")
    found = sqs.get_queue_attributes(QueueUrl=sandbox.queue_url, AttributeNames=["All"])["Attributes"]
    assert found["VisibilityTimeout"] == "1090"
    assert json.loads(found["RedrivePolicy"])["maxReceiveCount"] == 16


def test_the_schedule_that_is_deployed_keeps_the_accounts(sandbox: Sandbox) -> None:
    dynamodb = sandbox.client(sandbox.account_session(HUB, HOME_REGION), "dynamodb")
    kept = KeptAccounts(DynamoDBClient(dynamodb, LEDGER_TABLE))
    wait(kept.read)
    found = kept.read()
    assert found is not None
    assert {persona.account for persona in PERSONAS} <= set(found.names)


def test_a_role_that_does_not_trust_lambda_runs_nothing(sandbox: Sandbox, told: Told) -> None:
    trust = trusting(Principal={"Service": "ec2.amazonaws.com"})
    with changed_role(sandbox, HUB, "ownertag-hub", trust):
        redeploy(sandbox, sandbox.settings_file.read_text("utf-8"))
        wait(lambda: told.failures)
    assert "can't assume" in str(told.failures[0])
