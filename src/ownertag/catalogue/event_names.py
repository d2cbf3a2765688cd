"""Which event names belong to several services: derived from the models of all clients by `make catalogue`.

The function does not load it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec
from msgspec import Struct

from ownertag.catalogue.files import CatalogueError, shipped_text

_FILE = "generated/event_names.json"
#: Names that begin like this are left out: next to nothing is made by such calls.
LEFT_OUT = ("BatchGet", "Describe", "Get", "List", "Search", "Update")


class _File(Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    schema: int
    from_: str
    shared: dict[str, list[str]]


@cache
def shared_names() -> Mapping[str, frozenset[str]]:
    """The event sources of each name that several services have; a name that is not there belongs to one alone.

    Raises:
        CatalogueError: What is shipped was written by another version.
    """
    try:
        found = msgspec.json.decode(shipped_text(_FILE).encode(), type=_File)
    except msgspec.DecodeError as error:
        raise CatalogueError(f"{_FILE}: {error}; write it anew with `make catalogue`") from error
    if found.schema != 1:
        raise CatalogueError(f"{_FILE}: schema {found.schema} is not 1; write it anew with `make catalogue`")
    return {name: frozenset(f"{source}.amazonaws.com" for source in sources) for name, sources in found.shared.items()}
