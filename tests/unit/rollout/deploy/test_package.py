"""The package that is deployed is the one that was built with these settings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import ZipFile

import pytest

from ownertag.rollout.deploy.clients import DeployError
from ownertag.rollout.deploy.package import parts_of, read_package

SETTINGS = '[tags]\nowner = "{owner}"\n'


def package(folder: Path, **files: str) -> Path:
    path = folder / "function.zip"
    with ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return path


def test_its_key_holds_version_and_hash(tmp_path: Path) -> None:
    path = package(tmp_path, ownertag_toml=SETTINGS)
    found = read_package(path, SETTINGS)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    version, hashed = parts_of(found.key) or ("", "")
    assert (found.sha256, hashed) == (sha256, sha256)
    assert found.key == f"ownertag-{version}-arm64-{sha256}.zip"


def test_a_key_of_somebody_elses_says_nothing() -> None:
    assert parts_of("function.zip") is None
    assert parts_of("ownertag-1-arm64-0.zip") is None


def test_settings_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="other settings than these: build it with `make package CONFIG="):
        read_package(package(tmp_path, ownertag_toml=SETTINGS + "#"), SETTINGS)


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="no package of the function: build it"):
        read_package(tmp_path / "none.zip", SETTINGS)
    with pytest.raises(DeployError, match="holds no settings"):
        read_package(package(tmp_path, README="x"), SETTINGS)
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(DeployError, match=r"text.zip: can't be read as a package"):
        read_package(tmp_path / "text.zip", SETTINGS)
