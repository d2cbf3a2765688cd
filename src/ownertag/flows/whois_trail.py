"""Looks up an owner in CloudTrail, where the ledger never saw the resource."""

from __future__ import annotations

from typing import Protocol

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.match import match
from ownertag.core.owner.resolve import resolve
from ownertag.core.ownership import ResourceKey
from ownertag.core.record_details import addresses_of
from ownertag.core.records import Arrival, Record
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Unavailable
from ownertag.flows.ledger_entries import created_of
from ownertag.flows.whois import WhoisAnswer


class Trail(Protocol):
    """CloudTrail's own records."""

    def naming(self, account: str, region: str, name: str) -> list[Record] | Unavailable:
        """The records of calls that touched the resource of this name, the newest first."""


def from_trail(
    wanted: ResourceKey, id_: str, trail: Trail, catalogue: Catalogue, settings: Settings
) -> WhoisAnswer | Unavailable | None:
    """Who made it, from CloudTrail's 90 days: named by the record alone, since nothing else is looked up.

    `wanted.arn` may be empty: the id tells which resource of the creation it is.
    """
    records = trail.naming(wanted.account, wanted.region, id_)
    if isinstance(records, Unavailable):
        return records
    for record in reversed(records):
        # Neither the settings' Regions nor whom they leave alone matter here.
        creation = match(Arrival("lookup", record), catalogue, Settings())
        for resource in creation.resources:
            if resource.id == id_:
                addresses = addresses_of(creation).get(id_, ()) if isinstance(creation, Creation) else ()
                return WhoisAnswer(
                    ResourceKey(record.account, record.region, resource.arn),
                    id_,
                    resource.type,
                    resolve(record, settings),
                    record.created_at,
                    None,
                    created=created_of(record),
                    addresses=addresses,
                    from_trail=True,
                )
    return None
