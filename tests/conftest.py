"""Which tests run in one process, which first, and what a process does once.

Moto's state is a process's own, so a file's tests stay together. Where a folder's files share what takes long to make,
they stay together too, so that it is made once.
"""

from __future__ import annotations

import gc
import signal
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
# A session of the SDK reads each service's model anew, ten milliseconds and more: of many in one process one does it.
botocore.session.create_loader = cache(botocore.session.create_loader)
# A shell's background job ignores Ctrl-C, and all that it starts would: tests send it to what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
#: Folders whose fixtures serve all of their files.
WHOLE = ("tests/e2e/terraform/", "tests/e2e/package/", "tests/unit/catalogue/derivation/")
#: What takes more than half a minute: begun first, so that no process is left with it at the end.
LONG = (
    *WHOLE,
    "tests/functional/rollout/deploy/",
    "tests/unit/properties/",
    "tests/functional/faults/test_kills.py",
    "tests/functional/faults/",
    "tests/functional/infra/policies/",
    "tests/functional/rollout/",
    "tests/functional/upgrade/",
    "tests/functional/sandbox/test_observe_mode.py",
    "tests/e2e/",
)


def _first(text: str, beginnings: tuple[str, ...]) -> int:
    return next((at for at, beginning in enumerate(beginnings) if text.startswith(beginning)), len(beginnings))


class Together(LoadScopeScheduling):
    """Gives a process a file, or a whole folder, at a time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return (*WHOLE, file)[_first(file, WHOLE)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together | None:
    """Takes the place of `--dist loadfile`."""
    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Exempts modules, models and tests from garbage collection: they stay to the end.

    Moto makes and drops many small values; with CPython's own thresholds a fifth of a run is the search for circles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def pytest_unconfigure() -> None:
    """Looks for circles once: pytest goes through all that is left five times after this."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests that take long first."""
    items.sort(key=lambda item: _first(item.path.relative_to(ROOT).as_posix(), LONG))
