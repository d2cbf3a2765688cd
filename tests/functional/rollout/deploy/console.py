"""A command line with a profile of the management account, in an organization without ownertag."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from ownertag.aws.credentials import CallerSession
from ownertag.cli.app import app
from ownertag.core.settings_file import read_settings
from ownertag.rollout.deploy.current import Prepared, prepare
from ownertag.rollout.deploy.execute import StepResult, execute
from ownertag.rollout.deploy.package import read_package
from ownertag.rollout.deploy.values import Step
from ownertag.sandbox.deployment import write_package
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox

WEB, DATA = "333333333333", "444444444444"
MEMBERS = {HUB, WEB, DATA, "555555555555", "666666666666"}
#: The Regions of the settings, as they stand there.
REGIONS = f'regions = ["{HOME_REGION}", "us-east-1", "us-west-2"]'
# What a deployment may never call, whoever asks it.
UNTAGS = ("ec2:DeleteTags", "tag:UntagResources")


@dataclass(frozen=True)
class Console:
    """The command line with a profile of the management account; the preflight is left out unless asked for.

    `columns`: how wide what is printed may be; as it is where that is empty.
    """

    sandbox: Sandbox
    settings: Path
    package: Path
    preflight: bool = False
    columns: str = ""

    def __call__(self, command: str, *arguments: str, profile: str = "admin-management") -> tuple[int, str, str]:
        given = ["deploy", command, "--config", str(self.settings), "--profile", profile, *arguments]
        if command != "destroy":
            given += ["--package", str(self.package), *([] if self.preflight else ["--skip-preflight"])]
        environment = {"AWS_CONFIG_FILE": str(self.sandbox.config_file), "OWNERTAG_COLUMNS": self.columns}
        answer = CliRunner().invoke(app, given, env=environment)
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return answer.exit_code, answer.stdout, answer.stderr

    def objects(self, command: str, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        code, out, err = self(command, "--json", *arguments)
        assert out, err
        return code, [json.loads(line) for line in out.splitlines()]

    def settle(self, **changes: str) -> None:
        """Changes the settings, and builds the package anew."""
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
        return prepare(CallerSession(session, self.sandbox.endpoint_url), settings, str(self.settings), package)

    def client(self, account: str, service: str, region: str = HOME_REGION) -> closing[Any]:
        return closing(self.sandbox.client(self.sandbox.account_session(account, region), service))


def at_console(sandbox: Sandbox, folder: Path) -> Console:
    """The settings of a sandbox and a package of them, in a folder of their own."""
    settings, package = folder / "ownertag.toml", folder / "function.zip"
    text = sandbox.settings_file.read_text("utf-8")
    # Three Regions are enough here, and a fourth that is not ours.
    text = text.replace('regions = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]', REGIONS)
    settings.write_text(text, "utf-8")
    write_package(package, text)
    return Console(sandbox, settings, package)


def few(console: Console, *regions: str) -> None:
    """Has the settings name the home Region and these: where stacks are told apart by account, few are enough."""
    console.settle(**{REGIONS: f"regions = {json.dumps([HOME_REGION, *regions])}"})


def told(objects: list[dict[str, Any]]) -> dict[str, set[tuple[str | None, str | None]]]:
    """The accounts and Regions that a plan leaves out, by the reason."""
    return {
        note["why"]: {(place["account"], place["region"]) for place in note["places"]}
        for note in objects
        if note["kind"] == "left-out"
    }


def instances(console: Console, name: str = "ownertag-spoke-region") -> dict[tuple[str, str], dict[str, Any]]:
    """The instances of a stack set, as AWS lists them."""
    with console.client(MANAGEMENT, "cloudformation") as cloudformation:
        found = cloudformation.list_stack_instances(StackSetName=name)["Summaries"]
    return {(instance["Account"], instance["Region"]): instance for instance in found}


def stack_sets(console: Console) -> set[str]:
    """The stack sets that are there."""
    with console.client(MANAGEMENT, "cloudformation") as cloudformation:
        found = cloudformation.list_stack_sets()["Summaries"]
    return {stack_set["StackSetName"] for stack_set in found if stack_set["Status"] == "ACTIVE"}


def run(prepared: Prepared, steps: tuple[Step, ...]) -> tuple[StepResult, ...]:
    organization = prepared.desired.organization
    return execute(steps, prepared.clients, organization, lambda *_: None, lambda _: None)


def called(sandbox: Sandbox) -> set[str]:
    return {call for _, call in sandbox.front.calls}


def state(console: Console) -> dict[str, Any]:
    """ownertag's stacks and policies in every account."""
    found: dict[str, Any] = {}
    for account in (MANAGEMENT, *MEMBERS):
        with console.client(account, "iam") as iam:
            names = {role["RoleName"] for role in iam.list_roles()["Roles"]}
            found[f"roles in {account}"] = {name for name in names if name.startswith(("ownertag", "auto-tag"))}
        for region in (HOME_REGION, "us-east-1", "us-west-2"):
            with console.client(account, "events", region) as events:
                found[f"rules in {account} {region}"] = {rule["Name"] for rule in events.list_rules()["Rules"]}
            with console.client(account, "sqs", region) as sqs:
                urls = sqs.list_queues().get("QueueUrls", [])
                found[f"queues in {account} {region}"] = {url.rpartition("/")[2] for url in urls}
    with console.client(MANAGEMENT, "organizations") as organizations:
        policies = organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]
        ours = [policy["Id"] for policy in policies if policy["Name"].startswith("ownertag")]
        found["policy"] = [
            {target["TargetId"] for target in organizations.list_targets_for_policy(PolicyId=id_)["Targets"]}
            for id_ in ours
        ]
    return found


def changes(sandbox: Sandbox) -> set[str]:
    """The calls that change something in Organizations, CloudFormation or S3."""
    verbs = ("Create", "Put", "Update", "Delete", "Attach", "Detach", "Enable", "Activate", "Execute")
    return {call for call in called(sandbox) if call.partition(":")[2].startswith(verbs)}


def deny(console: Console, account: str) -> None:
    with console.client(account, "iam") as iam:
        iam.delete_role(RoleName="OrganizationAccountAccessRole")
