"""Released versions, kept as wheels in `tests/releases`: to run one beside this one, and to keep another.

Run: `python -m harness.releases VERSION COMMIT` builds the wheel of a commit of this repository and keeps it, as
`make keep-release` does.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "releases"
_TABLE = FOLDER / "releases.toml"


@dataclass(frozen=True)
class Release:
    """A release: its version, the commit that it was built of, and the SHA-256 of its wheel."""

    version: str
    commit: str
    sha256: str

    @property
    def wheel(self) -> Path:
        """The wheel, whose dependencies are those of this environment."""
        return FOLDER / f"ownertag-{self.version}-py3-none-any.whl"

    def check(self) -> None:
        """Checks the wheel against the table.

        Raises:
            ValueError: It is another one.
        """
        if hashlib.sha256(self.wheel.read_bytes()).hexdigest() != self.sha256:
            raise ValueError(f"{self.wheel}: is not the wheel that {_TABLE.name} names: take it from the history again")

    def unpack(self, folder: Path) -> Path:
        """Unpacks the wheel; returns the folder to put on the path.

        Raises:
            ValueError: As of `check`.
        """
        self.check()
        place = folder / f"ownertag-{self.version}"
        with zipfile.ZipFile(self.wheel) as archive:
            archive.extractall(place)  # noqa: S202 - checked
        return place

    def files(self) -> dict[str, bytes]:
        """The package's files in the wheel, by their paths below `src`."""
        with zipfile.ZipFile(self.wheel) as archive:
            return {name: archive.read(name) for name in archive.namelist() if name.startswith("ownertag/")}

    def committed(self) -> dict[str, bytes] | None:
        """The same files as the commit has them; None where the clone has no such commit, as a shallow one."""
        packed = _git("archive", self.commit, "src/ownertag")
        if packed is None:
            return None
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            members = [member for member in archive.getmembers() if member.isfile()]
            return {member.name.removeprefix("src/"): archive.extractfile(member).read() for member in members}  # type: ignore[union-attr] # of a file it is there


def releases() -> tuple[Release, ...]:
    """All that are kept, the earliest first."""
    return tuple(Release(**row) for row in tomllib.loads(_TABLE.read_text("utf-8"))["release"])


def last_release() -> Release:
    """The release before what is here."""
    return releases()[-1]


def path_of(place: Path) -> Mapping[str, str]:
    """The environment in which a Python process finds the package in this folder, and nothing of the tests."""
    return {"PYTHONPATH": str(place), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _git(*arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)  # noqa: S607 - git is on the path
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def _keep(version: str, commit: str) -> str:
    """Builds the wheel of a commit, and keeps it. Returns its line for the table."""
    packed, told = _git("archive", commit), _git("log", "-1", "--format=%H %ct", commit)
    if packed is None or told is None:
        raise SystemExit(f"{commit}: there is no such commit here")
    full, seconds = told.decode().split()
    with tempfile.TemporaryDirectory() as name:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(name, filter="data")
        found = tomllib.loads((Path(name) / "pyproject.toml").read_text("utf-8"))["project"]["version"]
        if found != version:
            raise SystemExit(f"{commit}: its pyproject.toml says version {found}, not {version}")
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(FOLDER)],
            cwd=name,
            env={**os.environ, "SOURCE_DATE_EPOCH": seconds},
            check=True,
        )
    built = Release(version, full, "")
    sha256 = hashlib.sha256(built.wheel.read_bytes()).hexdigest()
    return f'\n[[release]]\nversion = "{version}"\ncommit = "{full}"\nsha256 = "{sha256}"\n'


if __name__ == "__main__":
    row = _keep(*sys.argv[1:])
    with _TABLE.open("a", encoding="utf-8") as table:
        table.write(row)
