"""A command at a terminal of its own, so many columns wide, as a person sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: What sets colours and the like, and takes no column.
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Shown:
    """What a terminal showed, and how the command ended."""

    code: int
    raw: str

    @property
    def text(self) -> str:
        """The text without its styles."""
        return _STYLE.sub("", self.raw)

    @property
    def styled(self) -> bool:
        """Whether anything had a colour."""
        return self.text != self.raw

    def too_wide(self, columns: int) -> list[str]:
        """The lines that do not fit, but for a single word, which is never cut."""
        lines = (line.rstrip() for line in self.text.splitlines())
        return [line for line in lines if len(line) > columns and " " in line.strip()]


def shown(command: Sequence[str], columns: int, environment: Mapping[str, str], *, interrupt_at: str = "") -> Shown:
    """Runs a command at a terminal; both of its streams go there.

    Args:
        command: The command.
        columns: How wide the terminal is.
        environment: Its variables; COLUMNS is left out, which would count instead.
        interrupt_at: Sends Ctrl-C where this is shown. Without it nobody can be asked anything.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    kept = {name: value for name, value in environment.items() if name != "COLUMNS"}
    asked = theirs if interrupt_at else subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=asked, stdout=theirs, stderr=theirs, env=kept)
    os.close(theirs)
    said = b""
    try:
        while chunk := _read(ours):
            said += chunk
            if interrupt_at and interrupt_at in said.decode(errors="replace"):
                process.send_signal(signal.SIGINT)
                interrupt_at = ""
        return Shown(process.wait(timeout=60), said.decode().replace("\r\n", "\n"))
    finally:
        process.kill()  # nothing, where it has ended
        process.wait()
        os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux's end of a terminal
        return b""
