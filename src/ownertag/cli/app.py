"""The command line: all commands by their names, each imported only when it runs.

To import all of them takes longer than most of them run.
"""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.main import get_command

from ownertag.cli.commands import Command, Group

#: The commands in the order of `--help`, each with the first line of its own, so that none is imported to show it. Each
#: is a module here that has a function of its name, or `app` for a group of commands.
COMMANDS = {
    "backfill": "Tag what was there before ownertag, or what delivery missed, with whoever made it.",
    "catalogue": "Try a record against the rows of every service, and add a row from it.",
    "demo": "Tour an organization on this machine.",
    "doctor": "Check the deployment in every account and Region.",
    "explain": "Print the decision for every record.",
    "init": "Write a commented ownertag.toml for the organization that the credentials are of.",
    "package": "Build the zip that Lambda runs, from wheels whose hashes are locked.",
    "prove": "Measure how long tags take, in every account and Region, hop by hop.",
    "reconcile": "Find what was never delivered, forged or has vanished.",
    "redrive": "Put back what was not delivered, or not tagged.",
    "sandbox": "Run an AWS organization on this machine, with ownertag deployed into it.",
    "tag": "Tag what records in files created.",
    "transfer": "Transfer a resource to another owner: its tags and the ledger change together, and its history stays.",
    "whois": (
        "Show the owner of a resource, now or at a time, with the confidence, and who created it, when and from where."
    ),
    "deploy": "Deploy ownertag to an organization: plan shows what would change, apply does it, destroy takes it away.",
    "owners": "Check and try the rules that map names to people and teams.",
    "render": "Print or write what is generated from the catalogue and the settings.",
    "help": "Show what a command does, as its --help does.",
    "version": "Print the version; with --json, those of Python and of the libraries as well.",
}


class _LazyGroup(Group):
    """A group that imports a command when it is asked for it, as Click's documentation has it for large programs."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's method
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name; None if there is none."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.add_command(_imported(cmd_name), cmd_name)
        elif cmd_name not in COMMANDS:
            # Typer looks among those that are there for what was meant.
            for name in COMMANDS:
                self.get_command(ctx, name)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Click's method
        """The commands, each with what it does."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _imported(name: str) -> Any:
    module = import_module(f"ownertag.cli.{name}")
    if isinstance(group := getattr(module, "app", None), typer.Typer):
        return get_command(group)
    holder = typer.Typer(add_completion=False, rich_markup_mode=None)
    holder.command(name, cls=Command)(getattr(module, name))
    return get_command(holder)


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
        from ownertag.cli.version import line

        typer.echo(line())
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass
