"""The parameters of a call, from its bytes: botocore's serializers, the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.awsrequest import HeadersDict
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import ResponseParserError, create_parser

from ownertag.sandbox.calls import Call
from ownertag.sandbox.records.operations import Operation
from ownertag.sandbox.records.routes import Address


def parameters(call: Call, operation: Operation) -> dict[str, Any]:
    """The parameters by their members' names; times are datetimes, blobs bytes."""
    shape = operation.model.input_shape
    if shape is None:
        return {}
    if operation.protocol in {"query", "ec2"}:
        return QueryReader(call.params, ec2=operation.protocol == "ec2").read(shape, "") or {}
    # What a request's body holds for a shape is what an answer's would: botocore reads answers.
    parser = create_parser(operation.protocol)
    try:
        found = parser.parse({"status_code": 200, "headers": _headers(call), "body": call.body}, shape)
    except ResponseParserError:
        return {}
    found.pop("ResponseMetadata", None)
    if operation.address and isinstance(shape, StructureShape):
        found |= _from_address(shape, operation.address)
    return dict(found)


def _headers(call: Call) -> Any:
    named = {key[5:].replace("_", "-"): value for key, value in call.environ.items() if key.startswith("HTTP_")}
    return HeadersDict({**named, "Content-Type": call.environ.get("CONTENT_TYPE", "")})


def _from_address(shape: StructureShape, address: Address) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire = str(member.serialization.get("name") or name)
        if member.serialization.get("location") == "uri" and wire in address.labels:
            found[name] = typed(member, address.labels[wire])
        elif member.serialization.get("location") == "querystring" and wire in address.query:
            values = address.query[wire]
            found[name] = values if isinstance(member, ListShape) else typed(member, values[0])
    return found


def typed(shape: Shape, text: str) -> Any:
    """A text as the value of its shape."""
    if shape.type_name == "boolean":
        return text.lower() == "true"
    if shape.type_name in {"integer", "long"}:
        return int(text) if text.lstrip("-").isdigit() else text
    if shape.type_name in {"double", "float"}:
        try:
            return float(text)
        except ValueError:
            return text
    return text


class QueryReader:
    """Reads the parameters of a query service.

    Args:
        params: As they were sent.
        ec2: Whether they are of EC2, which names its lists otherwise.
    """

    def __init__(self, params: Mapping[str, str], *, ec2: bool) -> None:
        self._params = params
        self._ec2 = ec2
        # Every name before a dot: what is not here was not sent, and is not gone into.
        self._begun = {key[:at] for key in params for at, sign in enumerate(key) if sign == "."}

    def read(self, shape: Shape, at: str) -> Any:
        """The value that stands for a shape at a name, or None."""
        if at and at not in self._begun and at not in self._params:
            return None
        if isinstance(shape, StructureShape):
            found = {}
            for name, member in shape.members.items():
                key = query_name(name, member) if self._ec2 else str(member.serialization.get("name") or name)
                value = self.read(member, f"{at}.{key}" if at else key)
                if value is not None:
                    found[name] = value
            return found or None
        if isinstance(shape, ListShape):
            return self._list(shape, at)
        if isinstance(shape, MapShape):
            return self._map(shape, at)
        text = self._params.get(at)
        return None if text is None else typed(shape, text)

    def _list(self, shape: ListShape, at: str) -> list[Any] | None:
        named = shape.member.serialization.get("name")
        if self._ec2:
            stem = at
        elif shape.serialization.get("flattened"):
            stem = ".".join([*at.split(".")[:-1], named]) if named else at
        else:
            stem = f"{at}.{named or 'member'}"
        items: list[Any] = []
        while (item := self.read(shape.member, f"{stem}.{len(items) + 1}")) is not None:
            items.append(item)
        empty = self._params.get(at) == ""
        return items if items or empty else None

    def _map(self, shape: MapShape, at: str) -> dict[str, Any] | None:
        stem = at if shape.serialization.get("flattened") else f"{at}.entry"
        key, value = (
            str(part.serialization.get("name") or name) for name, part in (("key", shape.key), ("value", shape.value))
        )
        found: dict[str, Any] = {}
        number = 1
        while (name := self._params.get(f"{stem}.{number}.{key}")) is not None:
            found[name] = self.read(shape.value, f"{stem}.{number}.{value}")
            number += 1
        return found or None


def query_name(name: str, member: Shape) -> str:
    """A member's name in a request to EC2."""
    given = member.serialization.get("queryName") or member.serialization.get("name") or name
    return str(given[0].upper() + given[1:])
