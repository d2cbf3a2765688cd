"""Tags what was observed, in accounts that are observed no longer: as it was decided then, not decided anew.

It is done in portions, while there is time; what is left follows the next time. A portion is taken off the list of what
was observed when its outcomes are kept: if the function ends between, the same tags are written once more
(`tag_from_ledger`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.ownership import EventKey
from ownertag.core.settings import Settings
from ownertag.core.values import Outcome, OutcomeKind
from ownertag.flows.isolate_failures import wait_for
from ownertag.flows.ledger_entries import ended
from ownertag.flows.ports import Ports
from ownertag.flows.tag_from_ledger import tag_from_ledger
from ownertag.ledger.entries import Entry, KnownResource, Unobserved
from ownertag.ledger.port import LedgerError, Store

#: As many resources of one account are tagged at a time: one look-up reads the tags of so many.
PORTION = 200
#: And of all accounts together.
MOST_AT_ONCE = 2000


class TaggedObserved(Struct, frozen=True):
    """What became of what was observed: outcomes by kind, why some of it is left, and whether any is."""

    outcomes: Mapping[OutcomeKind, int] = {}
    reasons: tuple[str, ...] = ()
    is_left: bool = False


def tag_observed(
    accounts: Sequence[str], ports: Ports, ledger: Store, catalogue: Catalogue, settings: Settings
) -> TaggedObserved:
    """Tags what was observed in these accounts, while there is time; each account gets its turn.

    Args:
        accounts: Accounts that are observed no longer.
        ports: The world; `ledger` is the same as its ledger.
        ledger: Knows what was observed.
        catalogue: The rows, for the tag APIs and the sizes of their calls.
        settings: Which tags hold the owner's name.
    """
    counts: Counter[OutcomeKind] = Counter()
    reasons: dict[str, None] = {}
    left = False
    portions = deque(ledger.observed(account, PORTION) for account in accounts)
    try:
        while portions and not ports.expired():
            for outcome in _isolated(_portion(portions), ports, catalogue, settings):
                counts[outcome.kind] += 1
                if outcome.is_retried:
                    reasons[f"{outcome.kind.value}: {outcome.reason}"] = None
                    left = True
    except LedgerError as error:
        reasons[f"{error.outcome.value}: the ledger can't be used: {error}"] = None
        left = True
    return TaggedObserved(counts, tuple(reasons), left or bool(portions))


def _portion(portions: deque[Iterator[list[KnownResource]]]) -> list[KnownResource]:
    """The next resources; whose account has more is asked for it after the others."""
    found: list[KnownResource] = []
    for _ in range(len(portions)):
        if len(found) >= MOST_AT_ONCE:
            break
        account = portions.popleft()
        part = next(account, None)
        if part is not None:
            portions.append(account)
            found += part
    return found


def _isolated(known: Sequence[KnownResource], ports: Ports, catalogue: Catalogue, settings: Settings) -> list[Outcome]:
    """The outcomes of these resources; where one causes an exception, it is separated from the others."""
    try:
        return _tag(known, ports, catalogue, settings) if known else []
    except LedgerError:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of ours: nobody knows which it is
        if len(known) == 1:
            wait = wait_for(error)
            return [Outcome(known[0].key.arn, wait.outcome, wait.reason, is_retried=True)]
    middle = len(known) // 2
    return [
        outcome
        for part in (known[:middle], known[middle:])
        for outcome in (() if ports.expired() else _isolated(part, ports, catalogue, settings))
    ]


def _tag(known: Sequence[KnownResource], ports: Ports, catalogue: Catalogue, settings: Settings) -> list[Outcome]:
    """The outcomes of these resources, after they are kept. What was written meanwhile has none.

    Raises:
        LedgerError: They can't be kept.
    """
    now = ports.now()
    written = [one for one in known if one.holding.outcome is not None]
    waiting = [one for one in known if one.holding.outcome is None]
    outcomes = tag_from_ledger(waiting, {one.key: _kept(one) for one in waiting}, ports, catalogue, settings)
    entries: list[Entry] = [Unobserved(one.key) for one in written]
    for one in waiting:
        outcome, claim = outcomes[one.key.arn], one.holding.claim
        if outcome.not_sent:
            continue
        event = EventKey(one.key.account, one.key.region, claim.event_id)
        entries.append(ended(one.key, event, claim.event_id, one.holding.owner.name, outcome, _kept(one), now))
        if not outcome.is_retried and outcome.kind is not OutcomeKind.OBSERVED:
            entries.append(Unobserved(one.key))
    if entries:
        ports.ledger.append(entries)
    return [outcomes[one.key.arn] for one in waiting]


def _kept(known: KnownResource) -> frozenset[str]:
    return frozenset(known.holding.observed.kept if known.holding.observed else ())


__all__ = ["MOST_AT_ONCE", "PORTION", "TaggedObserved", "tag_observed"]
