"""The README says on its first screen what, why, how to try, how to roll out and what it does not do, and is short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINES = (ROOT / "README.md").read_text("utf-8").splitlines()
SCREEN = "\n".join(LINES[:50])


@pytest.mark.parametrize(
    "said",
    [
        r"^# ownertag$",
        r"^Every resource in an AWS organization names its owner",  # what
        r"\bfor platform and\s+security teams who have to find an owner\b",  # for whom, and why
        r"│ CloudTrail ─+► bus",  # the picture
        r"^\| works \| does not work yet \|",
        r"\*\*nothing here has been run on AWS\*\*",
        r"restores none by itself, and is no access control",  # what it does not do
        r"^make demo ",  # how to try
        r"^ownertag deploy apply ",  # how to roll out
        r"^ownertag deploy destroy ",
    ],
)
def test_the_first_screen_says_it(said: str) -> None:
    assert re.search(said, SCREEN, re.MULTILINE | re.IGNORECASE)


def test_it_stays_short() -> None:
    assert len(LINES) <= 120


def test_the_two_commands_that_ci_and_newcomers_use_are_there() -> None:
    commands = [line.split()[:2] for line in LINES if line.startswith("make ")]
    assert ["make", "demo"] in commands
    assert ["make", "test"] in commands
    assert "exec make test" in (ROOT / ".ci/run").read_text("utf-8")


def test_its_figures_are_those_of_the_benchmarks() -> None:
    """The rows that the README sums up; whoever measures anew changes both."""
    rows = (ROOT / "docs/benchmarks.md").read_text("utf-8").splitlines()
    [launch] = [line for line in rows if line.startswith("| 100 | ownertag, warm | 2 |")]
    assert "100 of 100 | 200 of 200" in launch
    assert any(line.startswith("2 EC2 calls", 2) for line in LINES)
    stated = re.search(r"half of them within ([\d.]+) s of the event, 99% within ([\d.]+) s", "\n".join(LINES))
    assert stated
    bursts = [
        [cell.strip() for cell in line.split("|")]
        for line in rows
        if re.match(r"\| [^|]*(accounts? x \d Regions|one account and Region) \| ownertag \|", line)
    ]
    assert len(bursts) == 3
    for cells in bursts:
        lost, p50, p99 = cells[4], cells[11], cells[12]
        assert (lost, float(p50) <= float(stated[1]), float(p99) <= float(stated[2])) == ("0", True, True), cells
