"""What documentation and real records say beyond the rules, read from the files beside this one."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def documented(table: str) -> dict[str, Any]:
    """A table of documented.toml."""
    found: dict[str, Any] = _read("documented.toml")[table]
    return found


@cache
def is_wrapped(operation: str) -> bool:
    """Whether the records of this operation of EC2 are of the wrapped form."""
    found = _read("wrapped.toml")
    return operation in found["seen"] or operation in found["alike"]


def hidden(source: str) -> str:
    """What a service's records have in place of a secret; empty where the key is left out."""
    marks = documented("hidden")
    return str(marks.get(source, marks["default"]))


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__package__) / name).read_text("utf-8"))
