"""What the ledger and the queues say of a canary."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Protocol

from msgspec import Struct

from ownertag.core.arn import Arn, partition_of
from ownertag.core.ownership import EventKey, ResourceKey
from ownertag.core.values import OutcomeKind
from ownertag.ledger.entries import Created, Ended, HistoryEntry, Owned
from ownertag.ledger.port import Reader
from ownertag.render.documents import BUS, DEAD_LETTERS, UNDELIVERED
from ownertag.rollout.doctor.facts import Missing, NotGiven, Observed, QueueFacts, Unread
from ownertag.rollout.prove.hops import LedgerTimes
from ownertag.rollout.prove.result import Place, SeenLast, Trail

_WRITTEN = frozenset({OutcomeKind.TAGGED, OutcomeKind.UNCHANGED})


class LedgerTrace(Struct, frozen=True):
    """What the ledger has of a canary.

    Attributes:
        decided: Whether it knows the creation.
        times: When it came and was tagged, once the function says so.
        outcome: How the function ended it, with its reason; else the last outcome so far.
        observed: Whether it wrote nothing because the account is observed.
    """

    decided: bool = False
    times: LedgerTimes | None = None
    outcome: str = ""
    observed: bool = False


class Queues(Struct, frozen=True):
    """The queues in which the event of a canary may lie: that of its Region, and the hub's two."""

    undelivered: Observed[QueueFacts]
    hub: Observed[QueueFacts]
    dead_letters: Observed[QueueFacts]


class Trace(Protocol):
    """Reads what became of a canary."""

    def ledger(self, place: Place, group: str) -> LedgerTrace:
        """What the ledger has of this placement group.

        Raises:
            LedgerError: It can't be read.
        """

    def queues(self, place: Place) -> Queues:
        """The queues of its way."""


class HubTrace:
    """Reads the hub's ledger, and queues with the audit role. Threads may share it.

    Args:
        open_ledger: Opens the ledger; called once.
        queue: Counts what lies in a queue of an account and Region.
        hub: The hub's account and home Region.
    """

    def __init__(
        self, open_ledger: Callable[[], Reader], queue: Callable[[Place, str], Observed[QueueFacts]], hub: Place
    ) -> None:
        self._open = open_ledger
        self._opened: Reader | None = None
        self._lock = Lock()
        self._queue = queue
        self._hub = hub

    def ledger(self, place: Place, group: str) -> LedgerTrace:
        """What the ledger has of this placement group."""
        with self._lock:
            reader = self._opened = self._opened or self._open()
        key = resource_key(place, group)
        return ledger_trace(reader.history(key), reader.creation)

    def queues(self, place: Place) -> Queues:
        """The queues of its way."""
        return Queues(
            self._queue(place, UNDELIVERED), self._queue(self._hub, BUS), self._queue(self._hub, DEAD_LETTERS)
        )


def resource_key(place: Place, group: str) -> ResourceKey:
    """The ledger's key of a placement group."""
    arn = Arn(partition_of(place.region), "ec2", place.region, place.account, f"placement-group/{group}")
    return ResourceKey(place.account, place.region, str(arn))


def ledger_trace(history: list[HistoryEntry], creation: Callable[[EventKey], Created | None]) -> LedgerTrace:
    """What a history says: the first outcome that was written, or the last one that was not."""
    owned = next((entry for entry in history if isinstance(entry, Owned)), None)
    if owned is None:
        return LedgerTrace()
    ended = [entry for entry in history if isinstance(entry, Ended)]
    written = next((entry for entry in ended if entry.kind in _WRITTEN), None)
    if written is None:
        return LedgerTrace(True, None, _told(ended[-1]) if ended else "")
    if written.observed is not None:
        return LedgerTrace(True, None, _told(written), observed=True)
    created = creation(owned.event)
    delivery = created.delivery if created else None
    return LedgerTrace(
        True,
        LedgerTimes(
            owned.claim.created_at,
            written.at,
            delivery.sent_at if delivery else None,
            delivery.received_at if delivery else None,
        ),
        _told(written),
    )


def _told(entry: Ended) -> str:
    return f"{entry.kind.value}: {entry.reason}" if entry.reason else entry.kind.value


def trail_of(ledger: LedgerTrace | str, queues: Callable[[], Queues]) -> Trail:
    """Where a lost canary was seen last.

    Args:
        ledger: What the ledger has, or why it can't be read.
        queues: Reads the queues; called where the ledger has nothing of it. Their messages are not read, only counted,
            so what lies there may be another event.
    """
    if isinstance(ledger, LedgerTrace) and ledger.decided:
        if ledger.times:
            return Trail(SeenLast.FUNCTION, f"the function ended it, and its tags are not there; {ledger.outcome}")
        return Trail(SeenLast.FUNCTION, f"the function took it up; {ledger.outcome or 'it has written nothing yet'}")
    found = queues()
    unread = [f"the ledger can't be read: {ledger}"] if isinstance(ledger, str) else []
    holding = []
    for name, where, queue in (
        (UNDELIVERED, "of its Region", found.undelivered),
        (BUS, "of the hub", found.hub),
        (DEAD_LETTERS, "of the hub", found.dead_letters),
    ):
        if not isinstance(queue, QueueFacts):
            unread.append(f"{name} {where}: {_why(queue)}")
        elif queue.messages:
            holding.append(f"{name} {where} ({queue.messages} there)")
    if holding:
        told = f"perhaps in {' or '.join(holding)}: messages are counted, not read"
        return Trail(SeenLast.QUEUES, "; ".join([told, *unread]))
    if unread:
        return Trail(SeenLast.NOT_KNOWN, "; ".join(unread))
    return Trail(SeenLast.NOWHERE, f"not in the ledger, and {UNDELIVERED}, {BUS} and {DEAD_LETTERS} are empty")


def _why(found: Missing | Unread | NotGiven) -> str:
    match found:
        case Missing():
            return "there is no such queue"
        case NotGiven():
            return f"AWS's answer lacks {found.field}"
    return found.reason
