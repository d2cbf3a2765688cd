"""Follows a page of docs/ word for word in an empty sandbox; `python -m commands.walkthrough PAGE` writes it anew.

A block `console` holds commands of the second terminal, after `$`, each with what it printed below. A block `text`
whose title is the first terminal holds what the sandbox printed meanwhile. Of an output that is cut on the page, by a
line of `...`, as many lines are kept before and after as stand there. Other blocks are not run: they install, start
the sandbox, which is done here, or show a file.

A page that has a transcript beside it (`roll-out.md`, `roll-out-transcript.txt`) cuts much: there it is whole.
"""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from msgspec import Struct

from harness import sandbox_process

DOCS = Path(__file__).parents[3] / "docs"
PAGES = (DOCS / "tutorial/first-hour.md", DOCS / "how-to/roll-out.md")
#: The sandbox's folder, as the page has it.
FOLDER = "/tmp/ownertag-sandbox-0a1b2c3d"  # noqa: S108 - no file of ours: it stands for one on the page
AWS_CLI = Path(__file__).parents[3] / ".venv-awscli/bin"
CUT = "..."
#: How long the first terminal may take to say something, and how long it must be silent to have said it.
SECONDS, SILENCE = 120.0, 1.0

_BLOCK = re.compile(r'(?<=\n)```(console|text title="first terminal")\n(.*?)```', re.DOTALL)


class Followed(Struct, frozen=True):
    """A page with what its commands print now, and all of that, uncut."""

    page: str
    transcript: str


def transcript_of(page: Path) -> Path:
    """Where the transcript of a page stands, if it has one."""
    return page.with_name(f"{page.stem}-transcript.txt")


def followed(page: str) -> Followed:
    """Follows a page."""
    said: list[str] = []
    with sandbox_process.sandbox("--no-deploy") as sandbox, tempfile.TemporaryDirectory() as folder:
        assert sandbox.stdout is not None
        first = _Terminal(sandbox.stdout)
        greeting = first.said()
        [real] = set(re.findall(r"=(\S+)/ownertag\.toml$", "\n".join(greeting), re.MULTILINE))
        shell = _Shell(folder)
        if "$ export AWS_CONFIG_FILE" not in page:  # it says that the lines are to be pasted
            for line in greeting:
                if line.startswith("export "):
                    shell.run(line)

        def block(match: re.Match[str]) -> str:
            kind, text = match[1], match[2]
            if kind == "console":
                lines = []
                for part in _commands(text):
                    printed = shell.run(part[0].replace(FOLDER, real))
                    said.extend((f"$ {part[0]}", *printed, ""))
                    lines += [f"$ {part[0]}", *_cut(printed, part[1:])]
            else:
                lines = _cut(
                    greeting if "run-instances" not in page[: match.start()] else first.said(), text.splitlines()
                )
            return f"```{kind}\n" + "".join(f"{line.replace(real, FOLDER)}\n" for line in lines) + "```"

        try:
            written = _BLOCK.sub(block, page)
            return Followed(written, "\n".join(said).replace(real, FOLDER))
        finally:
            shell.end()


def _commands(text: str) -> Iterator[list[str]]:
    """Each command of a block with the lines below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        yield part.splitlines()


def _cut(lines: list[str], shown: list[str]) -> list[str]:
    """These lines, with as many left out as are left out of what is shown."""
    if CUT not in shown:
        return lines
    head = shown.index(CUT)
    tail = len(shown) - head - 1
    if len(lines) <= head + tail:
        return lines
    return [*lines[:head], CUT, *lines[len(lines) - tail :]]


class _Terminal:
    """What a process prints, as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line.rstrip("\n"))

    def said(self) -> list[str]:
        """The output since the last time, once the shell is silent."""
        lines = [self._lines.get(timeout=SECONDS)]
        try:
            while True:
                lines.append(self._lines.get(timeout=SILENCE))
        except queue.Empty:
            return "\n".join(lines).strip("\n").splitlines()


class _Shell:
    """The second terminal: one shell, so that its variables stay."""

    _END = "-- end of the output --"

    def __init__(self, folder: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OWNERTAG_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), str(AWS_CLI), kept["PATH"]])
        # Both streams go into one here, where Python would keep the data back until the end.
        more = {"PATH": path, "HOME": folder, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "OWNERTAG_COLUMNS": "80"}
        self._process = subprocess.Popen(
            ["bash"],  # noqa: S607 - the user's
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=kept | more,
            cwd=folder,
        )

    def run(self, command: str) -> list[str]:
        """Runs a command and returns what it prints, on both streams."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\necho; echo '{self._END}'\n")
        self._process.stdin.flush()
        lines = []
        for line in self._process.stdout:
            if line.rstrip("\n") == self._END:
                break
            lines.append(line.rstrip())
        return lines[: -1 if lines and not lines[-1] else None]

    def end(self) -> None:
        """Ends the shell."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()


def main() -> None:
    """Writes the pages that are named, and the transcripts that they have."""
    for target in map(Path, sys.argv[1:]):
        found = followed(target.read_text("utf-8"))
        target.write_text(found.page, "utf-8")
        if transcript_of(target).exists():
            transcript_of(target).write_text(found.transcript, "utf-8")


if __name__ == "__main__":
    main()
