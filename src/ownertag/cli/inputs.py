"""Files, folders and standard input to records, with progress. No file is in memory as a whole."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from ownertag.cli.options import Options, fail
from ownertag.core.reading.documents import read_with_data
from ownertag.core.reading.encodings import Document, holds_records
from ownertag.core.records import Arrival
from ownertag.core.values import Refusal

if TYPE_CHECKING:
    from rich.progress import Progress

_CHUNK = 1 << 18
_GZIP = b"\x1f\x8b"
#: Where nobody watches a bar, a line is written this often.
_SECONDS = 5.0
_MANY = 5


@dataclass
class Reading:
    """Reads records, and counts them: how many of each carrier, and which of a folder's files hold none.

    `inferred`: of how many records the account is only known by the IAM user who called.
    """

    options: Options
    inferred: int = 0
    carriers: Counter[str] = field(default_factory=Counter)
    left_out: list[Path] = field(default_factory=list)

    def records(self, names: Iterable[str]) -> Iterator[Arrival | Refusal]:
        """Yields every record in these files, folders (with all below them) or `-`, standard input.

        A file that isn't there ends the command; what can't be read in one is a refusal. Of a folder, each file is
        read that begins as records do, whatever its name ends with: the others are `left_out`.
        """
        for arrival, _ in self.with_data(names):
            yield arrival

    def with_data(self, names: Iterable[str]) -> Iterator[tuple[Arrival | Refusal, bytes]]:
        """Yields what `records` does, each with the JSON that it was read from, nothing where it is no record."""
        paths = self._paths(names)
        progress = _Progress(paths, self.options)
        with progress, ExitStack() as stack:
            for path in paths:
                document = _file(path, progress) if path else _standard_input(progress, stack)
                for arrival, data in read_with_data(document, str(path or "-")):
                    self.carriers[arrival.carrier] += 1
                    self.inferred += isinstance(arrival, Arrival) and arrival.account_inferred
                    progress.count += 1
                    yield arrival, data
                progress.end(path)

    def report(self) -> None:
        """Says what was read, by its carriers, and what was not."""
        for name, count in self.carriers.most_common():
            self.options.say(f"read as {name}: {count}")
        if self.inferred:
            self.options.say(f"without recipientAccountId: {self.inferred}")
            self.options.say("  their account is that of the IAM user who called: nothing else tells one")
        if self.left_out:
            self.options.say(f"left out, since they do not begin as records do: {len(self.left_out)}")
            more = ["..."] if len(self.left_out) > _MANY else []
            for path in [*self.left_out[:_MANY], *more]:
                self.options.say(f"  {path}")

    def _paths(self, names: Iterable[str]) -> list[Path | None]:
        paths: list[Path | None] = []
        for name in names:
            path = Path(name)
            if name == "-":
                paths.append(None)
            elif path.is_dir():
                files = sorted(file for file in path.rglob("*") if file.is_file())
                found = [file for file in files if holds_records(_file(file))]
                self.left_out += [file for file in files if file not in {*found}]
                if not found:
                    fail(f"{name}: has no file that holds records")
                paths += found
            elif path.exists():
                paths.append(path)
            else:
                fail(f"{name}: no such file or folder")
        return paths


def _file(path: Path, progress: _Progress | None = None) -> Document:
    def document() -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                yield from _chunks(file, progress)
        except OSError as error:
            fail(f"{path}: can't be read: {error.strerror}")

    return document


def _standard_input(progress: _Progress, stack: ExitStack) -> Document:
    """Returns what is piped in. A gzip file is read twice, so it is put on the disk."""
    piped = sys.stdin.buffer
    first = piped.read(_CHUNK)
    if not first.startswith(_GZIP):

        def once() -> Iterator[bytes]:
            yield first
            yield from _chunks(piped, progress)

        return once
    aside = stack.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
    aside.write(first)
    for chunk in iter(lambda: piped.read(_CHUNK), b""):
        aside.write(chunk)

    def again() -> Iterator[bytes]:
        aside.seek(0)
        return _chunks(aside, progress)

    return again


def _chunks(file: IO[bytes], progress: _Progress | None) -> Iterator[bytes]:
    size = 0
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        size += len(chunk)
        if progress is not None:
            progress.at(size)
        yield chunk


class _Progress:
    """Shows progress: a bar on a terminal, otherwise a line from time to time."""

    def __init__(self, paths: list[Path | None], options: Options) -> None:
        self.count = 0
        self._options = options
        self._sizes = {path: path.stat().st_size for path in paths if path is not None}
        self._total = sum(self._sizes.values())
        self._before = 0
        self._told = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> None:
        if self._total > _CHUNK and not self._options.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.add_task("reading", total=self._total)
            self._bar.start()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def at(self, size: int) -> None:
        """Shows that so many bytes of this file are read."""
        done = self._before + size
        if self._bar is not None:
            with suppress(IndexError):
                self._bar.update(self._bar.tasks[0].id, completed=done)
        elif time.monotonic() - self._told >= _SECONDS:
            self._told = time.monotonic()
            of = f" of {_megabytes(self._total)}" if self._total else ""
            self._options.say(f"read {_megabytes(done)}{of}, {self.count:,} records")

    def end(self, path: Path | None) -> None:
        """Counts this file as read."""
        self._before += self._sizes.get(path, 0) if path else 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
