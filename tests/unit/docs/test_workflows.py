"""The workflows run what is there, may do no more than they need, and run actions that nobody can change under them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def workflow(name: str) -> dict[Any, Any]:
    """A workflow; YAML reads its key `on` as true."""
    found: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text("utf-8"))
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in workflow(path.name)["jobs"].values() for step in job["steps"]]


def targets(path: Path) -> list[str]:
    """The targets of make that a workflow runs."""
    return [found for step in steps(path) for found in re.findall(r"make ([\w-]+)", step.get("run", ""))]


def test_they_are_those_of_a_change_and_of_a_release() -> None:
    assert [path.name for path in WORKFLOWS] == ["dist.yml", "test.yml"]
    assert targets(ROOT / ".github/workflows/test.yml") == ["test"]
    assert targets(ROOT / ".github/workflows/dist.yml") == ["dist", "package", "terraform-archive", "docs"]
    assert workflow("dist.yml")[True] == {"push": {"tags": ["v*"]}}
    assert {"push", "pull_request"} == set(workflow("test.yml")[True])


def test_the_earliest_python_and_lambdas_are_tried() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    [earliest] = re.findall(r'requires-python = ">=([\d.]+)"', text)
    [lambdas] = re.findall(
        r"LAMBDA_PYTHON = \((\d+, \d+)\)", (ROOT / "src/ownertag/rollout/package/targets.py").read_text()
    )
    lambdas = lambdas.replace(", ", ".")
    assert workflow("test.yml")["jobs"]["test"]["strategy"]["matrix"]["python"] == [earliest, lambdas]
    [made] = [
        step["with"]["python-version"] for step in steps(WORKFLOWS[0]) if "python-version" in step.get("with", {})
    ]
    assert made == lambdas


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_targets_that_are_there_and_nothing_else(path: Path) -> None:
    ran = [step["run"] for step in steps(path) if "run" in step]
    assert ran
    for line in ran:
        found = re.fullmatch(r'make ([\w-]+) PYTHON=python( TAG="\$GITHUB_REF_NAME")?', line)
        assert found, line
        assert found[1] in TARGETS, line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_and_no_more(path: Path) -> None:
    found = workflow(path.name)
    assert found["permissions"] == {"contents": "read"}
    assert not [job for job in found["jobs"].values() if "permissions" in job]
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
    # What somebody else may write, such as the name of a branch, is no part of a script.
    assert not re.search(r"run:.*\$\{\{|secrets\.", path.read_text("utf-8"))
    assert "pull_request_target" not in path.read_text("utf-8")
    assert all(job["timeout-minutes"] <= 60 for job in found["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_action_is_named_by_its_commit_with_the_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: (.+)$", path.read_text("utf-8"), re.MULTILINE)
    assert len(used) == sum("uses" in step for step in steps(path))
    for line in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_all_workflows_name_the_same_commit_of_an_action() -> None:
    used = {line for path in WORKFLOWS for line in re.findall(r"uses: (.+)$", path.read_text("utf-8"), re.MULTILINE)}
    assert len(used) == len({line.partition("@")[0] for line in used})
