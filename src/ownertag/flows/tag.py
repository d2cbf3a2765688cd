"""An operator's order to tag what records created: what delivery missed goes the way of what it brought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.parse import parse_record
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Refusal
from ownertag.flows.isolate_failures import isolate_failures
from ownertag.flows.ports import Ports
from ownertag.flows.result import Result
from ownertag.flows.result_object import result_object
from ownertag.flows.run import run


class TagOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """CloudTrail records as they are; `dry_run`: say what would be done, and do nothing."""

    records: list[dict[str, Any]]
    dry_run: bool = False


def tag(order: TagOrder, ports: Ports, catalogue: Catalogue, settings: Settings) -> dict[str, Any]:
    """Carry out an order: `results` has one for each record, whose `where` is its place in the order, from 0.

    The records are believed as the caller's: whoever may give orders may also transfer. Their accounts must be the
    organization's all the same.
    """
    arrivals = [parse_record(msgspec.json.encode(each), str(number)) for number, each in enumerate(order.records)]
    return {"results": results(arrivals, ports, catalogue, settings, order.dry_run)}


def results(
    arrivals: Sequence[Arrival | Refusal], ports: Ports, catalogue: Catalogue, settings: Settings, dry_run: bool = False
) -> list[dict[str, Any]]:
    """What a batch came to, as `--json` prints it; `left`: something is still to be done.

    What is finished is looked at all the same: where another owner stands than the ledger's, ours is written again.
    """

    def work(items: Sequence[Arrival | Refusal]) -> list[Result]:
        return run(items, ports, catalogue, settings, {item.where for item in items})

    found = isolate_failures(arrivals, work, lambda each: each.where, ports.expired)
    return [
        {**result_object(each, each.decision.owner if each.decision else None, (), dry_run), "left": each.is_retried}
        for each in found
    ]
