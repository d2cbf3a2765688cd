"""`ownertag init` as a person meets it: it asks on a terminal, in a process of its own, against a sandbox."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import sandbox_process
from ownertag.core.settings_file import read_settings
from ownertag.render.infra import check_deployable

#: No single answer takes longer, whatever else the machine does.
SECONDS = 60


@pytest.fixture(scope="module")
def before_ownertag() -> Iterator[dict[str, str]]:
    """The environment in which the organization before ownertag is found."""
    with sandbox_process.sandbox("--no-deploy", "--json") as process:
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(process.stdout.readline())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OWNERTAG_"))}
        yield {
            **kept,
            "AWS_CONFIG_FILE": told["config_file"],
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "OWNERTAG_PACKAGE": told["package_file"],
            "COLUMNS": "80",
            "LANG": "C",
        }


class Terminal:
    """A process whose three streams are one terminal."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._own, other = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, cwd=folder, env=environment, start_new_session=True
        )
        os.close(other)
        self.text = ""

    def answer(self, prompt: str, answer: str) -> None:
        """Waits for a prompt, and types an answer to it."""
        self._read(lambda said: re.search(rf"(?m)^{prompt}( \[[^\]]*\])?: $", said) is not None, prompt)
        os.write(self._own, answer.encode())

    def interrupt(self) -> None:
        """Sends Ctrl-C until it ends: one that comes just before Python waits for a line is seen after the next key."""
        until = time.monotonic() + SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < until, f"it did not end: {self.text}"
            os.killpg(self.process.pid, 2)
            time.sleep(0.5)

    def end(self) -> int:
        """Reads to the end. Returns the exit code."""
        self._read(lambda _: False, "the end")
        os.close(self._own)
        return self.process.wait(SECONDS)

    def _read(self, enough: Any, what: str) -> None:
        said = ""
        until = time.monotonic() + SECONDS
        while not enough(said):
            ready, _, _ = select.select([self._own], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"{what} did not come: {self.text}"
            try:
                read = os.read(self._own, 65536).decode()
            except OSError:  # what Linux says at the end of a terminal
                read = ""
            if not read:
                assert what == "the end", f"{what} did not come: {self.text}"
                return
            said += read.replace("\r\n", "\n")
            self.text += read.replace("\r\n", "\n")


def test_a_terminal_is_asked_until_the_answers_are_right(before_ownertag: dict[str, str], tmp_path: Path) -> None:
    command = [sandbox_process.OWNERTAG, "init", "--profile", "admin-management"]
    terminal = Terminal(command, tmp_path, before_ownertag)
    terminal.answer("hub-account", "999999999999\n")
    terminal.answer("hub-account", "\n")  # the proposal
    terminal.answer("home-region", "eu-centrl-1\n")
    terminal.answer("home-region", "eu-central-1\n")
    terminal.answer("unit", "workloads\n")
    terminal.answer("alarm-email", "\n")
    terminal.answer("what-is-this", "https://wiki.internal/ownertag\n")
    assert terminal.end() == 0, terminal.text
    for said in (
        "'999999999999' is no account of the organization",
        "222222222222  security, by its name",
        "did you mean 'eu-central-1'?",
        "5 accounts  workloads",
        "ownertag.toml is written. Read it, then:",
    ):
        assert said in " ".join(terminal.text.split()) or said in terminal.text
    assert [line for line in terminal.text.splitlines() if len(line) > 80] == []
    organization = check_deployable(read_settings((tmp_path / "ownertag.toml").read_text("utf-8"), "x"), "x")
    assert (organization.hub_account, organization.home_region) == ("222222222222", "eu-central-1")
    # And it is read by the commands that it names.
    plan = [sandbox_process.OWNERTAG, "deploy", "plan", "--profile", "admin-management", "--skip-preflight", "--quiet"]
    ran = subprocess.run(plan, cwd=tmp_path, env=before_ownertag, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    assert f"stack set ownertag-spoke-region in {organization.units[0]}" in ran.stdout


@pytest.mark.parametrize("ended", ["\x03", "\x04"], ids=["ctrl-c", "ctrl-d"])
def test_who_stops_answering_has_no_file(before_ownertag: dict[str, str], tmp_path: Path, ended: str) -> None:
    # In a session of its own the terminal is the process's own once it opens it: a shell stands between.
    command = ["sh", "-c", f'exec "{sandbox_process.OWNERTAG}" init --profile admin-management']
    terminal = Terminal(command, tmp_path, before_ownertag)
    if ended == "\x03":
        terminal.answer("hub-account", "\n")
        terminal.answer("home-region", "")
        terminal.interrupt()
    else:
        terminal.answer("hub-account", ended)
    assert terminal.end() == 130
    assert "nothing was written" in terminal.text
    assert "Traceback" not in terminal.text
    assert list(tmp_path.iterdir()) == []
