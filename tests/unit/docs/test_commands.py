"""What the documentation tells people to type is there: commands, options, targets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from docs.commands import page
from ownertag.cli.app import app

ROOT = Path(__file__).parents[3]
COMMANDS: Any = get_command(app)
TARGETS = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "infra").rglob("*.md")]
PAGES = [path for path in PAGES if path.name != "CHANGELOG.md"]  # it tells of what was


def typed(text: str) -> list[str]:
    """The `ownertag` commands in the code of a page, in lines and within them."""
    code = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    code += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    lines = [
        line.strip().removeprefix("$ ").removeprefix(".venv/bin/").partition("  #")[0]
        for block in code
        for line in block.splitlines()
    ]
    return [line for line in lines if re.match(r"ownertag [a-z]", line)]


def wrong(line: str) -> str | None:
    """What is not there of a command."""
    words = re.split(r"[\s\[\]|]+", line)[1:]
    command = COMMANDS
    while words and hasattr(command, "list_commands"):
        name = words.pop(0)
        command = command.get_command(None, name)
        if command is None:
            return f"{line}: no command {name}"
    shown = [parameter for parameter in getattr(command, "params", []) if not getattr(parameter, "hidden", False)]
    known = {name for parameter in shown for name in parameter.opts} | {"--help"}
    for word in words:
        if word.startswith("--") and word.partition("=")[0] not in known:
            return f"{line}: no option {word}"
    return None


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_page_tells_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [said for line in typed(text) if (said := wrong(line))] == []
    assert [target for target in re.findall(r"`make ([a-z][\w-]*)", text) if target not in TARGETS] == []


def test_the_exercises_call_the_projects_own_programs() -> None:
    _, _, exercises = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("### Add a row")
    exercise, _, _ = exercises.partition("\n### ")
    assert len(re.findall(r"\.venv/bin/(?:ownertag|pytest|python) ", exercise)) > 4
    assert re.findall(r"`(?:ownertag|pytest|python) [^`]*`", exercise) == []


def options(command: Any = COMMANDS) -> set[str]:
    """The options of a command and of all below it."""
    own = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    names = command.list_commands(None) if hasattr(command, "list_commands") else ()
    return own.union(*(options(command.get_command(None, name)) for name in names))


def options_told(text: str) -> set[str]:
    """The options that a page names by themselves, in code within a line: `--at TIME`."""
    code = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return {found[0] for span in code if (found := re.match(r"--[a-z][\w-]*", span))}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_that_a_page_names_is_there(path: Path) -> None:
    of_others = {"--output", "--chances", "--strict"}  # of aws, of the stand-in for EC2, of Zensical
    assert options_told(path.read_text("utf-8")) - options() - of_others == set()


def test_an_option_is_told_from_other_code() -> None:
    assert options_told("`--at TIME`, `aws x --query y`\n```\n`--none`\n```\n| `--canary` |") == {"--at", "--canary"}


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("ownertag whois i-1 --profile x", True),
        ("ownertag deploy apply --yes", True),
        ("ownertag explain FILE... [--creations-only]", True),
        ("ownertag whose i-1", False),
        ("ownertag demo --profile x", False),
        ("ownertag deploy undo", False),
        ("ownertag whois i-1 --when now", False),
    ],
)
def test_a_command_that_is_not_there_is_found(line: str, right: bool) -> None:
    assert (wrong(line) is None) == right
    assert typed(f"```\n$ {line}\n```") == [line]


def test_the_page_of_commands_is_current() -> None:
    assert (ROOT / "docs/reference/commands.md").read_text("utf-8") == page(), "run `make generate`"
