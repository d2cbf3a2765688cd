"""Reads one object after the other, while the next ones are on their way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from msgspec import Struct

from ownertag.core.reading.documents import read_with_data
from ownertag.core.records import Arrival
from ownertag.core.values import Reason, Refusal
from ownertag.sources.logs.faults import Fault, FaultKind, Unreadable
from ownertag.sources.logs.inflate import inflated, inflated_at_once
from ownertag.sources.logs.keys import LogObject
from ownertag.sources.logs.places import Chunks, Source, Spooled
from ownertag.sources.logs.records import Cut, Finder, NotAsWritten

#: Of an object that is not yet known to be whole, so much is held; one with more is read twice.
MOST_HELD = 1 << 24
#: What was not written by CloudTrail is read by a reader that holds all of a value.
MOST_FOREIGN = 1 << 25
#: What is inflated at once, if it is no more than a part.
SMALL = 1 << 20
#: So much of what is found is handed on at once.
HANDED_ON = 1 << 21
#: How many objects, and of what size together, are on their way beside the one that is read.
AHEAD = 16
_KINDS = {
    Reason.UNREADABLE: FaultKind.DAMAGED,
    Reason.TOO_LARGE: FaultKind.TOO_LARGE,
    Reason.NOT_A_RECORD: FaultKind.NO_LOG,
}
AHEAD_BYTES = 1 << 24


class FoundRecord(Struct, frozen=True, array_like=True):
    """A wanted record: where it is, the account by the object's name, its JSON; `event`: it is in its envelope.

    Where there is no JSON, something could not be read, and why.
    """

    where: str
    account: str | None
    data: bytes
    event: bool = False
    refused: str = ""


class Read(Struct, frozen=True, array_like=True, tag=1):
    """What came of some objects: how many, their bytes before and after inflating, what was found, what was wrong."""

    objects: int
    size: int
    inflated: int
    found: list[FoundRecord]
    faults: list[Fault]


class Stopped(Struct, frozen=True, array_like=True, tag=2):
    """Nothing more can be read."""

    what: str
    do: str


class Reader:
    """Reads objects of one place.

    Args:
        where: The name of an object in messages.
        finder: What is wanted.
    """

    def __init__(self, where: Callable[[str], str], finder: Finder) -> None:
        self._where = where
        self._finder = finder
        self._inflated = 0

    def read(self, objects: Iterable[tuple[LogObject, Chunks | Unreadable]]) -> Iterator[Read]:
        """What comes of these objects, in portions; the last one may be empty."""
        found: list[FoundRecord] = []
        faults: list[Fault] = []
        count = size = held = 0
        for log, chunks in objects:
            try:
                for one in self._of(log, chunks):
                    found.append(one)
                    held += len(one.data)
                    if held > HANDED_ON:
                        yield Read(count, size, self._taken(), found, faults)
                        found, faults, count, size, held = [], [], 0, 0, 0
            except Unreadable as unreadable:
                faults.append(unreadable.fault(self._where(log.key), log.account))
            finally:
                if isinstance(chunks, Spooled):
                    chunks.close()
            count += 1
            size += log.size
        yield Read(count, size, self._taken(), found, faults)

    def _taken(self) -> int:
        taken, self._inflated = self._inflated, 0
        return taken

    def _of(self, log: LogObject, chunks: Chunks | Unreadable) -> Iterator[FoundRecord]:
        """The wanted records of an object, once it is known to be whole."""
        if isinstance(chunks, Unreadable):
            raise chunks
        try:
            held = self._held(log, chunks)
        except NotAsWritten:
            yield from self._foreign(log, chunks)
            return
        for number, data in self._cuts(log, chunks) if held is None else held:
            yield FoundRecord(f"{self._where(log.key)}#{number}", log.account, data)

    def _held(self, log: LogObject, chunks: Chunks) -> list[Cut] | None:
        """What is wanted of an object that is whole; None if it is too much to be held."""
        if log.size <= SMALL and (text := inflated_at_once(b"".join(chunks()))) is not None:
            self._inflated += len(text)
            return self._finder.find_in(text)
        held: list[Cut] | None = []
        size = 0
        for cut in self._cuts(log, chunks):
            size += len(cut.data)
            if held is not None and size <= MOST_HELD:
                held.append(cut)
            else:
                held = None
        return held

    def _cuts(self, log: LogObject, chunks: Chunks) -> Iterator[Cut]:
        return self._finder.find(self._counted(inflated(chunks(), log.size)))

    def _counted(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        for part in parts:
            self._inflated += len(part)
            yield part

    def _foreign(self, log: LogObject, chunks: Chunks) -> Iterator[FoundRecord]:
        """The records of a file that another program wrote, or copied together."""
        size = 0
        for part in inflated(chunks(), log.size):
            size += len(part)
            if size > MOST_FOREIGN:
                raise Unreadable(
                    FaultKind.TOO_LARGE,
                    f"holds more than {MOST_FOREIGN >> 20} MiB, and is not laid out as CloudTrail does",
                    "cut it into smaller files, or scan the files that CloudTrail wrote",
                )
        records = 0
        first: Refusal | None = None
        for read, data in read_with_data(chunks, self._where(log.key)):
            if isinstance(read, Arrival):
                records += 1
                event = (read.record.event_source, read.record.event_name)
                inner = data if read.envelope is None else None
                if self._finder.is_wanted(inner) if inner is not None else self._finder.takes(event):
                    yield FoundRecord(read.where, log.account, data, event=read.envelope is not None)
            elif read.reason.is_unread:
                first = first or read
                if records:
                    yield FoundRecord(read.where, log.account, b"", refused=read.detail)
        if first and not records:
            raise Unreadable(_KINDS[first.reason], first.detail, "look who wrote it: no record of it was used")


class Fetcher:
    """Has the bytes of each object of a list; with threads, those of the next ones are fetched meanwhile."""

    def __init__(self, source: Source, threads: int) -> None:
        self._source = source
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="fetch") if threads else None

    def of(self, objects: Iterable[LogObject]) -> Iterator[tuple[LogObject, Chunks | Unreadable]]:
        """Each object with its bytes, or why they can't be had.

        Raises:
            ScanStopped: Nothing can be fetched any more.
        """
        if self._pool is None:
            for log in objects:
                yield log, self._had(log)
            return
        waiting: deque[tuple[LogObject, Future[Chunks | Unreadable]]] = deque()
        rest = iter(objects)
        following = next(rest, None)
        size = 0
        while following is not None or waiting:
            while following is not None and (
                not waiting or (len(waiting) < AHEAD and size + following.size <= AHEAD_BYTES)
            ):
                waiting.append((following, self._pool.submit(self._had, following)))
                size += following.size
                following = next(rest, None)
            log, future = waiting.popleft()
            yield log, future.result()
            size -= log.size

    def _had(self, log: LogObject) -> Chunks | Unreadable:
        try:
            return self._source.chunks(log)
        except Unreadable as unreadable:
            return unreadable

    def close(self) -> None:
        """Fetches nothing more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._source.close()
