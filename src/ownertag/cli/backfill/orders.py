"""Orders to the hub's function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from ownertag.cli.hub import HubFunction, results_in_place
from ownertag.core.backfill.found import FoundResource
from ownertag.core.restore import RestoreOrder
from ownertag.core.transfer import TransferOrder
from ownertag.flows.backfill.here import restore_item
from ownertag.flows.backfill.ports import RestoreTarget, ResultObject

_T = TypeVar("_T")


class HubOrders:
    """Has the hub's function carry orders out; what it does not answer ends the command, and is looked up by the next.

    Args:
        hub: The function.
    """

    def __init__(self, hub: HubFunction) -> None:
        self._hub = hub

    def tag(self, records: Sequence[bytes], *, dry_run: bool) -> list[ResultObject]:
        """Tags what these records made."""

        def order(part: Sequence[bytes]) -> dict[str, Any]:
            return {"tag": {"records": [msgspec.json.decode(record) for record in part], "dry_run": dry_run}}

        return self._results(records, order, lambda _: "a record")

    def adopt(self, resources: Sequence[FoundResource], *, dry_run: bool) -> list[ResultObject]:
        """Tags resources by their own word."""

        def order(part: Sequence[FoundResource]) -> dict[str, Any]:
            return {"adopt": {"resources": [msgspec.to_builtins(one) for one in part], "dry_run": dry_run}}

        return self._results(resources, order, lambda found: found.resource.arn)

    def transfer(self, order: TransferOrder) -> Mapping[str, Any]:
        """Gives a resource to somebody."""
        return self._hub.ask({"transfer": msgspec.to_builtins(order)}, "done")

    def restore(self, run: str, resources: Sequence[RestoreTarget], *, dry_run: bool) -> list[ResultObject]:
        """Puts back what was there."""

        def order(part: Sequence[RestoreTarget]) -> dict[str, Any]:
            wanted = RestoreOrder(run, [restore_item(one) for one in part], dry_run, self._hub.caller)
            return {"restore": msgspec.to_builtins(wanted)}

        return self._results(resources, order, lambda target: target.key.arn)

    def _results(
        self, given: Sequence[_T], order: Callable[[Sequence[_T]], Mapping[str, Any]], name: Callable[[_T], str]
    ) -> list[ResultObject]:
        found = dict(results_in_place(self._hub, given, order, name)) if given else {}
        return [found[place] for place in range(len(given))]
