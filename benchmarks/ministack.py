"""Runs MiniStack, which stands in for DynamoDB, SQS and EventBridge, as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_COMMAND = Path(__file__).parents[1] / ".venv-ministack" / "bin" / "ministack"
_PATIENCE_SECONDS = 20.0


def unavailable() -> str | None:
    """Why it can't be started here, or None where it can."""
    if _COMMAND.exists():
        return None
    return "no MiniStack in .venv-ministack: `make .venv-ministack/installed` installs it"


@contextmanager
def ministack() -> Iterator[str]:
    """Runs MiniStack on 127.0.0.1 for as long as the `with` block lasts, and gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen([_COMMAND], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise RuntimeError("MiniStack did not start") from None
            time.sleep(0.1)
        else:
            return
