"""Writes a file that was not there: wholly, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def write_new(path: Path, text: str, link: Callable[[Path, Path], None] = os.link) -> None:
    """Writes a text to a path where nothing is yet, in UTF-8.

    It is written under another name beside it, and linked: whoever is interrupted leaves no half of a file, and whoever
    comes second is refused. Where a file system has no links, the file is opened for itself alone, and taken away again
    if it can't be written to its end.

    Raises:
        FileExistsError: Something is there; it is not touched.
        OSError: It can't be written.
    """
    beside = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        _write(beside, text)
        try:
            link(beside, path)
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):
            _write(path, text)
    finally:
        with suppress(OSError):
            beside.unlink()


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            file.close()
            path.unlink()
            raise
