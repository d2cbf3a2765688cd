"""What a terminal takes: how wide it is, whether it shows colours, and lines and tables that fit it.

Where there is no terminal nothing is folded and nothing coloured: a row is a line, so is a paragraph, and `grep` finds
it whole. Nothing is ever cut: what is wider than the terminal by itself, such as a long ARN, is on a line of its own.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

#: A terminal that does not say how wide it is has so many columns; in a narrower one than `NARROWEST` lines run over.
USUAL, NARROWEST = 80, 20
#: Prose that is wider is hard to read; a table may be.
WIDEST_PROSE = 100
#: Folds what is piped as well. COLUMNS does not: readline, and with it many programs, sets it for all that they start.
OWN_COLUMNS = "OWNERTAG_COLUMNS"
#: What lies between the columns of a table, and between the fields of a record.
_GAP = "  "
#: A name, what is aligned with others by at least two spaces, and the text that is continued below itself.
_LABELLED = re.compile(r"( *\S(?:\S| (?! )){0,20}? {2,})\S")
_WORD = re.compile(r"( *)(\S*`[^`]+`\S*|\S+)")


@dataclass(frozen=True)
class Screen:
    """What is written to: so many columns, or None where nothing is folded; and whether it shows colours."""

    width: int | None = None
    colour: bool = False

    @property
    def prose(self) -> int | None:
        """How wide a line of prose is."""
        return self.width and min(self.width, WIDEST_PROSE)


class CommandLine(str):
    """A line to paste into a shell: where it is folded, a backslash continues it."""

    __slots__ = ()


def screen(stream: TextIO | None, environment: Mapping[str, str] = os.environ) -> Screen:
    """What this stream writes to."""
    terminal = _is_terminal(stream)
    width = _number(environment.get(OWN_COLUMNS, ""))
    if width is None and terminal and stream is not None:
        width = _number(environment.get("COLUMNS", "")) or _columns(stream)
    return Screen(width and max(width, NARROWEST), _shows_colours(environment, terminal=terminal))


def _number(text: str) -> int | None:
    return int(text) or None if text.isascii() and text.isdigit() else None


def _shows_colours(environment: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether colours are wanted: NO_COLOR (no-color.org) is the last word, then FORCE_COLOR, then the terminal."""
    if environment.get("NO_COLOR"):
        return False
    if forced := environment.get("FORCE_COLOR"):
        return forced != "0"
    return terminal and environment.get("TERM", "").lower() not in {"dumb", "unknown"}


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL
    except (OSError, ValueError):
        return USUAL


# --- lines


def folded(lines: Iterable[str], width: int | None) -> Iterator[str]:
    """Lines that fit, each continued further in than it begins. The text has no controls: `output.clean_lines`."""
    for line in lines:
        if width is None or cells(line) <= width:
            yield line
        elif isinstance(line, CommandLine):
            yield from _folded_command(line, width)
        else:
            yield from _folded(line, width)


def cells(text: str) -> int:
    """How many columns a text takes: a letter of Chinese, Japanese or Korean takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _folded(line: str, width: int) -> Iterator[str]:
    indent = _indent(line)
    labelled = _LABELLED.match(line)
    hang = len(labelled[1]) if labelled else indent + 2
    if hang > width // 3:  # too little room is left below
        hang = min(indent + 2, width // 2)
    # What is too long for its column stands further left; not at the very left, where a record begins.
    yield from _flowing(_words(line, width - hang), width, (hang, indent + 2, indent, min(indent, 2)))


def _words(line: str, room: int) -> Iterator[tuple[str, str]]:
    """The words and what is before each; a command between backticks is one word, where there is room for it."""
    for gap, word in _WORD.findall(line):
        if " " in word and cells(word) > room:
            first, *others = word.split(" ")
            yield gap, first
            yield from ((" ", other) for other in others if other)
        else:
            yield gap, word


def _flowing(words: Iterable[tuple[str, str]], width: int, hangs: Sequence[int]) -> Iterator[str]:
    """Puts words into lines, each continued at the first of these columns; a word too long for all is on its own."""
    line = ""
    for gap, word in words:
        added = f"{line}{gap}{word}"
        if cells(added) <= width or (not line and not gap):
            line = added
            continue
        if line.strip():
            yield line.rstrip()
        line = f"{' ' * next((hang for hang in hangs if hang + cells(word) <= width), 0)}{word}"
    if line.strip():
        yield line


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _folded_command(command: str, width: int) -> Iterator[str]:
    """The command, continued by backslashes; an option stays with its value."""
    indent = _indent(command)
    hang = indent + 2
    first, *parts = _parts(command, width - hang - 2)
    words = [(" " * indent, first), *((" ", part) for part in parts)]
    lines = list(_flowing(words, width - 2, (hang,)))
    yield from (f"{line} \\" for line in lines[:-1])
    yield lines[-1]


def _parts(command: str, room: int) -> Iterator[str]:
    """A command's words, an option with its value. What no shell could read is taken word by word."""
    try:
        words = [shlex.quote(word) for word in shlex.split(command)]
    except ValueError:
        words = command.split()
    while words:
        option = words[0].startswith("--") and len(words) > 1 and not words[1].startswith("--")
        size = 2 if option and len(f"{words[0]} {words[1]}") <= room else 1
        yield " ".join(words[:size])
        del words[:size]


# --- tables


def table(rows: Sequence[Mapping[str, str]], width: int | None, right: Collection[str] = ()) -> Iterator[str]:
    """Rows below their columns' names; where that does not fit, a record for each row.

    Args:
        rows: All have the same columns, by name. The texts have no controls.
        width: How wide it may be; None for as wide as it is.
        right: The columns that are aligned to the right, such as numbers.
    """
    if not rows:
        return
    columns = list(rows[0])
    widths = {column: max(map(cells, (column, *(row[column] for row in rows)))) for column in columns}
    if width is not None and sum(widths.values()) + len(_GAP) * (len(columns) - 1) > width:
        yield from _records(rows, width)
        return
    for row in ({column: column for column in columns}, *rows):
        aligned = (_aligned(row[column], widths[column], right=column in right) for column in columns)
        yield _GAP.join(aligned).rstrip()


def _aligned(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - cells(text))
    return f"{space}{text}" if right else f"{text}{space}"


def _records(rows: Sequence[Mapping[str, str]], width: int) -> Iterator[str]:
    """Each row as its fields by their names, continued further in; empty ones are left out."""
    for row in rows:
        fields = [f"{column} {text}".strip() for column, text in row.items() if text.strip()]
        yield from _flowing(_fields(fields, width - 2), width, (2,))


def _fields(fields: Iterable[str], room: int) -> Iterator[tuple[str, str]]:
    """The fields as words, each in one piece if there is room for it; the first begins a line."""
    gap = ""
    for field in fields:
        first, *others = [field] if cells(field) <= room else field.split(" ")
        yield gap, first
        yield from ((" ", other) for other in others)
        gap = _GAP
