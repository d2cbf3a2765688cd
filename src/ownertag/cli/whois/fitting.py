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
#: How a line begins that holds a command: a shell has to take its parts for one.
COMMAND = "  put back"
#: Where stands what is too long beside a name.
_OWN_LINE = 2
_PARTS = re.compile(r"[^:/]*[:/]+|[^:/]+")


def terminal_width() -> int | None:
    """The columns of the terminal; None where nobody looks: a program gets each line whole."""
    return max(20, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def fitted(lines: Iterable[str], width: int | None) -> Iterator[str]:
    """The lines, each in as many as it takes."""
    for line in lines:
        if not width or len(line) <= width:
            yield line
        elif line.startswith(COMMAND):
            *first, last = _fitted(line, width - 2)
            yield from (f"{part} \\" for part in first)
            yield last
        else:
            yield from _fitted(line, width)


def _fitted(line: str, width: int) -> Iterator[str]:
    indent = INDENT if line.startswith("  ") and width >= 2 * INDENT else _OWN_LINE
    begun = ""
    for gap, word in re.findall(r"( *)([^ ]+)", line):
        if len(begun) + len(gap) + len(word) <= width:
            begun += gap + word
            continue
        parts = _PARTS.findall(word)
        if indent + len(word) > width >= _OWN_LINE + len(word):  # an id or ARN that a line holds is in one
            parts, at = [word], _OWN_LINE
        else:
            at = indent if indent + max(map(len, parts)) <= width else _OWN_LINE
        if at == INDENT and len(parts) > 1 and len(begun) + len(gap) == INDENT:
            begun += gap
        elif begun.strip():
            yield begun
            begun = " " * at
        *full, begun = _broken(parts, begun or " " * at, at, width)
        yield from full
    yield begun


def _broken(parts: list[str], begun: str, indent: int, width: int) -> list[str]:
    """The parts of a word in lines, as few as there can be; broken within a part only if a line does not hold it."""
    lines = [begun]
    for part in parts:
        left = part
        if len(lines[-1]) + len(left) > width and lines[-1].strip() and len(lines[-1]) > indent:
            lines.append(" " * indent)
        while len(lines[-1]) + len(left) > width:
            room = width - len(lines[-1])
            lines[-1] += left[:room]
            left = left[room:]
            lines.append(" " * indent)
        lines[-1] += left
    return lines
