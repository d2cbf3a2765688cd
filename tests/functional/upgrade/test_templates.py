"""What the templates and the Terraform module deploy is updated in place: what holds messages, entries or keys stays.

CloudFormation replaces a resource if its logical id or a property that only a creation can set is another one (doc:
CloudFormation, "Update behaviors of stack resources"); which properties those are says each type's schema, as cfn-lint
has it. A property that comes from a parameter or another resource counts as it is written.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from harness.releases import ROOT
from upgrade.versions import Version, Versions, versions

#: Whose loss would lose messages, entries, keys or what others point to.
HOLDING = {
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
}
#: By how much of a resource they keep.
_POLICIES = ("Delete", "RetainExceptOnCreate", "Retain")
_REGION = "eu-central-1"


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    return versions(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def rendered(of: Versions, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The templates of both versions, from the same settings, by version and name."""
    return {version.name: dict(_templates(version, tmp_path_factory.mktemp("infra"))) for version in (of.old, of.new)}


def _templates(version: Version, folder: Path) -> Iterator[tuple[str, Any]]:
    code = "from ownertag.cli.main import run; run()"
    command = ["render", "infra", "--config", str(ROOT / "infra" / "ownertag.toml"), "--output-dir", str(folder)]
    subprocess.run([sys.executable, "-c", code, *command], env=version.environment({}), check=True, capture_output=True)
    for path in sorted(folder.glob("*/template.yaml")):
        template, problems = decode(str(path))
        assert not problems
        yield path.parent.name, template


def replaced(old: Any, new: Any) -> list[str]:
    """What holds data in the old template and does not live on in the new one, and why."""
    found = []
    for name, resource in old["Resources"].items():
        type_ = resource["Type"]
        if type_ not in HOLDING:
            continue
        now = new["Resources"].get(name)
        if now is None or now["Type"] != type_:
            found.append(f"{name}: is gone")
            continue
        for property_ in _create_only(type_):
            before, after = (one.get("Properties", {}).get(property_) for one in (resource, now))
            if before != after:
                found.append(f"{name}: {property_} is another one")
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            before, after = (_POLICIES.index(one.get(policy, "Delete")) for one in (resource, now))
            if after < before and not (policy == "DeletionPolicy" and after):
                found.append(f"{name}: its {policy} keeps less")
    return found


def _create_only(type_: str) -> set[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(_REGION, type_).schema
    paths = [*schema.get("createOnlyProperties", ()), *schema.get("conditionalCreateOnlyProperties", ())]
    return {path.split("/")[2] for path in paths}


def test_nothing_that_holds_data_is_replaced(of: Versions, rendered: dict[str, dict[str, Any]]) -> None:
    old, new = rendered[of.old.name], rendered[of.new.name]
    assert set(old) <= set(new)
    seen = {resource["Type"] for template in old.values() for resource in template["Resources"].values()} & HOLDING
    assert seen >= {"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Events::EventBus"}
    assert {name: replaced(old[name], new[name]) for name in old} == {name: [] for name in old}


def test_nothing_that_holds_data_is_replaced_on_the_way_back(of: Versions, rendered: dict[str, dict[str, Any]]) -> None:
    """What only the new version has may go; it is named here, so that nobody loses anything by a rollback unseen."""
    old, new = rendered[of.old.name], rendered[of.new.name]
    assert {name: replaced(new[name], old[name]) for name in old} == {name: [] for name in old}


def test_a_replacement_would_be_seen(of: Versions, rendered: dict[str, dict[str, Any]]) -> None:
    hub = rendered[of.old.name]["hub"]
    queue = next(name for name, one in hub["Resources"].items() if one["Type"] == "AWS::SQS::Queue")
    table = next(name for name, one in hub["Resources"].items() if one["Type"] == "AWS::DynamoDB::Table")
    renamed = {**hub["Resources"][queue], "Properties": {"QueueName": "another"}}
    deletable = {**hub["Resources"][table], "DeletionPolicy": "Delete"}
    for name, resource, said in (
        (queue, renamed, f"{queue}: QueueName is another one"),
        (table, deletable, f"{table}: its DeletionPolicy keeps less"),
    ):
        assert replaced(hub, {"Resources": {**hub["Resources"], name: resource}}) == [said]
    without = {name: one for name, one in hub["Resources"].items() if name != table}
    assert replaced(hub, {"Resources": without}) == [f"{table}: is gone"]


#: The stacks that the release's module makes, by file: Terraform replaces what has another address.
STACKS = {
    "hub.tf": {"aws_cloudformation_stack.hub"},
    "management.tf": {"aws_cloudformation_stack.management_roles"},
    "region/main.tf": {"aws_cloudformation_stack.rules"},
    "spokes.tf": {"aws_cloudformation_stack_set.spokes"},
}
_BLOCK = re.compile(r'^resource "(\w+)" "(\w+)"', re.MULTILINE)
_MOVED = re.compile(r"^\s*from\s*= ([\w.]+)", re.MULTILINE)


@pytest.mark.parametrize("file", STACKS)
def test_terraform_keeps_the_addresses_of_its_stacks(file: str) -> None:
    """The module deploys the same templates. What a `moved` block names is the same under another address."""
    text = (ROOT / "infra" / "terraform" / file).read_text("utf-8")
    assert STACKS[file] <= {*(".".join(block) for block in _BLOCK.findall(text)), *_MOVED.findall(text)}
