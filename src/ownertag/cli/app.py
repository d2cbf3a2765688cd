"""The command line: all commands by their names, each imported only when it runs.

To import all of them takes longer than most of them run; `--help`, which shows a line of each, does it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.main import get_group

from ownertag.cli.parameters import Command, Group

#: In the order of `--help`. Each is a module here that has a function of its name, or `app` for a group of commands.
COMMANDS = (
    *("demo", "doctor", "explain", "init", "prove", "redrive", "sandbox", "tag", "transfer", "whois"),
    *("deploy", "owners", "render"),
)


class _LazyGroup(Group):
    """A group that imports a command when it is asked for it, as Click's documentation has it for large programs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Typer reads the names here where somebody mistypes one.
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's method
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Click's method
        """The command of this name; None if there is none."""
        if cmd_name in COMMANDS and self.commands[cmd_name] is None:
            self.commands[cmd_name] = _imported(cmd_name)
        return self.commands.get(cmd_name)


def _imported(name: str) -> Any:
    module = import_module(f"ownertag.cli.{name}")
    holder = typer.Typer(rich_markup_mode=None)
    if isinstance(group := getattr(module, "app", None), typer.Typer):
        holder.add_typer(group, name=name)
    else:
        holder.command(name, cls=Command)(getattr(module, name))
    return get_group(holder).commands[name]


app = typer.Typer(
    cls=_LazyGroup,
    name="ownertag",
    help="Every resource in an AWS organization names its owner.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ownertag {version('ownertag')}")
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass
