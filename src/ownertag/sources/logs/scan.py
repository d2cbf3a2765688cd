"""Scans logs: lists what is wanted, hands it to a process per core, and yields the records that they find.

What is under way is bounded everywhere (objects listed, handed out and fetched; records found), so that the memory does
not grow with the logs: who takes no records from the scan holds up the processes, and these the listing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import IO

import msgspec
from msgspec import Struct

from ownertag.core.parse import parse_event, parse_record
from ownertag.core.records import Arrival
from ownertag.core.values import Reason, Refusal
from ownertag.sources.logs.faults import Faults, ScanStopped
from ownertag.sources.logs.keys import LogObject, Selection
from ownertag.sources.logs.places import Folder, Listed, LogLocation, Source
from ownertag.sources.logs.reading import Fetcher, FoundRecord, Read, Reader, Stopped
from ownertag.sources.logs.records import Finder
from ownertag.sources.logs.wanted import Wanted
from ownertag.sources.logs.worker import Done, Message, Task, read, source_of, write

#: A list for a process: so many objects, or bytes. Each has one that it reads, and the next.
LIST_OBJECTS = 256
LIST_BYTES = 1 << 22
LISTS = 2
#: Objects that are listed and not yet handed out.
LISTED_AHEAD = 4096
#: Messages of all processes that wait to be taken.
_MESSAGES = 4
#: The same record can come twice: in two deliveries, or by two trails. Of so many events the ids are kept; what comes
#: again after more than these, the ledger knows.
IDS_KEPT = 1 << 16
#: Less than this is read without other processes: to start them takes as long.
ALONE_BYTES = 1 << 22
#: How often it is looked whether the listing has ended.
_ENDS_WITHIN = 20
#: How often progress is told, in seconds.
TOLD_EVERY = 0.5

#: glibc gives memory that is freed back to the system, and takes it again page by page, for each large object: with
#: these the processes keep what they have once had (measured: up to four times as fast). Others do not know them.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 26), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}

_CARRIER = "log file"


class Progress(Struct, frozen=True):
    """How far a scan is: objects and their bytes; of how many, once all are listed; after how many seconds."""

    objects: int
    size: int
    inflated: int
    records: int
    seconds: float
    of_objects: int | None = None
    of_size: int | None = None

    @property
    def rate(self) -> float:
        """Bytes of objects a second."""
        return self.size / self.seconds if self.seconds else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest takes at this rate; None as long as that is not known."""
        return (self.of_size - self.size) / self.rate if self.of_size is not None and self.rate else None


class Report(Struct):
    """What a scan read, left out, and could not read.

    Attributes:
        left_out: Files and folders that hold no records of calls by their names, by what they are.
        not_wanted: Files and folders of other accounts, Regions or days, which were not read.
        twice: Records that had been there before.
    """

    faults: Faults
    objects: int = 0
    size: int = 0
    inflated: int = 0
    records: int = 0
    refused: int = 0
    twice: int = 0
    left_out: dict[str, int] = {}
    not_wanted: int = 0
    finished: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether all that is wanted was read: if not, what is not found may be there all the same."""
        return self.finished and not self.faults and not self.refused


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
        listing = _Listing(source, self._selection)
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

    def _read(self, source: Source, threads: int, listing: _Listing) -> Iterator[Read]:
        first = listing.take()
        small = not listing.more and sum(log.size for log in first) < ALONE_BYTES
        if not self._processes or small or _must_be_alone(self._place):
            yield from self._alone(source, threads, first, listing)
            return
        readers = _Readers(self._processes, Task(self._place, self._wanted))
        try:
            yield from readers.read(first, listing)
        finally:
            readers.close()

    def _alone(self, source: Source, threads: int, first: list[LogObject], listing: _Listing) -> Iterator[Read]:
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

    def _tell(self, listing: _Listing, now: bool = False) -> None:
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


class _Listing:
    """Lists on a thread of its own, ahead of what is read."""

    def __init__(self, source: Source, selection: Selection) -> None:
        self.listed = Listed()
        self.objects = self.size = 0
        self.ended = False
        self.stopped: ScanStopped | None = None
        self.more = True
        self._queue: Queue[LogObject | None] = Queue(LISTED_AHEAD)
        self._closed = Event()
        self._thread = Thread(target=self._list, args=(source, selection), daemon=True, name="list")
        self._thread.start()

    def _list(self, source: Source, selection: Selection) -> None:
        try:
            for log in source.objects(selection, self.listed):
                self.objects += 1
                self.size += log.size
                while not self._closed.is_set():
                    with suppress(Full):
                        self._queue.put(log, timeout=0.2)
                        break
                else:
                    return
            self.ended = True
        except ScanStopped as stopped:
            self.stopped = stopped
        finally:
            with suppress(Full):  # who takes nothing any more needs no end
                self._queue.put(None, timeout=None if not self._closed.is_set() else 0.2)

    def take(self) -> list[LogObject]:
        """The next list for a process; empty where all are handed out."""
        taken: list[LogObject] = []
        size = 0
        while self.more and len(taken) < LIST_OBJECTS and size < LIST_BYTES:
            log = self._queue.get()
            if log is None:
                self.more = False
            else:
                taken.append(log)
                size += log.size
        return taken

    def close(self) -> None:
        """Ends the thread; one that waits for S3 ends behind that call."""
        self._closed.set()
        for _ in range(_ENDS_WITHIN):
            if not self._thread.is_alive():
                return
            with suppress(Empty):
                self._queue.get(timeout=0.05)


class _Process:
    """A process that reads, and a thread that takes what it finds."""

    def __init__(self, task: Task, messages: Queue[tuple[_Process, Message | None]]) -> None:
        line = [sys.executable, "-m", "ownertag.sources.logs.worker"]
        path = os.pathsep.join(part for part in sys.path if part)
        environment = {**_MALLOC, **os.environ, "PYTHONPATH": path}
        # In a session of its own: Ctrl-C is for this process alone, which then ends it.
        self.process = subprocess.Popen(  # noqa: S603 - this Python
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )
        self.closed = False
        self.lists = 0
        self._messages = messages
        self._decoder = msgspec.msgpack.Decoder(Message)
        self._taking = Thread(target=self._take, daemon=True, name="take")
        self._taking.start()
        with suppress(OSError):  # that it has ended, its last message tells
            write(self._given, task)

    @property
    def _given(self) -> IO[bytes]:
        assert self.process.stdin is not None  # noqa: S101 - a pipe was asked for
        return self.process.stdin

    def _take(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - a pipe was asked for
        while (data := read(self.process.stdout)) is not None:
            self._hand_on(self._decoder.decode(data))
        self._hand_on(None)

    def _hand_on(self, message: Message | None) -> None:
        while not self.closed:
            try:
                self._messages.put((self, message), timeout=0.2)
            except Full:
                continue
            return

    def give(self, objects: list[LogObject]) -> None:
        """Hands a list out."""
        self.lists += 1
        with suppress(OSError):
            write(self._given, objects)

    def close(self) -> None:
        """Ends the process."""
        self.closed = True
        self.process.kill()
        self.process.wait()
        self._taking.join()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # what was not yet written is not needed any more
                if pipe is not None:
                    pipe.close()


class _Readers:
    """The processes."""

    def __init__(self, count: int, task: Task) -> None:
        self._messages: Queue[tuple[_Process, Message | None]] = Queue(_MESSAGES)
        self._processes: list[_Process] = []
        try:
            for _ in range(count):
                self._processes.append(_Process(task, self._messages))
        except OSError as error:
            self.close()
            raise ScanStopped(f"no process can be started ({error.strerror})", "end other programs") from error

    def read(self, first: list[LogObject], listing: _Listing) -> Iterator[Read]:
        """What is found, until everything is read."""
        objects = first
        while True:
            for process in sorted(self._processes, key=lambda one: one.lists):
                while objects and process.lists < LISTS:
                    process.give(objects)
                    objects = listing.take()
            if not objects and not any(process.lists for process in self._processes):
                return
            process, message = self._messages.get()
            if isinstance(message, Read):
                yield message
            elif isinstance(message, Done):
                process.lists -= 1
            elif isinstance(message, Stopped):
                raise ScanStopped(message.what, message.do)
            else:
                code = process.process.wait()
                raise ScanStopped(
                    f"a process that reads ended by itself ({code})",
                    "was it ended, or is there too little memory? What was read before is kept: scan again to go on",
                )

    def close(self) -> None:
        """Ends all."""
        for process in self._processes:
            process.close()
