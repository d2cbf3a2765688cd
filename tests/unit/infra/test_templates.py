"""The templates are current, sound, and name everybody who must write to a queue or topic."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import convert
from typer.testing import CliRunner

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.app import app
from ownertag.core.settings import Settings, SettingsError
from ownertag.core.settings_file import read_settings
from ownertag.flows.reconcile.legs import LONGEST, ReconcileOrder
from ownertag.handler.telemetry import NAMESPACE
from ownertag.handler.wiring import KEEP_ACCOUNTS
from ownertag.render.documents import RECONCILE_FUNCTION, RECONCILE_RULE, RULE_PREFIX
from ownertag.render.infra import check_deployable, templates
from ownertag.render.pages import terraform_ignore_tags, why_page
from ownertag.rollout.doctor.access import declared_in
from ownertag.rollout.doctor.expected import expected
from ownertag.sandbox.schedules import interval
from ownertag.sources.organization import STALE

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
CONFIG = INFRA / "ownertag.toml"
TEMPLATES = sorted(INFRA.glob("*/template.yaml"))


def settings(**changes: str) -> Settings:
    text = CONFIG.read_text("utf-8")
    for old, new in changes.items():
        text = text.replace(old, new)
    return read_settings(text, "ownertag.toml")


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as {tag: value}."""


