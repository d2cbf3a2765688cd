"""The calls that take tags for something new and have no row that is on, with why: `uncovered.json`.

They are read when a refusal has to be worded, and not at the start: the rules forward nothing else than rows, so that
the function seldom needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec
from msgspec import Struct

from ownertag.catalogue.files import CatalogueError, read_file, shipped_text
from ownertag.catalogue.source_file import Compiled

UNCOVERED = "uncovered.json"
NOT_ROWS = "generated/not_rows.toml"


class NotRows(Struct, forbid_unknown_fields=True):
    """The operations that take tags and are no row, with the reason; `makes`: the events of those that make something.

    A key of `makes` is an event source and an event's name.
    """

    operations: dict[str, str] = {}
    makes: dict[str, str] = {}
    botocore: str = ""
    authorization_reference: str = ""


class ShippedUncovered:
    """What is shipped."""

    def why(self, event_source: str, event_name: str) -> str | None:
        """Why this call has no row that is on, empty if that is not said; None if it takes no tags for something new.

        Raises:
            CatalogueError: What is shipped was written by another version.
        """
        return shipped().get(event_source, {}).get(event_name)

    def __eq__(self, other: object) -> bool:
        """All are the same."""
        return isinstance(other, ShippedUncovered)

    def __hash__(self) -> int:
        """All are the same."""
        return hash(ShippedUncovered)


@cache
def shipped() -> Mapping[str, Mapping[str, str]]:
    """The file's content, read when it is first asked for."""
    try:
        return msgspec.json.decode(shipped_text(UNCOVERED).encode(), type=dict[str, dict[str, str]])
    except msgspec.DecodeError as error:
        raise CatalogueError(f"{UNCOVERED}: {error}; write it anew with `make catalogue`") from error


def uncovered(whole: Compiled) -> dict[str, dict[str, str]]:
    """The events by their source, each with the reason why it has no row that is on.

    Args:
        whole: All rows, whether they are on or not.

    Raises:
        CatalogueError: The file of what is no row can't be used.
    """
    found: dict[str, dict[str, str]] = {}
    for event, reason in read_file(NOT_ROWS, shipped_text(NOT_ROWS), NotRows).makes.items():
        source, _, name = event.partition(" ")
        found.setdefault(source, {})[name] = reason
    for file in whole.sources:
        for creation in file.creation:
            of_source = found.setdefault(file.event_source, {})
            of_source.pop(creation.event, None)
            if not creation.is_on:
                of_source[creation.event] = creation.off
    return {source: dict(sorted(events.items())) for source, events in sorted(found.items()) if events}


def as_json(found: Mapping[str, Mapping[str, str]]) -> bytes:
    """`uncovered.json`: the same bytes for the same content, an event source a line."""
    lines = [f"{_json(source)}: {_json(events)}" for source, events in found.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
