"""What can not be broken in the sandbox: its commands are at least known to the AWS CLI and to ours, with options."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ownertag.cli.app import app
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.checks_organization import check_organization
from ownertag.rollout.doctor.commands import Caller, line
from ownertag.rollout.doctor.findings import Finding
from rollout.doctor import healthy, test_checks, test_checks_hub, test_checks_organization
from rollout.doctor.broken import NOT_HERE
from rollout.doctor.healthy import MANAGEMENT, REGIONS, wanted

AWS = Path(__file__).parents[4] / ".venv-awscli" / "bin" / "aws"
CALLER = Caller(MANAGEMENT, {}, "ownertag.toml", "http://127.0.0.1:9")
#: Version 2 of the AWS CLI alone has it; the one here is of version 1.
ONLY_IN_VERSION_2 = {("aws", "logs", "tail")}


def _findings() -> Iterator[Finding]:
    for changes, *_ in test_checks.FAULTS.values():
        yield from test_checks.check(test_checks.place(**changes))
    for changes, *_ in test_checks_hub.FAULTS.values():
        yield from test_checks_hub.bad(**changes)
    for facts, *_ in test_checks_organization.FAULTS.values():
        yield from check_organization(facts, wanted(), REGIONS)


@cache
def commands() -> dict[Cause, list[str]]:
    """Each command that the tables of single faults bring about, by its cause."""
    found: dict[Cause, list[str]] = {}
    for finding in _findings():
        for command in finding.commands:
            typed = line(command, CALLER)
            if finding.cause and typed not in found.setdefault(finding.cause, []):
                found[finding.cause].append(typed)
    return found


@pytest.mark.parametrize(
    "cause",
    [
        # A command that calls no AWS, and so has other options, always.
        pytest.param(cause, marks=[] if cause is Cause.TIERS else pytest.mark.full)
        for cause in sorted({*commands()} & {*NOT_HERE})
    ],
)
def test_its_commands_are_understood(cause: Cause) -> None:
    for typed in commands()[cause]:
        words = shlex.split(typed)
        if words[0] == "ownertag":
            answer = CliRunner().invoke(app, [*words[1:], "--help"])
            assert answer.exit_code == 0, answer.output
            assert {word for word in words if word.startswith("--")} <= {*answer.output.split()}
        elif tuple(words[:3]) not in ONLY_IN_VERSION_2:
            _parsed(words)


def _parsed(words: list[str]) -> None:
    """Lets the AWS CLI read it without a call; what it says of its own made-up answer does not count."""
    if not AWS.exists():
        pytest.skip("no AWS CLI in .venv-awscli: `make test` installs it")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_CONFIG_FILE": os.devnull}
    region = [] if "--region" in words else ["--region", healthy.HOME]
    answer = subprocess.run(
        [str(AWS), *words[1:], *region, "--generate-cli-skeleton", "output"], env={**kept, **keys}, text=True,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    for wrong in ("usage:", "Unknown options", "Error parsing parameter", "Invalid JSON"):
        assert wrong not in answer.stderr, answer.stderr
