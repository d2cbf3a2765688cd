"""Lists what is wanted on a thread of its own, ahead of what is read, and cuts it into lists for processes."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread

from ownertag.sources.logs.faults import ScanStopped
from ownertag.sources.logs.keys import LogObject, Selection
from ownertag.sources.logs.places import Listed, Source

#: A list for a process: so many objects, or bytes. Each has one that it reads, and the next.
LIST_OBJECTS = 256
LIST_BYTES = 1 << 22
#: Objects that are listed and not yet handed out.
LISTED_AHEAD = 4096
#: How often it is looked whether the listing has ended.
_ENDS_WITHIN = 20


class Listing:
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
