"""Takes orders without a hub: the same flows, with the ports and so the credentials of whoever runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from ownertag.core.backfill.found import FoundResource
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.parse import parse_record
from ownertag.core.restore import RestoreItem, RestoreOrder
from ownertag.core.settings import Settings
from ownertag.core.transfer import TransferOrder
from ownertag.flows.adopt import AdoptOrder, adopt
from ownertag.flows.backfill.ports import RestoreTarget, ResultObject
from ownertag.flows.ports import Ports
from ownertag.flows.restore import restore
from ownertag.flows.tag import results
from ownertag.flows.transfer import transfer
from ownertag.ledger.port import Reader


class OrdersHere:
    """Carries out orders in this process.

    Args:
        ports: The world.
        dry: The same world, in which nothing is written or kept.
        reader: The ledger.
        catalogue: The rows.
        settings: The tags.
        by: Who orders.
    """

    def __init__(
        self, ports: Ports, dry: Ports, reader: Reader, catalogue: Catalogue, settings: Settings, by: str = ""
    ) -> None:
        self._by = by
        self._ports = ports
        self._dry = dry
        self._reader = reader
        self._catalogue = catalogue
        self._settings = settings

    def tag(self, records: Sequence[bytes], *, dry_run: bool) -> list[ResultObject]:
        """Tags what these records made."""
        arrivals = [parse_record(record, str(number)) for number, record in enumerate(records)]
        return in_order(
            results(arrivals, self._dry if dry_run else self._ports, self._catalogue, self._settings, dry_run)
        )

    def adopt(self, resources: Sequence[FoundResource], *, dry_run: bool) -> list[ResultObject]:
        """Tags resources by their own word."""
        order = AdoptOrder(list(resources), dry_run)
        answer = adopt(order, self._dry if dry_run else self._ports, self._catalogue, self._settings)
        return in_order(answer["results"])

    def transfer(self, order: TransferOrder) -> Mapping[str, Any]:
        """Gives a resource to somebody."""
        answer: dict[str, Any] = to_builtins(
            transfer(order, self._ports, self._reader, self._catalogue, self._settings)
        )
        return answer

    def restore(self, run: str, resources: Sequence[RestoreTarget], *, dry_run: bool) -> list[ResultObject]:
        """Puts back what was there."""
        items = [restore_item(one) for one in resources]
        order = RestoreOrder(run, items, dry_run, self._by)
        answer = restore(order, self._dry if dry_run else self._ports, self._catalogue, self._settings)
        return in_order(answer["results"])


def restore_item(target: RestoreTarget) -> RestoreItem:
    """A resource as an order to restore has it."""
    key = target.key
    return RestoreItem(key.account, key.region, key.arn, dict(target.before), dict(target.written))


def in_order(found: Sequence[ResultObject]) -> list[ResultObject]:
    """Results in the order of what they are of, which is in their `where`."""
    return sorted(found, key=lambda result: int(result["where"]))
