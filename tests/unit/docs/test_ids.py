"""Every threat, fault and decision that something in the project cites is documented in the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
THREATS, FAULTS = ROOT / "docs/reference/threats.md", ROOT / "docs/reference/faults.md"
DECISIONS = ROOT / "docs/decisions"
#: What tools made, or would be mistaken: hashes in a lock, lines of a picture.
NOT_OURS = {"node_modules", "build", "dist", "results", "__pycache__", "package-lock.json"}
NO_TEXT = {".whl", ".svg", ".pyc"}

_CITED = re.compile(
    r"(?<![\w.:/-])(?:[TCELB][1-9][0-9]?)(?![\w./-]|,\d)"  # T12, and not 11T12:00 or T2.micro
    r"|(?<=def test_)[tcelb][1-9][0-9]?(?=_)",  # def test_t12_...
    re.ASCII,
)


#: `decision 16`, `decisions 24 and 25`, `docs/decisions/0037`, `[decision 42](0042-...)`.
_DECISIONS = re.compile(r"\b[Dd]ecisions? (\d+)(?:(?:, (\d+))* and (\d+))?|\bdecisions(?:/|: )(\d+)\b")


def decisions_cited(text: str) -> set[int]:
    """The numbers of the decisions that a text cites."""
    return {int(number) for groups in _DECISIONS.findall(text) for number in groups if number}


def documented(page: Path) -> set[str]:
    """The ids that have a row of their own."""
    return set(re.findall(r"^\| ([TCELB][0-9]+) \|", page.read_text("utf-8"), re.MULTILINE))


def cited(text: str) -> set[str]:
    """The ids that a text cites, in capitals."""
    return {id_.upper() for id_ in _CITED.findall(text)}


def text(path: Path) -> str:
    """What stands in a file; some golden files are UTF-16 on purpose."""
    return path.read_text("utf-8", errors="replace")


def files(folder: Path = ROOT) -> Iterator[Path]:
    """All of the project's own text: not what is hidden, but for `.ci`, nor what tools made."""
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or path.suffix in NO_TEXT or (path.name.startswith(".") and path.name != ".ci"):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from files(path)
        elif path.is_file():
            yield path


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


def test_files_of_every_folder_and_kind_are_looked_at() -> None:
    seen = [path.relative_to(ROOT) for path in files()]
    folders = {"src", "tests", "harness", "benchmarks", "models", "derive", "docs", "infra", "requirements", ".ci"}
    assert folders <= {path.parts[0] for path in seen}
    assert {".py", ".md", ".json", ".toml", ".yaml", ".tf", ".mjs", ".txt"} <= {path.suffix for path in seen}
    assert {Path("Makefile"), Path("zensical.toml"), Path("README.md")} <= set(seen)


def test_every_id_that_is_cited_is_documented() -> None:
    known = documented(THREATS) | documented(FAULTS)
    unknown = {str(path.relative_to(ROOT)): found for path in files() if (found := cited(text(path)) - known)}
    assert not unknown, "document them in docs/reference/threats.md or tests/functional/faults"


def test_many_are_cited_and_none_is_documented_twice() -> None:
    ids = {id_ for path in files() if path not in (THREATS, FAULTS) for id_ in cited(text(path))}
    assert len({id_ for id_ in ids if id_[0] == "T"}) >= 15
    rows = re.findall(r"^\| (T[0-9]+) \|", THREATS.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(set(rows))


def test_every_test_that_a_threat_names_is_there() -> None:
    for line in THREATS.read_text("utf-8").splitlines():
        for path in re.findall(r"`(tests/[^`]+)`", line):
            assert (ROOT / path).exists(), path


def test_a_threat_without_a_test_says_that_nothing_stops_it() -> None:
    rows = [line.split("|") for line in THREATS.read_text("utf-8").splitlines() if re.match(r"\| T[0-9]+ \|", line)]
    assert len(rows) == 53
    for row in rows:
        assert row[4].strip() or "*not yet*" in row[3] or "no HTML report yet" in row[3], row[1]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("# of a large batch (decision 16).", {16}),
        ("[decisions 24 and 25](README.md)", {24, 25}),
        ("are; docs/decisions/0037 has the proof", {37}),
        ("can write (docs/decisions: 23).", {23}),
        ("each decision of 2 accounts, 3 decisions, tests/decisions", set()),
    ],
)
def test_a_decision_that_is_cited_is_found(text: str, numbers: set[int]) -> None:
    assert decisions_cited(text) == numbers


def test_every_decision_that_is_cited_is_there() -> None:
    there = {int(path.name[:4]) for path in DECISIONS.glob("0*.md")}
    assert there == set(range(1, len(there) + 1))
    skipped = {Path(__file__), ROOT / "CHANGELOG.md"}
    unknown = {
        str(path.relative_to(ROOT)): found
        for path in files()
        if path not in skipped and (found := decisions_cited(text(path)) - there)
    }
    assert not unknown


def test_a_decision_has_the_number_of_its_file_and_of_the_links_to_it() -> None:
    for path in DECISIONS.glob("0*.md"):
        assert text(path).startswith(f"# {int(path.name[:4])}. "), path.name
    for path in files(ROOT / "docs"):
        for number, name in re.findall(r"\[(?:decision )?(\d+)\]\([^)]*?(\d{4})-[^)]*\)", text(path)):
            assert int(number) == int(name), f"{path.name}: {number} leads to {name}"
