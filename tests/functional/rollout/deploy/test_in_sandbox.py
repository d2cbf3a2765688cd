"""`ownertag deploy` over the sandbox's organization: what it shows, does, goes on with, and takes away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ownertag.cli.app import app
from ownertag.core.settings import read_settings
from ownertag.rollout.deploy.carry_out import Done, carry_out
from ownertag.rollout.deploy.clients import Clients
from ownertag.rollout.deploy.package import read_package
from ownertag.rollout.deploy.prepare import Prepared, prepare
from ownertag.rollout.deploy.steps import to_apply
from ownertag.rollout.deploy.values import Stage, Step
from ownertag.rollout.deploy.way_back import to_destroy
from ownertag.sandbox.deployment import write_package
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox

WEB, DATA = "333333333333", "444444444444"
MEMBERS = {HUB, WEB, DATA, "555555555555", "666666666666"}
# What a deployment may never call, whoever asks it.
UNTAGS = ("ec2:DeleteTags", "tag:UntagResources")


@dataclass(frozen=True)
class Console:
    """The command line of somebody with a profile of the management account."""

    sandbox: Sandbox
    settings: Path
    package: Path

    def __call__(self, command: str, *arguments: str, profile: str = "admin-management") -> tuple[int, str, str]:
        given = ["deploy", command, "--config", str(self.settings), "--profile", profile, *arguments]
        if command != "destroy":
            given += ["--package", str(self.package)]
        answer = CliRunner().invoke(app, given, env={"AWS_CONFIG_FILE": str(self.sandbox.config_file)})
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return answer.exit_code, answer.stdout, answer.stderr

    def objects(self, command: str, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        code, out, err = self(command, "--json", *arguments)
        assert out, err
        return code, [json.loads(line) for line in out.splitlines()]

    def settle(self, **changes: str) -> None:
        """Change the settings, and build the package anew."""
        text = self.settings.read_text("utf-8")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        self.settings.write_text(text, "utf-8")
        write_package(self.package, text)

    def prepared(self) -> Prepared:
        text = self.settings.read_text("utf-8")
        session = self.sandbox.account_session(MANAGEMENT)
        package = read_package(self.package, text)
        settings = read_settings(text, str(self.settings))
        return prepare(session, settings, str(self.settings), package, endpoint_url=self.sandbox.endpoint_url)

    def client(self, account: str, service: str, region: str = HOME_REGION) -> closing[Any]:
        return closing(self.sandbox.client(self.sandbox.account_session(account, region), service))


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        settings, package = tmp_path / "ownertag.toml", tmp_path / "function.zip"
        text = sandbox.settings_file.read_text("utf-8")
        # Two Regions are enough here, and a third that is not ours.
        text = text.replace(
            'regions = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]', f'regions = ["{HOME_REGION}"]'
        )
        settings.write_text(text, "utf-8")
        write_package(package, text)
        yield Console(sandbox, settings, package)


def run(prepared: Prepared, steps: tuple[Step, ...]) -> tuple[Done, ...]:
    organization = prepared.desired.organization
    return carry_out(steps, prepared.clients, organization, lambda *_: None, lambda _: None)


def called(sandbox: Sandbox) -> set[str]:
    return {call for _, call in sandbox.front.calls}


def state(console: Console) -> dict[str, Any]:
    """What is there of ours, in every account."""
    found: dict[str, Any] = {}
    for account in (MANAGEMENT, *MEMBERS):
        with console.client(account, "iam") as iam:
            names = {each["RoleName"] for each in iam.list_roles()["Roles"]}
            found[f"roles in {account}"] = {name for name in names if name.startswith(("ownertag", "auto-tag"))}
        for region in (HOME_REGION, "us-east-1", "us-west-2"):
            with console.client(account, "events", region) as events:
                found[f"rules in {account} {region}"] = {each["Name"] for each in events.list_rules()["Rules"]}
            with console.client(account, "sqs", region) as sqs:
                urls = sqs.list_queues().get("QueueUrls", [])
                found[f"queues in {account} {region}"] = {url.rpartition("/")[2] for url in urls}
    with console.client(MANAGEMENT, "organizations") as organizations:
        policies = organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]
        ours = [each["Id"] for each in policies if each["Name"] == "ownertag"]
        found["policy"] = [
            {target["TargetId"] for target in organizations.list_targets_for_policy(PolicyId=id_)["Targets"]}
            for id_ in ours
        ]
    return found


def test_apply_puts_everything_in_its_place_and_a_second_plan_has_nothing(console: Console) -> None:
    code, steps = console.objects("plan")
    assert code == 1
    assert {step["action"] for step in steps if step["kind"] == "step"} == {"create"}
    hub = next(step for step in steps if step["what"] == "stack ownertag-hub")
    assert {"add AWS::Events::EventBus", "add AWS::Lambda::Function"} <= set(hub["changes"])
    assert not any(found for found in state(console).values())

    code, done = console.objects("apply", "--yes")
    assert code == 0
    assert [each for each in done if each.get("failed")] == []
    found = state(console)
    roles = {"auto-tag-role", "ownertag-forwarder", "ownertag-audit", "ownertag-canary"}
    for account in (MANAGEMENT, *MEMBERS):
        assert found[f"roles in {account}"] - {"ownertag-hub"} == roles
        for region in (HOME_REGION, "us-east-1", "us-west-2"):
            at_hub = (account, region) == (HUB, HOME_REGION)
            rules = {"ownertag-creations-1", "ownertag-tampering"} | ({"hub-ownertag-accounts"} if at_hub else set())
            assert found[f"rules in {account} {region}"] == rules
            assert (found[f"queues in {account} {region}"] == {"ownertag-undelivered"}) != at_hub
    assert found["policy"] == [{console.sandbox.organization.unit}]

    code, steps = console.objects("plan")
    assert code == 0
    assert {step["action"] for step in steps} == {"unchanged"}
    code, _, err = console("apply", "--yes")
    assert (code, "there is nothing to do" in err) == (0, True)


def test_after_an_interruption_at_any_stage_the_next_run_does_the_rest(console: Console) -> None:
    """Each round goes one stage further and ends there, as if the process had been killed between two of its calls."""
    rounds = 0
    while True:
        ready = console.prepared()
        steps = to_apply(ready.desired, ready.current)
        waiting = [step for step in steps if step.task is not None]
        if not waiting:
            break
        first = waiting[0].stage
        done = run(ready, tuple(step for step in waiting if step.stage == first)[:1])
        assert [each.failed for each in done] == [""]
        rounds += 1
        assert rounds < 40
    assert rounds >= len(Stage)
    assert len(state(console)[f"roles in {WEB}"]) == 4


def test_a_stack_that_a_killed_run_left_half_made_is_made_anew(console: Console) -> None:
    ready = console.prepared()
    with console.client(HUB, "cloudformation") as cloudformation:
        cloudformation.create_change_set(
            StackName="ownertag-hub",
            ChangeSetName="left",
            ChangeSetType="CREATE",
            TemplateBody=ready.desired.hub.template,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in ready.desired.hub.parameters.items()
            ],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
    assert console("apply", "--yes")[0] == 0


def test_destroy_takes_it_away_and_leaves_the_tags(console: Console) -> None:
    with console.client(WEB, "ec2", "us-east-1") as ec2:
        volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
        ec2.create_tags(Resources=[volume], Tags=[{"Key": "owner", "Value": "alice"}])
    assert console("apply", "--yes", "--days", "0")[0] == 0
    code, _, err = console("destroy", "--yes")
    assert code == 0, err
    left = {key: found for key, found in state(console).items() if found}
    assert set(left) <= {f"queues in {HUB} {HOME_REGION}"}, left  # the dead letters, where they are retained
    with console.client(WEB, "ec2", "us-east-1") as ec2:
        tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [volume]}])["Tags"]
    assert [(tag["Key"], tag["Value"]) for tag in tags] == [("owner", "alice")]
    assert not called(console.sandbox) & {*UNTAGS}
    ready = console.prepared()
    assert to_destroy(ready.desired, ready.current) == ()
    assert console("apply", "--yes", "--days", "0")[0] == 0


def test_what_changes_is_shown_and_then_is_so(console: Console) -> None:
    assert console("apply", "--yes")[0] == 0
    console.settle(
        **{'WhatIsThis = "https://wiki.internal/ownertag"': 'WhatIsThis = "https://wiki.internal/tags"\nteam = "x"'}
    )
    code, steps = console.objects("plan")
    assert code == 1
    changed = {step["what"]: step for step in steps if step["kind"] == "step" and step["action"] != "unchanged"}
    assert "team" in changed["service control policy ownertag"]["diff"]
    assert '"equals-ignore-case": "team"' in changed["stack set ownertag-spoke-region"]["diff"]
    assert any("PackageKey" in line for line in changed["stack ownertag-hub"]["changes"])
    # A change set names the resource; where only the policy's text differs, that is what it has to name.
    assert any("Tagger" in line for line in changed["stack ownertag-spoke-account"]["changes"])
    assert console("apply", "--yes")[0] == 0
    with console.client(WEB, "iam") as iam:
        held = iam.get_role_policy(RoleName="auto-tag-role", PolicyName="ownertag-tagger")["PolicyDocument"]
    assert "team" in json.dumps(held)
    with console.client(WEB, "events", "us-west-2") as events:
        assert "team" in events.describe_rule(Name="ownertag-tampering")["EventPattern"]
    assert console("plan")[0] == 0


def test_a_region_less_takes_its_rules_away(console: Console) -> None:
    console.settle(**{f'regions = ["{HOME_REGION}"]': f'regions = ["{HOME_REGION}", "eu-west-1"]'})
    assert console("apply", "--yes")[0] == 0
    console.settle(**{', "eu-west-1"]': "]"})
    code, steps = console.objects("plan")
    assert code == 1
    [gone] = [step for step in steps if step["action"] == "delete"]
    assert gone["what"].startswith("stack set ownertag-spoke-region in ou-")
    assert console("apply", "--yes")[0] == 0
    with console.client(WEB, "events", "eu-west-1") as events:
        assert events.list_rules()["Rules"] == []


# --- what is wrong, before anything is changed


def changes(sandbox: Sandbox) -> set[str]:
    """The calls that change something in Organizations, CloudFormation or S3."""
    verbs = ("Create", "Put", "Update", "Delete", "Attach", "Detach", "Enable", "Activate", "Execute")
    return {call for call in called(sandbox) if call.partition(":")[2].startswith(verbs)}


def of_another_organization(console: Console) -> None:
    console.settle(**{f'id = "{console.sandbox.organization.id}"': 'id = "o-somebodyelse"'})


def of_a_hub_without_the_role(console: Console) -> None:
    console.settle(**{f'hub_account = "{HUB}"': f'hub_account = "{DATA}"'})
    deny(console, DATA)


def newer_than_the_package(console: Console) -> None:
    console.settings.write_text(console.settings.read_text("utf-8") + "\n", "utf-8")


def as_they_are(_: Console) -> None:
    pass


WRONG: dict[str, tuple[Callable[[Console], None], str, int, list[str]]] = {
    "another organization": (
        of_another_organization,
        "admin-management",
        2,
        ["the settings are for organization o-somebodyelse", "nothing was changed"],
    ),
    "another account": (
        as_they_are,
        "admin-web",
        2,
        [f"those of account {WEB}", f"management account is {MANAGEMENT}", "--profile"],
    ),
    "no profile": (as_they_are, "nobody", 3, ["AWS can't be used", "nobody"]),
    "an account that may not be touched": (
        of_a_hub_without_the_role,
        "admin-management",
        3,
        [f"account {DATA}", "sts:AssumeRole is missing", "OrganizationAccountAccessRole", "--access-role"],
    ),
    "an old package": (newer_than_the_package, "admin-management", 3, ["built with other settings", "make package"]),
}


@pytest.mark.parametrize(("arrange", "profile", "code", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused_before_anything_is_changed(
    console: Console, arrange: Callable[[Console], Any], profile: str, code: int, said: list[str]
) -> None:
    arrange(console)
    before = changes(console.sandbox)
    ended, out, err = console("apply", "--yes", profile=profile)
    assert (ended, out) == (code, "")
    for text in said:
        assert text in err
    assert changes(console.sandbox) == before


def deny(console: Console, account: str) -> None:
    with console.client(account, "iam") as iam:
        iam.delete_role(RoleName="OrganizationAccountAccessRole")


def test_nobody_is_asked_where_nobody_is(console: Console) -> None:
    before = changes(console.sandbox)
    code, _, err = console("apply")
    assert (code, "repeat with --yes" in err) == (2, True)
    assert changes(console.sandbox) <= before | {"cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet"}


# --- who would be stopped


def test_who_uses_the_protected_keys_is_counted_before_the_policy_comes(console: Console) -> None:
    with closing(console.sandbox.client(console.sandbox.session("alice"), "ec2")) as ec2:
        volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
        for _ in range(2):
            ec2.create_tags(Resources=[volume], Tags=[{"Key": "Owner", "Value": "me"}, {"Key": "Name", "Value": "x"}])
        ec2.delete_tags(Resources=[volume], Tags=[{"Key": "Owner"}])
        ec2.create_tags(Resources=[volume], Tags=[{"Key": "Name", "Value": "y"}])
    code, objects = console.objects("plan")
    assert code == 1
    [use] = [each for each in objects if each["kind"] == "use"]
    assert (use["account"], use["principal"]) == (WEB, f"arn:aws:iam::{WEB}:user/alice")
    assert (use["keys"], use["calls"]) == (["owner"], 3)
    assert datetime.now(UTC) - datetime.fromisoformat(use["last"]) < timedelta(minutes=10)

    code, _, err = console("apply", "--yes")
    assert (code, "would stop 1 principals" in err, "--despite-uses" in err) == (1, True, True)
    assert not state(console)["policy"]
    code, out, _ = console("plan")
    assert f"{WEB}  arn:aws:iam::{WEB}:user/alice: 3 calls with owner" in out
    assert console("apply", "--yes", "--despite-uses")[0] == 0
    assert state(console)["policy"]


def test_an_account_whose_history_can_not_be_read_is_listed_as_not_known(console: Console) -> None:
    deny(console, WEB)
    _, objects = console.objects("plan")
    [unread] = [each for each in objects if each["kind"] == "unread"]
    assert unread["account"] == WEB
    assert "sts:AssumeRole is missing" in unread["reason"]


# --- one account that fails


def test_an_account_that_can_not_be_deployed_to_is_named_and_the_others_go_on(console: Console) -> None:
    with console.client(WEB, "iam") as iam:  # somebody has a role of that name already
        iam.create_role(RoleName="auto-tag-role", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    code, _, err = console("apply", "--yes")
    assert code == 3
    assert f"{WEB} {HOME_REGION}: " in err
    found = state(console)
    assert found[f"roles in {DATA}"] >= {"auto-tag-role", "ownertag-forwarder"}
    assert found[f"rules in {DATA} us-west-2"]
    with console.client(WEB, "iam") as iam:
        iam.delete_role(RoleName="auto-tag-role")
    assert console("apply", "--yes")[0] == 0
    assert console("plan")[0] == 0


def test_what_was_deleted_by_hand_is_made_anew_and_loses_nothing(console: Console) -> None:
    assert console("apply", "--yes")[0] == 0
    with console.client(WEB, "iam") as iam:
        for name in iam.list_role_policies(RoleName="auto-tag-role")["PolicyNames"]:
            iam.delete_role_policy(RoleName="auto-tag-role", PolicyName=name)
        iam.delete_role(RoleName="auto-tag-role")
    assert console("plan")[0] == 0  # CloudFormation does not see it
    with console.client(WEB, "sqs", "us-east-1") as sqs:
        url = sqs.get_queue_url(QueueName="ownertag-undelivered")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="an event")
        code, _, err = console("apply", "--yes", "--again", WEB)
        assert (code, "1 events wait in queue ownertag-undelivered in us-east-1" in err) == (3, True)
        sqs.purge_queue(QueueUrl=url)
    assert console("apply", "--yes", "--again", WEB)[0] == 0
    assert len(state(console)[f"roles in {WEB}"]) == 4
    assert console("plan")[0] == 0
    code, _, err = console("plan", "--again", "999999999999")
    assert (code, "999999999999: is not one of those that ownertag is deployed to" in err) == (3, True)


def test_clients_are_of_the_account_that_was_asked_for(console: Console) -> None:
    organization = console.prepared().desired.organization
    clients = Clients(
        console.sandbox.account_session(MANAGEMENT), organization, endpoint_url=console.sandbox.endpoint_url
    )
    for account in (MANAGEMENT, HUB, WEB):
        assert clients.of(account, "sts").get_caller_identity()["Account"] == account
