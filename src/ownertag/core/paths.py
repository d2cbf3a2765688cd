"""Reads the values at a path of a record's request or response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct

#: The keys to a value in a record; `[]` goes into a list. The first is `request` or `response`.
Path = tuple[str, ...]
#: (keys to a value, the values by which an object is left out), one of them is enough.
Skip = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


class Condition(Struct, frozen=True):
    """What a record must have, or must not have (`absent`), at a path; with `values`, one of these."""

    path: Path
    absent: bool = False
    values: tuple[str, ...] = ()


# A shorter list is gone through sooner than it is looked at as a whole.
_LONG = 64
_INNER = (dict, list)
_OTHERWISE = {"items": "item", "item": "items"}


def values_at(node: Any, path: tuple[str, ...], skip: Skip = ()) -> list[Any]:
    """Returns all values at a path. `[]` goes into a list, or takes the object that stands instead of a list of one.

    With `skip`, an object on the path that has one of the values is left out with all below it.
    """
    nodes = [node]
    for key in path:
        if key == "[]":
            nodes = [item for node in nodes for item in (node if isinstance(node, list) else (node,))]
        elif no_objects(nodes):
            return []
        else:  # what is empty, or no object, is passed at once: it can stand in a list by the ten thousand
            nodes = [
                found for item in nodes if item and isinstance(item, dict) and (found := member(item, key)) is not None
            ]
        if not nodes:
            return nodes
        if skip and not no_objects(nodes):
            nodes = [item for item in nodes if not (item and isinstance(item, dict) and is_skipped(item, skip))]
    return nodes


def all_hold(conditions: Iterable[Condition], document: Any) -> bool:
    """Whether a record has all that these ask for, and nothing that they forbid."""
    for condition in conditions:
        found = values_at(document, condition.path)
        if condition.values:
            there = any(isinstance(value, str | int) and _word(value) in condition.values for value in found)
        else:
            there = any(value is not None and value not in ("", [], {}) for value in found)
        if there is condition.absent:
            return False
    return True


def no_objects(nodes: list[Any]) -> bool:
    """Whether a long list holds no object: numbers can stand in it by the hundred thousand."""
    return len(nodes) > _LONG and dict not in set(map(type, nodes))


def get(node: Any, key: str) -> Any:
    """Returns a member of an object. AWS writes a key's first letter in either case, `item` for `items`, ARN as Arn."""
    return member(node, key) if isinstance(node, dict) else None


def member(node: dict[str, Any], key: str) -> Any:
    """Returns what `get` returns, of a node that is known to be an object."""
    value = node.get(key)
    if value is None:
        for spelling in _spellings(key):
            if (value := node.get(spelling)) is not None:
                break
    return value


@lru_cache(maxsize=4096)
def _spellings(key: str) -> tuple[str, ...]:
    """How else a record may write a key: `aRN`, `ARN` and `arn` were seen of one member."""
    found = [key[0].swapcase() + key[1:]]
    if key in _OTHERWISE:
        found.append(_OTHERWISE[key])
    if key[-3:].lower() == "arn":
        found += [start[:-3] + arn for start in (key, found[0]) for arn in ("Arn", "ARN", "arn")]
    return tuple(dict.fromkeys(found))


def is_skipped(node: Any, skip: Skip) -> bool:
    """Whether an object has one of the values by which it is left out."""
    for keys, values in skip:
        value: Any = node
        for key in keys:
            value = get(value, key)
        if isinstance(value, str | int) and _word(value) in values:
            return True
    return False


def _word(value: str | int) -> str:
    """A value as the catalogue writes it: `true` for a boolean."""
    return value if isinstance(value, str) else str(value).lower()


def values_under(node: Any, key: str) -> Iterator[Any]:
    """Yields all values of a key, however deep."""
    nodes = [node] if isinstance(node, _INNER) else []
    while nodes:  # a level at a time: there can be a hundred thousand lists
        below: list[Any] = []
        for outer in nodes:
            node = outer
            while isinstance(node, list) and len(node) == 1:
                node = node[0]
            if isinstance(node, dict):
                yield member(node, key)
                below += [inner for inner in node.values() if inner and isinstance(inner, _INNER)]
            elif isinstance(node, list):
                below += [inner for inner in node if inner and isinstance(inner, _INNER)]
        nodes = below
