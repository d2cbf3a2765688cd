"""Finds the line of every key of a TOML text, in one pass.

No reader of TOML in the standard library or in msgspec tells lines. The text has been read by one already: what is no
TOML is not looked for here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto

import msgspec

#: The keys that lead to a value, with the number of a list's item as `[0]`.
KeyPath = tuple[str, ...]

# Each alternative begins with another character, so that no text is read twice.
_TOKEN = re.compile(
    r'''"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}|\'\'\'(?:[^']|'{1,2}(?!'))*'{3,5}'''
    r"""|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*|\n|[\[\]{}=,.]|[^\s\[\]{}=,.#"']+""",
    re.DOTALL,
)
_Token = tuple[str, int]


class KeyLines:
    """The lines of a text's keys, and of the items of its lists.

    Args:
        text: A text that is TOML.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {}
        # How many tables of a list of tables have begun, less one.
        self._tables: dict[KeyPath, int] = {}
        self._read(_tokens(text))

    def of(self, path: Sequence[str]) -> int | None:
        """The line of a key, or of the innermost table on the way to it that has a line."""
        steps = tuple(path)
        ends = range(len(steps), 0, -1)
        return next((self._lines[steps[:end]] for end in ends if steps[:end] in self._lines), None)

    def _read(self, tokens: Iterator[_Token]) -> None:
        table: KeyPath = ()
        for part, line in tokens:
            if part == "[":
                table = self._header(tokens, line)
            elif part != "\n" and part[0] != "#":
                path = self._key(table, tokens, part, line)
                self._value(path, tokens)

    def _header(self, tokens: Iterator[_Token], line: int) -> KeyPath:
        """A table's path; of a list of tables, that of its newest."""
        parts: list[str] = []
        opened = 1
        for part, _ in tokens:
            if part == "[":
                opened += 1
            elif part == "]":
                break
            elif part != ".":
                parts.append(_plain(part))
        if opened == 2:
            next(tokens, None)  # its second bracket
        path: KeyPath = ()
        for number, name in enumerate(parts, 1):
            path = (*path, name)
            self._lines.setdefault(path, line)
            if number == len(parts) and opened == 2:
                self._tables[path] = self._tables.get(path, -1) + 1
            if path in self._tables:
                path = (*path, f"[{self._tables[path]}]")
        self._lines.setdefault(path, line)
        return path

    def _key(self, table: KeyPath, tokens: Iterator[_Token], part: str, line: int) -> KeyPath:
        """The path of a key, after which the value begins."""
        path = table
        while part != "=":
            if part != ".":
                path = (*path, _plain(part))
                self._lines.setdefault(path, line)
            part = next(tokens, ("=", line))[0]
        return path

    def _value(self, path: KeyPath, tokens: Iterator[_Token]) -> None:
        """Reads to the end of a value. What is open is kept in a list: a text may nest deeper than calls can."""
        # Of each list that is open its path and its item's number; of each inline table its path and None.
        opened: list[tuple[KeyPath, int | None]] = []
        at = _At.VALUE
        for part, line in tokens:
            if part == "\n" and not opened:
                return
            if part == "\n" or part[0] == "#":
                continue
            if part in "]}":
                opened.pop()
                at = _At.REST
            elif part == ",":
                table, number = opened[-1]
                opened[-1] = (table, None if number is None else number + 1)
                at = _At.ITEM
            elif at is _At.ITEM and opened[-1][1] is None:
                path = self._key(opened[-1][0], tokens, part, line)
                at = _At.VALUE
            elif at is not _At.REST:
                if at is _At.ITEM:
                    path = (*opened[-1][0], f"[{opened[-1][1]}]")
                    self._lines.setdefault(path, line)
                at = _At.ITEM if part in "[{" else _At.REST
                if at is _At.ITEM:
                    opened.append((path, 0 if part == "[" else None))


class _At(Enum):
    """Where in a value the next part stands."""

    VALUE = auto()  # at its beginning
    ITEM = auto()  # at the beginning of an item of a list, or of a key of an inline table
    REST = auto()  # behind what is looked for


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for found in _TOKEN.finditer(text):
        part = found[0]
        yield part, line
        line += part.count("\n")


def _plain(part: str) -> str:
    """A key as it is meant: without its quotes."""
    if part[0] not in "\"'":
        return part
    if "\\" not in part or part[0] == "'":
        return part[1:-1]
    return str(msgspec.toml.decode(f"key = {part}")["key"])
