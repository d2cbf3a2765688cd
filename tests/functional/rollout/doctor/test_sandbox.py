"""Doctor over a deployment by `ownertag deploy` in the sandbox: healthy, broken by hand, and its canary."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import fixtures
from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.app import app
from ownertag.render.patterns import spoke_rules
from ownertag.rollout.doctor.findings import Check
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.personas import ACCOUNTS, HUB, MANAGEMENT, REGIONS
from ownertag.sandbox.sandbox import Sandbox

MEMBER, OTHER = "333333333333", "444444444444"
Findings = list[dict[str, Any]]
Run = Callable[..., tuple[int, Findings]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(lambda _: None)) as running:
        yield running


@pytest.fixture
def run(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(sandbox.config_file))

    def run(*arguments: str) -> tuple[int, Findings]:
        where = ["--config", str(sandbox.settings_file), "--profile", f"admin-{ACCOUNTS[HUB]}"]
        answer = CliRunner().invoke(app, ["doctor", *where, "--json", *arguments])
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.stderr
        return answer.exit_code, [json.loads(line) for line in answer.stdout.splitlines()]

    return run


def of(findings: Findings, state: str) -> set[tuple[str, str | None, str]]:
    return {
        (finding["account"], finding["region"], finding["check"]) for finding in findings if finding["state"] == state
    }


#: What the emulator's CloudFormation does not make: policies of queues and of the bus, alarms, subscriptions.
NOT_MADE = {Check.UNDELIVERED, Check.QUEUE_POLICY, Check.BUS, Check.ALARMS, Check.ALARM_TOPIC}


def test_what_was_deployed_is_well_or_said_not_to_be_checkable(run: Run) -> None:
    code, findings = run()
    assert (code, of(findings, "fault"), of(findings, "unreached")) == (0, set(), set())
    assert {check for *_, check in of(findings, "not checkable")} <= NOT_MADE
    places = {(account, region) for account in ACCOUNTS for region in (None, *REGIONS)}
    assert {(account, region) for account, region, _ in of(findings, "ok")} == places
    well = {check for *_, check in of(findings, "ok")}
    assert well >= set(Check) - NOT_MADE - {Check.CANARY, Check.CANARY_FINDING}


def test_a_canary_goes_the_whole_way(run: Run, sandbox: Sandbox) -> None:
    session = sandbox.account_session(HUB, "eu-central-1")
    sns, sqs = sandbox.client(session, "sns"), sandbox.client(session, "sqs")
    topic = f"arn:aws:sns:eu-central-1:{HUB}:ownertag-alarms"
    place = ("--canary", "--canary-timeout", "60")
    for subscription in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    code, [finding, sent] = run(*place)
    assert (code, finding["check"], finding["state"]) == (1, "canary", "ok"), finding
    assert (sent["check"], sent["state"]) == ("canary-finding", "fault"), sent
    assert sent["seen"].endswith("but nobody hears of it: the topic has no subscription")

    url = sqs.create_queue(QueueName="mail")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:eu-central-1:{HUB}:mail")
    code, [finding, sent] = run(*place)
    assert (code, finding["check"], finding["state"]) == (0, "canary", "ok"), finding
    assert finding["seen"].startswith("tagged ")
    assert (sent["check"], sent["state"]) == ("canary-finding", "ok"), sent
    assert "taken by the bus and by topic ownertag-alarms" in sent["seen"]
    assert "not seen: that a mail was read" in sent["advice"]
    [mail] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(mail["Body"])["Subject"] == f"ownertag: this is a test, account {MEMBER}"
    # The first member account, in the home Region; and nothing is left.
    assert (finding["account"], finding["region"]) == (MEMBER, "eu-central-1")
    ec2 = sandbox.client(sandbox.account_session(MEMBER), "ec2")
    assert ec2.describe_placement_groups()["PlacementGroups"] == []


def delete_role(iam: Any, role: str) -> None:
    """Deletes a role, and what it has."""
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=role)


def test_a_spoke_that_is_broken_by_hand_is_named(run: Run, sandbox: Sandbox) -> None:
    narrow = ("--accounts", f"{MEMBER},{OTHER},{MANAGEMENT}", "--regions", "us-east-1")
    events = sandbox.client(sandbox.account_session(MEMBER, "us-east-1"), "events")
    rules = spoke_rules(load_catalogue(), fixtures.settings())
    [rule] = [name for name, pattern in rules.items() if '"CreatePlacementGroup"' in json.dumps(pattern)]
    events.disable_rule(Name=rule)
    iam = sandbox.client(sandbox.account_session(OTHER), "iam")
    delete_role(iam, "auto-tag-role")
    code, findings = run(*narrow)
    assert code == 1
    assert of(findings, "fault") == {(MEMBER, "us-east-1", "rule"), (OTHER, None, "tagger-role")}

    delete_role(iam, "ownertag-audit")
    code, findings = run(*narrow)
    assert code == 3
    assert of(findings, "unreached") == {(OTHER, None, "audit-role")}
    assert of(findings, "fault") == {(MEMBER, "us-east-1", "rule")}

    # Its canary waits in vain where the rule is off.
    place = ("--canary-account", MEMBER, "--canary-region", "us-east-1", "--canary-timeout", "3")
    code, [finding] = run("--canary", *place)  # and no finding is waited for in vain
    assert (code, finding["state"]) == (1, "fault")
    assert "ownertag-undelivered" in finding["advice"]
