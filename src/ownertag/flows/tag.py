"""Carries out an operator's order to tag what records created, such as events that were not delivered."""

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
from ownertag.flows.result import Decided, Result
from ownertag.flows.result_object import result_object
from ownertag.flows.run import run


class TagOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """CloudTrail records as they are; with `dry_run` nothing is written, and the answer says what would be."""

    records: list[dict[str, Any]]
    dry_run: bool = False


def tag(order: TagOrder, ports: Ports, catalogue: Catalogue, settings: Settings) -> dict[str, Any]:
    """Carries out an order: `results` has one for each record, whose `where` is its place in the order, from 0.

    The records are believed as the caller's: whoever may give orders may also transfer. Their accounts must be the
    organization's all the same.
    """
    arrivals = [parse_record(msgspec.json.encode(record), str(number)) for number, record in enumerate(order.records)]
    return {"results": results(arrivals, ports, catalogue, settings, order.dry_run)}


def results(
    arrivals: Sequence[Arrival | Refusal], ports: Ports, catalogue: Catalogue, settings: Settings, dry_run: bool = False
) -> list[dict[str, Any]]:
    """The results of a batch, as `--json` prints them; `left`: something is still to be done.

    Finished creations are checked as well: where a resource carries another owner, the ledger's is written again.
    """

    def run_arrivals(arrivals: Sequence[Arrival | Refusal]) -> list[Result]:
        return run(arrivals, ports, catalogue, settings, {arrival.where for arrival in arrivals})

    def as_object(result: Result) -> dict[str, Any]:
        owner = result.decision.owner if isinstance(result, Decided) else None
        return {**result_object(result, owner, dry_run=dry_run), "left": result.is_retried}

    found = isolate_failures(arrivals, run_arrivals, lambda arrival: arrival.where, ports.expired)
    return [as_object(result) for result in found]
