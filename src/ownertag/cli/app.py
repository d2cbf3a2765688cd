"""All commands in one place."""

from __future__ import annotations

from typing import Annotated

import typer

from ownertag.cli.demo import demo
from ownertag.cli.deploy import app as deploy
from ownertag.cli.doctor import doctor
from ownertag.cli.explain import explain
from ownertag.cli.owners import app as owners
from ownertag.cli.render import app as render
from ownertag.cli.sandbox import sandbox
from ownertag.cli.tag import tag
from ownertag.cli.transfer import transfer
from ownertag.cli.whois import whois

app = typer.Typer(
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


for _command in (demo, doctor, explain, sandbox, tag, transfer, whois):
    app.command()(_command)
app.add_typer(deploy, name="deploy")
app.add_typer(owners, name="owners")
app.add_typer(render, name="render")
