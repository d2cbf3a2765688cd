"""What holds for every command: a help that fits, options that are not ignored, and `help` and `version`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli.every import COMMON, EVERY, takes
from harness.sandbox_process import OWNERTAG
from harness.terminal import shown
from ownertag.cli.app import COMMANDS, app

VALUES = {"--output": ["json"], "--profile": ["p"], "--region": ["r"], "--config": ["c"], "--endpoint-url": ["e"]}


def run(*arguments: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, arguments)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, answer.stdout, answer.stderr


def test_the_first_line_of_each_is_the_one_that_help_shows() -> None:
    root: Any = get_command(app)
    firsts = {name: root.get_command(None, name).help.partition("\n")[0] for name in COMMANDS}
    assert {name: f"{first.rstrip('.')}." for name, first in firsts.items()} == COMMANDS


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("columns", [80, pytest.param(40, id="40")])
def test_every_help_fits(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = run(*name.split(), "--help")
    assert (code, err) == (0, "")
    wide = [line for line in out.splitlines() if len(line) > columns and " " in line.strip()]
    # A command's own name is in one piece.
    assert [line for line in wide if columns == 80 or not line.startswith("Usage: ")] == []
    assert run("help", *name.split()) == (0, out, "")


@pytest.mark.parametrize("name", ["", "deploy", "owners", "render"])
@pytest.mark.parametrize("columns", [80, 40])
def test_the_help_of_a_group_fits(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = run(*name.split(), "-h")
    assert code == 0
    assert [line for line in out.splitlines() if len(line) > columns] == []
    assert run("help", *name.split()) == (0, out, "")


#: The only commands without common options: `help` shows a text.
BARE = {"help"}


@pytest.mark.parametrize("name", [name for name in EVERY if name not in BARE])
@pytest.mark.parametrize("option", COMMON)
def test_a_common_option_is_taken_or_refused_in_words_and_never_ignored(
    name: str, option: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(*name.split(), "--help")
    assert code == 0
    assert (f"{option} " in out) == takes(name, option)
    if takes(name, option):
        return
    required = [
        str(param.name) for param in EVERY[name].params if param.required and param.param_type_name == "argument"
    ]
    code, out, err = run(*name.split(), option, *VALUES.get(option, []), *required)
    assert (code, out) == (2, "")
    assert err.startswith(f"ownertag: {name} takes no {option}: ")
    assert len(err.splitlines()) == 1


def test_the_demo_refuses_what_it_would_ignore() -> None:
    refused = {option for option in COMMON if not takes("demo", option)}
    assert refused == {"--profile", "--region", "--config", "--endpoint-url", "--verbose"}
    assert run("demo", "-v")[2] == "ownertag: demo takes no --verbose: there is no more to say\n"


def test_settings_of_the_environment_are_no_option_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNERTAG_CONFIG", "/nowhere/ownertag.toml")
    assert run("version")[0] == 0


@pytest.mark.parametrize(("name", "format_"), [("transfer", "csv"), ("sandbox", "csv"), ("render scp", "csv")])
def test_a_format_that_a_command_does_not_have_is_refused(name: str, format_: str) -> None:
    code, out, err = run(*name.split(), "--output", format_)
    assert (code, out) == (2, "")
    assert "'table', 'json'" in err


@pytest.mark.parametrize("typed", [["version"], ["--version"]])
def test_the_version_is_told(typed: list[str]) -> None:
    code, out, err = run(*typed)
    assert (code, err) == (0, "")
    assert out.startswith("ownertag 0.")
    assert len(out.splitlines()) == 1


def test_the_version_as_json_has_what_a_report_needs() -> None:
    told = json.loads(run("version", "--json")[1])
    assert told["schema"] == 1
    assert f"ownertag {told['ownertag']}\n" == run("version")[1]
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["libraries"]["boto3"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["help", "doctr"], "No such command 'doctr'. Did you mean 'doctor'?"),
        (["help", "nosuch"], "No such command 'nosuch'."),
        (["help", "deploy", "aply"], "No such command 'aply'. Did you mean 'apply'?"),
        (["help", "whois", "me"], "`ownertag whois` has no commands of its own"),
        (["doctr"], "Did you mean 'doctor'?"),
        (["whois"], "Missing argument"),
        (["version", "x", "y"], "Got unexpected extra argument(s) ('x y')"),
        (["prove", "--rounds", "0"], "Invalid value for '--rounds'"),
        (["whois", "i-1", "--limit", "many"], "Invalid value for '--limit'"),
        (["doctor", "--nosuch"], "No such option: --nosuch"),
    ],
)
def test_what_is_not_there_is_told_with_what_was_meant(typed: list[str], said: str) -> None:
    code, out, err = run(*typed)
    assert (code, out) == (2, "")
    assert said in err


def test_a_terminal_of_forty_columns_shows_all_of_the_help() -> None:
    narrow = shown([OWNERTAG, "help"], 40, os.environ)
    assert (narrow.code, narrow.too_wide(40)) == (0, [])
    assert all(name in narrow.text for name in COMMANDS)
