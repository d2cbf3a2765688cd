"""Builds the package: dependencies, own modules, settings and bytecode in one zip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

from msgspec import Struct

import ownertag
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import SettingsError
from ownertag.core.settings_file import read_settings
from ownertag.rollout.package.archive import Share, write
from ownertag.rollout.package.models import ModelError, calls_of, cut_models
from ownertag.rollout.package.modules import function_files
from ownertag.rollout.package.targets import Platform

#: Where the template's OWNERTAG_CONFIG looks for the settings.
SETTINGS = "ownertag.toml"

# Never imported, or only by what the function does not use.
_DROPPED = (
    "bin/*",
    "*.pyi",
    "*/tests/*",
    "*/__pycache__/*",
    "boto3/data/*",
    "boto3/examples/*",
    "dateutil/zoneinfo/*",
    "aws_lambda_powertools/event_handler/*",
    "aws_lambda_powertools/utilities/[!_j]*",  # all but the package itself and jmespath_utils, which Logger imports
)
# Of a dist-info folder stay the licences, whose texts go with the code, and the name and version, by which scanners for
# vulnerable versions know what is in a function.
_KEPT_OF_DIST_INFO = ("METADATA", "LICENSE*", "NOTICE*", "licenses/*")


class PackageError(Exception):
    """A package can't be built; the text says why."""


class Built(Struct, frozen=True):
    """A package that was written; `compiler` is the Python whose bytecode it holds, None where it holds none."""

    path: Path
    sha256: str
    size: int
    shares: tuple[Share, ...]
    compiler: str | None


def build(
    target: Platform,
    path: Path,
    lock: Path,
    *,
    settings: Path | None = None,
    compiler: str | None = None,
    wheels: Path | None = None,
) -> Built:
    """Builds the function's package.

    Args:
        target: The machine and the interpreter that it is for.
        path: The zip; an older one stays if this fails.
        lock: Requirements with hashes.
        settings: The `ownertag.toml` that goes in, if any.
        compiler: A CPython of the target's version, if there is one.
        wheels: A folder of wheels to take instead of the package index.

    Raises:
        PackageError: A dependency can't be had or is not the locked one; the folder can't be written.
        SettingsError: The settings can't be used.
    """

    def fill(folder: Path) -> None:
        if settings is not None:
            (folder / SETTINGS).write_text(_checked(settings), "utf-8")
        install(folder, target, lock, wheels)
        strip(folder)
        try:
            cut_models(folder / "botocore" / "data", calls_of(load_catalogue()))
        except ModelError as error:
            raise PackageError(str(error)) from error
        add_own(folder)

    return pack(path, fill, compiler)


def pack(path: Path, fill: Callable[[Path], None], compiler: str | None) -> Built:
    """Has a folder filled, compiles it, and zips it.

    Raises:
        PackageError: It can't be compiled or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="ownertag-package-") as name:
            folder = Path(name) / "package"
            folder.mkdir()
            fill(folder)
            if compiler is not None:
                compile_all(folder, compiler)
            sha256, shares = write(folder, path, _share_of)
        return Built(path, sha256, path.stat().st_size, tuple(shares), compiler)
    except OSError as error:
        raise PackageError(f"{path} can't be built: {error}") from error


def install(folder: Path, target: Platform, lock: Path, wheels: Path | None = None) -> None:
    """Installs the locked dependencies into a folder, as wheels for the target's machine; pip checks the hashes.

    Raises:
        PackageError: One can't be had, or is not the locked one.
    """
    source = ("--no-index", "--find-links", str(wheels)) if wheels else ()
    _pip("install", target, lock, "--no-compile", "--target", str(folder), *source)


def download(folder: Path, target: Platform, lock: Path) -> None:
    """Downloads the wheels of the locked dependencies into a folder, to build from it later.

    Raises:
        PackageError: One can't be had, or is not the locked one.
    """
    _pip("download", target, lock, "--dest", str(folder))


def _pip(command: str, target: Platform, lock: Path, *options: str) -> None:
    if not lock.is_file():
        raise PackageError(f"{lock} is not there: run this in the root of ownertag's sources, or give --lock")
    line = (
        *(sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--retries", "2", "--no-deps", "--only-binary", ":all:", "--require-hashes"),
        *(*target.pip_options, *options, "--requirement", str(lock)),
    )
    answer = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603 - this Python's own pip
    if answer.returncode != 0:
        said = [line.strip() for line in answer.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        text = "\n  ".join(said[-12:]) or f"pip ended with {answer.returncode}"
        raise PackageError(f"the dependencies that {lock} locks can't be had for {target.name}:\n  {text}")


def strip(folder: Path) -> None:
    """Deletes what the function never imports."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        name = path.relative_to(folder).as_posix()
        top, _, rest = name.partition("/")
        if top.endswith(".dist-info"):
            dropped = not any(fnmatch(rest, pattern) for pattern in _KEPT_OF_DIST_INFO)
        else:
            dropped = any(fnmatch(name, pattern) for pattern in _DROPPED)
        if dropped:
            path.unlink()


def add_own(folder: Path) -> None:
    """Adds ownertag's own modules, and the catalogue's rows."""
    root = Path(ownertag.__file__).parents[1]
    for path in function_files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, folder / path)


def compile_all(folder: Path, compiler: str) -> None:
    """Adds bytecode that Python uses without comparing the sources' times, which are fixed in the zip."""
    command = (
        *(compiler, "-P", "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(folder), "-p", "/var/task", str(folder)),
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**kept, "PYTHONHASHSEED": "0"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - a Python that was tried
    if answer.returncode != 0:
        raise PackageError(f"{compiler} can't compile the package:\n{answer.stdout}{answer.stderr}")


def _checked(path: Path) -> str:
    """Reads settings that the function can start with."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}") from error
    if read_settings(text, str(path)).organization is None:
        raise SettingsError(f"{path}: [organization] is missing: the hub must know whose accounts it serves")
    return text


def _share_of(name: str) -> str:
    if name.endswith(".pyc"):
        return "bytecode of all"
    if name.startswith("botocore/data/"):
        return "botocore's models"
    top = name.partition("/")[0]
    if top.endswith(".dist-info"):
        return "licences and versions"
    return top.removesuffix(".py") if name != SETTINGS else name
