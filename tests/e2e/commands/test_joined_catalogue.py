"""`python -m ownertag.catalogue`, in a copy of the package: what it says and leaves where an entry can't be used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness import fixtures
from ownertag.catalogue.merge import TO_BE_NAMED

ENTRY = f"""
[[creation]]
event = "CreateSubscriptionFilter"
basis = "seen"
source = "{TO_BE_NAMED["seen"]}"
"""


def test_a_wrong_entry_ends_with_2_in_a_line_and_nothing_is_written(tmp_path: Path) -> None:
    copy = tmp_path / "ownertag"
    shutil.copytree(fixtures.ROOT / "src/ownertag", copy, ignore=shutil.ignore_patterns("__pycache__"))
    overlay, compiled = copy / "catalogue/overlay/sns.toml", copy / "catalogue/compiled.json"
    overlay.write_text(overlay.read_text("utf-8") + ENTRY, "utf-8")
    before = compiled.stat().st_mtime_ns
    ended = subprocess.run(
        [sys.executable, "-m", "ownertag.catalogue"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        "overlay/sns.toml: CreateSubscriptionFilter: source is to be replaced:"
        " write whose record it is, or the page of AWS that has it\n"
    )
    assert compiled.stat().st_mtime_ns == before
