"""All commands in one place, each imported only when it runs.

To import all of them takes longer than most of them run; `--help`, which shows a line of each, does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from ownertag.cli.values import quick, taken_as_they_are

#: Each is a module here that has a function of its name, or `app` for a group of commands.
COMMANDS = ("demo", "doctor", "explain", "sandbox", "tag", "transfer", "whois", "deploy", "owners", "render")


class _Commands(Mapping[str, Any]):
    """The commands by their names, in the order of `--help`."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        module = import_module(f"ownertag.cli.{name}")
        holder = typer.Typer(rich_markup_mode=None)
        if isinstance(group := getattr(module, "app", None), typer.Typer):
            holder.add_typer(group, name=name)
        else:
            holder.command(name)(getattr(module, name))
        return quick(get_group(holder).commands[name])

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    """Has Typer look its commands up in `_Commands`; it only reads what it is given here."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _Commands()

    def get_params(self, ctx: Any) -> Any:
        """The options before a command."""
        return taken_as_they_are(super().get_params(ctx))


app = typer.Typer(
    cls=_Group,
    name="ownertag",
    help="Every resource in an AWS organization names its owner.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"ownertag {version('ownertag')}")
        raise typer.Exit


@app.callback()
def _main(
    _asked: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass
