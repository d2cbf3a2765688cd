"""Tells what a CloudTrail record that somebody pasted has created, by the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.match import match
from ownertag.core.pasted.taken import Asked
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Creation


def creations_of(record: bytes, catalogue: Catalogue) -> Iterator[Asked]:
    """The resources that a record created; none if it is no creation, or none that the catalogue has."""
    for read in parse_document(record, "pasted"):
        if not isinstance(read, Arrival):
            continue
        made = match(read, catalogue, Settings())  # which Regions and principals the settings leave out doesn't matter
        if isinstance(made, Creation):
            for resource in made.resources:
                yield Asked(resource.arn)
