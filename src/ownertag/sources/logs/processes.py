"""The processes that read: they are started and ended here, are given lists of objects, and tell what they found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from queue import Full, Queue
from threading import Thread
from typing import IO

import msgspec

from ownertag.sources.logs.faults import ScanStopped
from ownertag.sources.logs.keys import LogObject
from ownertag.sources.logs.listing import Listing
from ownertag.sources.logs.reading import Read, Stopped
from ownertag.sources.logs.worker import Done, Message, Task, read, write

LISTS = 2
#: Messages of all processes that wait to be taken.
_MESSAGES = 4

#: glibc gives memory that is freed back to the system, and takes it again page by page, for each large object: with
#: these the processes keep what they have once had (measured: up to four times as fast). Others do not know them.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 26), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}


class Process:
    """A process that reads, and a thread that takes what it finds."""

    def __init__(self, task: Task, messages: Queue[tuple[Process, Message | None]]) -> None:
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


class Readers:
    """The processes."""

    def __init__(self, count: int, task: Task) -> None:
        self._messages: Queue[tuple[Process, Message | None]] = Queue(_MESSAGES)
        self._processes: list[Process] = []
        try:
            for _ in range(count):
                self._processes.append(Process(task, self._messages))
        except OSError as error:
            self.close()
            raise ScanStopped(f"no process can be started ({error.strerror})", "end other programs") from error

    def read(self, first: list[LogObject], listing: Listing) -> Iterator[Read]:
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
