"""Fits lines of an answer into a terminal: at spaces; what is longer than a line stands on its own.

An id is never cut; an ARN that no line holds is broken behind a colon or slash.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Iterator

#: Where the text of a line begins, behind its name.
INDENT = 13
#: Where stands what is too long beside a name.
_OWN_LINE = 2
_PARTS = re.compile(r"[^:/]*[:/]+|[^:/]+")


def terminal_width() -> int | None:
    """The columns of the terminal; None where nobody looks: a program gets each line whole."""
    return max(20, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def fitted(lines: Iterable[str], width: int | None) -> Iterator[str]:
    """The lines, each in as many as it takes."""
    for line in lines:
        yield from _fitted(line, width) if width and len(line) > width else [line]


def _fitted(line: str, width: int) -> Iterator[str]:
    indent = INDENT if line.startswith("  ") else _OWN_LINE
    indent = indent if width >= 2 * INDENT else _OWN_LINE
    begun = ""
    for gap, word in re.findall(r"( *)([^ ]+)", line):
        if len(begun) + len(gap) + len(word) <= width:
            begun += gap + word
            continue
        if begun.strip():
            yield begun
        at = indent if indent + len(word) <= width else _OWN_LINE
        *full, begun = _broken(word, at, width)
        yield from full
    yield begun


def _broken(word: str, indent: int, width: int) -> list[str]:
    """A word in lines, as few as there can be; broken within a part only if that alone is longer than a line."""
    lines = [" " * indent]
    for part in _PARTS.findall(word):
        left = part
        if len(lines[-1]) + len(left) > width and lines[-1].strip():
            lines.append(" " * indent)
        while len(lines[-1]) + len(left) > width:
            room = width - len(lines[-1])
            lines[-1] += left[:room]
            left = left[room:]
            lines.append(" " * indent)
        lines[-1] += left
    return lines
