"""Finds the records of the resources of a run: in logs, and for what these do not tell, by LookupEvents.

A record is kept if it made or ended a resource of the run, which its own row of the catalogue says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice

import msgspec
from msgspec.structs import replace

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.core.backfill.found import State
from ownertag.core.backfill.lives import maker_of
from ownertag.core.backfill.logs import LogsRead
from ownertag.core.backfill.makers import Event, Window, makers_of, windows
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.history import whole_window
from ownertag.core.match import match
from ownertag.core.match_deletion import is_deletion, match_deletion
from ownertag.core.ownership import ResourceKey
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import OutcomeKind, Refusal, Unavailable
from ownertag.flows.backfill.ports import Logs, Now, Tell, tell_nobody
from ownertag.flows.ports import History
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.values import KeptRecord, KeptResource

LOG, LOOKUP_EVENTS = "log", "lookup-events"
#: So many problems with logs are told.
MOST_PROBLEMS = 100
#: The step whose text is a `LogsRead`.
LOGS = "logs"
#: The steps of LookupEvents: `history ACCOUNT REGION SOURCE NAME`, with why it can't be read, or nothing.
LOOKED_UP = "history "


def read_logs(
    store: BackfillStore, logs: Logs, catalogue: Catalogue, settings: Settings, tell: Tell = tell_nobody
) -> None:
    """Reads the logs, and keeps the records of the run's resources, part by part. What is read is not read again.

    Raises:
        ScanStopped: Nothing more can be read. What came before is kept.
        RunError: The run's file can't be used.
    """
    so_far = logs_read(store)
    if so_far.finished:
        return
    found = 0
    for part in logs:
        kept = [
            record
            for arrival in part.records()
            if isinstance(arrival, Arrival) and (record := _kept(arrival, LOG, store, catalogue, settings))
        ]
        so_far = _added(so_far, part.read())
        store.keep_step(LOGS, msgspec.json.encode(so_far).decode(), kept)
        found += len(kept)
        tell("logs", found, None, "records of these resources")
    so_far = replace(_added(so_far, logs.unlisted()), end=so_far.end, finished=True)
    store.keep_step(LOGS, msgspec.json.encode(so_far).decode())


def logs_read(store: BackfillStore) -> LogsRead:
    """How far the logs are read."""
    kept = store.step(LOGS)
    return msgspec.json.decode(kept, type=LogsRead) if kept else LogsRead()


def _added(so_far: LogsRead, more: LogsRead) -> LogsRead:
    problems = dict.fromkeys((*so_far.problems, *more.problems))
    return LogsRead(
        more.end,
        so_far.objects + more.objects,
        so_far.size + more.size,
        tuple(islice(problems, MOST_PROBLEMS)),
        so_far.unreached or more.unreached,
    )


def look_up(
    store: BackfillStore,
    history: History,
    catalogue: Catalogue,
    settings: Settings,
    now: Now,
    concurrency: Concurrency = sequential,
    tell: Tell = tell_nobody,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Asks CloudTrail's own 90 days for what no record tells yet, each event of a place once.

    What was there before, and can't be read, is asked again; a resource that several records made is asked about its
    deletions as well, since a name may be used again.

    Raises:
        RunError: The run's file can't be used.
    """
    makers = makers_of(catalogue)
    asking = _Asking(store, history, catalogue, settings, now(), tell, stopped)
    asking.ask(concurrency, _without_record, makers)
    enders: dict[str, tuple[Event, ...]] = {}
    for event, row in catalogue.endings.items():
        for ended in row.ends:
            enders[ended.type.name] = (*enders.get(ended.type.name, ()), event)
    asking.ask(concurrency, _made_twice, enders, dated=False)


def unread_history(store: BackfillStore) -> dict[tuple[str, str], str]:
    """The accounts and Regions of which LookupEvents could not be read, and why: first what is asked for again."""
    failed = [(name.split(" "), why) for name, why in store.steps(LOOKED_UP).items() if why]
    failed.sort(key=lambda one: is_asked_again(one[1]))
    return {(account, region): why for (_, account, region, *_), why in failed}


