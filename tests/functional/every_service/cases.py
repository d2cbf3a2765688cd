"""Creations of many services as data: what is called, what AWS says of the record and the ARN, how tags are read."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jmespath
from botocore import xform_name

HERE = Path(__file__).parent
_PLACE = re.compile(r"\{(answer\.[^}]+|[a-z_]+)\}")


@dataclass(frozen=True)
class ServiceCall:
    """A call of an operation.

    Attributes:
        client: Of the SDK.
        call: The operation.
        parameters: With places in braces: names of what was prepared, or `answer.` and a path into an answer.
        take: Path to what is wanted of the answer.
        event: Its name in a record, where that is not the operation's.
        key: Of a tag's key, in a list of tags.
        value: Of a tag's value.
        needs: What has to be prepared.
        none: The error by which the call says that there is no tag.
    """

    client: str
    call: str
    parameters: dict[str, Any] = field(default_factory=dict)
    take: str = "@"
    event: str = ""
    key: str = ""
    value: str = ""
    needs: tuple[str, ...] = ()
    none: str = ""

    @property
    def method(self) -> str:
        """The client's method."""
        return str(xform_name(self.call))


@dataclass(frozen=True)
class Case:
    """A creation, and what has to come of it.

    Attributes:
        creation: The call.
        event_source: Of the record.
        event_name: Of the record.
        event_region: Of the record; empty: where it was called.
        arn: Of what is made, with places.
        type: `<service in the ARN>:<resource of the service authorization reference>`.
        name: By which people know it; empty: by its id.
        response: `null` where records have no answer.
        strip: A text of which the ARN loses the last letter, where ids of the API have more than the ARN's.
        read: Reads its tags.
        tamper: Takes its owner away.
        tells: `nothing` where a record of that hides which tags it was about.
        pages: Where AWS says what is called and answered.
        arns: Where AWS says what the ARN and the type are.
    """

    creation: ServiceCall
    event_source: str
    event_name: str
    event_region: str
    arn: str
    type: str
    name: str
    response: str
    strip: str
    read: ServiceCall
    tamper: ServiceCall
    tells: str
    pages: str
    arns: str

    def __str__(self) -> str:
        """The SDK's client and the operation."""
        return f"{self.creation.client}.{self.creation.call}"

    def made(self, known: dict[str, Any]) -> str:
        """The ARN of what was made."""
        arn = str(filled(self.arn, known))
        return arn.replace(self.strip, self.strip[:-1]) if self.strip else arn


def read_cases() -> list[Case]:
    """All cases."""
    paths = sorted((HERE / "cases").glob("*.toml"))
    return [case for path in paths for case in _cases(tomllib.loads(path.read_text("utf-8")))]


def read_prepared() -> dict[str, ServiceCall]:
    """What can be prepared, by name."""
    found = tomllib.loads((HERE / "prepared.toml").read_text("utf-8"))
    return {name: _call(one, "") for name, one in found.items()}


def _cases(file: dict[str, Any]) -> list[Case]:
    found = []
    for one in file["creation"]:
        creation = _call(one, file["client"])
        found.append(
            Case(
                creation=creation,
                event_source=file["event_source"],
                event_name=one.get("event") or one["call"],
                event_region=file.get("event_region", ""),
                arn=one["arn"],
                type=one["type"],
                name=one.get("name", ""),
                response=one.get("response", ""),
                strip=one.get("strip", ""),
                read=_call(one.get("read") or file["read"], file["client"]),
                tamper=_call(one.get("tamper") or file["tamper"], file["client"]),
                tells=one.get("tells") or file.get("tells", ""),
                pages=file["pages"].replace("{call}", one["call"]),
                arns=file["arns"],
            )
        )
    return found


def _call(one: dict[str, Any], client: str) -> ServiceCall:
    return ServiceCall(
        client=one.get("client", client),
        call=one["call"],
        parameters=one.get("parameters", {}),
        take=one.get("take", "@"),
        event=one.get("event", ""),
        key=one.get("key", ""),
        value=one.get("value", ""),
        needs=tuple(one.get("needs", ())),
        none=one.get("none", ""),
    )


def filled(given: Any, known: dict[str, Any]) -> Any:
    """What is given, with its places filled; one that is a place alone becomes whatever stands there."""
    if isinstance(given, dict):
        return {key: filled(value, known) for key, value in given.items()}
    if isinstance(given, list):
        return [filled(value, known) for value in given]
    if not isinstance(given, str):
        return given
    whole = _PLACE.fullmatch(given)
    if whole:
        return _known(whole[1], known)
    return _PLACE.sub(lambda place: str(_known(place[1], known)), given)


def _known(place: str, known: dict[str, Any]) -> Any:
    found = jmespath.search(place, known)
    if found is None:
        raise KeyError(place)
    return found


def tags_of(read: ServiceCall, answer: dict[str, Any], known: dict[str, Any]) -> dict[str, str]:
    """The tags that an answer tells, from a map or a list of any spelling."""
    found = jmespath.search(filled(read.take, known), answer)
    if isinstance(found, dict):
        return {str(key): str(value) for key, value in found.items()}
    tags = {}
    for tag in found or []:
        small = {key.lower(): value for key, value in tag.items()}
        tags[str(small[(read.key or "key").lower()])] = str(small[(read.value or "value").lower()])
    return tags
