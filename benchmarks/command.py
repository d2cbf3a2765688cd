"""How long the installed command takes to answer, beside a Python that does nothing.

The wheel is installed by the lock into a virtual environment of its own, as a user has it. The commands are started in
turn within one run, each as a process; the first round, which reads the files from the disk, is left out.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from harness.distributions import build
from harness.installed import Installed
from harness.results import show

ROUNDS = 30
#: The aim for `--help`, in milliseconds.
AIM = 200.0
NOTHING = "python -c pass"


def main() -> None:
    """Builds, installs, measures and prints."""
    with tempfile.TemporaryDirectory(prefix="ownertag-command-") as name:
        folder = Path(name)
        installed = Installed(folder / "ownertag", build(folder / "dist").wheel, shared=False)
        ownertag = str(installed.ownertag)
        commands = {
            NOTHING: [str(installed.python), "-c", "pass"],
            "ownertag --help": [ownertag, "--help"],
            "ownertag --version": [ownertag, "--version"],
            "ownertag whois --help": [ownertag, "whois", "--help"],
            "ownertag deploy plan --help": [ownertag, "deploy", "plan", "--help"],
        }
        times: dict[str, list[float]] = {command: [] for command in commands}
        for number in range(ROUNDS + 1):
            for command, line in commands.items():
                start = time.perf_counter()
                subprocess.run(line, check=True, capture_output=True, cwd=folder)
                if number:
                    times[command].append((time.perf_counter() - start) * 1000)
    base = median(times[NOTHING])
    rows = [
        {
            "command": command,
            "ms": round(median(found)),
            "from": round(min(found)),
            "to": round(max(found)),
            f"beside `{NOTHING}`": round(median(found) / base, 1),
            "aim": f"at most {AIM:.0f} ms: {'met' if median(found) <= AIM else 'missed'}" if "help" in command else "",
        }
        for command, found in times.items()
    ]
    show("command", f"The command from the wheel, the median of {ROUNDS} starts each", rows)


if __name__ == "__main__":
    main()
