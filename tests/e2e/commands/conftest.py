"""The sandbox as a user starts it: a process of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from harness import sandbox_process


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Any]]:
    """What `ownertag sandbox --json` prints of itself."""
    with sandbox_process.sandbox("--json") as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


@pytest.fixture(scope="module")
def environment(running: dict[str, Any]) -> dict[str, str]:
    """An environment in which any AWS client finds the sandbox and nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "AWS_CONFIG_FILE": running["config_file"], "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
