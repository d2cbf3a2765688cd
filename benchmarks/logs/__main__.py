"""Megabytes of gzipped logs a second and peak memory: the source of backfill, isal alone, DuckDB, in one run.

Each reads the same files, from the system's cache, as a process of its own with its children; they take turns, and the
best of several rounds counts: other work on the machine then strikes all. `--size 100` makes fewer megabytes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.results import show
from ownertag.catalogue.loader import load_catalogue
from ownertag.sources.logs.wanted import wanted

ROOT = Path(__file__).parents[2]
DUCKDB = ROOT / ".venv-duckdb" / "bin" / "python"
ROUNDS = 3
#: What is kept of memory that was freed; the scan starts its processes so by itself.
KEPT = {"MALLOC_MMAP_THRESHOLD_": str(1 << 26), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}
OURS, LIMIT, PLAIN, DUCK = "ownertag", "isal alone, at its best", "isal alone, one call a file", "DuckDB"


class Ran(Struct):
    """One run: seconds, those of the processor, the most memory of all its processes in MB, what it printed."""

    seconds: float
    spent: float
    peak: float
    said: dict[str, Any]


def main() -> None:
    """Generates, measures and prints."""
    options = argparse.ArgumentParser()
    options.add_argument("--size", type=int, default=1000, help="megabytes of gzipped logs")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    given = options.parse_args()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="ownertag-logs-") as name:
        folder = Path(name)
        print(f"writing {given.size} MB of logs", file=sys.stderr)
        _generate(folder, given.size * 1_000_000, given.seed, cores)
        size = sum(path.stat().st_size for path in folder.rglob("*.gz"))
        count = sum(1 for _ in folder.rglob("*.gz"))
        events = json.dumps(sorted(wanted(load_catalogue()).events))
        python = sys.executable
        lines: dict[str, tuple[list[str], dict[str, str], str]] = {
            OURS: ([python, "-m", "benchmarks.logs.ours", name], {}, ""),
            LIMIT: ([python, "-m", "benchmarks.logs.bare", name, str(cores), "sized"], KEPT, ""),
            PLAIN: ([python, "-m", "benchmarks.logs.bare", name, str(cores), "plain"], {}, ""),
            DUCK: ([str(DUCKDB), str(Path(__file__).with_name("duck.py")), name, str(cores)], {}, events),
        }
        best: dict[str, Ran] = {}
        for number in range(given.rounds):
            for reader, (line, environment, given_to_it) in lines.items():
                print(f"round {number + 1}: {reader}", file=sys.stderr)
                ran = run(line, environment, given_to_it)
                if reader not in best or ran.seconds < best[reader].seconds:
                    before = best[reader].peak if reader in best else 0.0
                    best[reader] = Ran(ran.seconds, ran.spent, max(ran.peak, before), ran.said)
        if best[OURS].said["records"] != best[DUCK].said["records"]:
            raise SystemExit(f"{OURS} found {best[OURS].said['records']} records, {DUCK} {best[DUCK].said['records']}")
        rows = [
            {
                "read by": reader,
                "MB/s": round(size / 1e6 / ran.seconds, 1),
                "of bare inflate": round(best[LIMIT].seconds / ran.seconds, 2),
                "peak MB": round(ran.peak),
                "seconds": round(ran.seconds, 2),
                "processor, s": round(ran.spent, 2),
                "records found": ran.said.get("records", "-"),
            }
            for reader, ran in best.items()
        ]
        inflated = best[OURS].said["inflated"] / 1e6
        title = f"{size / 1e6:,.0f} MB of gzipped logs in {count:,} files, {inflated:,.0f} MB of JSON, on {cores} cores"
        show("logs", title, rows)


def run(line: list[str], environment: dict[str, str], given: str) -> Ran:
    """Runs one reader, and watches how much memory its processes hold."""
    begun, before = time.perf_counter(), _spent()
    process = subprocess.Popen(
        line,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        cwd=ROOT,
        text=True,
    )
    peak = 0.0
    with ThreadPoolExecutor(1) as waiting:
        answer = waiting.submit(process.communicate, given)
        while not answer.done():
            peak = max(peak, _held(process.pid))
            time.sleep(0.05)
        said, _ = answer.result()
    if process.returncode:
        raise SystemExit(f"{line} ended with {process.returncode}")
    return Ran(time.perf_counter() - begun, _spent() - before, peak, json.loads(said))


def _spent() -> float:
    """Seconds of the processor that children which have ended took, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _held(pid: int) -> float:
    """The memory of a process and its children in MB; what they share is counted once (Linux)."""
    total = 0
    pids = [pid]
    for one in pids:
        try:
            tasks = Path(f"/proc/{one}/task").iterdir()
            pids += [int(child) for task in tasks for child in (task / "children").read_text("ascii").split()]
            lines = Path(f"/proc/{one}/smaps_rollup").read_text("ascii").splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except OSError:
            continue  # it has ended
    return total / 1024


def _generate(folder: Path, size: int, seed: int, processes: int) -> None:
    started = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.logs.generate",
                folder,
                str(size // processes),
                str(seed + 1000 * number),
            ],
            cwd=ROOT,
        )
        for number in range(processes)
    ]
    codes = [process.wait() for process in started]
    if any(codes):
        raise SystemExit("the logs could not be generated")
    if shutil.disk_usage(folder).free < size // 10:
        raise SystemExit(f"the disk is nearly full: {folder}")


if __name__ == "__main__":
    main()
