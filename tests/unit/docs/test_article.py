"""What the page about the article names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/explanation/article.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`((?:src|tests|infra|docs|catalogue|core|sinks)/[\w./-]+)`", PAGE)))
TARGETS = sorted(set(re.findall(r"`make ([\w-]+)`", PAGE)))
ROWS = [
    line.split("|") for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| the article |")
]


@pytest.mark.parametrize("name", NAMED)
def test_every_file_is_there(name: str) -> None:
    assert (ROOT / name).exists() or (ROOT / "src/ownertag" / name).exists()


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_every_statement_is_shown_by_something_or_said_to_be_missing() -> None:
    assert len(ROWS) >= 15
    for _, statement, here, shown_by, _ in ROWS:
        assert shown_by.strip() or "*not yet*" in here, statement
