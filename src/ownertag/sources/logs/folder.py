"""Log files in a folder of this machine, such as a copy of a bucket."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from operator import attrgetter

from ownertag.sources.logs.faults import Fault, FaultKind, Unreadable
from ownertag.sources.logs.keys import LogObject, Selection, folder_of, named
from ownertag.sources.logs.places import Chunks, Folder, Listed

#: A file up to this size is read at once, a larger one in chunks of it.
CHUNK = 1 << 22

_NAME_OF = attrgetter("name")
_BINARY: int = getattr(os, "O_BINARY", 0)  # Windows
_MAY_READ = "let the user who scans read it, and scan again"


class FolderSource:
    """Lists files below a folder, and opens them. Links to folders are not followed: they may lead in a circle."""

    def __init__(self, place: Folder) -> None:
        self._place = place
        self._prefix = f"{place.path.rstrip('/')}/"

    def objects(self, selection: Selection, listed: Listed) -> Iterator[LogObject]:
        """The files to be read."""
        entered = [self._entries("", listed)]  # no generator within another: each file would pass through all of them
        while entered:
            entry = next(entered[-1], None)
            if entry is None:
                entered.pop()
                continue
            key = entry.path[len(self._prefix) :]
            try:
                if entry.is_dir(follow_symlinks=False):
                    says = folder_of(entry.path)
                    if says is None or listed.enters(says, selection):
                        entered.append(self._entries(key, listed))
                    continue
                status = entry.stat()
            except OSError as error:
                listed.faults.append(self._fault(key, error))
                continue
            if not stat.S_ISREG(status.st_mode):
                listed.left_out["no regular file"] += 1
            elif not _is_text(key):
                listed.left_out["name that is not UTF-8"] += 1
            elif judged := listed.judge(key, status.st_size, selection):
                yield judged

    def _entries(self, folder: str, listed: Listed) -> Iterator[os.DirEntry[str]]:
        """What is in a folder, in the order of names."""
        try:
            with os.scandir(f"{self._prefix}{folder}") as entries:
                return iter(sorted(entries, key=_NAME_OF))
        except OSError as error:
            listed.faults.append(self._fault(f"{folder}/" if folder else "", error))
            return iter(())

    def chunks(self, found: LogObject) -> Chunks:
        """The bytes of a file."""
        path = f"{self._prefix}{found.key}"
        if found.size <= CHUNK:
            try:
                data = _whole(path, found.size)
            except OSError as error:
                raise _unreadable(error) from error
            return lambda: (data,)

        def read() -> Iterator[bytes]:
            try:
                with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path takes as long as all else, and logs are many
                    while chunk := file.read(CHUNK):
                        yield chunk
            except OSError as error:
                raise _unreadable(error) from error

        return read

    def close(self) -> None:
        """Nothing is held."""

    def _fault(self, key: str, error: OSError) -> Fault:
        path = f"{self._prefix}{key}"
        says = folder_of(path) or named(path)
        return _unreadable(error).fault(self._place.where(key), says.account)


def _is_text(name: str) -> bool:
    """Whether a name is UTF-8: what is not can't be told to another process, or shown."""
    try:
        return name.isascii() or bool(name.encode())
    except UnicodeError:
        return False


def _whole(path: str, size: int) -> bytes:
    """All of a small file, by no more calls than it takes."""
    file = os.open(path, os.O_RDONLY | _BINARY)
    try:
        data = os.read(file, size + 1)
        while len(data) > size and (more := os.read(file, CHUNK)):  # it has grown since it was listed
            data += more
        return data
    finally:
        os.close(file)


def _unreadable(error: OSError) -> Unreadable:
    what, do, kind = f"can't be read ({error.strerror})", "look at the disk, and scan again", FaultKind.FAILED
    if error.errno in {errno.EACCES, errno.EPERM}:
        kind, do = FaultKind.DENIED, _MAY_READ
    elif error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}:
        kind, what, do = FaultKind.GONE, "was there when it was listed, and is gone", "scan again if it should be there"
    return Unreadable(kind, what, do)
