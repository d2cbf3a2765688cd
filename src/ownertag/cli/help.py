"""`ownertag help`: the same as `--help`, for who types it in front."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ownertag.cli.options import fail


def help(  # noqa: A001 - the command's name
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="A command, and a command of it; all are listed where it is left out.", metavar="COMMAND"),
    ] = None,
) -> None:
    """Show what a command does, as its --help does."""
    found: Any = context.find_root()
    for name in names or ():
        command = found.command
        if not hasattr(command, "resolve_command"):
            fail(f"`{found.command_path}` has no commands of its own: `ownertag help {found.info_name}` shows it")
        found.resilient_parsing = False  # a name that is not there is an error
        _, below, _ = command.resolve_command(found, [name])
        found = below.make_context(name, [], parent=found, resilient_parsing=True)
    typer.echo(found.get_help())
