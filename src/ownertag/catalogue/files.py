"""The files that the catalogue ships, and how one is read: a fault in it is told with file, line and advice."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TypeVar

import msgspec
from msgspec import Struct

from ownertag.core.toml.advice import dotted
from ownertag.core.toml.file import TomlError, read_toml

F = TypeVar("F", bound=Struct)

#: The lists of rows in these files, each with the key by which people know a row.
_ROW_NAMES = {"creation": "event", "deletion": "event", "action": "action"}


class CatalogueError(Exception):
    """A catalogue file can't be used; the text says where, what is wrong and what would be right."""


def shipped_text(name: str) -> str:
    """Returns the text of a file of the catalogue, such as `overlay/tag_actions.toml`."""
    return files("ownertag.catalogue").joinpath(*name.split("/")).read_text("utf-8")


def read_file(name: str, text: str, type_: type[F]) -> F:
    """Returns a TOML file of the catalogue as a struct of this type.

    Raises:
        CatalogueError: It is no TOML, or does not fit the type.
    """
    try:
        return read_toml(text, type_)
    except TomlError as error:
        raise CatalogueError(error.sentence(name, _named(error.path or (), text))) from error


def _named(path: Sequence[str], text: str) -> str:
    """The path, with a row's name instead of its number: `CreateVolume.makes[0]`, and not `creation[3].makes[0]`."""
    if len(path) > 1 and path[0] in _ROW_NAMES:
        row = msgspec.toml.decode(text)[path[0]][int(path[1].strip("[]"))]
        if isinstance(row, dict) and isinstance(name := row.get(_ROW_NAMES[path[0]]), str):
            return dotted((name, *path[2:]))
    return dotted(path)
