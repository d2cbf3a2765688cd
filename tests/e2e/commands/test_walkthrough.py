"""The commands of a page print what it says that they print, but for ids, times and the machine's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commands.walkthrough import AWS_CLI, PAGES, followed, transcript_of

#: What differs from run to run. Tables are as wide as what stands in them, so spaces and dashes count once.
_DIFFERENT = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b\d\d:\d\d:\d\d\b", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\dZ", "TIME"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    (r"\b(i|r|vol|eni|o|ou|d|r-[0-9a-z]{4})-[0-9a-z-]{4,}", r"\1-ID"),
    (r"\b(AKIA|ASIA)[A-Z0-9]{8,}", r"\1KEY"),
    (r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b", "ADDRESS"),
    (r"arm64-[0-9a-f]{64}", "arm64-HASH"),
    (r"^( *agent +)[^\n]*(?:\n {13}[^\n]*)*", r"\1AGENT"),  # as long as the machine's name for itself
    (r"ownertag-\d+(\.\d+)+", "ownertag-VERSION"),
    (r"-?\b\d+\.\d\d\b", "SECONDS"),
    (r"in \d+ s$", "in SECONDS s"),
    (r"p-[0-9a-z]{8,}", "POLICY"),
    (r"[ -]{2,}", "  "),
)
#: Lines of progress come as their threads do.
_PROGRESS = re.compile(r"\[\d+/\d+\] |(preflight|who uses the protected keys): \d+ read|\d{12} looked at")


def settled(page: str) -> list[str]:
    for pattern, same in _DIFFERENT:
        page = re.sub(pattern, same, page, flags=re.MULTILINE)
    return [line for line in page.splitlines() if not _PROGRESS.match(line)]


@pytest.mark.full
@pytest.mark.timeout(900)  # forty commands, each a process; a busy machine takes minutes
@pytest.mark.skipif(not (AWS_CLI / "aws").exists(), reason="no AWS CLI: make .venv-awscli/installed")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_prints_what_it_says(path: Path) -> None:
    page = path.read_text("utf-8")
    found = followed(page)
    assert settled(found.page) == settled(page), "look whether it is right, then `make tutorial` writes it anew"
    if transcript_of(path).exists():
        assert settled(found.transcript) == settled(transcript_of(path).read_text("utf-8"))


def test_what_differs_from_run_to_run_is_left_out_and_nothing_else() -> None:
    one = "i-0123456789abcdef0 at 2026-11-29T00:38:43Z from 10.1.2.3  owner   alice"
    another = "i-fedcba98765432100 at 2027-01-01T01:02:03.5Z from 127.0.0.1  owner  alice"
    assert settled(one) == settled(another)
    assert settled(one) != settled(one.replace("alice", "carol"))
