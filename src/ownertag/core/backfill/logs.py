"""How far logs are read."""

from __future__ import annotations

from msgspec import Struct


class LogsRead(Struct, frozen=True):
    """How far the logs are read: the object with which the last part ended, how much that was, and what was not read.

    `problems` are for a person, each with what to do. `unreached`: something was there and could not be had.
    """

    end: str = ""
    objects: int = 0
    size: int = 0
    problems: tuple[str, ...] = ()
    unreached: bool = False
    finished: bool = False
