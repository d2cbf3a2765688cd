"""import-linter sees all tests: pyproject.toml names every folder of a tier wherever all of them are meant.

What the folders import, and who imports them, is then import-linter's to check. The few files beside the folders belong
to no package that it could be given.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TIERS = [ROOT / "tests" / tier for tier in ("unit", "functional", "e2e")]
FOLDERS = {path.name for tier in TIERS for path in tier.iterdir() if any(path.rglob("*.py"))}
#: Packages beside the tests.
OTHERS = {"ownertag", "harness", "benchmarks", "derive", "models"}
LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]


def imported(path: Path) -> Iterator[str]:
    """The first part of each name that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_import_linter_is_given_every_package() -> None:
    assert set(LINTER["root_packages"]) == FOLDERS | OTHERS


def test_no_package_is_left_out_of_the_search_for_circles() -> None:
    [circles] = [contract for contract in LINTER["contracts"] if contract["type"] == "acyclic_siblings"]
    assert set(circles["ancestors"]) == FOLDERS | OTHERS


def test_every_folder_of_a_tier_is_closed_to_what_is_no_test() -> None:
    [tests] = [contract for contract in LINTER["contracts"] if "contracts" in contract.get("protected_modules", ())]
    assert set(tests["protected_modules"]) == set(tests["allowed_importers"]) == FOLDERS


def test_files_beside_the_folders_import_nothing_of_ours() -> None:
    beside = [ROOT / "tests" / "conftest.py", *(path for tier in TIERS for path in tier.glob("*.py"))]
    assert not {(path.name, name) for path in beside for name in imported(path) if name in FOLDERS | OTHERS}


def test_every_test_is_in_a_tier() -> None:
    placed = {path for tier in TIERS for path in tier.rglob("test_*.py")}
    assert {*(ROOT / "tests").rglob("test_*.py")} == placed
