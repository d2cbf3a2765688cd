"""Scans logs part by part, so that a scan that was ended goes on behind the last part that was read to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from ownertag.core.backfill.logs import LogsRead
from ownertag.core.records import Arrival
from ownertag.core.values import Refusal
from ownertag.sources.logs.faults import Faults
from ownertag.sources.logs.keys import LogObject, Selection
from ownertag.sources.logs.places import Chunks, Listed, LogLocation, Source
from ownertag.sources.logs.progress import Progress
from ownertag.sources.logs.scan import LogScan
from ownertag.sources.logs.wanted import Wanted
from ownertag.sources.logs.worker import source_of

#: A part ends after so many objects, or bytes of them: what is read twice where it is ended.
PART_OBJECTS = 10_000
PART_BYTES = 1 << 30


class LogParts:
    """The parts of a place's logs, in the order in which they are listed.

    Args:
        place: Where the logs are.
        wanted: Which records.
        selection: Of which accounts, Regions and time. With an `until`, what is delivered meanwhile changes nothing.
        after: The `end` of the last part that was read before; empty: from the beginning.
        told: As for `LogScan`, for the part that is read.
        objects: How many objects a part has.
        size: How many bytes a part has.
    """

    def __init__(
        self,
        place: LogLocation,
        wanted: Wanted,
        selection: Selection,
        after: str = "",
        *,
        told: Callable[[Progress], None] = lambda _: None,
        objects: int = PART_OBJECTS,
        size: int = PART_BYTES,
    ) -> None:
        self._place = place
        self._wanted = wanted
        self._selection = selection
        self._after = after
        self._told = told
        self._objects = objects
        self._size = size
        #: What the listing found beside the objects: whole when all parts are read.
        self.listed = Listed()

    def __iter__(self) -> Iterator[LogPart]:
        """The parts; each is read before the next is asked for.

        Raises:
            ScanStopped: As for `LogScan.records`, also from here.
        """
        source, _ = source_of(self._place)
        try:
            listing = self._from_the_end(source)
            while part := self._taken(listing):
                yield LogPart(self._place, self._wanted, self._selection, part, source, self._told)
        finally:
            source.close()

    def unlisted(self) -> LogsRead:
        """What could not be listed, when all parts are read."""
        faults = Faults()
        for fault in self.listed.faults:
            faults.add(fault)
        return LogsRead(problems=_told(faults), unreached=bool(faults.unreached))

    def _from_the_end(self, source: Source) -> Iterator[LogObject]:
        """The objects behind the last part; all, where the object with which it ended is there no more."""
        listing = source.objects(self._selection, self.listed)
        if not self._after:
            return listing
        for log in listing:
            if log.key == self._after:
                return listing
        self.listed = Listed()
        return source.objects(self._selection, self.listed)

    def _taken(self, listing: Iterator[LogObject]) -> list[LogObject]:
        part: list[LogObject] = []
        size = 0
        for log in listing:
            part.append(log)
            size += log.size
            if len(part) >= self._objects or size >= self._size:
                break
        return part


class LogPart:
    """Some objects, one after the other."""

    def __init__(
        self,
        place: LogLocation,
        wanted: Wanted,
        selection: Selection,
        objects: list[LogObject],
        source: Source,
        told: Callable[[Progress], None],
    ) -> None:
        self._scan = LogScan(place, wanted, selection, told=told, source=_Some(objects, source))
        self._end = objects[-1].key

    def records(self) -> Iterator[Arrival | Refusal]:
        """As `LogScan.records`."""
        return self._scan.records()

    def read(self) -> LogsRead:
        """What was read, when all records are taken."""
        report = self._scan.report
        problems = _told(report.faults)
        if report.refused:
            problems = (*problems, f"{report.refused} records could not be read: `ownertag explain` says why")
        return LogsRead(self._end, report.objects, report.size, problems, bool(report.faults.unreached))


def _told(faults: Faults) -> tuple[str, ...]:
    """Faults for a person: those that are alike once, with how many they are."""
    return tuple(
        str(same.first) if same.count == 1 else f"{same.first} ({same.count} of this kind, such as this one)"
        for same in faults
    )


class _Some:
    """A source of these objects alone; its own is closed when all parts are read."""

    def __init__(self, objects: list[LogObject], source: Source) -> None:
        self._given = objects
        self._source = source

    def objects(self, selection: Selection, listed: Listed) -> Iterator[LogObject]:  # noqa: ARG002 - they are chosen
        return chain(self._given)

    def chunks(self, found: LogObject) -> Chunks:
        return self._source.chunks(found)

    def close(self) -> None:
        """Leaves it open."""
