"""Which operations take tags: those that this project has to have a status for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from botocore.model import ListShape, MapShape, Shape, StructureShape

from derive import models, reference
from derive.shapes import Member, request
from derive.words import words

_NAME = re.compile(r"\w*tags?|tagset|tag_?list|tagslist|tagspecifications?|tagging", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Taker:
    """An operation that takes tags.

    Attributes:
        client: The client.
        name: The operation.
        members: Where its tags stand in the request; none where the authorization reference alone says that it can
            be asked for tags.
    """

    client: str
    name: str
    members: tuple[Member, ...]


@cache
def takers() -> tuple[Taker, ...]:
    """Every operation that takes tags, of all clients, sorted."""
    found = []
    for client in models.clients():
        for name in sorted(models.model(client).operation_names):
            members = tags_of(client, name)
            if members or by_reference(client, name):
                found.append(Taker(client, name, members))
    return tuple(found)


@cache
def tags_of(client: str, name: str) -> tuple[Member, ...]:
    """The members of a request that hold tags, those that stand highest first."""
    shape = models.operation(client, name).input_shape
    if shape is None or shape.name not in _with_tags(client):
        return ()
    found = [
        member
        for member in request(client, name)
        if _NAME.fullmatch("".join(_last_name(member))) and _holds_tags(member)
    ]
    return tuple(sorted(found, key=lambda member: (member.depth, len(member.path), member.path)))


@cache
def _with_tags(client: str) -> frozenset[str]:
    """The shapes in which a member named like tags stands, however deep. Few do: the others need no closer look."""
    inside: dict[str, set[str]] = {}
    found: set[str] = set()
    for name, shape in models.raw_shapes(client).items():
        members = shape.get("members", {})
        if any(map(_NAME.fullmatch, (*members, *(ref.get("locationName", "") for ref in members.values())))):
            found.add(name)
        for ref in (*members.values(), *(shape[key] for key in ("member", "value") if key in shape)):
            inside.setdefault(ref["shape"], set()).add(name)
    ahead = list(found)
    while ahead:
        new = inside.get(ahead.pop(), set()) - found
        found |= new
        ahead += new
    return frozenset(found)


def _last_name(member: Member) -> tuple[str, ...]:
    return tuple(part for part in member.path.replace("[]", "").replace(".items", "").split(".")[-1:])


def _holds_tags(member: Member) -> bool:
    shape = member.shape
    if isinstance(shape, MapShape):
        return shape.value.type_name == "string"
    if not isinstance(shape, StructureShape):
        return False
    inner = {"".join(words(one)) for one in shape.members}
    if member.path.endswith("[]"):
        pair = any("key" in one for one in inner) and any("value" in one for one in inner)
        return pair or {"resourcetype", "tag"} <= inner
    return any(isinstance(one, ListShape) and _pairs(one.member) for one in shape.members.values())


def _pairs(shape: Shape) -> bool:
    names = {one.lower() for one in shape.members} if isinstance(shape, StructureShape) else set()
    return names == {"key", "value"}


def by_reference(client: str, name: str) -> bool:
    """Whether the authorization reference says that an operation can be asked for tags, and doesn't call it tagging."""
    action = reference.action(models.service(client), name)
    if action is None or "Tagging" in action.level:
        return False
    return "aws:requesttag" in action.keys or any("aws:requesttag" in one.keys for one in action.types)
