"""What `ownertag doctor` costs in a large organization: calls by API, time, memory, and the screen that it prints.

The real command reads 200 accounts in 17 Regions, with twelve kinds of fault in them, from prepared answers that a
process beside it gives, each after 20 ms. Nothing of it runs on AWS, where a call to another Region takes longer.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.prepared.answers import access_key
from harness.prepared.documents import HUB, REGIONS, prepared, settings_text
from harness.prepared.endpoint import serving
from harness.results import show

ROOT = Path(__file__).parents[1]


class Run(Struct, frozen=True):
    """What one run of the command came to."""

    exit_code: int
    screen: str
    seconds: float
    processor_seconds: float
    peak_megabytes: float
    calls: dict[str, int]
    at_once: int


def run(accounts: int, regions: tuple[str, ...] = REGIONS, delay: float = 0.02, *arguments: str) -> Run:
    """Runs the command on so many accounts, each answer after a delay in seconds."""
    with tempfile.TemporaryDirectory(prefix="ownertag-doctor-") as name:
        folder = Path(name)
        (folder / "ownertag.toml").write_text(settings_text(regions), "utf-8")
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        keys = {"AWS_ACCESS_KEY_ID": access_key(HUB), "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
        nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        with serving(prepared(accounts, regions), folder, delay) as served:
            command = [str(Path(sys.executable).parent / "ownertag"), "doctor"]
            started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            answer = subprocess.run(
                [*command, *arguments],
                env={**kept, **keys, **nothing, "AWS_ENDPOINT_URL": served.url},
                cwd=folder,
                text=True,
                capture_output=True,
                check=False,
            )
            seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.returncode not in {0, 1, 3} or not answer.stdout:
        raise SystemExit(answer.stderr)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(answer.returncode, answer.stdout, seconds, spent, after.ru_maxrss / 1024, served.calls, served.at_once)


def main() -> None:
    """Runs, and prints the screen and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=200)
    accounts = parser.parse_args().accounts
    done = run(accounts)
    print(done.screen)
    lines = done.screen.splitlines()
    apis: list[dict[str, Any]] = [
        {"API": api, "calls": f"{number:,}"} for api, number in Counter(done.calls).most_common()
    ]
    show("doctor-calls", f"Calls for {accounts} accounts and {len(REGIONS)} Regions", apis)
    figures = {
        "accounts": accounts,
        "Regions": len(REGIONS),
        "calls": f"{sum(done.calls.values()):,}",
        "at once": done.at_once,
        "time, s": round(done.seconds, 1),
        "processor time, s": round(done.processor_seconds, 1),
        "peak memory, MB": round(done.peak_megabytes),
        "screen": f"{max(map(len, lines))} x {len(lines)}",
    }
    show("doctor", "The run", [figures])


if __name__ == "__main__":
    main()