def _kept(
    arrival: Arrival, source: str, store: BackfillStore, catalogue: Catalogue, settings: Settings
) -> KeptRecord | None:
    record = arrival.record
    ends = is_deletion(record, catalogue)
    matched = match_deletion(arrival, catalogue, settings) if ends else match(arrival, catalogue, settings)
    if isinstance(matched, Refusal):
        return None
    keys = [ResourceKey(record.account, record.region, resource.arn) for resource in matched.resources]
    known = store.known(keys)
    if not known:
        return None
    data = msgspec.json.encode(record)
    where = tuple(sorted(known))
    return KeptRecord(
        record.account, record.region, record.event_id, record.created_at, ends, source, arrival.where, data, where
    )


class _Asking:
    """Asks place by place: what is to be asked of one is worked out when its turn comes, and held no longer."""

    def __init__(
        self,
        store: BackfillStore,
        history: History,
        catalogue: Catalogue,
        settings: Settings,
        now: datetime,
        tell: Tell,
        stopped: Callable[[], bool],
    ) -> None:
        self._store = store
        self._history = history
        self._catalogue = catalogue
        self._settings = settings
        self._now = now
        self._tell = tell
        self._stopped = stopped
        self._done = self._of = 0

    def ask(
        self,
        concurrency: Concurrency,
        chosen: Callable[[BackfillStore, str, str], Iterator[KeptResource]],
        events: Mapping[str, tuple[Event, ...]],
        *,
        dated: bool = True,
    ) -> None:
        """Asks for these events in each account and Region, for the resources that are chosen there."""
        places = list(self._store.places())
        self._done, self._of = 0, len(places)

        def ask_place(account: str, region: str) -> None:
            if self._stopped():
                return
            wanted = self._windows(account, region, chosen(self._store, account, region), events, dated=dated)
            for event, of_event in wanted.items():
                if self._stopped():
                    return
                self._ask_event(account, region, event, of_event)
            self._done += 1
            if wanted:
                self._tell("lookup-events", self._done, self._of, "places")

        concurrency([partial(ask_place, *place) for place in places])

    def _ask_event(self, account: str, region: str, event: Event, of_event: Sequence[Window]) -> None:
        kept: list[KeptRecord] = []
        why = ""
        for window in of_event:
            answer = self._history.records(account, region, event, window)
            if isinstance(answer, Unavailable):
                why = f"{answer.outcome.value}: {answer.reason}"
                break
            found = (_kept(one, LOOKUP_EVENTS, self._store, self._catalogue, self._settings) for one in answer)
            kept += (record for record in found if record)
        self._store.keep_step(_step(account, region, event), why, kept)

    def _windows(
        self,
        account: str,
        region: str,
        resources: Iterable[KeptResource],
        events: Mapping[str, tuple[Event, ...]],
        *,
        dated: bool,
    ) -> dict[Event, list[Window]]:
        """What to ask in an account and Region, and from when to when; without what was asked before."""
        found = (replace(one.found, made_at=made_at_of(one) if dated else None, tags=None) for one in resources)
        of_place = windows(found, events, *whole_window(self._now))
        asked = self._store.steps(_place_steps(account, region)) if of_place else {}
        return {
            event: of_event
            for event, of_event in of_place.items()
            if (why := asked.get(_step(account, region, event))) is None or is_asked_again(why)
        }


def _step(account: str, region: str, event: Event) -> str:
    return f"{_place_steps(account, region)}{' '.join(event)}"


def _place_steps(account: str, region: str) -> str:
    return f"{LOOKED_UP}{account} {region} "


def _without_record(store: BackfillStore, account: str, region: str) -> Iterator[KeptResource]:
    """What no record tells of yet."""
    return (
        one
        for one in _readable(store, account, region)
        if maker_of(store.candidates(one.found.key), made_at_of(one)) is None
    )


def _made_twice(store: BackfillStore, account: str, region: str) -> Iterator[KeptResource]:
    """What several records made: one of them may have been deleted."""
    return (
        one
        for one in _readable(store, account, region)
        if sum(not record.ends for record in store.candidates(one.found.key)) > 1
    )


def _readable(store: BackfillStore, account: str, region: str) -> Iterator[KeptResource]:
    return (one for one in store.resources(account, region) if one.state is not State.UNREAD)


def made_at_of(one: KeptResource) -> datetime | None:
    """When a resource was made, where its service tells the time of the creation."""
    return one.found.born_at


def is_asked_again(why: str) -> bool:
    """Whether what was not read for this reason is asked for again when the run goes on: AWS was too busy."""
    return why.startswith(f"{OutcomeKind.THROTTLED.value}:")
