"""The function's package as it is deployed: checked against the settings, named by version and hash."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import version
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from msgspec import Struct

from ownertag.rollout.deploy.clients import DeployError
from ownertag.rollout.package.build import SETTINGS

#: Where `make package` writes the package for the architecture that the template names.
DEFAULT = Path("dist/ownertag-lambda-arm64.zip")

_KEY = re.compile(r"ownertag-(?P<version>[^/]+)-arm64-(?P<sha256>[0-9a-f]{64})\.zip")


class Package(Struct, frozen=True):
    """A zip that can be deployed: where it is here, and its key in the bucket, which holds version and hash."""

    path: Path
    key: str
    sha256: str


def read_package(path: Path, settings: str) -> Package:
    """Reads a package, and checks that it holds these settings.

    Args:
        path: The zip.
        settings: The text of the settings that are deployed.

    Raises:
        DeployError: There is none, or it was built with other settings.
    """
    advice = "build it with `make package CONFIG=...`, your settings, or name another with --package"
    try:
        with ZipFile(path) as archive:
            held = archive.read(SETTINGS).decode()
    except FileNotFoundError as error:
        raise DeployError(f"{path}: there is no package of the function: {advice}") from error
    except KeyError as error:
        raise DeployError(f"{path}: the package holds no settings: {advice}") from error
    except (OSError, BadZipFile, UnicodeError) as error:
        raise DeployError(f"{path}: can't be read as a package ({error}): {advice}") from error
    if held != settings:
        raise DeployError(f"{path}: the package was built with other settings than these: {advice}")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Package(path, f"ownertag-{version('ownertag')}-arm64-{sha256}.zip", sha256)


def parts_of(key: str) -> tuple[str, str] | None:
    """(version, SHA-256 in hex) of a package, from its key; None for a key that was not made here."""
    found = _KEY.fullmatch(key)
    return (found["version"], found["sha256"]) if found else None


#: Stands where no package is needed: what is deleted is found by the names of the stacks.
NO_PACKAGE = Package(Path(), "none", "")
