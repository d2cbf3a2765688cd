"""What a release consists of: wheel, sdist, SBOMs, and the hashes of all; built, checked, and then put into a folder.

Run: `python -m harness.distributions FOLDER [--tag v0.2.0]`, as `make dist` does. The same commit gives the same bytes:
times come from SOURCE_DATE_EPOCH, or else from the commit. It needs `.venv-dist`, and the package index for the SBOMs:
an SBOM lists what the lock installs, with licences, from an environment that was made for it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ownertag.rollout.package.wheels import LOCK

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".venv-dist" / "bin"
HASHES = "SHA256SUMS"
#: What is in the wheel, and nothing beside it, must be as committed.
SOURCES = ("src/ownertag", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore")
#: Each SBOM is of a lock: of what the command line is installed with, and of what the function's zip holds.
LOCKS: Mapping[str, Path] = {"ownertag": ROOT / "requirements/product.txt", "ownertag-lambda": LOCK}
#: Licences that what we ship may not have: it is Apache-2.0.
_COPYLEFT = re.compile(r"\b[AL]?GPL|General Public License|Affero", re.IGNORECASE)
#: Of packages whose metadata have it in a field that the tool does not take for a licence: in their own word.
LICENCES_BY_HAND: Mapping[str, str] = {"antlr4-python3-runtime": "BSD"}


class Built(NamedTuple):
    """A wheel and the sdist that it can be built from."""

    wheel: Path
    sdist: Path

    @property
    def version(self) -> str:
        """The version, as the wheel's name has it."""
        return self.wheel.name.split("-")[1]


def build(folder: Path, root: Path = ROOT) -> Built:
    """Builds sdist and wheel of a source tree, and the wheel again from the sdist.

    Raises:
        ValueError: The wheel from the sdist is another one.
    """
    [sdist] = _hatchling("sdist", root, folder)
    [wheel] = _hatchling("wheel", root, folder)
    with tempfile.TemporaryDirectory() as name:
        with tarfile.open(sdist) as archive:
            archive.extractall(name, filter="data")
        [unpacked] = Path(name).iterdir()
        [again] = _hatchling("wheel", unpacked, Path(name))
        if again.read_bytes() != wheel.read_bytes():
            raise ValueError(f"{wheel.name}: the sdist builds another wheel than the source tree")
    return Built(wheel, sdist)


def _hatchling(kind: str, root: Path, folder: Path) -> list[Path]:
    before = set(folder.glob("*"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=root, env={**os.environ, **_times()}, check=True, capture_output=True)
    return [path for path in folder.glob("*") if path not in before and path.suffix in {".whl", ".gz"}]


def _times() -> dict[str, str]:
    """The time that files get: the commit's. Where there is no commit, hatchling has a time of its own."""
    if "SOURCE_DATE_EPOCH" in os.environ or not (told := _git("log", "-1", "--format=%ct")):
        return {}
    return {"SOURCE_DATE_EPOCH": told.strip()}


def _git(*arguments: str) -> str:
    """What git says of this clone; nothing where there is none."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)  # noqa: S607 - git is on the path
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def sbom(path: Path, name: str, lock: Path) -> None:
    """Writes the SBOM (CycloneDX, JSON) of what a lock installs.

    Raises:
        ValueError: A component has no licence, or one that may not be shipped.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "environment"
        venv.create(place, with_pip=False)
        python = place / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
        install = ["install", "--quiet", "--no-deps", "--no-compile", "--require-hashes", "-r", str(lock)]
        subprocess.run([*pip, *install], check=True)
        made = Path(folder) / "sbom.json"
        command = [str(TOOLS / "cyclonedx-py"), "environment", "--output-reproducible", "--of", "JSON", "-o", str(made)]
        subprocess.run([*command, "--pyproject", str(ROOT / "pyproject.toml"), str(python)], check=True)
        listed = json.loads(made.read_text("utf-8"))
    for component in listed["components"]:
        if component["name"] in LICENCES_BY_HAND and "licenses" not in component:
            component["licenses"] = [{"license": {"name": LICENCES_BY_HAND[component["name"]]}}]
    check_licences(listed)
    listed["metadata"]["component"]["name"] = name
    path.write_text(json.dumps(listed, indent=2, sort_keys=True) + "\n", "utf-8")


def check_licences(listed: Mapping[str, Any]) -> None:
    """Checks the licence of each component of an SBOM.

    Raises:
        ValueError: A component has no licence, or one that may not be shipped; all such are named.
    """
    wrong = []
    for component in listed["components"]:
        told = [_licence(found) for found in component.get("licenses", ())]
        if not any(told) or any(_COPYLEFT.search(licence) for licence in told):
            wrong.append(f"{component['name']} {component['version']}: {', '.join(told) or 'no licence'}")
    if wrong:
        raise ValueError("these licences may not be shipped, or are not told:\n  " + "\n  ".join(wrong))


def _licence(found: Mapping[str, Any]) -> str:
    return str(found.get("expression") or found["license"].get("id") or found["license"].get("name", ""))


def check(built: Built) -> None:
    """Has the tools check what a package index and pip will read.

    Raises:
        subprocess.CalledProcessError: They found something, and have said it.
    """
    subprocess.run([str(TOOLS / "twine"), "check", "--strict", *map(str, built)], check=True)
    subprocess.run([str(TOOLS / "check-wheel-contents"), str(built.wheel)], check=True, cwd=ROOT)


def main() -> None:
    """Builds all in a temporary folder; where all of it is right, it goes into the folder that is named."""
    parser = argparse.ArgumentParser(prog="python -m harness.distributions", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tag", help="the tag of the release, which has to be the version")
    given = parser.parse_args()
    changed = _git("status", "--porcelain", "--", *SOURCES)
    if changed and given.tag:
        raise SystemExit(f"{given.tag}: these files are not as they are committed:\n{changed}")
    if changed:
        print(f"not as committed, and built as they are:\n{changed}", file=sys.stderr, end="")
    with tempfile.TemporaryDirectory(prefix="ownertag-dist-") as name:
        folder = Path(name)
        try:
            built = build(folder)
            if given.tag and given.tag != f"v{built.version}":
                raise SystemExit(f"{given.tag}: pyproject.toml has version {built.version}")
            check(built)
            for what, lock in LOCKS.items():
                sbom(folder / f"{what}-{built.version}.cdx.json", what, lock)
        except (ValueError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"dist: {error}") from error
        lines = [f"{_sha256(path)}  {path.name}\n" for path in sorted(folder.iterdir()) if path.is_file()]
        (folder / HASHES).write_text("".join(lines), "utf-8")
        given.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir()):
            shutil.copyfile(path, given.folder / path.name)
    print(f"in {given.folder}, by {HASHES}:\n{''.join(lines)}", end="")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
