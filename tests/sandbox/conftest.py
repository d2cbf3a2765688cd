"""One sandbox for all of these tests; its function is running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ownertag.sandbox.sandbox import Sandbox
from ownertag.sandbox.watch import Watch


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch(lambda _: None)


@pytest.fixture(scope="module")
def sandbox(watch: Watch) -> Iterator[Sandbox]:
    failures: list[Exception] = []
    with Sandbox(watch, failed=failures.append) as running:
        yield running
    assert failures == []
