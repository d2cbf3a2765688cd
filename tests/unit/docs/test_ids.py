"""Every threat and every fault that something in the project cites by its id is documented in the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
THREATS, FAULTS = ROOT / "docs/reference/threats.md", ROOT / "docs/reference/faults.md"
FOLDERS = ("src", "tests", "harness", "benchmarks", "models", "docs", "infra")
NAMES = {".py", ".md", ".json", ".toml", ".yaml", ".tf"}

_CITED = re.compile(
    r"(?<![\w.:/-])(?:[TCELB][1-9][0-9]?)(?![\w./-]|,\d)"  # T12, and not 11T12:00 or T2.micro
    r"|(?<=def test_)[tcelb][1-9][0-9]?(?=_)",  # def test_t12_...
    re.ASCII,
)


def documented(page: Path) -> set[str]:
    """The ids that have a row of their own."""
    return set(re.findall(r"^\| ([TCELB][0-9]+) \|", page.read_text("utf-8"), re.MULTILINE))


def cited(text: str) -> set[str]:
    """The ids that a text cites, in capitals."""
    return {each.upper() for each in _CITED.findall(text)}


def text(path: Path) -> str:
    """What stands in a file; some golden files are UTF-16 on purpose."""
    return path.read_text("utf-8", errors="replace")


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in NAMES and "node_modules" not in path.parts:
                yield path
    yield from ROOT.glob("*.md")


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("nobody can make them many (T18).", {"T18"}),
        ("# T9, T10: what a member can make up", {"T9", "T10"}),
        ("T5; T4: all replayed. C1's table", {"T5", "T4", "C1"}),
        ("def test_t24_a_region_that_is_none", {"T24"}),
        ("E16 of the fault matrix", {"E16"}),
        ("2026-03-02T14:30:00Z is an A1 or x.W10.x, EC2, S3, T2.micro, test_t24_x", set()),
    ],
)
def test_an_id_is_told_from_what_looks_like_one(text: str, ids: set[str]) -> None:
    assert cited(text) == ids


def test_every_id_that_is_cited_is_documented() -> None:
    known = documented(THREATS) | documented(FAULTS)
    unknown = {str(path.relative_to(ROOT)): found for path in files() if (found := cited(text(path)) - known)}
    assert not unknown, "document them in docs/reference/threats.md or tests/functional/faults"


def test_many_are_cited_and_none_is_documented_twice() -> None:
    ids = [each for path in files() for each in cited(text(path)) if path not in (THREATS, FAULTS)]
    assert len({each for each in ids if each[0] == "T"}) >= 15
    rows = re.findall(r"^\| (T[0-9]+) \|", THREATS.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(set(rows))


def test_every_test_that_a_threat_names_is_there() -> None:
    for line in THREATS.read_text("utf-8").splitlines():
        for path in re.findall(r"`(tests/[^`]+)`", line):
            assert (ROOT / path).exists(), path


def test_a_threat_without_a_test_says_that_nothing_stops_it() -> None:
    rows = [line.split("|") for line in THREATS.read_text("utf-8").splitlines() if re.match(r"\| T[0-9]+ \|", line)]
    assert len(rows) > 35
    for row in rows:
        assert row[4].strip() or "*not yet*" in row[3] or "no HTML report yet" in row[3], row[1]
