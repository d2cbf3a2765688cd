"""The function's package as it is deployed: built or named, with the settings put in; its key is version and hash."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from msgspec import Struct

from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.package.build import SETTINGS, build
from ownertag.rollout.package.cache import Builder, cached_package
from ownertag.rollout.package.targets import LAMBDA
from ownertag.rollout.package.wheels import PackageError, Unavailable

#: The architecture that the template names.
ARCHITECTURE = "arm64"

_KEY = re.compile(rf"ownertag-(?P<version>[^/]+)-{ARCHITECTURE}-(?P<sha256>[0-9a-f]{{64}})\.zip")
_ADVICE = "leave --package out, and deploy builds it; or name one of `ownertag package`"
_WITHOUT_NETWORK = """\
two ways out, both begin on a machine with a network and this ownertag:
  `ownertag package --download DIR`, bring DIR here, and repeat this with
  --wheels DIR; or `ownertag package`, bring the zip for arm64 here, and repeat
  this with --package ZIP"""


class Package(Struct, frozen=True):
    """A zip that can be deployed: where it is here, the settings that go in, and its key, which holds version and hash.

    The hash is that of the zip with the settings in it, as Lambda has it.
    """

    path: Path
    settings: str
    key: str
    sha256: str

    def content(self) -> bytes:
        """The zip as it is uploaded.

        Raises:
            DeployError: The file has changed since it was read.
        """
        found = _with_settings(self.path, self.settings)
        if hashlib.sha256(found).hexdigest() != self.sha256:
            raise DeployError(f"{self.path}: was built anew meanwhile: run it again")
        return found


def built_package(
    say: Callable[[str], None], *, wheels: Path | None = None, folder: Path | None = None, builder: Builder = build
) -> Path:
    """The package of this ownertag: the kept one, or built now from wheels whose hashes are locked.

    Args:
        say: Is told what is done, in words.
        wheels: A folder of wheels to build from instead of the package index.
        folder: Where packages are kept; a folder of the user's cache where it is left out.
        builder: What builds it.

    Raises:
        DeployError: It can't be built; nothing is left of it.
    """
    try:
        return cached_package(LAMBDA[ARCHITECTURE], say, wheels=wheels, folder=folder, builder=builder)
    except PackageError as error:
        way_out = f"\n{_WITHOUT_NETWORK}" if isinstance(error, Unavailable) else ""
        raise DeployError(f"the function's package can't be built:\n{error}{way_out}") from error


def read_package(path: Path, settings: str) -> Package:
    """Reads a package, into which these settings go.

    Args:
        path: The zip.
        settings: The text of the settings that are deployed.

    Raises:
        DeployError: There is none.
    """
    sha256 = hashlib.sha256(_with_settings(path, settings)).hexdigest()
    return Package(path, settings, f"ownertag-{version('ownertag')}-{ARCHITECTURE}-{sha256}.zip", sha256)


def _with_settings(path: Path, settings: str) -> bytes:
    """The bytes of a package with these settings in it, instead of others; the same bytes each time."""
    try:
        content = path.read_bytes()
        with ZipFile(io.BytesIO(content)) as archive:
            held = archive.read(SETTINGS) if SETTINGS in archive.namelist() else None
            if held == settings.encode():
                return content
            made = io.BytesIO(content if held is None else b"")
            with ZipFile(made, "w" if held is not None else "a", ZIP_DEFLATED, compresslevel=9) as copy:
                for info in archive.infolist() if held is not None else ():
                    if info.filename != SETTINGS:
                        copy.writestr(info, archive.read(info), compresslevel=9)
                entry = ZipInfo(SETTINGS)
                entry.external_attr = 0o100644 << 16  # Lambda's user owns none of the files
                copy.writestr(entry, settings)
            return made.getvalue()
    except FileNotFoundError as error:
        raise DeployError(f"{path}: there is no package of the function: {_ADVICE}") from error
    except (OSError, BadZipFile) as error:
        raise DeployError(f"{path}: can't be read as a package ({error}): {_ADVICE}") from error


def parts_of(key: str) -> tuple[str, str] | None:
    """(version, SHA-256 in hex) of a package, from its key; None for a key that was not made here."""
    found = _KEY.fullmatch(key)
    return (found["version"], found["sha256"]) if found else None


#: Stands where no package is needed: what is deleted is found by the names of the stacks.
NO_PACKAGE = Package(Path(), "", "none", "")
