"""Packages built for the interpreter that the tests run on, from the wheels that `make test` fetched."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from ownertag.cli.app import app
from ownertag.rollout.package.build import Built, build
from ownertag.rollout.package.targets import CURRENT, LAMBDA, compiler_for

ROOT = Path(__file__).parents[3]
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
    return build(CURRENT, path, compiler=compiler_for(CURRENT), wheels=wheels)


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
    arguments = ["package", "--output-dir", str(folder), "--wheels", str(wheels)]
    # No settings of whoever runs the tests.
    environment = {"PATH": "", "PYENV_ROOT": str(folder), "XDG_CONFIG_HOME": str(folder)}
    answer = CliRunner().invoke(app, arguments, env=environment)
    assert answer.exit_code == 0, answer.output
    return ForLambda({name: folder / f"ownertag-lambda-{name}.zip" for name in LAMBDA}, answer.stdout)
