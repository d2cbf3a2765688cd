"""A row that is made of a record alone, where none was derived from AWS's models: it has to be looked at.

It takes the ARN of the answer that the request does not name and that is called as the event is; else the id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ownertag.catalogue.source_file import Compiled, CreationEntry, MakesEntry, SourceFile, TypeEntry
from ownertag.core.arn import Arn, is_arn, parse_arn, template_of
from ownertag.core.records import Arrival, Record

_VERB = re.compile(
    r"(?:Create|Put|Start|Run|Register|Import|Restore|Copy|Request|Allocate|Activate|Add)?(.+?)(?:\d+.*)?"
)
_ENDS = ("arn", "id", "identifier", "name")


class Draft(Struct, frozen=True):
    """A row, the types that it needs, and what has to be looked at before it is kept."""

    creation: CreationEntry
    types: dict[str, TypeEntry]
    look_at: tuple[str, ...]


def draft_of(arrival: Arrival, document: dict[str, Any], file: SourceFile, whole: Compiled) -> Draft | None:
    """The row that a record suggests; None where it names nothing that could have been made."""
    record = arrival.record
    noun = _noun(record.event_name)
    asked = msgspec.json.encode(document["request"])
    texts = list(_texts(document["response"], "response"))
    arns = [
        (path, arn)
        for path, text in texts
        if is_arn(text)
        and (arn := parse_arn(text))
        and _is_here(arn, record)
        and msgspec.json.encode(text) not in asked
    ]
    if arns:
        path, arn = max(arns, key=lambda one: _likeness(one[0], noun))
        return _by_arn(record, path, arn, file, whole)
    for half in (texts, list(_texts(document["request"], "request"))):
        ids = [
            (path, text) for path, text in half if _likeness(path, noun) > 0 and not is_arn(text) and len(text) < 256
        ]
        if ids:
            return _by_id(record, max(ids, key=lambda one: _likeness(one[0], noun))[0], noun, file, whole)
    return None


def _noun(event: str) -> str:
    found = _VERB.fullmatch(event)
    return (found[1] if found else event).lower()


def _texts(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from _texts(inner, f"{path}.{key}")
    elif isinstance(node, list):
        for inner in node:
            yield from _texts(inner, f"{path}[]")
    elif isinstance(node, str) and node:
        yield path, node


def _is_here(arn: Arn, record: Record) -> bool:
    return (arn.account or record.account, arn.region or record.region) == (record.account, record.region)


def _likeness(path: str, noun: str) -> int:
    """How much a path is called as the event's noun is; more for a place that is not deep."""
    *_, last = path.lower().replace("[]", "").split(".")
    depth = path.count(".")
    if last in {f"{noun}{end}" for end in _ENDS}:
        return 100 - depth
    if last in _ENDS and (depth == 1 or noun in path.lower()):
        return 90 - depth
    return 50 - depth if noun in path.lower() and last.endswith(_ENDS) else 0


def _by_arn(record: Record, path: str, arn: Arn, file: SourceFile, whole: Compiled) -> Draft:
    kind, separator, id_ = _taken_apart(arn.resource)
    name = f"{arn.service}:{kind or 'resource'}"
    types, look_at = {}, [f"of which type it is: {name} is read from the ARN"]
    if name not in file.types:
        template = template_of(replace(arn, resource=f"{kind}{separator}{{id}}"))
        types[name] = TypeEntry(_form(id_), template, _api(record, whole))
        look_at.append("the form of its ids, which is as wide as ids of AWS are")
        look_at.append(_look_at_api(types[name].api or ""))
    return Draft(_row(record, MakesEntry(name, arn=[path])), types, tuple(look_at))


def _taken_apart(resource: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"(/?[A-Za-z-]+)([/:])(.+)", resource)
    return (found[1], found[2], found[3]) if found else ("", "", resource)


def _form(id_: str) -> str:
    """A form of ids with the separators that this one has."""
    more = "".join(sign for sign in "/:" if sign in id_)
    return f"[A-Za-z0-9_.@+=,~%#{more}-]+"


def _by_id(record: Record, path: str, noun: str, file: SourceFile, whole: Compiled) -> Draft:
    known = [name for name in file.types if re.sub("[^a-z]", "", name.partition(":")[2].lower()) == noun]
    service = record.event_source.removesuffix(".amazonaws.com")
    name = known[0] if known else f"{service}:{noun}"
    types, look_at = {}, ["whether this is the id that its ARN has"]
    if not known:
        template = template_of(Arn("", service, record.region, record.account, f"{noun}/{{id}}"))
        types[name] = TypeEntry(_form(""), template, _api(record, whole))
        look_at.append("its ARN: no record tells it, AWS's service authorization reference does")
        look_at.append(_look_at_api(types[name].api or ""))
    return Draft(_row(record, MakesEntry(name, each=[path])), types, tuple(look_at))


def _row(record: Record, makes: MakesEntry) -> CreationEntry:
    return CreationEntry(record.event_name, [makes], basis="seen")


def _api(record: Record, whole: Compiled) -> str:
    """The tag API of this event source, the one that is called as most are."""
    found = [name for name, api in whole.apis.items() if api.event_source == record.event_source and not api.replaces]
    return max(found, key=lambda name: (name.endswith(".TagResource"), name), default="")


def _look_at_api(api: str) -> str:
    return f"whether {api} tags it" if api else "which call tags it: none of this service is known"
