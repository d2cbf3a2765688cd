"""What operators order: transfers, tags for what records or living resources tell of, and the undoing of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from msgspec import to_builtins

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.restore import RestoreOrder
from ownertag.core.settings import Settings
from ownertag.core.transfer import TransferOrder
from ownertag.flows.adopt import AdoptOrder, adopt
from ownertag.flows.ports import NoPublisher, Ports
from ownertag.flows.restore import restore
from ownertag.flows.tag import TagOrder, tag
from ownertag.flows.transfer import Transfer, transfer
from ownertag.ledger.port import Store
from ownertag.ledger.read_only import DryRunLedger
from ownertag.sinks.observing import IsObserved, ObservingTagger
from ownertag.sinks.tagging import DryRun


@dataclass(frozen=True)
class Orders:
    """Carries out orders.

    Attributes:
        ports: The world of this call.
        ledger: The same ledger as that of the ports, to read.
        is_observed: Says of an account whether it is observed.
        catalogue: The rows.
        settings: The tag policy and the owner rules.
    """

    ports: Ports
    ledger: Store
    is_observed: IsObserved
    catalogue: Catalogue
    settings: Settings

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer to an order; None where the event is none."""
        orders = {"transfer": self._transfer, "tag": self._tag, "adopt": self._adopt, "restore": self._restore}
        for name, carry_out in orders.items():
            if name in event:
                return carry_out(event[name])
        return None

    def _transfer(self, order: Any) -> dict[str, Any]:
        try:
            wanted = msgspec.convert(order, TransferOrder)
            done = transfer(wanted, self.ports, self.ledger, self.catalogue, self.settings)
        except msgspec.ValidationError as error:
            done = Transfer(False, detail=f"this is no order of a transfer: {error}")
        answer: dict[str, Any] = to_builtins(done)
        return answer

    def _tag(self, order: Any) -> dict[str, Any]:
        try:
            wanted = msgspec.convert(order, TagOrder)
        except msgspec.ValidationError as error:
            return {"results": None, "detail": f"this is no order to tag: {error}"}
        return tag(wanted, self._ports(wanted.dry_run), self.catalogue, self.settings)

    def _adopt(self, order: Any) -> dict[str, Any]:
        try:
            wanted = msgspec.convert(order, AdoptOrder)
        except msgspec.ValidationError as error:
            return {"results": None, "detail": f"this is no order to adopt: {error}"}
        return adopt(wanted, self._ports(wanted.dry_run), self.catalogue, self.settings)

    def _restore(self, order: Any) -> dict[str, Any]:
        try:
            wanted = msgspec.convert(order, RestoreOrder)
        except msgspec.ValidationError as error:
            return {"results": None, "detail": f"this is no order to restore: {error}"}
        return restore(wanted, self._ports(wanted.dry_run), self.catalogue, self.settings)

    def _ports(self, dry_run: bool) -> Ports:
        """The world, or one in which nothing is written or kept and nobody is told."""
        if not dry_run:
            return self.ports
        tagger = ObservingTagger(DryRun(), self.is_observed)
        ledger = DryRunLedger(self.ports.ledger)
        return replace(self.ports, tagger=tagger, remover=tagger, ledger=ledger, findings=NoPublisher())
