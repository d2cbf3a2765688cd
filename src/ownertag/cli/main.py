"""`ownertag`: the commands, each imported only when it runs, so that `--help` answers at once."""

from __future__ import annotations


def run() -> None:
    """Runs the command line."""
    from ownertag.cli.app import app

    app()
