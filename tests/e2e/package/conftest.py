"""Packages built for the interpreter that the tests run on, from the wheels that `make test` fetched."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest

from ownertag.rollout.package.__main__ import main
from ownertag.rollout.package.build import Built, build
from ownertag.rollout.package.targets import CURRENT, LAMBDA, compiler_for

ROOT = Path(__file__).parents[3]
LOCK = ROOT / "requirements" / "function.txt"
WHEELS = ROOT / ".venv-lambda" / "wheels"


class ForLambda(NamedTuple):
    """The zips by machine, and what the command said."""

    zips: dict[str, Path]
    told: str


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
def for_lambda(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> ForLambda:
    """For both of Lambda's machines, by the command, on a machine without Lambda's Python."""
    folder = tmp_path_factory.mktemp("lambda")
    arguments = ["--lock", str(LOCK), "--output", str(folder), "--wheels", str(wheels)]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as told:
        patch.setenv("PATH", "")
        patch.setenv("PYENV_ROOT", str(folder))
        assert main(arguments) == 0
    return ForLambda({name: folder / f"ownertag-lambda-{name}.zip" for name in LAMBDA}, told.getvalue())
