"""The package that is deployed has the settings in it that are deployed."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from zipfile import ZipFile

import pytest

from ownertag.rollout.deploy.failures import DeployError
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


def settings_in(content: bytes) -> list[str]:
    """The settings of a zip, one for each entry of their name; Lambda would unpack the last."""
    with ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(info).decode() for info in archive.infolist() if info.filename == "ownertag.toml"]


@pytest.mark.parametrize("held", [{}, {"ownertag_toml": SETTINGS}, {"ownertag_toml": SETTINGS + "# older\n"}])
def test_the_settings_go_in_and_the_key_is_of_what_is_uploaded(tmp_path: Path, held: dict[str, str]) -> None:
    found = read_package(package(tmp_path, handler_py="code", **held), SETTINGS)
    content = found.content()
    assert settings_in(content) == [SETTINGS]
    with ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("handler.py") == b"code"
        assert archive.testzip() is None
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert read_package(found.path, SETTINGS) == found


def test_other_settings_are_another_package(tmp_path: Path) -> None:
    path = package(tmp_path, handler_py="code")
    assert read_package(path, SETTINGS).key != read_package(path, SETTINGS + "#").key


def test_everybody_may_read_the_settings_that_were_put_in(tmp_path: Path) -> None:
    content = read_package(package(tmp_path, handler_py="code"), SETTINGS).content()
    with ZipFile(io.BytesIO(content)) as archive:
        assert archive.getinfo("ownertag.toml").external_attr >> 16 == 0o100644


def test_a_package_that_was_built_anew_between_plan_and_upload_is_refused(tmp_path: Path) -> None:
    found = read_package(package(tmp_path, handler_py="code"), SETTINGS)
    package(tmp_path, handler_py="other code")
    with pytest.raises(DeployError, match="was built anew meanwhile: run it again"):
        found.content()


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="no package of the function: leave --package out"):
        read_package(tmp_path / "none.zip", SETTINGS)
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(DeployError, match=r"text.zip: can't be read as a package"):
        read_package(tmp_path / "text.zip", SETTINGS)
