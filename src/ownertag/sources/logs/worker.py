"""A process that reads logs: `python -m ownertag.sources.logs.worker`, started by `scan`.

It takes a `Task` and then lists of objects on its standard input, each after its length, and writes what comes of them
in the same way. It ends with its input: when the process that started it is gone, however that ended.
"""

from __future__ import annotations

import gc
import os
import signal
import struct
import sys
from contextlib import suppress
from typing import IO

import msgspec
from msgspec import Struct

from ownertag.sources.logs.faults import ScanStopped
from ownertag.sources.logs.keys import LogObject
from ownertag.sources.logs.places import Folder, LogLocation, Source
from ownertag.sources.logs.reading import Fetcher, Read, Reader, Stopped
from ownertag.sources.logs.records import Finder
from ownertag.sources.logs.wanted import Wanted

#: Before each message: how long it is.
LENGTH = struct.Struct("<I")


class Task(Struct, frozen=True):
    """What a process reads, and what it looks for."""

    place: LogLocation
    wanted: Wanted


class Done(Struct, frozen=True, array_like=True, tag=3):
    """The list that was given first of those that are left is read."""


Message = Read | Done | Stopped
#: Files are read into many small objects that no circle holds: to look for circles so often takes a tenth of the time.
_COLLECT_EVERY = 200_000
_TASK = msgspec.msgpack.Decoder(Task)
_OBJECTS = msgspec.msgpack.Decoder(list[LogObject])
ENCODER = msgspec.msgpack.Encoder()


def write(to: IO[bytes], message: object) -> None:
    """Writes a message."""
    data = ENCODER.encode(message)
    to.write(LENGTH.pack(len(data)))
    to.write(data)
    to.flush()


def read(stream: IO[bytes]) -> bytes | None:
    """The next message; None where the stream has ended."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None


def source_of(place: LogLocation) -> tuple[Source, int]:
    """What opens the objects of a place, and how many are fetched at once beside reading."""
    if isinstance(place, Folder):
        from ownertag.sources.logs.folder import FolderSource  # noqa: PLC0415 - a folder needs no AWS library

        return FolderSource(place), 0
    from ownertag.sources.logs.bucket import CONNECTIONS, BucketSource  # noqa: PLC0415 - as above

    return BucketSource(place), CONNECTIONS


def serve(given: IO[bytes], answers: IO[bytes]) -> None:
    """Reads until there is nothing more to read."""
    first = read(given)
    if first is None:
        return
    task = _TASK.decode(first)
    source, threads = source_of(task.place)
    fetcher = Fetcher(source, threads)
    reader = Reader(task.place.where, Finder(task.wanted))
    try:
        while (data := read(given)) is not None:
            for message in reader.read(fetcher.of(_OBJECTS.decode(data))):
                write(answers, message)
            write(answers, Done())
    except ScanStopped as stopped:
        write(answers, Stopped(stopped.what, stopped.do))
    finally:
        fetcher.close()


def main() -> None:
    """Serves on standard input and output. What is printed by mistake goes to standard error."""
    gc.set_threshold(_COLLECT_EVERY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this, and then ends it
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, answers)
    os._exit(0)  # a download that hangs holds nobody up


if __name__ == "__main__":
    main()
