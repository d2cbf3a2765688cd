"""`ownertag whois` on a terminal: every line fits it, but for an ARN that none holds; a pipe gets each line whole."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from flows.test_whois import ONE, Hub, launched
from harness import fixtures
from ownertag.ledger.sqlite import SqliteLedger

ROLE = "AWSReservedSSO_Developer_0123456789abcdef"
COMMAND = [sys.executable, "-c", "from ownertag.cli.main import run; run()", "whois"]


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """A ledger in which somebody with long names has launched an instance."""
    hub = Hub(SqliteLedger(tmp_path / "ledger"))
    made = launched(ONE, "alice", 0, event=1)
    made["userIdentity"] = fixtures.session("carol@example.com", role=ROLE, path="/aws-reserved/sso.amazonaws.com/")
    made["userAgent"] = (
        "Boto3/1.40.1 md/Botocore#1.40.1 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.13 exec-env/AWS_ECS"
    )
    hub.deliver(made)
    return f"sqlite:{tmp_path / 'ledger'}"


def environment() -> dict[str, str]:
    """Nobody's settings, and no columns but the terminal's."""
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    return {**kept, "XDG_CONFIG_HOME": "/nonexistent", "OWNERTAG_CONFIG": "", "TERM": "xterm"}


def on_terminal(columns: int, *arguments: str) -> list[str]:
    """The lines that a terminal of so many columns is given."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment()
    ) as process:
        os.close(theirs)
        given = b""
        try:
            while part := os.read(ours, 4096):
                given += part
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        assert process.wait() == 0, given
    return given.decode().replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("columns", [80, 40])
def test_every_line_fits_the_terminal_and_nothing_is_lost(ledger: str, columns: int) -> None:
    arguments = (ONE, "--ledger", ledger, "--offline")
    lines = on_terminal(columns, *arguments)
    assert lines[0] == "carol@example.com  (proven)"
    assert [line for line in lines if len(line) > columns and not re.fullmatch(r"arn:\S+", line)] == []
    assert sum(ONE in line for line in lines) >= 2  # its id and its ARN, each whole
    piped = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=True, env=environment())
    assert any(len(line) > 80 for line in piped.stdout.splitlines())
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", piped.stdout)
