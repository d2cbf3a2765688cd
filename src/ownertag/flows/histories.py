"""Reads the histories of many calls: the accounts and Regions side by side, as each has its own two calls a second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.core.records import Arrival
from ownertag.core.values import Unavailable
from ownertag.flows.ports import History

#: An account, a Region, an event (its source, its name), and a time (from, to).
Wanted = tuple[str, str, tuple[str, str], tuple[datetime, datetime]]


def histories(
    wanted: Iterable[Wanted], history: History, concurrency: Concurrency = sequential
) -> dict[Wanted, Sequence[Arrival] | Unavailable]:
    """The answer to each of these; within an account and Region one after the other."""
    places: dict[tuple[str, str], dict[Wanted, None]] = {}
    for one in wanted:
        places.setdefault(one[:2], {})[one] = None
    found: dict[Wanted, Sequence[Arrival] | Unavailable] = {}

    def read(of_place: Iterable[Wanted]) -> None:
        for one in of_place:
            found[one] = history.records(*one)

    concurrency([partial(read, of_place) for of_place in places.values()])
    return found
