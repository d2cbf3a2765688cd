"""Changes to a document by its structure: each takes a JSON value, changes it in place, and leaves it JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

from harness.fuzz import hostile

Position = tuple[Any, Any]  # a container, and the key or number in it
Mutation = Callable[[Position, Random, Sequence[Any]], None]


def places(plain: Any) -> list[Position]:
    """Every position in a document."""
    found: list[Position] = []
    left = [plain]
    while left:
        here = left.pop()
        for key in here if isinstance(here, dict) else range(len(here)):
            found.append((here, key))
            if here[key] and isinstance(here[key], (dict, list)):
                left.append(here[key])
    return found


def replaced(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """Puts any value in the place of this one."""
    here, key = place
    here[key] = deepcopy(hostile.value(draw))


def swapped_type(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """The same, as another type: text for number, list for object."""
    here, key = place
    value = here[key]
    match value:
        case bool():
            here[key] = draw.choice([str(value), int(value), [value]])
        case int() | float():
            here[key] = draw.choice([str(value), [value], {"value": value}])
        case str():
            here[key] = draw.choice([len(value), [value], {"items": [value]}, {"value": value}, list(value[:5])])
        case list():
            here[key] = draw.choice([{str(at): item for at, item in enumerate(value)}, str(value)[:200], len(value)])
        case dict():
            here[key] = draw.choice([list(value.values()), list(value), str(value)[:200]])


def dropped(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """Leaves the value out."""
    here, key = place
    del here[key]


def renamed(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """Moves the value under a key of another letter case, or another key, or repeats it there."""
    here, key = place
    if not isinstance(here, dict) or not key:
        return replaced(place, draw, others)
    name = draw.choice(
        [key.lower(), key.upper(), key[0].swapcase() + key[1:], key + "s", key.rstrip("s"), f" {key}", "items"]
    )
    value = here[key] if draw.random() < 0.5 else here.pop(key)
    here[name] = value
    return None


def spliced(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """A part of another document."""
    here, key = place
    there, name = draw.choice(places(draw.choice(others)))
    here[key] = deepcopy(there[name])
    if isinstance(here, dict) and isinstance(name, str) and draw.random() < 0.5:
        here[name] = here.pop(key)


def wrapped(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """Puts the value into one of the objects or lists that CloudTrail puts around others, or takes it out."""
    here, key = place
    value = here[key]
    if isinstance(value, dict) and len(value) == 1 and draw.random() < 0.5:
        here[key] = next(iter(value.values()))
    elif isinstance(value, list) and value and draw.random() < 0.5:
        here[key] = draw.choice([value[0], {"item": value}, {"items": value}, {"member": value}])
    else:
        name = draw.choice(["items", "item", "member", "RunInstancesResponse", "CreateVolumeRequest", "Result", "tag"])
        here[key] = draw.choice([[value], {name: value}, {name: [value]}])


def grown(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """A list with some of its members again."""
    here, key = place
    if isinstance(here[key], list) and here[key]:
        here[key] += [deepcopy(draw.choice(here[key])) for _ in range(draw.randint(1, 6))]
    else:
        here[key] = [here[key]] * draw.randint(2, 6)


def nested(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """Puts the value deep inside lists or objects."""
    here, key = place
    for _ in range(draw.choice([3, 9, 13, 40, 200])):
        here[key] = [here[key]] if draw.random() < 0.5 else {draw.choice(["items", "a", "request", "tag"]): here[key]}


def omitted(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """Marks the value as left out for its size, as CloudTrail does."""
    here, key = place
    here[key] = {"omitted": draw.choice([True, "true", False]), "originalSize": 154213, "reason": "too large"}


def secret(place: Position, draw: Random, others: Sequence[Any]) -> None:
    """Credentials beside it, which must not be told."""
    here, key = place
    node = here if isinstance(here, dict) else here[key]
    if isinstance(node, dict):
        held = dict.fromkeys(hostile.SECRET_KEYS, hostile.SECRET)
        node.update(
            {"credentials": held} if draw.random() < 0.5 else {draw.choice(hostile.SECRET_KEYS): hostile.SECRET}
        )


SMALL: tuple[Mutation, ...] = (
    replaced,
    replaced,
    swapped_type,
    dropped,
    renamed,
    renamed,
    spliced,
    spliced,
    wrapped,
    wrapped,
    grown,
    nested,
    omitted,
)


def many(place: Position, draw: Random, room: int) -> None:
    """So many bytes for a position: its members over and over, a long text, or a deep value."""
    here, key = place
    value = here[key]
    kind = draw.random()
    if kind < 0.35:
        here[key] = hostile.long_text(draw, room)
    elif kind < 0.75:
        drawn = draw.choice(
            [value, value, {}, [], "", None, 1, [[]], {"a": {}}, [[[[[{}]]]]], {"key": "owner"}, {"items": []}]
        )
        size = max(len(repr(drawn)), 2) + 2
        here[key] = _numbered(drawn, min(room // size, 60_000)) if size > 12 else [drawn] * (room // size)
    elif kind < 0.9:
        here[key] = {
            f"{draw.choice(['k', 'tag', 'items', 'aws:'])}{at:x}": draw.choice([1, {}, [], ""])
            for at in range(room // 14)
        }
    else:
        depth = draw.choice([10, 100, 300])
        deep: Any = value if len(repr(value)) < 200 else {}
        for _ in range(depth):
            deep = [deep] if draw.random() < 0.7 else {"items": deep}
        here[key] = [deep] * (room // (depth * 4 + len(repr(deep)[:10])))


def _numbered(node: Any, times: int) -> list[Any]:
    """Copies that differ in their ids: the last digits of each text that ends in enough of them."""
    return [_with(node, at) for at in range(times)] if isinstance(node, (dict, list, str)) else [node] * times


def _with(value: Any, at: int) -> Any:
    if isinstance(value, str):
        return f"{value[:-6]}{at:06x}" if len(value) > 12 and value[-8:].isalnum() else value
    if isinstance(value, dict):
        return {key: _with(item, at) for key, item in value.items()}
    return [_with(item, at) for item in value] if isinstance(value, list) else value
