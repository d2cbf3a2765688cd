"""Lists what is there, and keeps of it what has no right owner tag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.core.backfill.found import FoundResource, State, Unlisted, state_of
from ownertag.core.ownership import ResourceKey
from ownertag.core.settings import Settings
from ownertag.core.values import OutcomeKind
from ownertag.flows.backfill.ports import Now, Tell, tell_nobody
from ownertag.flows.ports import Inventory
from ownertag.ledger.entries import KnownResource
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.values import KeptResource, ListedPlace

#: The ledger is asked for so many at once.
CHUNK = 500

_T = TypeVar("_T")


class KnownResources(Protocol):
    """What of the ledger is needed."""

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """The resources with these keys that are known."""


def list_places(
    store: BackfillStore,
    inventory: Inventory,
    ledger: KnownResources,
    settings: Settings,
    now: Now,
    concurrency: Concurrency = sequential,
    tell: Tell = tell_nobody,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Lists each account and Region that is not listed yet, or where AWS was too busy for all of it.

    Region by Region, so that the places that are listed side by side share the clients of their Region's services.

    Once `stopped` is true, no place is begun any more, and what is half listed is not kept.

    Raises:
        LedgerError: The ledger can't be read. What was listed before stays.
        RunError: The run's file can't be used.
    """
    places = store.places()
    left = [place for place, listed in places.items() if listed is None or is_listed_again(listed)]
    left.sort(key=lambda place: (place[1], place[0]))
    done = len(places) - len(left)
    tell("list", done, len(places), "places")

    def list_one(account: str, region: str) -> None:
        nonlocal done
        if stopped():
            return
        kept: list[KeptResource] = []
        states: Counter[State] = Counter()
        unlisted: list[Unlisted] = []
        at = now()
        for chunk in _chunks(inventory.resources(account, region), CHUNK):
            if stopped():
                return
            found = [one for one in chunk if isinstance(one, FoundResource)]
            unlisted += [one for one in chunk if isinstance(one, Unlisted)]
            known = {one.key: one for one in ledger.by_key([one.key for one in found])} if found else {}
            for one in found:
                ours = known[one.key].holding.tags if one.key in known else None
                state = state_of(one, ours, settings)
                states[state] += 1
                if state not in {State.RIGHT, State.BY_AWS}:
                    kept.append(KeptResource(one, state, at))
        store.keep_place(account, region, ListedPlace(at, dict(states), tuple(unlisted)), kept)
        done += 1
        tell("list", done, len(places), "places")

    concurrency([partial(list_one, *place) for place in left])


def is_listed_again(listed: ListedPlace) -> bool:
    """Whether a place is listed again when the run goes on: AWS was too busy."""
    return any(one.why.outcome is OutcomeKind.THROTTLED for one in listed.unlisted)


def _chunks(items: Iterator[_T], size: int) -> Iterator[list[_T]]:
    while chunk := list(islice(items, size)):
        yield chunk
