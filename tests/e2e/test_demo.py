"""The demo as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

OWNERTAG = str(Path(sys.executable).with_name("ownertag"))


def test_the_demo_ends_with_every_resource_tagged() -> None:
    run = subprocess.run([OWNERTAG, "demo", "--json"], capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    launches = [json.loads(line) for line in run.stdout.splitlines()]
    assert len({launch["account"] for launch in launches}) >= 4
    assert len({launch["region"] for launch in launches}) >= 3
    assert len({launch["kind"] for launch in launches}) == 7
    assert [launch["problems"] for launch in launches] == [[]] * len(launches)
    assert all(launch["tagged"] == launch["resources"] for launch in launches)
    assert sum(launch["tagged"] for launch in launches) == 301
    assert {launch["owner"] for launch in launches if launch["did"] == "1 instance with owner=ceo"} == {"erin-user"}
    assert "all 301 resources carry the tags that they should" in run.stderr
