"""How much of what EC2 can tag at creation the rows cover, and why the rest is left out.

`generated/ec2_at_creation.toml` is derived from AWS's own models (`derive/ec2_creations.py`); `overlay/` has the
reasons, by hand. A pair is an operation that takes tags for what it creates, and one type that it can give them to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from ownertag.catalogue.files import read_file, shipped_text
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.request_tags import created_types

F = TypeVar("F", bound=Struct)

_SOURCE = "ec2.amazonaws.com"

#: (operation, type), such as ("CreateImage", "snapshot").
Pair = tuple[str, str]


class Derived(Struct, forbid_unknown_fields=True):
    """What AWS's models say: the types that CreateTags takes, and those that each operation can tag at creation."""

    botocore: str
    authorization_reference: str
    types: list[str]
    operations: dict[str, list[str]]


class _Denied(Struct, forbid_unknown_fields=True):
    reason: str
    pairs: dict[str, list[str]]


class _NotMade(Struct, forbid_unknown_fields=True):
    reason: str
    types: list[str]


class _CoverageOverlay(Struct, forbid_unknown_fields=True):
    denied: list[_Denied]
    not_made: list[_NotMade]


class Coverage(Struct, frozen=True):
    """What became of every pair, and of the types that CreateTags takes and no row makes.

    `stale` is what the overlay gives a reason for though a row makes it or AWS's models don't have it; `unexplained` is
    what neither a row nor the overlay has. Both are empty in what ownertag ships: a test sees to it.
    """

    catalogued: frozenset[Pair]
    denied: Mapping[Pair, str]
    not_made: Mapping[str, str]
    unexplained: frozenset[Pair | str]
    stale: frozenset[Pair | str]

    @property
    def pairs(self) -> int:
        """The number of pairs."""
        return len(self.catalogued) + len(self.denied) + sum(isinstance(open_, tuple) for open_ in self.unexplained)

    def __str__(self) -> str:
        """The numbers, as a part of a sentence."""
        return (
            f"{len(self.catalogued)} of {self.pairs} pairs of an operation and a type that it can tag are catalogued, "
            f"{len(self.denied)} denied with a reason"
        )


def read_derived() -> Derived:
    """Returns the list that `derive/ec2_creations.py` wrote."""
    return _read("generated", Derived)


def coverage(catalogue: Catalogue) -> Coverage:
    """Returns the coverage of EC2 by these rows."""
    models = read_derived()
    overlay = _read("overlay", _CoverageOverlay)
    pairs = frozenset(_pairs(models.operations))
    rows = {row.event_name: created_types(row) for row in catalogue.rows.values() if row.event_source == _SOURCE}
    catalogued = frozenset(pair for pair in pairs if f"ec2:{pair[1]}" in rows.get(pair[0], ()))
    given = {pair: denied.reason for denied in overlay.denied for pair in _pairs(denied.pairs)}
    not_made = {type_: entry.reason for entry in overlay.not_made for type_ in entry.types}
    known = {type_.removeprefix("ec2:") for types in rows.values() for type_ in types}
    open_types = frozenset(models.types) - known - {type_ for _, type_ in given}
    open_pairs = pairs - catalogued
    return Coverage(
        catalogued,
        {pair: reason for pair, reason in given.items() if pair in open_pairs},
        {type_: reason for type_, reason in not_made.items() if type_ in open_types},
        (open_pairs - given.keys()) | (open_types - not_made.keys()),
        frozenset(given.keys() - open_pairs) | (not_made.keys() - open_types),
    )


def _pairs(types: Mapping[str, list[str]]) -> Iterator[Pair]:
    return ((operation, type_) for operation, found in types.items() for type_ in found)


def _read(folder: str, type_: type[F]) -> F:
    name = f"{folder}/ec2_at_creation.toml"
    return read_file(name, shipped_text(name), type_)
