"""`ownertag catalogue`: the rows, and a new one from a record."""

from __future__ import annotations

import typer

from ownertag.cli.catalogue.try_record import try_record
from ownertag.cli.commands import Command, Group

app = typer.Typer(
    cls=Group,
    help="Try a record against the rows of every service, and add a row from it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Without it, a group of one command would be that command."""


app.command(name="try", cls=Command)(try_record)
