"""The modules that opening a ledger loads: every start of the hub's function waits for them."""

from __future__ import annotations

import subprocess
import sys


def test_the_table_loads_nothing_of_the_file() -> None:
    program = "import sys, ownertag.handler.wiring, ownertag.ledger.dynamodb; print('sqlite3' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
