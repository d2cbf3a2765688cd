"""The result of a check, and the progress of long work."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct


class Check(Struct):
    """One line of what must hold: in which figures it came out, what is wrong (nothing, if it holds), and its time."""

    what: str
    figures: Mapping[str, Any]
    wrong: tuple[str, ...]
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the check holds."""
        return not self.wrong


class Progress:
    """Tells on stderr how much is done, at most every few seconds."""

    def __init__(self, what: str, limit: int, every: float = 5.0) -> None:
        self._what = what
        self._most = limit
        self._every = every
        self._told = time.monotonic()

    def __call__(self, done: int) -> None:
        """So many are done."""
        if time.monotonic() - self._told >= self._every:
            self._told = time.monotonic()
            print(f"{time.strftime('%H:%M:%S')} {self._what}: {done:,} of {self._most:,}", file=sys.stderr, flush=True)


def folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for a ledger whose durability is not what is measured: in memory, where the system has such a place."""
    shared = Path("/dev/shm")  # noqa: S108 - the folder in it is made with a name of its own
    place = shared if shared.is_dir() and os.access(shared, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="ownertag-load-", dir=place)
