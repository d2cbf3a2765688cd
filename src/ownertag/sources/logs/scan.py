"""Scans logs: lists what is wanted, hands it to a process per core, and yields the records that they find.

What is under way is bounded everywhere (objects listed, handed out and fetched; records found), so that the memory does
not grow with the logs: who takes no records from the scan holds up the processes, and these the listing.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

import msgspec

from ownertag.core.parse import parse_event, parse_record
from ownertag.core.records import Arrival
from ownertag.core.values import Reason, Refusal
from ownertag.sources.logs.faults import Faults
from ownertag.sources.logs.keys import LogObject, Selection
from ownertag.sources.logs.listing import Listing
from ownertag.sources.logs.places import Folder, Listed, LogLocation, Source
from ownertag.sources.logs.processes import Readers
from ownertag.sources.logs.progress import Progress, Report
from ownertag.sources.logs.reading import Fetcher, FoundRecord, Read, Reader
from ownertag.sources.logs.records import Finder
from ownertag.sources.logs.wanted import Wanted
from ownertag.sources.logs.worker import Task, source_of

#: The same record can come twice: in two deliveries, or by two trails. Of so many events the ids are kept; what comes
#: again after more than these, the ledger knows.
IDS_KEPT = 1 << 16
#: Less than this is read without other processes: to start them takes as long.
ALONE_BYTES = 1 << 22
#: How often progress is told, in seconds.
TOLD_EVERY = 0.5

_CARRIER = "log file"


class LogScan:
    """One scan of a place.

    Args:
        place: Where the logs are.
        wanted: Which records.
        selection: Of which accounts, Regions and time.
        processes: How many read; none: this one does. One per core where it is left out.
        told: Called with the progress from time to time.
        clock: The seconds, for progress.
        source: Lists the objects; that of the place where it is left out.
    """

    def __init__(
        self,
        place: LogLocation,
        wanted: Wanted,
        selection: Selection | None = None,
        *,
        processes: int | None = None,
        told: Callable[[Progress], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        source: Source | None = None,
    ) -> None:
        self._place = place
        self._wanted = wanted
        self._selection = selection or Selection()
        self._processes = (os.cpu_count() or 1) if processes is None else processes
        self._told = told
        self._clock = clock
        self._source = source
        self._ids: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._began = self._told_at = 0.0
        self.report = Report(Faults())

    def records(self) -> Iterator[Arrival | Refusal]:
        """Yields the wanted records, each once, in no order; and a refusal for each that can't be read.

        Objects that can't be read are in `report`, which is whole when this has ended.

        Raises:
            ScanStopped: Nothing more can be read; what came before is good.
        """
        self._began = self._told_at = self._clock()
        source, threads = source_of(self._place) if self._source is None else (self._source, 0)
        listing = Listing(source, self._selection)
        try:
            messages = self._read(source, threads, listing)
            for message in messages:
                yield from self._taken(message)
                self._tell(listing)
            if listing.stopped is not None:
                raise listing.stopped
            self.report.finished = True
        finally:
            listing.close()
            source.close()
            self._count(listing.listed)
        self._tell(listing, now=True)

    def _read(self, source: Source, threads: int, listing: Listing) -> Iterator[Read]:
        first = listing.take()
        small = not listing.more and sum(log.size for log in first) < ALONE_BYTES
        if not self._processes or small or _must_be_alone(self._place):
            yield from self._alone(source, threads, first, listing)
            return
        readers = Readers(self._processes, Task(self._place, self._wanted))
        try:
            yield from readers.read(first, listing)
        finally:
            readers.close()

    def _alone(self, source: Source, threads: int, first: list[LogObject], listing: Listing) -> Iterator[Read]:
        fetcher = Fetcher(source, threads)
        reader = Reader(self._place.where, Finder(self._wanted))
        objects = first
        while objects:
            yield from reader.read(fetcher.of(objects))
            objects = listing.take()

    def _taken(self, read: Read) -> Iterator[Arrival | Refusal]:
        self.report.objects += read.objects
        self.report.size += read.size
        self.report.inflated += read.inflated
        for fault in read.faults:
            self.report.faults.add(fault)
        for found in read.found:
            parsed = _parsed(found)
            if isinstance(parsed, Refusal):
                self.report.refused += 1
                yield parsed
            elif self._selection.holds(parsed.record.created_at) and self._is_new(parsed):
                self.report.records += 1
                yield parsed

    def _is_new(self, arrival: Arrival) -> bool:
        key = (arrival.record.account, arrival.record.event_id)
        if key in self._ids:
            self.report.twice += 1
            return False
        self._ids[key] = None
        if len(self._ids) > IDS_KEPT:
            self._ids.popitem(last=False)
        return True

    def _tell(self, listing: Listing, now: bool = False) -> None:
        time_ = self._clock()
        if not now and time_ - self._told_at < TOLD_EVERY:
            return
        self._told_at = time_
        report, ended = self.report, listing.ended
        self._told(
            Progress(
                report.objects,
                report.size,
                report.inflated,
                report.records,
                time_ - self._began,
                listing.objects if ended else None,
                listing.size if ended else None,
            )
        )

    def _count(self, listed: Listed) -> None:
        self.report.left_out = dict(listed.left_out)
        self.report.not_wanted = listed.not_wanted
        for fault in listed.faults:
            self.report.faults.add(fault)


def _must_be_alone(place: LogLocation) -> bool:
    """Whether other processes could not have credentials by themselves."""
    if isinstance(place, Folder):
        return False
    from ownertag.sources.logs.bucket import asks_somebody  # noqa: PLC0415 - a folder needs no AWS library

    return asks_somebody(place)


def _parsed(found: FoundRecord) -> Arrival | Refusal:
    if found.refused:
        return Refusal(found.where, Reason.NOT_A_RECORD, found.refused, carrier=_CARRIER)
    if found.event:
        return parse_event(found.data, found.where)
    parsed = parse_record(found.data, found.where, found.account)
    return msgspec.structs.replace(parsed, carrier=_CARRIER)
