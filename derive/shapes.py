"""The members of a request or an answer, by the paths under which CloudTrail records them.

A key is the member's name (protocol json), or its name on the wire (the others), with a small first letter. The query
protocol puts a structure's members in the place of one that the model calls a wrapper. EC2's lists are `xSet.items`.
What stands in the URI, the query string or a header is recorded by the member's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from botocore.model import ListShape, Shape, StructureShape

from derive import models
from derive.words import words

_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a request or an answer.

    Attributes:
        path: As a catalogue's row writes it: `response.cluster.arn`.
        words: Its name's.
        above: The words of what it stands in, from the outside in.
        shape: Its shape.
        required: The model demands it, and all that it stands in.
    """

    path: str
    words: tuple[str, ...]
    above: tuple[tuple[str, ...], ...]
    shape: Shape
    required: bool

    @property
    def depth(self) -> int:
        """How many structures it stands in; one that stands at the top stands in none."""
        return len(self.above)

    @property
    def many(self) -> bool:
        """It stands in a list."""
        return "[]" in self.path


@cache
def answer(client: str, operation: str) -> tuple[Member, ...]:
    """All members of what an operation answers."""
    shape = models.operation(client, operation).output_shape
    if shape is None:
        return ()
    protocol = str(models.model(client).metadata["protocol"])
    flat: Shape = shape
    if protocol == "query" and len(shape.members) == 1:
        [only] = shape.members.values()
        flat = only if models.is_wrapper(client, only.name) else shape
    return tuple(_walk(client, protocol, flat, "response", (), frozenset(), required=True))


@cache
def request(client: str, operation: str) -> tuple[Member, ...]:
    """All members of what an operation is asked with."""
    shape = models.operation(client, operation).input_shape
    protocol = str(models.model(client).metadata["protocol"])
    return tuple(_walk(client, protocol, shape, "request", (), frozenset(), required=True)) if shape else ()


def _walk(
    client: str,
    protocol: str,
    shape: Shape,
    path: str,
    above: tuple[tuple[str, ...], ...],
    seen: frozenset[str],
    *,
    required: bool,
) -> Iterator[Member]:
    if shape.name in seen or len(above) > _DEEPEST or not isinstance(shape, StructureShape):
        return
    needed = set(shape.required_members)
    for name, inner in shape.members.items():
        key = _key(client, protocol, name, inner)
        below, item = f"{path}.{key}", inner
        while isinstance(item, ListShape):
            below, item = below + (".items[]" if protocol == "ec2" else "[]"), item.member
        must = required and name in needed
        yield Member(below, words(name), above, item, must)
        yield from _walk(client, protocol, item, below, (*above, words(name)), seen | {shape.name}, required=must)


def _key(client: str, protocol: str, name: str, shape: Shape) -> str:
    on_wire = protocol != "json" and "location" not in shape.serialization
    key = str(shape.serialization.get("name", name)) if on_wire else name
    key = key[:1].lower() + key[1:]
    return models.renamed(client).get(key, key)
