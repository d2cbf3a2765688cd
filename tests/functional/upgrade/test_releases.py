"""The releases that are kept are what they are called."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from harness.releases import FOLDER, ROOT, Release, last_release, releases

EACH = pytest.mark.parametrize("release", releases(), ids=lambda release: release.version)


def test_each_wheel_is_named_and_each_name_has_its_wheel() -> None:
    assert {release.wheel for release in releases()} == {*FOLDER.glob("*.whl")}


@EACH
def test_a_wheel_is_what_its_commit_has(release: Release) -> None:
    release.check()
    committed = release.committed()
    if committed is None:
        pytest.skip(f"this clone has no commit {release.commit[:7]}, of which {release.version} was built")
    assert release.files() == committed


def test_a_wheel_that_was_changed_is_refused(tmp_path: Path) -> None:
    kept = last_release()
    with pytest.raises(ValueError, match="is not the wheel"):
        Release(kept.version, kept.commit, "0" * 64).unpack(tmp_path)


def test_what_is_here_has_a_later_version() -> None:
    """Packages and `ownertag doctor` tell versions apart by it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert _numbers(project["version"]) > _numbers(last_release().version)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    assert found
    return tuple(map(int, found.groups()))
