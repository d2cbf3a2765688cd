"""Files, folders and standard input to records, with progress."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ownertag.cli.options import Options, fail
from ownertag.core.parse import parse
from ownertag.core.records import Arrival
from ownertag.core.values import Refusal

#: What is read of a folder: the endings of CloudTrail's log files and of what people save records as.
ENDINGS = (".json", ".jsonl", ".ndjson", ".gz")


def records(names: Iterable[str], options: Options) -> Iterator[Arrival | Refusal]:
    """Every record in these files, folders (with all below them) or `-`, standard input.

    A file that isn't there ends the command; what can't be read in one is a refusal.
    """
    paths = _paths(names)
    for path in _with_progress(paths, options):
        if path is None:
            yield from parse(sys.stdin.buffer.read(), "-")
            continue
        try:
            data = path.read_bytes()
        except OSError as error:
            fail(f"{path}: can't be read: {error.strerror}")
        yield from parse(data, str(path))


def _paths(names: Iterable[str]) -> list[Path | None]:
    paths: list[Path | None] = []
    for name in names:
        path = Path(name)
        if name == "-":
            paths.append(None)
        elif path.is_dir():
            found = sorted(each for each in path.rglob("*") if each.is_file() and each.name.endswith(ENDINGS))
            if not found:
                fail(f"{name}: has no file that ends in {', '.join(ENDINGS)}")
            paths += found
        elif path.exists():
            paths.append(path)
        else:
            fail(f"{name}: no such file or folder")
    return paths


def _with_progress(paths: list[Path | None], options: Options) -> Iterator[Path | None]:
    """The paths; with a bar where there are several and somebody watches."""
    if len(paths) < 2 or options.quiet or not sys.stderr.isatty():
        yield from paths
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(paths, description="reading", console=Console(stderr=True), transient=True)
