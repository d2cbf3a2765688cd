"""`ownertag`: the commands, each imported only when it runs, so that `--help` answers at once."""

from __future__ import annotations

import sys


def run() -> None:
    """Runs the command line; a missing extra is named instead of a traceback."""
    try:
        import typer  # noqa: F401 - the extra may be missing
    except ImportError:
        sys.exit("ownertag: the command line is an extra: pip install 'ownertag[cli]'")
    from ownertag.cli.app import app

    app()
