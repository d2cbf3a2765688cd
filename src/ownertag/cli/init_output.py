"""What `ownertag init` prints: the settings that it wrote, what else to know, and the next commands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ownertag.cli.options import CONFIG_NAME, Options, Output
from ownertag.cli.output import print_table
from ownertag.core.toml.advice import shown

if TYPE_CHECKING:
    from ownertag.aws.credentials import CallerSession
    from ownertag.rollout.init.compose import Setting
    from ownertag.rollout.init.facts import Reading

SCHEMA = 1
_WIDTH = 80


@dataclass(frozen=True)
class Written:
    """The text of a file, its settings one by one, and what else to know."""

    text: str
    settings: tuple[Setting, ...]
    notes: tuple[str, ...]


def wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    """Lines that fit the terminal; an id or an ARN is not cut."""
    return wrap(
        text, _width(), initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _width() -> int:
    return min(_WIDTH, get_terminal_size().columns)


def report(target: Path | None, written: Written, reading: Reading, options: Options) -> None:
    """Prints what was written, and says what else to know. Without a target the text itself was printed."""
    if options.format is Output.JSON:
        print(json.dumps(_as_object(target, written, reading)))
    elif options.format is Output.CSV and target:
        rows = [{"key": one.key, "value": _shown(one.value), "origin": str(one.origin)} for one in written.settings]
        print_table(rows, options.format)
    elif target:
        for one in written.settings:
            line = f"{one.key:<31}  {one.origin:<5}  {_shown(one.value)}"
            print(line if len(line) <= _width() else f"{line[:38].rstrip()}\n  {_shown(one.value)}")
    for note in written.notes:
        for line in wrapped(note, "", "  "):
            options.say(line)


def say_next(target: Path, session: CallerSession, hub: str, options: Options) -> None:
    """The next commands, with the profiles that the AWS config has."""
    from ownertag.rollout.doctor.commands import profiles

    config = "" if target == Path(CONFIG_NAME) and not options.config else f" --config {quote(shown(str(target)))}"
    config += f" --endpoint-url {quote(options.endpoint_url)}" if options.endpoint_url else ""
    own = f" --profile {quote(options.profile)}" if options.profile else ""
    hub_profile = profiles(session.profiles).get(hub)
    at_hub = f" --profile {quote(hub_profile)}" if hub_profile else f"   with credentials of account {hub}"
    options.say(f"{shown(str(target))} is written. Read it, then:")
    options.say(f"  ownertag deploy plan{config}{own}")
    options.say(f"  ownertag deploy apply{config}{own}")
    options.say(f"  ownertag doctor{config}{at_hub}")


def _as_object(target: Path | None, written: Written, reading: Reading) -> dict[str, Any]:
    from msgspec.structs import asdict

    from ownertag.rollout.doctor.facts import Unread

    return {
        "schema": SCHEMA,
        "file": str(target) if target else None,
        "text": None if target else written.text,
        "account": reading.account,
        "region": reading.region,
        "settings": [asdict(one) for one in written.settings],
        "unread": {key: fact.reason for key, fact in asdict(reading).items() if isinstance(fact, Unread)},
        "notes": list(written.notes),
    }


def _shown(value: str | tuple[str, ...]) -> str:
    return shown(value if isinstance(value, str) else ", ".join(value))
