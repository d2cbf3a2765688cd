"""Carries out an order to reconcile: one leg, after which the function invokes itself for the rest.

It is imported by the first such order alone: the function that works off the queue never needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

import msgspec
from msgspec import to_builtins

from ownertag.aws.concurrency import concurrent
from ownertag.aws.sessions import Sessions
from ownertag.core.backfill.makers import Event, makers_of
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.regions import forced_regions, regions_of
from ownertag.core.settings import OrganizationSettings, Settings
from ownertag.core.values import Failure, Unavailable
from ownertag.flows.ports import NoPublisher, Ports
from ownertag.flows.reconcile.legs import SIDE_BY_SIDE, Leg, ReconcileOrder, places_of, reconcile_leg
from ownertag.flows.reconcile.report import PlaceReport, shortened, totals_of
from ownertag.flows.reconcile.world import World
from ownertag.ledger.port import Store
from ownertag.ledger.read_only import DryRunLedger
from ownertag.render.documents import RECONCILE_FUNCTION
from ownertag.sinks.observing import IsObserved, ObservingTagger
from ownertag.sinks.tagging import DryRun
from ownertag.sources.history import EventHistory
from ownertag.sources.inventory import AwsInventory

#: An answer has the places in which something was found, at most so many: Lambda hands out 6 MB.
MOST_PLACES = 200


class _Reporter(Protocol):
    def reconciled(self, leg: Leg, dry_run: bool) -> None: ...


@dataclass
class Reconciling:
    """Carries out orders to reconcile; lives as long as the environment that Lambda started.

    Attributes:
        audit: Sessions of the role that may list and read, in every account.
        accounts: Tells the organization's active accounts, or why they can't be told.
        client: Makes a client of the hub, by its name.
        ledger: The ledger, to read.
        is_observed: Says of an account whether it is observed.
        catalogue: The rows.
        settings: The tag policy and the owner rules.
        organization: Whose Regions are reconciled.
        now: Gives the time, with a time zone.
        report: Is told of each leg.
    """

    audit: Sessions
    accounts: Callable[[], tuple[str, ...] | Unavailable]
    client: Callable[[str], Any]
    ledger: Store
    is_observed: IsObserved
    catalogue: Catalogue
    settings: Settings
    organization: OrganizationSettings
    now: Callable[[], datetime]
    report: _Reporter

    def answer(self, order: Any, ports: Ports) -> dict[str, Any]:
        """The answer to an order: `totals` of the chain so far, `places` with what was found, and whether it goes on.

        Raises:
            RuntimeError: The accounts or Regions can't be told, or the rest can't be handed on: Lambda tries again.
        """
        try:
            wanted = msgspec.convert(order, ReconcileOrder)
        except msgspec.ValidationError as error:
            return {"totals": None, "detail": f"this is no order to reconcile: {error}"}
        places = places_of(wanted, self._accounts(wanted), self._regions(wanted))
        if not places:
            return {"totals": None, "detail": "the organization has no such active account, or not in that Region"}
        leg = reconcile_leg(wanted, places, self._world(ports, wanted), self._side_by_side)
        self.report.reconciled(leg, wanted.dry_run)
        if leg.next is not None:
            self._hand_on(leg.next)
        reports = leg.reports if wanted.is_one_place else [one for one in leg.reports if one.is_notable][:MOST_PLACES]
        return {
            "totals": to_builtins(leg.totals),
            "places": [_as_object(report) for report in reports],
            "goes_on": leg.next is not None,
        }

    def _accounts(self, order: ReconcileOrder) -> tuple[str, ...]:
        found = self.accounts()
        if isinstance(found, Unavailable):
            raise RuntimeError(found.reason)  # noqa: TRY004 - it is no wrong type
        return tuple(account for account in found if order.account in {"", account})

    def _regions(self, order: ReconcileOrder) -> tuple[str, ...]:
        forced = forced_regions(self.catalogue, self.organization)
        if self.organization.regions:
            found = regions_of(self.organization, forced)
        else:
            home, hub = self.organization.home_region, self.organization.hub_account
            told: frozenset[str] | Failure = self.audit.call("ec2", hub, home, _enabled)
            if isinstance(told, Failure):
                raise RuntimeError(f"the hub's Regions can't be read: {told.code}")
            found = regions_of(self.organization, forced, told)
        return tuple(region for region in found if order.region in {"", region})

    def _world(self, ports: Ports, order: ReconcileOrder) -> World:
        if order.dry_run:
            tagger = ObservingTagger(DryRun(), self.is_observed)
            ports = replace(ports, tagger=tagger, ledger=DryRunLedger(ports.ledger), findings=NoPublisher())
        return World(
            ports,
            self.ledger,
            AwsInventory(self.audit, self.catalogue, ports.expired),
            EventHistory(self.audit, self.now, ports.expired),
            self.catalogue,
            self.settings,
            self._makers,
            self.is_observed,
        )

    @cached_property
    def _makers(self) -> Mapping[str, tuple[Event, ...]]:
        return makers_of(self.catalogue)

    @cached_property
    def _side_by_side(self) -> Callable[..., None]:
        return concurrent(SIDE_BY_SIDE)

    def _hand_on(self, following: ReconcileOrder) -> None:
        payload = msgspec.json.encode({"reconcile": following})
        answer = self.client("lambda").invoke(FunctionName=RECONCILE_FUNCTION, InvocationType="Event", Payload=payload)
        if answer["StatusCode"] != 202:
            raise RuntimeError(f"the rest can't be handed on: {answer['StatusCode']}")


def _enabled(client: Any) -> frozenset[str]:
    return frozenset(region["RegionName"] for region in client.describe_regions()["Regions"])


def _as_object(report: PlaceReport) -> dict[str, Any]:
    plain: dict[str, Any] = to_builtins(shortened(report))
    return plain | {"reached": report.is_reached, "totals": to_builtins(totals_of([report]))}
