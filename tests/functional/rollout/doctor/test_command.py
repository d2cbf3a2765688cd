"""`ownertag doctor` as it is typed, against moto."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ownertag.cli.app import app
from ownertag.cli.doctor import _exit_code
from ownertag.rollout.doctor.findings import Check, CheckState, Finding
from rollout.doctor.deployed import HOME, Deployed

Run = Callable[..., Result]


@pytest.fixture
def run(world: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    config = tmp_path / "ownertag.toml"
    config.write_text(world.text)

    def as_account(account: str) -> None:
        keys = world.client(account, "sts")._request_signer._credentials
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_key)
        monkeypatch.setenv("AWS_SESSION_TOKEN", keys.token or "")

    def run(*arguments: str, account: str = world.hub) -> Result:
        as_account(account)
        return CliRunner().invoke(app, ["doctor", "--config", str(config), *arguments])

    return run


def test_what_is_not_checkable_is_told_and_leaves_the_command_well(world: Deployed, run: Run) -> None:
    answer = run()
    assert answer.exit_code == 0, answer.output
    assert "3 of 3 accounts" in answer.stderr
    # One line for what was not checked, one that sums up; what is well, and where, is for --all.
    [not_checked, summary] = answer.stdout.splitlines()
    assert not_checked == "not checked here, so not known: stack-set 2, drift 2; --all says why"
    assert re.fullmatch(r"no fault; [0-9]+ checks in 3 accounts well \(--all\)", summary)

    everything = run("--all").stdout
    assert "not checkable: drift" in everything
    assert f"    {world.member} us-west-2" in everything
    assert "ok: rule, all 3 accounts in all 3 Regions" in everything


def test_a_fault_is_told_with_its_advice_in_each_format(world: Deployed, run: Run) -> None:
    world.client(world.member, "events").disable_rule(Name="ownertag-creations-1")
    table = run("--accounts", world.member)
    assert table.exit_code == 1
    *told, command, summary = table.stdout.splitlines()
    assert " ".join(" ".join(told).split()) == (
        f"fault: rule, {world.member} in {HOME}: rule ownertag-creations-1 is DISABLED. "
        f"Switch it on, in account {world.member}:"
    )
    assert command == f"    aws events enable-rule --name ownertag-creations-1 --region {HOME}"
    assert summary.startswith("1 cause (1 fault); ")

    found = run("--accounts", world.member, "--regions", f"{HOME}, us-east-1", "--json", "--quiet")
    assert (found.exit_code, found.stderr) == (1, "")
    objects: list[dict[str, Any]] = [json.loads(line) for line in found.stdout.splitlines()]
    assert {finding["schema"] for finding in objects} == {1}
    assert {finding["region"] for finding in objects} == {None, HOME, "us-east-1"}
    [fault] = [finding for finding in objects if finding["state"] == "fault"]
    assert fault == {
        "schema": 1,
        "account": world.member,
        "region": HOME,
        "check": "rule",
        "state": "fault",
        "cause": "rule-disabled",
        "seen": "rule ownertag-creations-1 is DISABLED",
        "advice": "switch it on",
        "commands": [f"aws events enable-rule --name ownertag-creations-1 --region {HOME}"],
    }

    rows = list(csv.DictReader(io.StringIO(run("--accounts", world.member, "--output", "csv").stdout)))
    assert {"account", "region", "check", "state", "cause", "seen", "advice", "commands"} == set(rows[0])
    assert [row["check"] for row in rows if row["state"] == "fault"] == ["rule"]


@pytest.mark.parametrize(
    ("faults", "unreached", "not_checkable", "code"), [(0, 0, 3, 0), (2, 0, 0, 1), (2, 1, 0, 3), (0, 1, 1, 3)]
)
def test_the_exit_code_says_the_worst(faults: int, unreached: int, not_checkable: int, code: int) -> None:
    states = {
        CheckState.FAULT: faults,
        CheckState.UNREACHABLE: unreached,
        CheckState.NOT_CHECKABLE: not_checkable,
        CheckState.OK: 1,
    }
    findings = [Finding("1", None, Check.RULE, state, "x") for state, number in states.items() for _ in range(number)]
    assert _exit_code(findings) == code


def test_wrong_places_and_credentials_are_refused_with_advice(world: Deployed, run: Run) -> None:
    answer = run("--accounts", "999999999999")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "account 999999999999 is not deployed to; there are" in answer.stderr
    answer = run(account=world.member)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert f"credentials of account {world.member}, and the hub's account is {world.hub}" in answer.stderr


@pytest.mark.parametrize("by", ["account", "unit"])
def test_a_canary_is_not_sent_where_nothing_is_tagged(world: Deployed, run: Run, tmp_path: Path, by: str) -> None:
    observe = f'accounts = ["{world.member}"]' if by == "account" else f'units = ["{world.unit}"]'
    (tmp_path / "ownertag.toml").write_text(f"{world.text}\n[observe]\n{observe}\n")
    answer = run("--canary", "--canary-account", world.member, "--canary-timeout", "1", "--json")
    [finding] = [json.loads(line) for line in answer.stdout.splitlines()]
    assert (finding["check"], finding["state"], answer.exit_code) == ("canary", "not checkable", 0)
    assert "the account is observed" in finding["seen"]
    assert world.wire.counts["CreatePlacementGroup"] == 0


def test_settings_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 2
    assert "there are no settings, neither ownertag.toml nor" in answer.stderr
