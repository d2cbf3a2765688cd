"""Builds a catalogue after it is checked: for `make catalogue` and `catalogue try`. What is shipped was checked so."""

from __future__ import annotations

from ownertag.catalogue.checks import check
from ownertag.catalogue.loader import build
from ownertag.catalogue.parents_loader import check_parents
from ownertag.catalogue.source_file import Compiled
from ownertag.core.catalogue_types import Catalogue


def read_catalogue(compiled: Compiled) -> Catalogue:
    """Returns a catalogue, checked.

    Raises:
        CatalogueError: A row, type or tag API can't be used, or two rows claim the same event.
    """
    check(compiled)
    catalogue = build(compiled)
    check_parents(compiled.parents, catalogue.rows)
    return catalogue
