"""`docs/reference/commands.md` from the commands themselves: `python -m docs.commands PAGE` writes it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from ownertag.cli.app import app

HEAD = """# Commands

> For whoever types `ownertag`. You will have found each command, its arguments and its options.

Generated from the commands by `make generate`; `ownertag COMMAND --help` and `ownertag help COMMAND` say the same. Data
goes to standard output, words and progress to standard error. What `--json` prints is described [here](json.md).

| exit code | means |
|---|---|
| 0 | all well |
| 1 | something was found, or could not be done |
| 2 | bad usage, input or settings |
| 3 | an account or Region could not be reached, or credentials are not there or have expired |
| 130 | Ctrl-C; `sandbox` ends by it and exits with 0, `prove` prints what was measured until then |
| 141 | whoever read standard output has gone, as of `\\| head -1` |

On a terminal lines and tables are folded to its width, and faults have a colour; nothing is cut, so what is longer than
a line, such as an ARN, runs over. Piped, nothing is folded or coloured: a row is a line; `OWNERTAG_COLUMNS=80` folds it
all the same. `NO_COLOR` (to anything) takes colours away, and `FORCE_COLOR=1` keeps them where they would be left out.
What the encoding of a stream lacks is written as an escape, such as `\\xfc`.

`ownertag --install-completion` completes commands, options, the profiles of the AWS config and credentials files, and
Regions in the shell. It calls no AWS, and knows no accounts.
"""

#: What most commands have is told once.
_COMMON = ("--output", "--json", "--profile", "--region", "--config", "--endpoint-url", "--quiet", "--verbose")


def page() -> str:
    """The page, as Markdown."""
    commands = list(_leaves(get_command(app), "ownertag"))
    common = next(rows for _, command in commands if len(rows := _options(command, common=True)) == len(_COMMON))
    parts = [HEAD, "## Options of most commands\n", *_table("option", common)]
    for name, command in commands:
        parts += [f"\n## `{name}`\n", _text(command.help)]
        parts += _not_taken(command)
        parts += _table("argument", _arguments(command)) + _table("option", _options(command, common=False))
    return "\n".join(parts).rstrip("\n") + "\n"


def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The commands that do something, with their full names."""
    if not hasattr(command, "list_commands"):
        yield name, command
        return
    for child in command.list_commands(None):
        yield from _leaves(command.get_command(None, child), f"{name} {child}")


def _not_taken(command: Any) -> list[str]:
    """The common options that a command refuses, since it would ignore them."""
    refused = [f"`{param.opts[0]}`" for param in command.params if getattr(param, "hidden", False)]
    return [f"Takes no {', '.join(refused)}.\n"] if refused else []


def _text(help_: str | None) -> str:
    """A help text; what stands in angle brackets there is no HTML."""
    return inspect.cleandoc(help_ or "").replace("<", "&lt;") + "\n"


def _arguments(command: Any) -> list[tuple[str, str]]:
    found = [param for param in command.params if param.param_type_name == "argument"]
    return [_record(command, parameter) for parameter in found]


def _options(command: Any, *, common: bool) -> list[tuple[str, str]]:
    found = [
        param
        for param in command.params
        if param.param_type_name == "option" and "--help" not in param.opts and not param.hidden
    ]
    return [
        _record(command, parameter) for parameter in found if common == any(name in _COMMON for name in parameter.opts)
    ]


def _record(command: Any, parameter: Any) -> tuple[str, str]:
    context = command.make_context("ownertag", [], resilient_parsing=True)
    names, text = parameter.get_help_record(context) or ("", "")
    return _plain(names), _plain(" ".join(text.split()))


def _plain(text: str) -> str:
    """A text that is no HTML, and does not end its cell."""
    return text.replace("<", "&lt;").replace("|", "&#124;")


def _table(kind: str, rows: list[tuple[str, str]]) -> list[str]:
    if not rows:
        return []
    return [f"| {kind} | does |", "|---|---|", *(f"| <code>{names}</code> | {text} |" for names, text in rows), ""]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
