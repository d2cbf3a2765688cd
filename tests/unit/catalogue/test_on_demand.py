"""A mapping that builds its values when they are asked for."""

from __future__ import annotations

import pytest

from ownertag.catalogue.loader import build, load_catalogue
from ownertag.catalogue.merge import compiled
from ownertag.catalogue.on_demand import BuiltOnDemand


def test_a_value_is_built_once_and_only_when_it_is_asked_for() -> None:
    asked: list[str] = []

    def build_one(key: str, source: int) -> str:
        asked.append(key)
        return key * source

    found = BuiltOnDemand({"a": 1, "b": 2}, build_one)
    assert ("a" in found, "c" in found, len(found), list(found)) == (True, False, 2, ["a", "b"])
    assert asked == []
    assert (found.get("b"), found["b"], found.get("b")) == ("bb", "bb", "bb")
    assert (found.get("c"), found.get("c", "none")) == (None, "none")
    assert asked == ["b"]
    with pytest.raises(KeyError):
        found["c"]
    assert found == {"a": "a", "b": "bb"}
    assert asked == ["b", "a"]


def test_what_is_shipped_is_what_the_files_say() -> None:
    assert load_catalogue() == build(compiled())
