"""Matches a record with the catalogue: it made resources, it ended some, or it did neither, and why."""

from __future__ import annotations

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.match import match
from ownertag.core.match_deletion import Ending, is_deletion, match_deletion
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Refusal


def match_record(arrival: Arrival | Refusal, catalogue: Catalogue, settings: Settings) -> Creation | Ending | Refusal:
    """Returns the creation or the deletion that a record is, or the refusal with the reason why it is neither."""
    if isinstance(arrival, Refusal):
        return arrival
    if is_deletion(arrival.record, catalogue):
        return match_deletion(arrival, catalogue, settings)
    return match(arrival, catalogue, settings)
