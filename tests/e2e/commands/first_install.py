"""What somebody new does: installs the wheel into an environment of its own, and rolls out to a sandbox from there.

Run: `python -m commands.first_install FILE` writes the transcript, as `make first-install` does: each command, what it
printed, its exit code and its seconds. The environment is a new venv below a new home, with no clone on its path; all
that ownertag needs comes from the package index of the pip configuration, and the function's package as well. Where
there is no index, PIP_NO_INDEX=1 and PIP_FIND_LINKS=DIR name a folder of wheels, which `pip download` filled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from harness.distributions import build

#: The sandbox's folder, as the transcript has it.
FOLDER = "/tmp/ownertag-sandbox-0a1b2c3d"  # noqa: S108 - no file of ours: it stands for one in the transcript
#: Of a long output so many lines are shown at its beginning and its end.
HEAD, TAIL = 40, 30
#: What of the environment is the machine's: where its package index is, and what it trusts.
_MACHINES = ("PIP_", "SSL_", "REQUESTS_CA", "HTTP", "NO_PROXY", "http", "no_proxy", "LANG", "TERM", "PYENV_")


class Step(NamedTuple):
    """A command as it is typed, and the exit code that it must have."""

    command: str
    code: int = 0


INSTALL = (
    Step("python3 -m venv ownertag"),
    Step("ownertag/bin/pip install --quiet {wheel}"),
    Step("export PATH=~/ownertag/bin:$PATH"),
    Step("ownertag --version"),
    Step("ownertag demo"),
)
#: Beside `ownertag sandbox --no-deploy`, which runs in another terminal.
ROLL_OUT = (
    Step("export AWS_CONFIG_FILE={sandbox}/config"),
    Step(
        "ownertag init --profile admin-management --hub-account 222222222222 --home-region eu-central-1"
        " --regions eu-central-1,us-east-1 --unit workloads --alarm-email security@example.com"
        " --what-is-this https://wiki.internal/ownertag"
    ),
    Step("ownertag deploy plan --profile admin-management", 1),  # something would change
    Step("ownertag deploy apply --yes --profile admin-management"),
    Step("ownertag deploy plan --quiet --skip-preflight --lookback-days 0 --profile admin-management"),
    Step("ownertag doctor --profile admin-security"),
)


class Done(NamedTuple):
    """A command with what it printed, its exit code and its seconds."""

    step: Step
    printed: str
    code: int
    seconds: float


class NewUser:
    """A home without anything, and a shell that knows of no clone."""

    def __init__(self, home: Path, wheel: Path) -> None:
        self.home, self.wheel, self.sandbox = home, wheel, FOLDER
        self.done: list[Done] = []
        kept = {name: value for name, value in os.environ.items() if name.startswith(_MACHINES)}
        path = os.pathsep.join([str(Path(sys.base_prefix) / "bin"), "/usr/bin", "/bin"])
        self.variables = {**kept, "PATH": path, "HOME": str(home), "NO_COLOR": "1", "OWNERTAG_COLUMNS": "80"}
        self.variables["PYTHONUNBUFFERED"] = "1"  # both streams go into one here

    def run(self, steps: tuple[Step, ...], names: Mapping[str, str]) -> bool:
        """Runs steps until one has another exit code than it must have; returns whether all had theirs."""
        for step in steps:
            command = step.command.format(wheel=self.wheel, **names)
            start = time.monotonic()
            # The shell tells its variables at the end, since an export is a step as well.
            answer = subprocess.run(
                ["bash", "-c", f"{command}\ncode=$?; env -0 > .variables; exit $code"],  # noqa: S607 - the user's
                cwd=self.home,
                env=self.variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                check=False,
            )
            seconds = time.monotonic() - start
            told = (self.home / ".variables").read_text("utf-8").split("\0")
            self.variables = dict(line.split("=", 1) for line in told if line)
            self.done.append(Done(step, answer.stdout, answer.returncode, seconds))
            if answer.returncode != step.code:
                return False
        return True

    def roll_out(self) -> bool:
        """Starts the sandbox of the installed ownertag, and rolls out to it; returns whether all went as it must."""
        command = [str(self.home / "ownertag/bin/ownertag"), "sandbox", "--no-deploy", "--json", "--quiet"]
        sandbox = subprocess.Popen(command, cwd=self.home, env=self.variables, stdout=subprocess.PIPE, text=True)
        try:
            assert sandbox.stdout is not None
            told = json.loads(sandbox.stdout.readline())
            self.sandbox = str(Path(told["settings_file"]).parent)
            return self.run(ROLL_OUT, {"sandbox": self.sandbox})
        finally:
            sandbox.send_signal(signal.SIGINT)
            sandbox.communicate(timeout=60)

    def transcript(self) -> str:
        """All of it, with the paths of anybody."""
        total = sum(done.seconds for done in self.done)
        python = ".".join(map(str, sys.version_info[:2]))
        head = f"# Python {python}, {os.cpu_count()} cores, {total / 60:.1f} minutes in all"
        lines = [head, "# From the second half on, in another terminal: ownertag sandbox --no-deploy", ""]
        for done in self.done:
            lines += [f"$ {done.step.command.format(wheel=self.wheel.name, sandbox=FOLDER)}"]
            lines += _cut(done.printed.rstrip("\n").splitlines())
            lines += [f"# exit code {done.code}, {done.seconds:.1f} s", ""]
        text = "\n".join(lines)
        return text.replace(self.sandbox, FOLDER).replace(str(self.home), "~")


def _cut(lines: list[str]) -> list[str]:
    """The beginning and the end of what is long: the roll-out page's transcript has the like of it whole."""
    left_out = len(lines) - HEAD - TAIL
    return lines if left_out <= 0 else [*lines[:HEAD], f"... {left_out} more lines", *lines[-TAIL:]]


def first_install(home: Path, wheel: Path) -> NewUser:
    """Goes all the way, or as far as it gets."""
    user = NewUser(home, wheel)
    if user.run(INSTALL, {}):
        user.roll_out()
    return user


def main() -> None:
    """Builds the wheel, goes the way, and writes the transcript."""
    with tempfile.TemporaryDirectory(prefix="ownertag-dist-") as dist, tempfile.TemporaryDirectory() as home:
        user = first_install(Path(home), build(Path(dist)).wheel)
        Path(sys.argv[1]).write_text(user.transcript(), "utf-8")
    last = user.done[-1]
    if last.code != last.step.code or len(user.done) != len(INSTALL) + len(ROLL_OUT):
        raise SystemExit(f"{last.step.command}: exit code {last.code}\n{last.printed}")


if __name__ == "__main__":
    main()
