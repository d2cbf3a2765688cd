"""The sandbox as a user starts it: a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Any]]:
    """What `ownertag sandbox --json` prints of itself."""
    command = [str(Path(sys.executable).with_name("ownertag")), "sandbox", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
        assert (process.returncode, output) == (0, ""), errors
        assert "Traceback" not in errors


@pytest.fixture(scope="module")
def environment(running: dict[str, Any]) -> dict[str, str]:
    """An environment in which any AWS client finds the sandbox and nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "AWS_CONFIG_FILE": running["config_file"], "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
