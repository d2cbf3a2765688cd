"""Put the house in order, in a fixed order (run in a checkout's root): python3 rename_drafts/run.py [step ...]."""
from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
STEPS = ["modules", "hand", "symbols", "members", "words", "each"]


def ruff() -> None:
    root = Path.cwd()
    binary = root / ".venv/bin/ruff"
    if not binary.exists():
        binary = Path(".venv/bin/ruff")
    subprocess.run([binary, "format", "-q", "."], check=False)
    subprocess.run([binary, "check", "-q", "--fix", "."], check=False)
    subprocess.run([binary, "format", "-q", "."], check=False)


def main() -> None:
    if not Path("src/ownertag").is_dir():
        raise SystemExit("run it in a checkout's root")
    from lib import NOTES
    import reflow
    for step in sys.argv[1:] or STEPS:
        if not (HERE / f"{step}.py").exists():
            continue
        print("==", step, flush=True)
        importlib.import_module(step).run()
        ruff()
        reflow.run()
    print(f"== {len(NOTES)} things could not be done:")
    for n in NOTES:
        print("  -", n)


main()
