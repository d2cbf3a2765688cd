"""Who may import whom outside of `src`, which import-linter does not look at.

Tests stand beside benchmarks and not on them: what both need is in `harness`, which needs neither. A stand-in that
imported a test would play what the test expects.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TIERS = [ROOT / "tests" / tier for tier in ("unit", "functional", "e2e")]
#: What is imported by a name that belongs to a tier: `flows.hub`, `faults.row`.
OF_TESTS = {"tests", *(path.stem for tier in TIERS for path in tier.iterdir())}
FORBIDDEN = {
    "tests": {"benchmarks", "models"},
    "benchmarks": OF_TESTS,
    "models": {*OF_TESTS, "benchmarks"},
    "harness": {*OF_TESTS, "benchmarks", "models"},
}


def imported(path: Path) -> Iterator[str]:
    """The first part of each name that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_what_tests_and_benchmarks_share_is_in_a_room_of_its_own(folder: str) -> None:
    paths = list((ROOT / folder).rglob("*.py"))
    assert paths
    found = {(str(path.relative_to(ROOT)), name) for path in paths for name in imported(path)}
    assert not {(path, name) for path, name in found if name in FORBIDDEN[folder]}


def test_every_test_is_in_a_tier() -> None:
    placed = {path for tier in TIERS for path in tier.rglob("test_*.py")}
    assert {*(ROOT / "tests").rglob("test_*.py")} == placed
