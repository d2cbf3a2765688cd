"""The options that commands have in common, and what goes wrong before a command begins.

A command has all of them, but for those that it would ignore: it names these, each with the reason, and refuses them.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, overload

import typer

from ownertag.cli.completion import complete_profile, complete_region
from ownertag.cli.writing import tell, tell_error
from ownertag.core.settings import Settings, SettingsError
from ownertag.core.settings_file import MOST_BYTES, read_settings, settings_text
from ownertag.core.toml.advice import shown
from ownertag.ledger.opening import LEDGER

CONFIG_NAME = "ownertag.toml"
#: The option of commands that write without a hub.
LedgerFile = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        help="Without a hub: the file that remembers what is whose.",
        envvar=LEDGER,
        metavar="sqlite:PATH",
    ),
]


class Exit:
    """Exit codes, the same for every command."""

    OK = 0
    FINDINGS = 1
    BAD_INPUT = 2
    UNREACHABLE = 3
    INTERRUPTED = 130  # by SIGINT, as shells have it


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
    """The common options, as the user gave them; what a command refuses has its default."""

    output: Annotated[Output, typer.Option("--output", help="How to print data.")] = Output.TABLE
    as_json: Annotated[bool, typer.Option("--json", help="Short for --output json.")] = False
    profile: Annotated[
        str | None, typer.Option("--profile", help="The AWS profile to use.", autocompletion=complete_profile)
    ] = None
    region: Annotated[
        str | None, typer.Option("--region", help="The AWS Region to start from.", autocompletion=complete_region)
    ] = None
    config: Annotated[
        Path | None,
        typer.Option("--config", help="The settings, ownertag.toml.", envvar="OWNERTAG_CONFIG", metavar="PATH"),
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
            tell(text)

    def settings(self) -> Settings:
        """Returns the settings, or the defaults where there is no file."""
        found = self.settings_file()
        return found.settings if found else Settings()

    def settings_file(self) -> SettingsFile | None:
        """Returns the settings file: by flag or environment, in the working directory, in the user's configuration."""
        path = self.config or next((place for place in settings_places() if place.is_file()), None)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                text = settings_text(file.read(MOST_BYTES + 1), str(path))
            settings = read_settings(text, str(path))
        except SettingsError as error:
            fail(str(error))
        except OSError as error:
            fail(f"{shown(str(path))}: can't be read: {error.strerror}: name another file with --config")
        if self.verbose:
            self.say(f"settings: {path}")
        return SettingsFile(path, text, settings)


def settings_places() -> tuple[Path, Path]:
    """Where settings are looked for that no option and no variable names."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(CONFIG_NAME), home / "ownertag" / CONFIG_NAME


def fail(message: str, code: int = Exit.BAD_INPUT) -> NoReturn:
    """Ends the command with one line: what happened, where, and what to do."""
    tell_error(message)
    raise typer.Exit(code)


def confirmed(question: str, advice: str) -> bool:
    """Whether the person at the terminal says yes; with nobody there the command ends.

    Args:
        question: What is asked.
        advice: What to do where nobody can be asked.
    """
    if not sys.stdin.isatty():
        fail(f"nobody can be asked here: {advice}")
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:  # by Ctrl-C, of which Click makes this, and leaves the cursor behind the question
        typer.echo(err=True)
        raise KeyboardInterrupt from None


def listed(text: str) -> frozenset[str]:
    """The parts of an option that has commas between."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


# --- which of the common options a command has

Reasons = Mapping[str, str]
#: What a command without AWS refuses.
NO_AWS: Reasons = dict.fromkeys(("profile", "region", "endpoint_url"), "it calls no AWS")
#: What a command refuses that begins at the hub or in the management account.
HOME_REGION: Reasons = {"region": "the settings name the home Region"}
#: The same, where other Regions can be chosen.
REGIONS: Reasons = {"region": "the settings name the home Region, and --regions narrows it down"}
#: What a command refuses that prints no data.
NO_DATA: Reasons = dict.fromkeys(("output", "as_json"), "it prints no data")
#: What a command refuses that makes its own settings.
NO_SETTINGS: Reasons = {"config": "it makes its own settings", "verbose": "there is no more to say"}

_Run = Callable[..., None]


@overload
def with_options(command: _Run, /) -> _Run: ...


@overload
def with_options(*, without: Reasons = ..., formats: Sequence[Output] = ...) -> Callable[[_Run], _Run]: ...


def with_options(
    command: _Run | None = None, /, *, without: Reasons | None = None, formats: Sequence[Output] = tuple(Output)
) -> Any:
    """Gives a command the common options, which it receives as its argument `options`.

    Args:
        command: The command, where this is used without arguments.
        without: The fields of `Options` that it would ignore, each with the reason: they are not in its `--help`, and
            are refused with the reason.
        formats: How it prints data.
    """
    if command is None:
        return lambda command: _with_options(command, without or {}, formats)
    return _with_options(command, {}, formats)


def _with_options(command: _Run, without: Reasons, formats: Sequence[Output]) -> _Run:
    own = inspect.signature(command, eval_str=True).parameters
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in _shared(without, formats)
    ]
    names = {parameter.name for parameter in shared}

    @wraps(command)
    def run(**given: Any) -> None:
        common = {name: value for name, value in given.items() if name in names and name not in without}
        if "output" in common:
            common["output"] = Output(common["output"])
        if common.get("config"):
            common["config"] = Path(common["config"])
        command(**{name: value for name, value in given.items() if name not in names}, options=Options(**common))

    kept = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in own.values()
        if parameter.name != "options"
    ]
    signature = inspect.Signature([*kept, *shared])
    run.__signature__ = signature  # type: ignore[attr-defined] # what Typer reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in signature.parameters.values()}
    return run


def _shared(without: Reasons, formats: Sequence[Output]) -> list[tuple[str, Any, Any]]:
    """The common options as a command has them: name, default, and annotation."""
    annotations = inspect.get_annotations(Options, eval_str=True)
    found: list[tuple[str, Any, Any]] = []
    for field in fields(Options):
        annotation: Any = annotations[field.name]
        type_: Any = annotation.__origin__
        option, default = annotation.__metadata__[0], field.default
        if field.name in without:
            option = _refused(field.name, without[field.name])
            type_, default = (bool, False) if type_ is bool else (str | None, None)
        elif field.name == "output":
            type_ = _formats(formats)
            default = type_(default)
        elif field.name == "config":
            type_ = str | None  # for its check pydantic would be imported: a path is a text to begin with
        found.append((field.name, default, Annotated[type_, option]))
    return found


def _formats(formats: Sequence[Output]) -> Any:
    """The type of these values alone, which `--help` lists."""
    make: Any = StrEnum
    return make("Output", {one.name: one.value for one in formats})


def _refused(field: str, reason: str) -> Any:
    """The option for a field of `Options`, which `--help` does not show, and which ends the command."""
    flags = {"as_json": ("--json",), "quiet": ("--quiet", "-q"), "verbose": ("--verbose", "-v")}.get(
        field, (f"--{field.replace('_', '-')}",)
    )

    def refuse(context: typer.Context, value: Any) -> Any:
        if value and not context.resilient_parsing:
            _, _, name = context.command_path.partition(" ")
            fail(f"{name} takes no {flags[0]}: {reason}")
        return value

    return typer.Option(*flags, hidden=True, callback=refuse)
