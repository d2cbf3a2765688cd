"""Where logs are: a folder, or a bucket with a prefix. What a listing yields, and how an object's bytes are had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import IO, Protocol

from msgspec import Struct

from ownertag.sources.logs.faults import Fault
from ownertag.sources.logs.keys import LogObject, Named, Selection, named

#: An object's bytes, from the beginning each time that it is called.
Chunks = Callable[[], Iterable[bytes]]


class Spooled:
    """The bytes of an object in a temporary file, which goes when it is closed."""

    CHUNK = 1 << 20

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __call__(self) -> Iterator[bytes]:
        """The bytes, from the beginning."""
        self._file.seek(0)
        while chunk := self._file.read(self.CHUNK):
            yield chunk

    def close(self) -> None:
        """Lets the file go."""
        self._file.close()


class Folder(Struct, frozen=True, tag="folder"):
    """Files below a folder of this machine."""

    path: str

    def __str__(self) -> str:
        return self.path

    def where(self, key: str) -> str:
        """The name of a file, for messages."""
        return f"{self.path.rstrip('/')}/{key}"


class Bucket(Struct, frozen=True, tag="bucket"):
    """Objects of a bucket below a prefix, and with whose credentials they are read.

    Every process that reads makes a session of its own of these, so that the provider of the credentials renews them:
    `role` is assumed with those of the profile.
    """

    name: str
    prefix: str = ""
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    role: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}"

    def where(self, key: str) -> str:
        """The name of an object, for messages."""
        return f"s3://{self.name}/{key}"


LogLocation = Folder | Bucket


def place_of(
    source: str, profile: str | None = None, region: str | None = None, endpoint_url: str | None = None
) -> LogLocation:
    """The place that somebody wrote: `s3://BUCKET/PREFIX` or a folder.

    Raises:
        ValueError: It is neither; the text says what to write.
    """
    if not source.startswith("s3://"):
        path = Path(source)
        if not path.is_dir():
            raise ValueError(f"{source}: no such folder: write a folder of log files, or s3://BUCKET/PREFIX")
        return Folder(str(path))
    name, _, prefix = source.removeprefix("s3://").partition("/")
    if not name:
        raise ValueError(f"{source}: no bucket is named: write s3://BUCKET/PREFIX")
    prefix = prefix.strip("/")
    return Bucket(name, f"{prefix}/" if prefix else "", profile, region, endpoint_url)


class Listed:
    """What a listing finds beside objects: what was left out, by why; and what could not be listed."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self.not_wanted = 0
        self.faults: list[Fault] = []
        self.first_day: date | None = None

    def judge(self, key: str, size: int, selection: Selection) -> LogObject | None:
        """The object, if it is to be read; else it is counted."""
        says = named(key)
        if not says.kind.is_read:
            self.left_out[says.kind] += 1
            return None
        if not selection.takes(says):
            self.not_wanted += 1
            return None
        return LogObject(key, size, says.account)

    def enters(self, says: Named, selection: Selection) -> bool:
        """Whether what is below a folder is listed; else the folder is counted."""
        if not says.kind.is_read:
            self.left_out[f"folder: {says.kind}"] += 1
            return False
        if not selection.takes(says):
            self.not_wanted += 1
            return False
        return True


class Source(Protocol):
    """Lists and opens."""

    def objects(self, selection: Selection, listed: Listed) -> Iterator[LogObject]:
        """What is to be read, within a folder in the order of names; what is not is told to `listed`."""

    def chunks(self, found: LogObject) -> Chunks:
        """The bytes of one.

        Raises:
            Unreadable: It can't be had; this, and no other.
            ScanStopped: Nothing can be had any more.
        """

    def close(self) -> None:
        """Lets go of what was held."""
