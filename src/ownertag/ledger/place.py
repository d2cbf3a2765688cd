"""Where a ledger is, as it is named in the environment and on the command line: `sqlite:PATH` or `dynamodb:TABLE`."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

LEDGER = "OWNERTAG_LEDGER"

# DynamoDB developer guide: naming rules.
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")


class PlaceError(ValueError):
    """No place of a ledger; the text says what would be one."""


class Place(Struct, frozen=True):
    """A file, or a table of the hub."""

    kind: Literal["sqlite", "dynamodb"]
    name: str


def read_place(text: str) -> Place:
    """The place that a text names.

    Raises:
        PlaceError: It names none.
    """
    kind, colon, name = text.partition(":")
    if kind == "sqlite" and colon and name:
        return Place("sqlite", name)
    if kind == "dynamodb" and colon and _TABLE.fullmatch(name):
        return Place("dynamodb", name)
    if kind == "dynamodb" and colon:
        raise PlaceError(f"{text!a} names no table: 3 to 255 letters, digits, _ . or - follow dynamodb:")
    raise PlaceError(f"{text!a} names no ledger: write dynamodb:TABLE, or sqlite:PATH")
