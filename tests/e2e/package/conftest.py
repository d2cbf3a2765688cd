"""Packages built for the interpreter that the tests run on, from the wheels that `make test` fetched."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from ownertag.rollout.package.build import Built, build
from ownertag.rollout.package.targets import CURRENT, LAMBDA, compiler_for

ROOT = Path(__file__).parents[3]
LOCK = ROOT / "requirements" / "function.txt"
WHEELS = ROOT / ".venv-lambda" / "wheels"


@pytest.fixture(scope="session")
def wheels() -> Path:
    if not (WHEELS.parent / "installed").exists():
        pytest.skip("no wheels in .venv-lambda: `make test` fetches them")
    return WHEELS


@pytest.fixture(scope="session")
def current(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Built:
    path = tmp_path_factory.mktemp("current") / "package.zip"
    return build(CURRENT, path, LOCK, compiler=compiler_for(CURRENT), wheels=wheels)


@pytest.fixture(scope="session")
def unpacked(current: Built) -> Path:
    folder = current.path.with_suffix("")
    with ZipFile(current.path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def for_lambda(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> dict[str, Built]:
    """For both of Lambda's machines, without bytecode."""
    folder = tmp_path_factory.mktemp("lambda")
    return {name: build(target, folder / f"{name}.zip", LOCK, wheels=wheels) for name, target in LAMBDA.items()}
