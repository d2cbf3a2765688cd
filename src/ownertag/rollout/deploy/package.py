"""The function's package as it is deployed: with the settings put in, named by version and hash."""

from __future__ import annotations

import hashlib
import io
import re
from importlib.metadata import version
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from msgspec import Struct

from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.package.build import SETTINGS

#: Where `make package` writes the package for the architecture that the template names.
DEFAULT = Path("dist/ownertag-lambda-arm64.zip")

_KEY = re.compile(r"ownertag-(?P<version>[^/]+)-arm64-(?P<sha256>[0-9a-f]{64})\.zip")
_ADVICE = "build it with `make package`, or name another with --package"


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


def read_package(path: Path, settings: str) -> Package:
    """Reads a package, into which these settings go.

    Args:
        path: The zip.
        settings: The text of the settings that are deployed.

    Raises:
        DeployError: There is none.
    """
    sha256 = hashlib.sha256(_with_settings(path, settings)).hexdigest()
    return Package(path, settings, f"ownertag-{version('ownertag')}-arm64-{sha256}.zip", sha256)


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
