"""The package of this ownertag, built once for a user and kept in the cache folder of the operating system.

A package's name there tells what it was built from, and the hash of its bytes: one that was cut off, damaged or built
from something else is never used.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import platformdirs

import ownertag
from ownertag.rollout.package.build import Built, build
from ownertag.rollout.package.modules import function_files
from ownertag.rollout.package.targets import Platform, compiler_for
from ownertag.rollout.package.wheels import LOCK, Progress

#: One that was not used for so long is deleted when another is built.
_KEPT_SECONDS = 30 * 86400
_ENDING = ".zip"


class Builder(Protocol):
    """What builds a package, as `build` does."""

    def __call__(
        self,
        target: Platform,
        path: Path,
        *,
        compiler: str | None,
        wheels: Path | None,
        progress: Progress | None,
    ) -> Built:
        """Builds one."""


def cached_package(
    target: Platform,
    say: Callable[[str], None],
    *,
    wheels: Path | None = None,
    folder: Path | None = None,
    builder: Builder = build,
) -> Path:
    """The package of this ownertag without settings: the kept one, or built now.

    Args:
        target: The machine and the interpreter that it is for.
        say: Is told what is done, in words.
        wheels: A folder of wheels to build from instead of the package index.
        folder: Where packages are kept; a folder of the user's cache where it is left out.
        builder: What builds it.

    Returns:
        The zip. Where the folder can't be written it is deleted when this process ends.

    Raises:
        Unavailable: A dependency can't be had.
        PackageError: It can't be built.
    """
    folder = folder or platformdirs.user_cache_path("ownertag") / "packages"
    compiler = compiler_for(target)
    name = f"ownertag-{version('ownertag')}-{target.name}-{_inputs(compiler)}"
    if kept := _kept(folder, name, say):
        return kept
    place = _writable(folder, say)
    say(f"building the function's package for {target.name} from locked wheels")
    if compiler is None:
        needed = ".".join(map(str, target.python))
        say(f"without bytecode, since there is no CPython {needed} here:\nthe function starts in twice the time")
    _forget_old(place)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=place) as half:
        path = Path(half) / f"package{_ENDING}"
        built = builder(target, path, compiler=compiler, wheels=wheels, progress=lambda part: say(f"  {part}"))
        done = place / f"{name}-{built.sha256}{_ENDING}"
        built.path.replace(done)  # whole or not at all, since it is one file system
    say(f"{built.size:,} bytes, kept in {place}")
    return done


@cache  # the modules of a process are what they are
def _inputs(compiler: str | None) -> str:
    """A hash of all that makes the package what it is: the lock, the modules that go in, and those that build it."""
    root, here = Path(ownertag.__file__).parents[1], Path(__file__).parent
    paths = [LOCK, *sorted(here.glob("*.py")), *(root / path for path in function_files())]
    hashed = hashlib.sha256(b"bytecode" if compiler else b"sources")
    for path in paths:
        content = path.read_bytes()
        hashed.update(f"\0{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()[:16]


def _kept(folder: Path, name: str, say: Callable[[str], None]) -> Path | None:
    """The package of this name, if its bytes have the hash that it names."""
    for path in sorted(folder.glob(f"{name}-*{_ENDING}")):
        with suppress(OSError):  # what can't be read is built anew
            if hashlib.sha256(path.read_bytes()).hexdigest() == path.stem.rpartition("-")[2]:
                with suppress(OSError):  # in a folder that can't be written
                    os.utime(path)
                return path
        say(f"{path}: is damaged, and is not used")
        with suppress(OSError):
            path.unlink()
    return None


def _writable(folder: Path, say: Callable[[str], None]) -> Path:
    """The folder, made where it is missing; a temporary one where nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        say(f"{folder}: can't be written ({error.strerror}):\nthe package is kept for this run only")
    # Of this user alone, with a name that nobody can foresee.
    temporary = tempfile.mkdtemp(prefix="ownertag-kept-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return Path(temporary)


def _forget_old(folder: Path) -> None:
    """Deletes packages that were not used for long, and what builds that were killed have left."""
    before = time.time() - _KEPT_SECONDS
    for path in (*folder.glob(f"ownertag-*{_ENDING}"), *folder.glob(".building-*")):
        with suppress(OSError):
            if path.stat().st_mtime < before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
