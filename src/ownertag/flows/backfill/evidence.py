"""Finds the records of the resources of a run: in logs, and for what these do not tell, by LookupEvents.

A record is kept if it made or ended a resource of the run, which its own row of the catalogue says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import msgspec
from msgspec.structs import replace

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.core.backfill.found import FoundResource, State
from ownertag.core.backfill.lives import maker_of
from ownertag.core.backfill.logs import LogsRead
from ownertag.core.backfill.makers import Event, Window, makers_of, windows
from ownertag.core.catalogue_types import Catalogue
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
#: CloudTrail shows the calls of so many days (CloudTrail user guide, Viewing recent management events).
#: What is older than this may be gone before it is read.
HISTORY = timedelta(days=90) - timedelta(hours=1)
#: What is younger may not be shown yet.
LAG = timedelta(minutes=15)
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
    first = _windows(store, _without_record(store), makers, now())
    _ask(store, history, first, catalogue, settings, concurrency, tell, stopped)
    enders: dict[str, tuple[Event, ...]] = {}
    for event, row in catalogue.endings.items():
        for ended in row.ends:
            enders[ended.type.name] = (*enders.get(ended.type.name, ()), event)
    second = _windows(store, _made_twice(store), enders, now(), dated=False)
    _ask(store, history, second, catalogue, settings, concurrency, tell, stopped)


def unread_history(store: BackfillStore) -> dict[tuple[str, str], str]:
    """The accounts and Regions of which LookupEvents could not be read, and why."""
    return {
        (account, region): why
        for name, why in store.steps(LOOKED_UP).items()
        if why
        for _, account, region, *_ in [name.split(" ")]
    }


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


def _ask(
    store: BackfillStore,
    history: History,
    wanted: Mapping[tuple[str, str], Mapping[Event, Sequence[Window]]],
    catalogue: Catalogue,
    settings: Settings,
    concurrency: Concurrency,
    tell: Tell,
    stopped: Callable[[], bool],
) -> None:
    done, of = 0, sum(map(len, wanted.values()))

    def ask_place(account: str, region: str, asked: Mapping[Event, Sequence[Window]]) -> None:
        nonlocal done
        for event, of_event in asked.items():
            if stopped():
                return
            kept: list[KeptRecord] = []
            why = ""
            for window in of_event:
                answer = history.records(account, region, event, window)
                if isinstance(answer, Unavailable):
                    why = f"{answer.outcome.value}: {answer.reason}"
                    break
                found = (_kept(arrival, LOOKUP_EVENTS, store, catalogue, settings) for arrival in answer)
                kept += (record for record in found if record)
            store.keep_step(_step(account, region, event), why, kept)
            done += 1
            tell("lookup-events", done, of, "histories of calls")

    concurrency([partial(ask_place, *place, asked) for place, asked in wanted.items()])


def _step(account: str, region: str, event: Event) -> str:
    return f"{LOOKED_UP}{account} {region} {' '.join(event)}"


def _without_record(store: BackfillStore) -> Iterator[KeptResource]:
    return (one for one in _readable(store) if maker_of(store.candidates(one.found.key), made_at_of(one)) is None)


def _made_twice(store: BackfillStore) -> Iterator[KeptResource]:
    """What several records made: one of them may have been deleted."""
    return (one for one in _readable(store) if sum(not record.ends for record in store.candidates(one.found.key)) > 1)


def _readable(store: BackfillStore) -> Iterator[KeptResource]:
    return (one for one in store.resources() if one.state is not State.UNREAD)


def made_at_of(one: KeptResource) -> datetime | None:
    """When a resource was made, where its service tells the time of the creation."""
    return one.found.born_at


def _windows(
    store: BackfillStore,
    resources: Iterable[KeptResource],
    events: Mapping[str, tuple[Event, ...]],
    now: datetime,
    *,
    dated: bool = True,
) -> dict[tuple[str, str], dict[Event, list[Window]]]:
    """What to ask in each account and Region, and from when to when; without what was asked before."""
    places: dict[tuple[str, str], list[FoundResource]] = defaultdict(list)
    for one in resources:
        found = replace(one.found, made_at=made_at_of(one) if dated else None, tags=None)
        places[found.account, found.region].append(found)
    asked = store.steps(LOOKED_UP)
    wanted = {}
    for (account, region), found_there in places.items():
        of_place = windows(found_there, events, now - HISTORY, now - LAG)
        wanted[account, region] = {
            event: of_event
            for event, of_event in of_place.items()
            if _is_asked(asked.get(_step(account, region, event)))
        }
    return wanted


def _is_asked(step: str | None) -> bool:
    """Whether an event is to be asked for: it was not, or AWS was too busy."""
    return step is None or step.startswith(f"{OutcomeKind.THROTTLED.value}:")
