"""`ownertag version`: what is installed, to be told in a report of an error."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

from ownertag.cli.options import NO_AWS, Options, Output, with_options

SCHEMA = 1
#: What ownertag's behaviour depends on most.
LIBRARIES = ("boto3", "botocore", "typer", "moto")


@with_options(
    without={**NO_AWS, **dict.fromkeys(("config", "quiet", "verbose"), "it reads nothing, and says one thing")},
    formats=(Output.TABLE, Output.JSON),
)
def version(options: Options) -> None:
    """Print the version; with --json, those of Python and of the libraries as well."""
    if options.format is Output.TABLE:
        print(line())
        return
    libraries = {name: found for name in LIBRARIES if (found := _installed(name))}
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    told = {"schema": SCHEMA, "ownertag": version_of("ownertag"), "python": platform.python_version()}
    print(json.dumps({**told, "system": system, "libraries": libraries}))


def line() -> str:
    """The version in a line."""
    return f"ownertag {version_of('ownertag')}"


def _installed(name: str) -> str | None:
    try:
        return version_of(name)
    except PackageNotFoundError:
        return None
