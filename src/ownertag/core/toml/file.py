"""Reads TOML into structs; of a fault it says the line, what is wrong and what would be right.

It is for what contributors write in TOML: the catalogue's rows and the overlays. Nothing is guessed. What
looks for faults is imported where there are some: the function starts without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from ownertag.core.toml.advice import dotted

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
        """The fault in one line, such as `ec2.toml, line 3: CreateVolume.basis: is missing`.

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
        TomlError: It is no TOML, or does not fit the type. Of several faults it is the first.
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
        from ownertag.core.toml.faults import find_faults  # noqa: PLC0415 - only where there is a fault
        from ownertag.core.toml.lines import KeyLines  # noqa: PLC0415 - as above

        fault = next(find_faults(plain, type_, str(error)))
        raise TomlError(fault.sentence, fault.path, KeyLines(text).of(fault.path)) from error
