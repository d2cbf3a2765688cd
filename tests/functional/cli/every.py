"""Every command that does something, by its full name: what tests of all commands go through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from ownertag.cli.app import app

#: The common options, and the fields of `Options` that they are.
COMMON = {
    "--output": "output",
    "--json": "as_json",
    "--profile": "profile",
    "--region": "region",
    "--config": "config",
    "--endpoint-url": "endpoint_url",
    "--quiet": "quiet",
    "--verbose": "verbose",
}


def commands(command: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each command with its name, such as "deploy plan"."""
    command = command or get_command(app)
    if not hasattr(command, "list_commands"):
        yield name, command
        return
    for child in command.list_commands(None):
        yield from commands(command.get_command(None, child), f"{name} {child}".strip())


EVERY = dict(commands())


def takes(name: str, option: str) -> bool:
    """Whether a command has an option, and shows it."""
    return any(option in param.opts and not getattr(param, "hidden", False) for param in EVERY[name].params)
