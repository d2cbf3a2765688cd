"""What reconciling needs of the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Any, TypeVar

from ownertag.core.backfill.makers import Event
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.values import Unavailable
from ownertag.flows.ports import History, Inventory, Ports
from ownertag.ledger.port import Store

T = TypeVar("T")

#: CloudTrail shows a record up to so late (LookupEvents), and delivery may take as long: what is younger is not missed.
LAG = timedelta(minutes=16)
#: As many resources are compared with the ledger, and as many creations settled, at a time.
PORTION = 1000


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
        settling: Held while creations are settled and tags written: places are listed, and records read, side by side,
            but what settles keeps what it has looked up for all.
    """

    ports: Ports
    store: Store
    inventory: Inventory
    history: History
    catalogue: Catalogue
    settings: Settings
    makers: Mapping[str, tuple[Event, ...]]
    is_observed: Callable[[str], bool | Unavailable] = lambda _: False
    settling: AbstractContextManager[Any] = field(default_factory=Lock)


def portions(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), PORTION):
        yield items[start : start + PORTION]