def _short_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {tag: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


def resources(name: str) -> dict[str, Any]:
    document = yaml.load((INFRA / name / "template.yaml").read_text("utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    found = document["Resources"]
    assert isinstance(found, dict)
    return found


def of_type(name: str, kind: str) -> dict[str, dict[str, Any]]:
    return {key: resource["Properties"] for key, resource in resources(name).items() if resource["Type"] == kind}


def test_what_is_committed_is_what_is_rendered() -> None:
    found = settings()
    rendered = templates(load_catalogue(), found, check_deployable(found, "ownertag.toml"))
    committed = [path for folder in ("hub", "management", "spoke_*") for path in INFRA.glob(f"{folder}/*.*")]
    assert {str(path.relative_to(INFRA)) for path in committed} == set(rendered)
    for name, text in rendered.items():
        assert (INFRA / name).read_text("utf-8") == text, f"{name} is stale: run `make generate`"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.parent.name)
def test_doctor_reads_the_logical_names_that_yaml_has(path: Path) -> None:
    assert declared_in(path.read_text("utf-8")) == set(resources(path.parent.name))


def test_doctor_expects_the_values_of_the_hubs_template() -> None:
    found = settings()
    wanted = expected(load_catalogue(), found, check_deployable(found, "ownertag.toml"))
    hub = {name: resource["Properties"] for name, resource in resources("hub").items() if "Properties" in resource}
    alarms = {name: alarm["AlarmName"] for name, alarm in of_type("hub", "AWS::CloudWatch::Alarm").items()}
    assert (wanted.architecture, wanted.timeout) == (*hub["Function"]["Architectures"], hub["Function"]["Timeout"])
    assert wanted.visibility == hub["Queue"]["VisibilityTimeout"]
    assert wanted.receives == hub["Queue"]["RedrivePolicy"]["maxReceiveCount"]
    assert wanted.oldest == hub["AgeAlarm"]["Threshold"]
    assert wanted.alarms == alarms


def test_doctor_names_the_roles_as_the_template_does() -> None:
    found = settings()
    wanted = expected(load_catalogue(), found, check_deployable(found, "ownertag.toml"))
    roles = {role["RoleName"]: name for name, role in of_type("spoke_account", "AWS::IAM::Role").items()}
    assert {name: role.logical for name, role in wanted.roles.items()} == roles


@pytest.mark.parametrize("path", sorted(INFRA.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name} {path.stem}")
def test_cfn_lint_finds_nothing(path: Path) -> None:
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--include-checks", "I", "--", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stdout


def test_a_creation_that_fails_leaves_nothing_that_blocks_the_next() -> None:
    """What is retained goes with a creation that is rolled back, and the ledger, which can't, comes after all else."""
    hub = resources("hub")
    kept = {name: resource["DeletionPolicy"] for name, resource in hub.items() if "DeletionPolicy" in resource}
    assert {name for name, policy in kept.items() if policy == "RetainExceptOnCreate"} == {"DeadLetters", "Log"}
    assert {name for name, policy in kept.items() if policy == "Retain"} == {"Ledger"}
    # A subscription depends on a parameter, and on nothing but the topic: it is there long before.
    assert _before("Ledger", hub) | {"AlarmMail"} == {*hub} - {"Ledger"}


def test_an_import_takes_over_what_is_retained_and_would_delete_none_of_it() -> None:
    document = yaml.load((INFRA / "hub/retained.yaml").read_text("utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    assert set(document) == {"AWSTemplateFormatVersion", "Description", "Resources"}
    hub = resources("hub")
    kept = {name for name, resource in hub.items() if resource.get("DeletionPolicy", "").startswith("Retain")}
    assert set(document["Resources"]) == kept
    for name, resource in document["Resources"].items():
        assert resource == {
            **{key: value for key, value in hub[name].items() if key != "DependsOn"},
            "DeletionPolicy": "Retain",
        }


def _before(name: str, found: dict[str, Any]) -> set[str]:
    named = found[name].get("DependsOn", [])
    near = {*([named] if isinstance(named, str) else named)}
    text = re.sub(r"[\s\[\]']", "", str(found[name]))
    near |= {other for other in found if re.search(rf"(Ref|GetAtt):{other}\b", text)}
    near -= {name}
    return near.union(*(_before(other, found) for other in near))


def test_the_silence_alarm_is_silent_until_it_is_a_day_old_and_then_tells_of_a_day() -> None:
    alarm = of_type("hub", "AWS::CloudWatch::Alarm")["SilenceAlarm"]
    day = 24 * 60
    warm_up = alarm["WarmUpConfiguration"]
    assert warm_up == {"WarmUpPeriodDurationInMinutes": day, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": True}
    assert alarm["Period"] * alarm["EvaluationPeriods"] == day * 60
    # CloudWatch looks back at a few periods more than are asked for: a silence must not be told days late.
    assert alarm["Period"] <= 3600
    assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.parent.name)
def test_a_stack_set_takes_the_template(path: Path) -> None:
    """Service-managed stack sets take no nested stacks, macros or transforms, and 51,200 bytes inline."""
    text = path.read_text("utf-8")
    assert not re.search(r"^Transform:|Fn::Transform", text, re.MULTILINE)
    assert "AWS::CloudFormation::Stack" not in text
    assert "@" not in text
    assert len(text.encode()) <= 51_200


def test_a_message_stays_away_for_six_times_the_timeout_and_the_window() -> None:
    function = of_type("hub", "AWS::Lambda::Function")["Function"]
    [source] = of_type("hub", "AWS::Lambda::EventSourceMapping").values()
    queue = of_type("hub", "AWS::SQS::Queue")["Queue"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"] + source["MaximumBatchingWindowInSeconds"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert function["Timeout"] == 180


@pytest.mark.parametrize("name", ["hub", "spoke_region"])
def test_every_queue_is_encrypted_and_lets_our_rules_write(name: str) -> None:
    queues = of_type(name, "AWS::SQS::Queue")
    [policy] = of_type(name, "AWS::SQS::QueuePolicy").values()
    allow, deny = policy["PolicyDocument"]["Statement"]
    named = json.dumps(allow["Resource"])
    for queue in queues.values():
        assert queue["SqsManagedSseEnabled"] is True
        assert f":{queue['QueueName']}" in named
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    assert "aws:SourceArn" in allow["Condition"]["ArnLike"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_alarm_topic_has_a_key_that_cloudwatch_may_use() -> None:
    [topic] = of_type("hub", "AWS::SNS::Topic").values()
    [key] = of_type("hub", "AWS::KMS::Key").values()
    [policy] = of_type("hub", "AWS::SNS::TopicPolicy").values()
    assert topic["KmsMasterKeyId"] == {"Ref": "AlarmKey"}
    for document, action in ((key["KeyPolicy"], "kms:GenerateDataKey*"), (policy["PolicyDocument"], "sns:Publish")):
        services = [
            statement
            for statement in document["Statement"]
            if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        ]
        assert any(action in service["Action"] for service in services)


def test_every_alarm_tells_the_topic_and_says_what_to_do() -> None:
    alarms = of_type("hub", "AWS::CloudWatch::Alarm")
    assert {alarm["MetricName"] for alarm in alarms.values()} == {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
        "Errors",
        "Unexpected",
        "Refused.response-omitted",
        "MatchedEvents",
        "MissedCreations",
    }
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
        assert len(alarm["AlarmDescription"]) > 20


def test_every_rule_has_a_role_and_a_queue_for_what_it_can_not_deliver() -> None:
    rules = of_type("spoke_region", "AWS::Events::Rule")
    assert rules
    for rule in rules.values():
        [target] = rule["Targets"]
        assert target["RoleArn"]
        assert target["DeadLetterConfig"]["Arn"] == {"GetAtt": "DeadLetters.Arn"}
        assert rule["State"] == "ENABLED"


def test_the_schedule_keeps_the_accounts_in_time_even_if_it_fails_twice() -> None:
    rule = of_type("hub", "AWS::Events::Rule")["AccountsRule"]
    permission = of_type("hub", "AWS::Lambda::Permission")["AccountsPermission"]
    [target] = rule["Targets"]
    assert json.loads(target["Input"]) == KEEP_ACCOUNTS
    assert target["Arn"] == {"GetAtt": "Function.Arn"}
    # The policy lets StackSets alone change rules of that name, and the hub's stack is deployed by others.
    assert not rule["Name"].startswith(RULE_PREFIX)
    assert permission["SourceArn"] == {"Fn::GetAtt": ["AccountsRule", "Arn"]}
    seconds = interval(rule["ScheduleExpression"])
    assert seconds
    assert 3 * timedelta(seconds=seconds) <= STALE


def test_reconciling_begins_every_day_in_a_function_of_its_own_with_the_same_package() -> None:
    functions = of_type("hub", "AWS::Lambda::Function")
    function, own = functions["ReconcileFunction"], functions["Function"]
    same = ("Code", "Environment", "Handler", "Role", "Runtime", "Architectures")
    assert {key: function[key] for key in same} == {key: own[key] for key in same}
    assert (function["FunctionName"], function["Timeout"]) == (RECONCILE_FUNCTION, 900)
    # Legs invoke one another, and none of the account's concurrency is set aside for them.
    assert (function["RecursiveLoop"], "ReservedConcurrentExecutions" in function) == ("Allow", False)
    rule = of_type("hub", "AWS::Events::Rule")["ReconcileRule"]
    [target] = rule["Targets"]
    assert convert(json.loads(target["Input"])["reconcile"], ReconcileOrder) == ReconcileOrder()
    assert (rule["Name"], rule["State"]) == (RECONCILE_RULE, "ENABLED")
    assert not rule["Name"].startswith(RULE_PREFIX)
    assert target["Arn"] == {"GetAtt": "ReconcileFunction.Arn"}
    assert timedelta(days=1) > LONGEST  # a chain has ended when the next one begins
    permission = of_type("hub", "AWS::Lambda::Permission")["ReconcilePermission"]
    assert permission["SourceArn"] == {"Fn::GetAtt": ["ReconcileRule", "Arn"]}


def test_the_alarm_on_missed_creations_reads_the_metric_that_is_written() -> None:
    alarm = of_type("hub", "AWS::CloudWatch::Alarm")["MissedCreationsAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == (NAMESPACE, "MissedCreations", 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('WhatIsThis = "https://wiki.internal/ownertag"', "", "no tag links to a page"),
        ("wiki.internal", "wiki.example.com", "no tag links to a page"),
        ("https://wiki.internal/ownertag", "wiki.internal", "no tag links to a page"),
        ("[organization]", "[trust]\n[organization]", ""),
    ],
    ids=["no link", "an example address", "no address", "fine"],
)
def test_a_link_must_be_there_and_must_be_real(old: str, new: str, said: str) -> None:
    found = settings(**{old: new})
    if not said:
        assert check_deployable(found, "x").id == "o-a1b2c3d4e5"
        return
    with pytest.raises(SettingsError, match=said):
        check_deployable(found, "ownertag.toml")


def test_settings_without_an_organization_can_not_be_deployed(tmp_path: Path) -> None:
    config = tmp_path / "ownertag.toml"
    config.write_text('[tags]\nowner = "{owner}"\nWhatIsThis = "https://wiki.internal/x"\n')
    answer = CliRunner().invoke(
        app, ["render", "infra", "--config", str(config), "--output-dir", str(tmp_path / "out")]
    )
    assert answer.exit_code == 2
    assert "[organization] is missing" in answer.stderr
    assert not (tmp_path / "out").exists()


def test_other_teams_are_told_what_the_tags_are_and_how_to_leave_them_alone() -> None:
    found = settings()
    block = terraform_ignore_tags(found)
    assert 'keys = ["owner", "dateCreated", "WhatIsThis"]' in block
    page = why_page(found)
    assert block.strip() in page
    for key in found.tags:
        assert f"| `{key}` |" in page


def test_all_that_keeps_settings_from_being_deployed_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        check_deployable(read_settings("", "x"), "ownertag.toml")
    assert [line.split(":")[1].split(" ")[1] for line in str(refused.value).splitlines()] == [
        "[organization]",
        "[tags]",
    ]
