"""Which tests run in one process, and which first.

Moto's state is a process's own, so a file's tests stay together. Where a folder's files share what takes long to make,
they stay together too, so that it is made once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
#: Folders whose fixtures serve all of their files.
WHOLE = (TESTS / "infra" / "terraform", TESTS / "package")
#: What takes more than half a minute: begun first, so that no process is left with it at the end.
LONG = (*WHOLE, TESTS / "rollout" / "deploy", TESTS / "properties", TESTS / "faults", TESTS / "infra" / "policies")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name each test's process for `--dist loadgroup`, and sort."""
    for item in items:
        folder = next((each for each in WHOLE if each in item.path.parents), item.path)
        item.add_marker(pytest.mark.xdist_group(folder.relative_to(TESTS).as_posix()))
    items.sort(key=lambda item: next((at for at, each in enumerate(LONG) if each in item.path.parents), len(LONG)))
