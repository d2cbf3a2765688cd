"""Reads what a call copies: where a service acted for nobody that is known, a copy is its source's owner's.

Where a request names its source is the catalogue's data. A source in another Region stands beside its Region.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ownertag.core.arn import is_arn, partition_of
from ownertag.core.parameters import parameters_of
from ownertag.core.parent_kinds import CopySource
from ownertag.core.parents import Parent, Parents
from ownertag.core.paths import values_at
from ownertag.core.records import REGION, Record

_RDS = "rds.amazonaws.com"


def copied_from(record: Record, parents: Parents) -> tuple[Parent, ...]:
    """What this record's call copied, in the record's account; a source of another account is not known to us."""
    rows = parents.copies.get((record.event_source, record.event_name))
    if not rows:
        return ()
    request = parameters_of(record)["request"] or {}
    return tuple(dict.fromkeys(found for row in rows for found in _found(row, request, record, parents)))


def _found(row: CopySource, request: dict[str, Any], record: Record, parents: Parents) -> Iterator[Parent]:
    elsewhere = [value for value in values_at(request, row.region) if isinstance(value, str)] if row.region else []
    region = next((value for value in elsewhere if REGION.fullmatch(value)), record.region)
    if partition_of(region) != partition_of(record.region):
        return
    for value in values_at(request, row.path):
        if not isinstance(value, str) or len(value) > 2048:
            continue
        id_ = value.lower() if record.event_source == _RDS else value  # RDS keeps them in small letters (API reference)
        found = parents.of_arn(id_) if is_arn(id_) else None
        if not row.by_arn:
            found = found or parents.named(row.kind, id_, partition_of(region), region, record.account)
        if found and found.kind.name == row.kind and found.account == record.account:
            yield found
