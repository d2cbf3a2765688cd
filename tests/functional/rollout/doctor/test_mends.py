"""Every line of advice, done: broken by a call of AWS, read off what doctor prints, run as it is, looked at again."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ownertag.cli.app import app
from ownertag.rollout.doctor.causes import Cause
from ownertag.sandbox.personas import ACCOUNTS, HUB
from ownertag.sandbox.sandbox import Sandbox
from rollout.doctor import broken, broken_regions
from rollout.doctor.broken import NOT_HERE, By, Row, World

ROOT = Path(__file__).parents[4]
AWS = ROOT / ".venv-awscli" / "bin" / "aws"
BASH = shutil.which("bash") or "/bin/bash"
PATIENCE_SECONDS = 300
ROUNDS = {**broken.ROUNDS, **broken_regions.ROUNDS}

needs_cli = pytest.mark.skipif(not AWS.exists(), reason="no AWS CLI in .venv-awscli: `make test` installs it")


def test_every_kind_of_advice_has_a_row_or_a_reason() -> None:
    rows = [row.cause for round_ in ROUNDS.values() for row in round_]
    assert sorted([*rows, *NOT_HERE]) == sorted(Cause)  # each once
    assert all(NOT_HERE.values())


@dataclass
class Terminal:
    """Where doctor and its commands are typed: a folder with the settings and the package."""

    folder: Path
    environment: dict[str, str]
    endpoint_url: str  # the AWS CLI takes the config file's for most services, and not for SQS

    def doctor(self, *arguments: str) -> str:
        given = ["doctor", "--config", "ownertag.toml", "--profile", f"admin-{ACCOUNTS[HUB]}", "--quiet", *arguments]
        given += ["--endpoint-url", self.endpoint_url]
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            answer = CliRunner().invoke(app, given, env={"AWS_CONFIG_FILE": self.environment["AWS_CONFIG_FILE"]})
        finally:
            os.chdir(before)
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return answer.stdout

    def found(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.doctor("--json").splitlines()]

    def type(self, text: str) -> tuple[int, str]:
        """Types a text in a shell, and yes where it is asked something. Returns the exit code and all output."""
        keyboard, terminal = pty.openpty()
        try:
            os.write(keyboard, b"y\n")
            answer = subprocess.run(
                [BASH, "-c", text], cwd=self.folder, env=self.environment, stdin=terminal, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False, timeout=PATIENCE_SECONDS,
            )  # fmt: skip
        finally:
            os.close(keyboard)
            os.close(terminal)
        return answer.returncode, answer.stdout


def printed_commands(report: str) -> list[str]:
    """The commands of a report, each as it stands there: indented by four, continued after a backslash."""
    found: list[str] = []
    continued = False
    for line in report.splitlines():
        if continued:
            found[-1] += f"\n{line}"
        elif line.startswith("    ") and line.strip().startswith(("aws ", "ownertag ")):
            found.append(line)
        else:
            continue
        continued = line.endswith("\\")
    return found


def flat(command: str) -> str:
    return " ".join(command.replace("\\\n", " ").split())


@dataclass
class Round:
    """What a round came to: what doctor found before and after, what it printed, and what each command answered."""

    before: list[dict[str, Any]]
    report: str
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    after: list[dict[str, Any]] = field(default_factory=list)


class Repair:
    """The rounds, one after the other in one organization, each when it is first asked for."""

    def __init__(self, terminal: Terminal, world: World) -> None:
        self._terminal, self._world = terminal, world
        self._done: dict[str, Round] = {}
        self._begun: set[str] = set()

    def round(self, name: str) -> Round:
        """What this round came to."""
        if name not in self._begun:  # one that failed is not begun again
            self._begun.add(name)
            self._done[name] = self._round(ROUNDS[name])
        return self._done[name]

    def _round(self, rows: tuple[Row, ...]) -> Round:
        for row in rows:
            row.does(self._world)
        now = Round(self._terminal.found(), self._terminal.doctor())
        for row in rows:
            if row.first:
                row.first(self._world)
        wanted = {command for row in rows for finding in faults(now.before, row) for command in finding["commands"]}
        for command in printed_commands(now.report):
            if flat(command) in wanted and flat(command) not in now.answers:
                now.answers[flat(command)] = self._terminal.type(command)
        for row in rows:
            if row.person:
                row.person(self._world)
        now.after = self._terminal.found()
        return now


@pytest.fixture(scope="module")
def repair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repair]:
    folder = tmp_path_factory.mktemp("repair")
    with Sandbox() as sandbox:
        package, settings = folder / "function.zip", folder / "ownertag.toml"
        shutil.copy(sandbox.package_file, package)
        shutil.copy(sandbox.settings_file, settings)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        path = f"{Path(sys.executable).parent}:{AWS.parent}:{os.environ['PATH']}"
        config = {"AWS_CONFIG_FILE": str(sandbox.config_file), "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        config |= {"OWNERTAG_PACKAGE": str(package)}  # so that `deploy` builds none
        yield Repair(
            Terminal(folder, {**kept, **config, "PATH": path}, sandbox.endpoint_url), World(sandbox, settings, package)
        )


def faults(findings: list[dict[str, Any]], row: Row) -> list[dict[str, Any]]:
    """The findings of a row's kind, where it was broken."""
    here = (row.cause.value, row.account, row.region)
    return [
        finding
        for finding in findings
        if (finding["cause"], finding["account"], finding["region"]) == here
        and finding["state"] in {"fault", "unreached"}
    ]


@needs_cli
@pytest.mark.full
@pytest.mark.timeout(1500)  # the first of a round does it: twenty commands, each a process
@pytest.mark.parametrize(
    ("name", "row"),
    [pytest.param(name, row, id=row.cause.value) for name, rows in ROUNDS.items() for row in rows],
)
def test_what_was_broken_is_found_and_what_is_printed_mends_it(name: str, row: Row, repair: Repair) -> None:
    now = repair.round(name)
    [finding] = faults(now.before, row)
    assert finding["advice"]
    for command in finding["commands"]:
        # In the report as it stands, or in one command for several accounts.
        assert command in now.answers, now.report
        code, output = now.answers[command]
        assert code == 0, output
    assert bool(finding["commands"]) or row.by is not By.COMMANDS
    assert bool(faults(now.after, row)) is (row.by is By.TIME), now.answers


@needs_cli
@pytest.mark.full
@pytest.mark.timeout(1500)
def test_nothing_is_left_at_the_end(repair: Repair) -> None:
    last = repair.round(list(ROUNDS)[-1]).after
    left = [finding for finding in last if finding["state"] in {"fault", "unreached"}]
    assert {finding["cause"] for finding in left} <= {Cause.SENT_FAILED.value}, left
