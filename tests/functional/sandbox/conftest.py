"""One sandbox for each of these files, without the function: its calls would come between those of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ownertag.sandbox.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running
