"""Parents, sources, and things of another type, API, account or Region are refused: sixty cases, written by hand."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from harness import fixtures, rows
from harness.fixtures import Json
from ownertag.core.values import Creation, Refusal

CASES = tomllib.loads((Path(__file__).parent / "records" / "not_tagged.toml").read_text("utf-8"))["case"]
GOLDEN = {golden.name: golden.record for golden in fixtures.golden()}


def _set(record: Json, path: str, value: Any) -> None:
    *keys, last = path.split(".")
    node: Any = record
    for key in keys:
        node = node[int(key)] if isinstance(node, list) else node[key]
    node[last] = None if value == "<null>" else value


def test_there_are_fifty_at_least_of_many_services() -> None:
    assert len(CASES) >= 50
    assert len({case["golden"].split("/")[0] for case in CASES}) >= 30


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["shows"].replace(" ", "-"))
def test_it_is_refused(case: dict[str, Any]) -> None:
    record = deepcopy(GOLDEN[case["golden"]])
    assert isinstance(rows.decide(record), Creation)
    for path, value in case["set"].items():
        _set(record, path, value)
    found = rows.decide(record)
    assert isinstance(found, Refusal), found
    assert found.reason.value == case["refused"]
