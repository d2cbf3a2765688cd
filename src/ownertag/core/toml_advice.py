"""Reads TOML into structs; of a fault it says the line, what is wrong and what would be right.

It is for all that people write in TOML: the settings, the catalogue's rows and the overlays. Nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from types import NoneType
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Struct

T = TypeVar("T", bound=Struct)


class TomlError(Exception):
    """A TOML text can't be used.

    Args:
        message: What is wrong, and what would be right.
        path: The keys that lead to it, such as ("owners", "[1]", "match"); None where the text is no TOML at all.
        line: Its line, as far as it is known.
    """

    def __init__(self, message: str, path: Sequence[str] | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.line = line

    def sentence(self, file: str, name: str | None = None) -> str:
        """The fault in one line, such as `ownertag.toml, line 3: limits.quota_share: must lie between 0.01 and 1`.

        Args:
            file: The name of the file.
            name: What to call the key, if not by its path.
        """
        if self.path is None:
            return f"{file}: {self}"
        at = f", line {self.line}" if self.line else ""
        return f"{file}{at}: {name or dotted(self.path) or 'the file'}: {self}"


def read_toml(text: str, type_: type[T]) -> T:
    """Returns the text as a struct of this type.

    Raises:
        TomlError: It is no TOML, or does not fit the type.
    """
    try:
        plain = msgspec.toml.decode(text)
    except msgspec.DecodeError as error:
        raise TomlError(str(error)) from error
    except RecursionError as error:
        raise TomlError("is nested more deeply than any settings or catalogue") from error
    try:
        return msgspec.convert(plain, type_)
    except msgspec.ValidationError as error:
        message, _, at = str(error).partition(" - at `$")
        path, here = _resolved(re.findall(r"[\w-]+|\[\d+\]|\[\.\.\.\]", at), plain, type_)
        if unknown := re.search(r"unknown field `(.+)`", message):
            path.append(unknown[1])
            message = f"unknown key{meant(unknown[1], _fields(here))}"
        raise TomlError(message, path, line_of(text, path)) from error


def _resolved(steps: Iterable[str], value: Any, type_: Any) -> tuple[list[str], Any]:
    """The keys that msgspec's path means, and the type of what is there.

    Where msgspec writes `[...]`, a fault is in some value of a table: here it is the first value that does not fit.
    """
    path: list[str] = []
    for step in steps:
        if step == "[...]":
            type_ = get_args(type_)[1]
            step = next((key for key, item in value.items() if not _fits(item, type_)), "")  # noqa: PLW2901 - the key meant
            value = value.get(step)
        elif step.startswith("["):
            type_ = get_args(type_)[0]
            value = value[int(step[1:-1])]
        else:
            type_ = _fields(type_)[step]
            value = value[step]
        path.append(step)
        type_ = _without_none(type_)
    return path, type_


def _without_none(type_: Any) -> Any:
    parts = get_args(type_)
    return next(part for part in parts if part is not NoneType) if NoneType in parts else type_


def _fields(struct: Any) -> dict[str, Any]:
    """The keys of a struct with their types."""
    return {field.encode_name: field.type for field in msgspec.structs.fields(struct)}


def _fits(value: Any, type_: Any) -> bool:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError:
        return False
    return True


def meant(key: str, known: Iterable[str]) -> str:
    """The part of a sentence that names the key that was probably meant, or else all that there are."""
    known = list(known)
    return did_you_mean(key, known) or f"; there are {', '.join(known)}"


def did_you_mean(key: str, known: Iterable[str]) -> str:
    """The part of a sentence that names the key that was probably meant; empty where none is like it."""
    close = get_close_matches(key, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def dotted(path: Sequence[str]) -> str:
    """A path as people write it: `owners[1].match`."""
    return ".".join(path).replace(".[", "[")


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line of a key, or of the innermost table on the way to it that has a line."""
    wanted = dotted(path)
    table, best, best_length = "", None, -1
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[(\[?)\s*([\w.\-\"' ]+?)\s*\]", line):
            table = header[2]
            if header[1]:
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            here = table
        elif key := re.match(r"\s*[\"']?([^\"'=]+?)[\"']?\s*=", line):
            here = f"{table}.{key[1]}" if table else key[1]
        else:
            continue
        if (wanted == here or wanted.startswith((f"{here}.", f"{here}["))) and len(here) > best_length:
            best, best_length = number, len(here)
    return best
