"""Reads a record's request and response, in whichever form CloudTrail wrote them.

A newer record wraps both in an object that is named after the event (`CreateNatGatewayRequest`), names lists after what
they hold (`TagSpecification.Tag`), writes a list of one as that one, and counts (`"tag": 1` beside `"Tag"`): AWS's
guide to Transit Gateway, "Logging API calls", and real records. Other services call the object `…Input` or `…Result`,
or leave out the version in the event's name (API Gateway: AWS's guide, "Logging calls with CloudTrail"; the others:
memory), and KMS says `tagKey` and `tagValue` (API model of KMS). A response has the tags at what was made, such as
`launchTemplate.tagSet`, there `item` or `items`. All of it is taken apart here, for ids, tags and links alike.

Other services (the API models of all): a list of objects or a map, called `Tags`, `TagList`, `TagsList`, `Tagging` or
after what it is set on (`UserPoolTags`), at the top of the request or in the one object that says what is to be made,
in `Items`, `TagSet` or `Tag`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from ownertag.core.records import Record

_LISTS = ("items", "item", "member")
# What tags can stand in, within what is called after them.
_IN_TAGS = (*_LISTS, "tag", "tagset", "tags")
_SPECIFICATIONS = ("tagspecificationset", "tagspecification", "tagspecifications")
_TAGS = ("tags", "tag", "tagset", "taglist", "tagslist", "tagging")
# What services call the tags of what they make: AWS refuses keys with `aws:` that anybody else writes there.
_OWN_TAGS = (
    "backupplantags", "backupvaulttags", "bottags", "changesettags", "flowtags", "frameworktags", "identitypooltags",
    "jobtags", "modeltags", "reportplantags", "resourcetags", "tieringconfigurationtags", "userpooltags",
)  # fmt: skip
# Tags in here are not those of what is made: a compute environment's are for its instances.
_FOR_OTHERS = frozenset({"computeresources", *_SPECIFICATIONS, *_TAGS})
_AWS = "aws:"
# What an object has that is one tag; Auto Scaling's say more of it, and a wrapped one has its number.
_TAG = frozenset(
    {
        "key",
        "value",
        "tagkey",
        "tagvalue",
        "tag",
        "propagateatlaunch",
        "resourceid",
        "resourcetype",
        "resourcearn",
        "type",
        "source",
        "isvalueeditable",
    }
)
_INNER = (dict, list)
_KEY = frozenset({"key", "tagkey"})
# More than any record nests tags or what wraps a request: what goes deeper was made to cost.
_MAX_DEPTH = 8
# A wrapping object has hardly anything beside what it wraps; the members of others are not gone through.
_BESIDE = 4
_WRAPPERS: Mapping[str, tuple[str, ...]] = {
    "Request": ("request", "input"),
    "Response": ("response", "result", "output"),
}
_VERSION = re.compile(r"(?:_?[0-9]{4}_?[0-9]{2}_?[0-9]{2}(?:v[0-9])?)\Z")


def unwrap(part: Any, event_name: str, kind: str) -> Any:
    """A request or response (`kind`: "Request", "Response") without the object that wraps it in newer records."""
    names = _wrappers(event_name, kind)
    for _ in range(_MAX_DEPTH):
        if not isinstance(part, dict) or len(part) > _BESIDE:
            break
        inner = next((value for key, value in part.items() if key.lower() in names and isinstance(value, dict)), None)
        if inner is None:
            break
        part = inner
    return part


@lru_cache(maxsize=1024)
def _wrappers(event_name: str, kind: str) -> frozenset[str]:
    """What a wrapping object may be called: after the event, with or without the version of its API."""
    event = event_name.lower()
    return frozenset(name + ending for name in (event, _VERSION.sub("", event)) for ending in _WRAPPERS[kind])


def parameters_of(record: Record) -> dict[str, Any]:
    """`request` and `response` of a record, unwrapped; None where one is no JSON object. To be read, not changed."""
    return _document(record.event_name, bytes(record.request), bytes(record.response))


@lru_cache(maxsize=4)  # a chain to an owner reads a record, and those of its sessions' makers, up to a dozen times
def _document(event_name: str, request: bytes, response: bytes) -> dict[str, Any]:
    parts = {}
    for name, raw in (("request", request), ("response", response)):
        try:
            part = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            part = None
        part = unwrap(part, event_name, name.capitalize())
        parts[name] = part if isinstance(part, dict) else None
    return parts


def tags_in_request(document: dict[str, Any]) -> dict[str, str]:
    """Tags that the call set, or that its response shows at what was made. A key with two values is left out.

    Tags further inside are not what the call set: a launch template holds tags for what others will launch.
    """
    found: dict[str, str | None] = {}
    for key, value in _all_pairs(document):
        if found.setdefault(key, value) != value:
            found[key] = None
    return {key: value for key, value in found.items() if value is not None}


def specified_tags(request: Any) -> Iterator[tuple[str | None, str, str]]:
    """(resource type, key, value) of each tag that a request has for what it creates."""
    for specification in _objects(_members(request, _SPECIFICATIONS)):
        type_ = next((value for key, value in specification.items() if key.lower() == "resourcetype"), None)
        for key, value in pairs(_members(specification, _TAGS)):
            yield (type_ if isinstance(type_, str) else None), key, value


def set_tags(request: Any) -> Iterator[tuple[str, str]]:
    """(key, value) of each tag that a request of another service than EC2 sets on what it makes.

    They stand at its top, or in the one object that says what is to be made.
    """
    yield from pairs(_members(request, (*_TAGS, *_OWN_TAGS)))
    for name, part in request.items() if isinstance(request, dict) else ():
        if part and isinstance(part, _INNER) and name.lower() not in _FOR_OTHERS:
            for inner in _objects([part]):
                yield from pairs(_members(inner, _TAGS))


def pairs(tags: Any) -> Iterable[tuple[str, str]]:
    """(key, value) of tags, as a list of objects, one such object, or a map; a tag without a value has an empty one."""
    found: list[tuple[str, str]] = []
    _collect(tags, 0, found)
    return found


def _collect(tags: Any, depth: int, found: list[tuple[str, str]]) -> None:
    if depth > _MAX_DEPTH:
        return
    if isinstance(tags, list):
        for tag in tags:
            if tag:  # what is empty holds no tag, and can stand there by the ten thousand
                _collect(tag, depth + 1, found)
        return
    if not isinstance(tags, dict):
        return
    folded = {key.lower(): value for key, value in tags.items()}
    if folded.keys() & _KEY and folded.keys() <= _TAG:
        key, value = folded.get("key", folded.get("tagkey")), folded.get("value", folded.get("tagvalue", ""))
        if isinstance(key, str) and isinstance(value, str):
            found.append((key, value))
    elif inner := _members(tags, _IN_TAGS):
        _collect(inner, depth + 1, found)
    else:
        found += ((key, value) for key, value in tags.items() if isinstance(value, str))


def _all_pairs(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    request, response = document["request"], document["response"]
    yield from ((key, value) for _, key, value in specified_tags(request))
    yield from pairs(_members(request, _TAGS))
    yield from _of_aws(pairs(_members(request, _OWN_TAGS)))
    for name, part in request.items() if request else ():
        if part and isinstance(part, _INNER) and name.lower() not in _FOR_OTHERS:
            for inner in _objects([part]):
                yield from _of_aws(pairs(_members(inner, _TAGS)))
    yield from pairs(_members(response, (*_TAGS, *_OWN_TAGS)))
    for made in response.values() if response else ():
        for part in _objects([made]):
            yield from pairs(_members(part, (*_TAGS, *_OWN_TAGS)))


def _of_aws(tags: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Those that only AWS writes: a place that was not seen to hold what the call sets tells no more."""
    return ((key, value) for key, value in tags if key.startswith(_AWS))


def _members(node: Any, names: tuple[str, ...]) -> list[Any]:
    """The objects and lists that stand under these names, in whatever letter case; counts and texts are none."""
    if not isinstance(node, dict):
        return []
    return [value for key, value in node.items() if key.lower() in names and isinstance(value, _INNER)]


def _objects(nodes: list[Any]) -> list[dict[str, Any]]:
    """The objects in lists and in what stands for a list."""
    found: list[dict[str, Any]] = []
    _collect_objects(nodes, 0, found)
    return found


def _collect_objects(nodes: list[Any], depth: int, found: list[dict[str, Any]]) -> None:
    for node in nodes if depth <= _MAX_DEPTH else ():
        if not node:
            continue
        if isinstance(node, list):
            _collect_objects(node, depth + 1, found)
        elif isinstance(node, dict):
            if inner := _members(node, _LISTS):
                _collect_objects(inner, depth + 1, found)
            else:
                found.append(node)
