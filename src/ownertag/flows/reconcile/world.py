"""What reconciling needs of the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from ownertag.core.backfill.found import FoundResource
from ownertag.core.backfill.makers import Event
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.values import Unavailable
from ownertag.flows.ports import History, Inventory, Ports
from ownertag.flows.result import Result
from ownertag.ledger.port import Store

T = TypeVar("T")

#: CloudTrail shows a record up to so late (LookupEvents), and delivery may take as long: what is younger is not missed.
LAG = timedelta(minutes=16)
#: As many resources are compared with the ledger, and as many creations settled, at a time.
PORTION = 1000

#: Takes resources that no record explains for what they say themselves; returns a result for each, by its place.
Adopt = Callable[[Sequence[tuple[str, FoundResource]], Ports], list[Result]]


@dataclass(frozen=True)
class World:
    """What reconciling needs beside the ports of a batch.

    Attributes:
        ports: The world; `store` is the same as its ledger.
        store: The ledger, for what lives in a place.
        inventory: Lists what is there.
        history: Reads records of calls.
        catalogue: The rows.
        settings: The tag policy and the owner rules.
        makers: The events that make each type (`core.backfill.makers`).
        is_observed: Says of an account whether it is observed, or why that is not known.
        adopt: Takes what no record explains for what it says itself; None: it is left.
    """

    ports: Ports
    store: Store
    inventory: Inventory
    history: History
    catalogue: Catalogue
    settings: Settings
    makers: Mapping[str, tuple[Event, ...]]
    is_observed: Callable[[str], bool | Unavailable] = lambda _: False
    adopt: Adopt | None = None


def portions(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), PORTION):
        yield items[start : start + PORTION]
