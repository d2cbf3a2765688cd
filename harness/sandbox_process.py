"""The sandbox as a user starts it: a process of its own, which ends with the `with` block in any case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: For a process that runs a module of the tests: it finds what this one finds.
SAME_PATH = {"PYTHONPATH": os.pathsep.join(sys.path)}
OWNERTAG = str(Path(sys.executable).with_name("ownertag"))
#: In which it must end after Ctrl-C.
END_SECONDS = 20


@contextmanager
def sandbox(*options: str) -> Iterator[subprocess.Popen[str]]:
    """Runs `ownertag sandbox` with these options; checks that Ctrl-C ends it with no more on standard output.

    What it says on standard error goes into a file: a pipe that nobody reads would be full one day, and stop it.
    """
    command = [OWNERTAG, "sandbox", *options]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        try:
            yield process
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=END_SECONDS)
        finally:
            process.kill()  # nothing, where it has ended
            process.communicate()
        said.seek(0)
        errors = said.read()
    assert (process.returncode, output.strip()) == (0, ""), errors
    assert "Traceback" not in errors
