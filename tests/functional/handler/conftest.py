"""The real function on moto, between a real queue and its log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.emulated import Emulated, emulated
from handler.lambdas import Poller, environment
from ownertag.handler.telemetry import Telemetry
from ownertag.handler.wiring import Handler, build


@pytest.fixture
def world() -> Iterator[Emulated]:
    with emulated() as world:
        yield world


@pytest.fixture
def poller(world: Emulated) -> Poller:
    return Poller(world)


class _Stdout:
    """Whatever is standard output now: the library keeps the stream of its first use, and pytest closes that."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture(autouse=True)
def report() -> Telemetry:
    report = Telemetry()
    for handler in logging.getLogger("ownertag").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.stream = _Stdout()
    return report


@pytest.fixture
def function(world: Emulated, poller: Poller, report: Telemetry, tmp_path: Path) -> Handler:
    return build(environment(tmp_path, poller.url), world.session, report)
