"""The package that deploy builds is built once, kept, and never used where it is not what it should be."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.deploy.package import built_package
from ownertag.rollout.package.build import Built
from ownertag.rollout.package.targets import Platform
from ownertag.rollout.package.wheels import PackageError, Progress, Unavailable

CONTENT = b"a package" * 1000


@dataclass
class Builder:
    """Writes a package of these bytes; or a part of it, and raises."""

    content: bytes = CONTENT
    raised: Exception | None = None
    built: list[tuple[str, Path | None]] = field(default_factory=list)

    def __call__(
        self, target: Platform, path: Path, *, compiler: str | None, wheels: Path | None, progress: Progress | None
    ) -> Built:
        self.built.append((target.name, wheels))
        if progress:
            progress("botocore==1.2.3")
        if self.raised:
            path.write_bytes(self.content[:100])
            raise self.raised
        path.write_bytes(self.content)
        return Built(path, sha256(self.content).hexdigest(), len(self.content), (), compiler)


@dataclass
class Cache:
    """The folder of one user, what builds, and what was said."""

    folder: Path
    builder: Builder = field(default_factory=Builder)
    said: list[str] = field(default_factory=list)

    def __call__(self, wheels: Path | None = None) -> Path:
        self.said.clear()
        return built_package(self.said.append, wheels=wheels, folder=self.folder, builder=self.builder)

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.rglob("*"))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache" / "ownertag" / "packages")


def test_it_is_built_once_for_lambdas_machine_and_used_again(cache: Cache, tmp_path: Path) -> None:
    path = cache(tmp_path)
    assert cache.said[0].startswith("building the function's package for arm64")
    assert "  botocore==1.2.3" in cache.said
    assert cache.said[-1] == f"{len(CONTENT):,} bytes, kept in {cache.folder}"
    assert path.read_bytes() == CONTENT
    assert cache() == path
    assert cache.said == []
    assert cache.builder.built == [("arm64", tmp_path)]
    assert cache.files == [path]


@pytest.mark.parametrize("content", [b"", CONTENT[:100], b"x" + CONTENT[1:]])
def test_a_damaged_one_is_built_anew_and_that_is_said(cache: Cache, content: bytes) -> None:
    path = cache()
    path.write_bytes(content)
    assert cache() == path
    assert cache.said[0] == f"{path}: is damaged, and is not used"
    assert path.read_bytes() == CONTENT
    assert len(cache.builder.built) == 2


def test_one_of_another_version_or_of_other_modules_is_not_used(cache: Cache) -> None:
    path = cache()
    ours, hashed = path.stem.rsplit("-", 1)
    other = path.with_name(f"{ours[:-1]}{'0' if ours[-1] != '0' else '1'}-{hashed}.zip")
    path.rename(other)
    assert cache() == path
    assert cache.files == sorted([other, path])


@pytest.mark.parametrize("raised", [PackageError("no"), OSError("no space"), KeyboardInterrupt()])
def test_what_broke_off_leaves_nothing_and_is_tried_again(cache: Cache, raised: BaseException) -> None:
    cache.builder.raised = raised  # type: ignore[assignment] # an interruption as well
    with pytest.raises((DeployError, OSError, KeyboardInterrupt)):
        cache()
    assert cache.files == []
    cache.builder.raised = None
    assert cache().read_bytes() == CONTENT


def test_what_a_killed_build_left_is_never_used_and_deleted_later(cache: Cache) -> None:
    half = cache.folder / ".building-abc" / "package.zip"
    half.parent.mkdir(parents=True)
    half.write_bytes(CONTENT[:100])
    path = cache()
    assert path.read_bytes() == CONTENT
    assert half.exists()  # somebody may be building
    os.utime(half.parent, (0, time.time() - 40 * 86400))
    path.unlink()
    cache()
    assert cache.files == [path]


def test_one_that_nobody_used_for_long_is_deleted(cache: Cache) -> None:
    cache.folder.mkdir(parents=True)
    used, unused = (cache.folder / f"ownertag-0.1-arm64-{name}.zip" for name in ("a-1", "b-2"))
    for path, days in ((used, 20), (unused, 40)):
        path.write_bytes(CONTENT)
        os.utime(path, (0, time.time() - days * 86400))
    assert cache.files == sorted([used, unused])
    path = cache()
    assert cache.files == sorted([used, path])


def test_without_a_wheel_both_ways_out_are_told(cache: Cache) -> None:
    cache.builder.raised = Unavailable("botocore==1.2.3 can't be had for arm64\n  connection refused")
    with pytest.raises(DeployError) as caught:
        cache()
    told = str(caught.value)
    assert told.startswith("the function's package can't be built:\nbotocore==1.2.3 can't be had for arm64\n")
    assert "`ownertag package --download DIR`" in told
    assert "--wheels DIR" in told
    assert "--package ZIP" in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_wheel_with_another_hash_is_no_matter_of_the_network(cache: Cache) -> None:
    cache.builder.raised = PackageError("botocore==1.2.3 was changed")
    with pytest.raises(DeployError) as caught:
        cache()
    assert str(caught.value) == "the function's package can't be built:\nbotocore==1.2.3 was changed"


def test_where_nothing_can_be_written_it_is_kept_for_this_run_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file: no folder can be made below it, by root neither")
    cache = Cache(tmp_path / "home" / ".cache" / "packages")
    path = cache()
    assert path.read_bytes() == CONTENT
    assert not path.is_relative_to(tmp_path)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    [said] = [line for line in cache.said if "kept for this run only" in line]
    assert said.startswith(f"{cache.folder}: can't be written (")
    assert said.endswith("):\nthe package is kept for this run only")
