"""Requests and answers in the form that most services' records have: small first letters, bare lists, times as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

_SECRET = re.compile(r"(?i).*(password|secretstring|authtoken)")


@dataclass(frozen=True)
class Form:
    """How a service's records are written.

    Attributes:
        hidden: Stands in place of a secret; empty: it is left out.
        capitals: Whether the keys keep the members' capitals.
        members: Whether the keys are the members' names where the wire has others.
    """

    hidden: str
    capitals: bool = False
    members: bool = False

    def write(self, shape: Shape | None, value: Any) -> Any:
        """A value by its shape, which has the members' names, as a record has it."""
        if isinstance(shape, StructureShape) and isinstance(value, dict):
            found = {}
            for name, member in shape.members.items():
                if value.get(name) is None or member.serialization.get("location") == "statusCode":
                    continue
                if is_secret(name, member):
                    if self.hidden:
                        found[self.key(name, member)] = self.hidden
                else:
                    found[self.key(name, member)] = self.write(member, value[name])
            return found
        if isinstance(shape, ListShape) and isinstance(value, list):
            return [self.write(shape.member, item) for item in value]
        if isinstance(shape, MapShape) and isinstance(value, dict):
            return {key: self.write(shape.value, item) for key, item in value.items()}
        if isinstance(value, datetime):
            return time_text(value)
        return _buffer(value) if isinstance(value, bytes | bytearray) else value

    def key(self, name: str, member: Shape) -> str:
        """A member's key: its wire name, which is its own where the protocol has no other."""
        wire = name if self.members else str(member.serialization.get("name") or name)
        return wire if self.capitals else small(wire)


def is_secret(name: str, member: Shape) -> bool:
    """Whether a member is hidden: the model calls it sensitive, or it is a password."""
    plain = not isinstance(member, StructureShape | ListShape | MapShape)
    return bool(member.metadata.get("sensitive")) or (plain and bool(_SECRET.fullmatch(name)))


def small(name: str) -> str:
    """A name with a small first letter."""
    return name[0].lower() + name[1:]


def time_text(time: datetime) -> str:
    """A time as most services' records have it (seen)."""
    return f"{time:%b} {time.day}, {time.year}, {time.hour % 12 or 12}:{time:%M:%S %p}"


def _buffer(content: bytes | bytearray) -> dict[str, Any]:
    """A blob, of which a record has the buffer and not what is in it (doc: an example of Certificate Manager)."""
    size = len(content)
    return {"hb": [], "offset": 0, "isReadOnly": False, "bigEndian": True, "limit": size, "capacity": size}
