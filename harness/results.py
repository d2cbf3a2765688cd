"""Tables for people, and the same figures as JSON in `benchmarks/results/`."""

from __future__ import annotations

import json
import math
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def show(name: str, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints rows as a Markdown table, and writes them to `results/NAME.json` with what they were measured on."""
    columns = list(rows[0])
    print(f"\n{title}\n")
    print(f"| {' | '.join(columns)} |")
    print(f"|{'|'.join('---' for _ in columns)}|")
    for row in rows:
        print(f"| {' | '.join(str(row[column]) for column in columns)} |")
    RESULTS.mkdir(exist_ok=True)
    machine = {"python": sys.version.split()[0], "machine": platform.machine(), "system": platform.system()}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"title": title, "on": machine, "rows": list(rows)}, indent=2) + "\n", "utf-8")
    print(f"\nwritten to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The value that so many per cent do not exceed; of values in order."""
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)] if values else None
