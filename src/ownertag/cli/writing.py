"""Writes lines for a person: without what a terminal would obey, folded to its width, in colours if it shows them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TextIO

import typer

from ownertag.cli.terminal import CommandLine, folded, screen
from ownertag.core.owner.principal import printable

#: A word that begins or ends a line, and how it looks. A colour says nothing that the word does not.
Marks = Mapping[str, Mapping[str, Any]]
RED: Mapping[str, Any] = {"fg": "red", "bold": True}
YELLOW: Mapping[str, Any] = {"fg": "yellow"}
GREEN: Mapping[str, Any] = {"fg": "green"}
DIM: Mapping[str, Any] = {"dim": True}

_ERROR: Marks = {"ownertag:": RED}


def clean_lines(lines: Iterable[str]) -> Iterator[str]:
    """Lines without anything that a terminal would obey (T22), folded to its width; their indentation stays."""
    yield from folded(map(_cleaned, lines), screen(sys.stdout).prose)


def print_lines(lines: Iterable[str], marks: Marks | None = None) -> None:
    """Prints lines to standard output.

    Args:
        lines: Whatever stands in them is cleaned.
        marks: The words that have a colour.
    """
    write(clean_lines(lines), marks, sys.stdout)


def tell(text: str, marks: Marks | None = None) -> None:
    """Writes to standard error. No work ends because nobody can hear of it."""
    lines = folded(map(_cleaned, text.splitlines() or [""]), screen(sys.stderr).prose)
    with suppress(OSError):
        write(lines, marks, sys.stderr)


def tell_error(message: str) -> None:
    """Writes what went wrong to standard error."""
    tell(f"ownertag: {message}", _ERROR)


def write(lines: Iterable[str], marks: Marks | None, stream: TextIO) -> None:
    """Writes lines that are cleaned and fit, in one piece, since several threads may have something to say."""
    shows = screen(stream).colour
    text = "\n".join(_coloured(line, marks) if shows and marks else line for line in lines)
    typer.echo(text, file=stream, color=shows)


def _cleaned(line: str) -> str:
    text = " " * (len(line) - len(line.lstrip(" "))) + printable(line).strip()
    return CommandLine(text) if isinstance(line, CommandLine) else text


def _coloured(line: str, marks: Marks) -> str:
    words = "|".join(map(re.escape, sorted(marks, key=len, reverse=True)))

    def styled(found: re.Match[str]) -> str:
        return typer.style(found[0], **marks[found[0]])

    return re.sub(rf"^(?:{words})(?![\w-])|(?<=  )(?:{words})$", styled, line, count=1)
