"""Builds the package: dependencies, own modules, licences, settings and bytecode in one zip."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from fnmatch import fnmatch
from importlib.metadata import distribution
from pathlib import Path

from msgspec import Struct

import ownertag
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import SettingsError
from ownertag.core.settings_file import read_settings, settings_text
from ownertag.rollout.package.archive import Share, write
from ownertag.rollout.package.models import ModelError, calls_of, cut_models
from ownertag.rollout.package.modules import function_files
from ownertag.rollout.package.targets import Platform
from ownertag.rollout.package.wheels import LOCK, PackageError, Progress, install

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
    *,
    settings: Path | None = None,
    compiler: str | None = None,
    wheels: Path | None = None,
    lock: Path = LOCK,
    progress: Progress | None = None,
) -> Built:
    """Builds the function's package.

    Args:
        target: The machine and the interpreter that it is for.
        path: The zip; an older one stays if this fails.
        settings: The `ownertag.toml` that goes in, if any.
        compiler: A CPython of the target's version, if there is one.
        wheels: A folder of wheels to take instead of the package index.
        lock: Requirements with hashes.
        progress: Is told each dependency that is begun.

    Raises:
        Unavailable: A dependency can't be had.
        PackageError: A dependency is not the locked one; the folder can't be written.
        SettingsError: The settings can't be used.
    """

    def fill(folder: Path) -> None:
        if settings is not None:
            (folder / SETTINGS).write_text(_checked(settings), "utf-8")
        install(folder, target, wheels, lock=lock, progress=progress)
        strip(folder)
        try:
            cut_models(folder / "botocore" / "data", calls_of(load_catalogue()))
        except ModelError as error:
            raise PackageError(str(error)) from error
        add_own(folder)
        add_licence(folder)

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


def add_licence(folder: Path) -> None:
    """Adds ownertag's own licence, name and version, as each dependency has them.

    Raises:
        PackageError: This ownertag was not installed, and has none.
    """
    own = distribution("ownertag")
    licence = own.read_text("licenses/LICENSE")
    if licence is None:
        raise PackageError("ownertag's licence is not there: install ownertag anew")
    place = folder / f"ownertag-{own.version}.dist-info"
    (place / "licenses").mkdir(parents=True)
    (place / "licenses" / "LICENSE").write_text(licence, "utf-8")
    # Not the whole METADATA: it holds the README, whose every word would make another package.
    text = f"Metadata-Version: 2.4\nName: ownertag\nVersion: {own.version}\nLicense-Expression: Apache-2.0\n"
    (place / "METADATA").write_text(f"{text}License-File: LICENSE\n", "utf-8")


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
        text = settings_text(path.read_bytes(), str(path))
    except OSError as error:
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
