"""The function's locked dependencies as wheels: installed into a folder, or fetched for a machine without a network.

pip does both. It checks each wheel against the lock's hashes, wherever the wheel comes from: the package index of the
user's pip configuration, or a folder.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ownertag.rollout.package.targets import Platform

#: What the function needs, with hashes; `make lock` compiles it from the dependency group `function`. It does not stand
#: with the other locks, since it has to be in the wheel, from which the package is built.
LOCK = Path(__file__).with_name("function.txt")

#: Is told each dependency that pip begins with: `botocore==1.44.5`.
Progress = Callable[[str], None]

#: From an index by its name, from a folder by its file.
_BEGUN = re.compile(r"Collecting (\S+)|Processing (?:.*[/\\])?([^/\\]+\.whl)")
_FETCHED = re.compile(r"(?:Saved|File was already downloaded) (.+\.whl)$")
_NOT_FOUND = re.compile(r"ERROR: No matching distribution found for (\S+)")
#: Why the package index did not answer, in the words of the library that asked it.
_NO_ANSWER = re.compile(r"WARNING: Retrying .* after connection broken by (.+)")
_OTHER_HASH = "DO NOT MATCH THE HASHES"
#: Below that, each that has another.
_MISMATCHED = re.compile(r"(\S+==\S+) from ")
#: Of what pip said, so many lines.
_LINES = 6


class PackageError(Exception):
    """A package can't be built; the text says why."""


class Unavailable(PackageError):
    """A wheel can't be had: there is no network, it broke off, or the folder has no such wheel."""


def install(
    folder: Path, target: Platform, wheels: Path | None = None, *, lock: Path = LOCK, progress: Progress | None = None
) -> None:
    """Installs the locked dependencies into a folder, as wheels for the target's machine.

    Args:
        folder: What they go into.
        target: The machine and the interpreter that they are for.
        wheels: A folder of wheels to take instead of the package index.
        lock: Requirements with hashes.
        progress: Is told each dependency that is begun.

    Raises:
        Unavailable: One can't be had.
        PackageError: One is not the locked one.
    """
    if wheels is not None and not wheels.is_dir():
        raise Unavailable(f"{wheels}: there is no such folder of wheels")
    source = ("--no-index", "--find-links", str(wheels)) if wheels else ()
    _pip("install", target, lock, progress, "--no-compile", "--target", str(folder), *source)


def download(folder: Path, target: Platform, *, lock: Path = LOCK, progress: Progress | None = None) -> tuple[str, ...]:
    """Fetches the wheels of the locked dependencies into a folder, to build from it later.

    Returns:
        The names of the wheels, those that were there before among them.

    Raises:
        Unavailable: One can't be had.
        PackageError: One is not the locked one.
    """
    said = _pip("download", target, lock, progress, "--dest", str(folder))
    return tuple(sorted(Path(found[1]).name for line in said if (found := _FETCHED.match(line))))


def _pip(command: str, target: Platform, lock: Path, progress: Progress | None, *options: str) -> list[str]:
    """Runs pip, and returns what it said."""
    if not lock.is_file():
        raise PackageError(f"{lock} is not there: install ownertag anew")
    line = (
        # -P: no file beside the user stands in for pip.
        *(sys.executable, "-P", "-m", "pip", command, "--disable-pip-version-check", "--no-input", "--no-color"),
        *("--progress-bar", "off", "--retries", "2", "--no-deps", "--only-binary", ":all:", "--require-hashes"),
        *(*target.pip_options, *options, "--requirement", str(lock)),
    )
    said: list[str] = []
    begun = ""
    with subprocess.Popen(  # noqa: S603 - this Python's own pip
        line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    ) as pip:
        for text in pip.stdout or ():
            said.append(text.strip())
            if found := _BEGUN.match(said[-1]):
                begun = found[1] or found[2]
                if progress:
                    progress(begun)
    if pip.returncode == 0:
        return said
    if any(_OTHER_HASH in text for text in said):
        changed = next((found[1] for text in said if (found := _MISMATCHED.match(text))), begun)
        raise PackageError(
            f"{changed} for {target.name} was changed, or broke off on the way:\n"
            f"  it is not the wheel that is locked, and is not used\n{_reasons(said, pip.returncode)}"
        )
    missing = next((found[1] for text in said if (found := _NOT_FOUND.match(text))), begun)
    raise Unavailable(f"{missing or 'a dependency'} can't be had for {target.name}\n{_reasons(said, pip.returncode)}")


def _reasons(said: list[str], code: int) -> str:
    """What pip said of the cause: its last errors, and why the index did not answer."""
    told = [f"no answer: {found[1]}" for text in said if (found := _NO_ANSWER.match(text))][-1:]
    left_out = ("WARNING", "Collecting", "Looking", "Processing", "[", "ERROR: Could not find a version")
    told += [text for text in said if text and not text.startswith(left_out) and not _NOT_FOUND.match(text)][-_LINES:]
    return "\n".join(f"  {text}" for text in told or [f"pip ended with {code}"])
