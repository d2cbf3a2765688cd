"""The options that every command has, and what goes wrong before a command begins."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ownertag.core.settings import Settings, SettingsError
from ownertag.core.settings_file import MOST_BYTES, read_settings, settings_text
from ownertag.core.toml_advice import shown

CONFIG_NAME = "ownertag.toml"


class Exit:
    """Exit codes, the same for every command."""

    OK = 0
    FINDINGS = 1
    BAD_INPUT = 2
    UNREACHABLE = 3


class Output(StrEnum):
    """How data is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True)
class SettingsFile:
    """The settings, the file that they are from, and its text."""

    path: Path
    text: str
    settings: Settings


@dataclass(frozen=True)
class Options:
    """The options that every command has, as the user gave them."""

    output: Annotated[Output, typer.Option("--output", help="How to print data.")] = Output.TABLE
    as_json: Annotated[bool, typer.Option("--json", help="Short for --output json.")] = False
    profile: Annotated[str | None, typer.Option("--profile", help="The AWS profile to use.")] = None
    region: Annotated[str | None, typer.Option("--region", help="The AWS Region to start from.")] = None
    config: Annotated[
        Path | None, typer.Option("--config", help="The settings, ownertag.toml.", envvar="OWNERTAG_CONFIG")
    ] = None
    endpoint_url: Annotated[
        str | None, typer.Option("--endpoint-url", help="Another endpoint than AWS's, such as a sandbox's.")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print data and errors only.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")] = False

    @property
    def format(self) -> Output:
        """Returns how to print data; `--json` is short for one way."""
        return Output.JSON if self.as_json else self.output

    def say(self, text: str) -> None:
        """Writes a line for the person at the terminal."""
        if not self.quiet:
            sys.stderr.write(f"{text}\n")  # in one piece, since several threads may have something to say
            sys.stderr.flush()

    def settings(self) -> Settings:
        """Returns the settings, or the defaults where there is no file."""
        found = self.settings_file()
        return found.settings if found else Settings()

    def settings_file(self) -> SettingsFile | None:
        """Returns the settings file: by flag or environment, in the working directory, in the user's configuration."""
        home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        path = self.config or next(
            (place for place in (Path(CONFIG_NAME), home / "ownertag" / CONFIG_NAME) if place.is_file()), None
        )
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                text = settings_text(file.read(MOST_BYTES + 1), str(path))
            settings = read_settings(text, str(path))
        except SettingsError as error:
            fail(str(error))
        except OSError as error:
            fail(f"{shown(str(path))}: can't be read: {error.strerror}; --config names the file of the settings")
        if self.verbose:
            self.say(f"settings: {path}")
        return SettingsFile(path, text, settings)


def fail(message: str, code: int = Exit.BAD_INPUT) -> NoReturn:
    """Ends the command with one line: what happened, where, and what to do."""
    print(f"ownertag: {message}", file=sys.stderr)
    raise typer.Exit(code)


def listed(text: str) -> frozenset[str]:
    """The parts of an option that has commas between."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command every option of `Options`, which it receives as its argument `options`."""
    own = inspect.signature(command, eval_str=True).parameters
    types = inspect.get_annotations(Options, eval_str=True)
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=types[field.name]
        )
        for field in fields(Options)
    ]
    names = {parameter.name for parameter in shared}

    @wraps(command)
    def run(**given: Any) -> None:
        options = Options(**{name: value for name, value in given.items() if name in names})
        command(**{name: value for name, value in given.items() if name not in names}, options=options)

    kept = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in own.values()
        if parameter.name != "options"
    ]
    signature = inspect.Signature([*kept, *shared])
    run.__signature__ = signature  # type: ignore[attr-defined] # what Typer reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in signature.parameters.values()}
    return run
