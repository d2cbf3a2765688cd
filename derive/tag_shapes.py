"""Reads of an operation's shapes which parameter takes tags, which one names the resource, and what it wants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

Api = dict[str, Any]

_ARN = re.compile(r"\bARNs?\b|Amazon Resource Name|\barn:aws", re.ASCII)
#: What no call needs: the SDK fills it in, or it changes nothing.
_ASIDE = re.compile(r"(?:client|idempotency)\w*token|dryrun|content-?md5|checksum\w*", re.IGNORECASE)
_REMOVED = re.compile(r"remove\w*|tags?toremove|tagkeys?\w*|keys", re.IGNORECASE)
_FAILED = re.compile(r"(?:Failed|Unprocessed)\w*|Errors")
#: The names of parameters, those that say most surely that they name the resource first.
_RANKS = (
    re.compile(r"resourcearn(?:s|list)?", re.IGNORECASE),
    re.compile(r"\w*arns?", re.IGNORECASE),
    re.compile(r"resource\w*", re.IGNORECASE),
    re.compile(r"\w*(?:id|name|url)s?", re.IGNORECASE),
)


def members(operation: OperationModel) -> Mapping[str, Shape]:
    """An operation's parameters."""
    shape = operation.input_shape
    return shape.members if isinstance(shape, StructureShape) else {}


def tags(operation: OperationModel) -> Api | None:
    """The parameter of the tags and its form; under `others` what else each tag must have."""
    for name, shape in members(operation).items():
        if "tag" in name.lower() and not _REMOVED.fullmatch(name):
            for path, form in _forms(shape, name, 1):
                return {"tags": path, **form}
    return None


def _forms(shape: Shape, path: str, depth: int) -> Iterator[tuple[str, Api]]:
    """Where tags stand in a shape, and in which form."""
    if isinstance(shape, MapShape):
        if shape.value.type_name == "string":
            yield path, {"form": "map", "others": ()}
    elif isinstance(shape, ListShape) and isinstance(shape.member, StructureShape):
        names = {name.lower(): name for name in shape.member.members}
        key, value = names.get("key", names.get("tagkey")), names.get("value", names.get("tagvalue"))
        if key and value:
            others = [f"{path}[].{name}" for name in shape.member.required_members if name not in {key, value}]
            yield path, {"form": "list", "key": key, "value_key": value, "others": others}
    if depth and isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from _forms(member, f"{path}.{name}", depth - 1)


def resource(operation: OperationModel) -> tuple[str | None, list[str]]:
    """The parameter that names the resource, and the others without which the call can't be made."""
    required = operation.input_shape.required_members if isinstance(operation.input_shape, StructureShape) else []
    own = {
        name: shape
        for name, shape in members(operation).items()
        if not (_ASIDE.fullmatch(name) or _REMOVED.fullmatch(name) or re.search("tag", name, re.IGNORECASE))
    }
    ranked = sorted(
        (name for name, shape in own.items() if _is_name(shape) and name.lower() != "accountid"),
        key=lambda name: (name not in required and len(required) > 1, _rank(name)),
    )
    if not ranked or _rank(ranked[0]) == len(_RANKS):
        return None, [name for name in required if name in own]
    # What is required with no say in what is meant comes last: a share of RAM has both parameters, and needs neither.
    first = ranked[0]
    return first, [name for name in required if name in own and name != first]


def _rank(name: str) -> int:
    return next((number for number, form in enumerate(_RANKS) if form.fullmatch(name)), len(_RANKS))


def _is_name(shape: Shape) -> bool:
    if isinstance(shape, ListShape):
        shape = shape.member
    return isinstance(shape, StringShape) and not shape.enum


def constants(operation: OperationModel, needed: list[str]) -> list[tuple[str, dict[str, str]]] | None:
    """What else a call has to say: the account, and one of a list of words, each of which makes an API of its own.

    Returns pairs of the word, empty where there is none, and the parameters; None where something else is needed.
    """
    found: dict[str, str] = {}
    words: tuple[str, list[str]] = ("", [])
    for name in needed:
        shape = members(operation)[name]
        if name.lower() == "accountid":
            found[name] = "{account}"
        elif isinstance(shape, StringShape) and shape.enum and not words[0]:
            words = (name, list(shape.enum))
        else:
            return None
    if not words[0]:
        return [("", found)]
    return [(word, {**found, words[0]: word}) for word in words[1]]


def named(operation: OperationModel, name: str) -> Api:
    """The parameter that names the resource, with `[]` where it is a list, what it wants, and how many."""
    shape = members(operation)[name]
    if not isinstance(shape, ListShape):
        return {"resource": name, "value": _value(name, shape)}
    most = shape.metadata.get("max") or 1
    return {"resource": f"{name}[]", "value": _value(name, shape)} | ({"most": most} if most > 1 else {})


def _value(name: str, shape: Shape) -> str:
    """What the parameter wants: its name says so, or AWS's words about it."""
    words = shape.documentation + (shape.member.documentation if isinstance(shape, ListShape) else "")
    if re.search("arns?(?:list)?$", name, re.IGNORECASE) or _ARN.search(words):
        return "{arn}"
    return "{name}" if re.search("names?$", name, re.IGNORECASE) else "{id}"


def failures(operation: OperationModel) -> Api:
    """Where the answer tells of items that failed though the call did not."""
    shape = operation.output_shape
    for name, member in shape.members.items() if isinstance(shape, StructureShape) else ():
        inner = member.value if isinstance(member, MapShape) else getattr(member, "member", None)
        if _FAILED.fullmatch(name) and isinstance(inner, StructureShape):
            code = next((key for key in inner.members if key.lower() in {"errorcode", "code"}), "")
            if isinstance(member, MapShape):
                return {"failures": name, "failed_item": "@key", "failure_code": code}
            item = next((key for key in inner.members if re.search("(?:arn|id|name)$", key, re.IGNORECASE)), "")
            return {"failures": f"{name}[]", "failed_item": item, "failure_code": code}
    return {}


def answer(operation: OperationModel) -> Api | None:
    """Where an answer has the tags of one resource: `a.b`, with `[]` where it goes into a list."""
    shape = operation.output_shape
    for path, form in _answers(shape, "", 2) if shape else ():
        return {"path": path, **{key: value for key, value in form.items() if key != "others"}}
    return None


def _answers(shape: Shape, path: str, depth: int) -> Iterator[tuple[str, Api]]:
    of_shape = shape.members if isinstance(shape, StructureShape) else {}
    for name, member in sorted(of_shape.items(), key=lambda item: "tag" not in item[0].lower()):
        inner = f"{path}.{name}" if path else name
        for _, form in _forms(member, inner, 0) if "tag" in inner.lower() else ():
            yield inner, form
        if depth and isinstance(member, StructureShape):
            yield from _answers(member, inner, depth - 1)
        elif depth and isinstance(member, ListShape) and isinstance(member.member, StructureShape):
            yield from _answers(member.member, f"{inner}[]", depth - 1)


def removed(operation: OperationModel) -> Api | None:
    """The parameter that takes the keys to remove: texts, or objects with a key."""
    by_name = sorted(members(operation).items(), key=lambda item: not _REMOVED.fullmatch(item[0]))
    for name, shape in by_name:
        if re.search("tag|^keys$", name, re.IGNORECASE) and (found := _keys(shape, name)):
            return found
    return None


def _keys(shape: Shape, path: str) -> Api | None:
    if isinstance(shape, StructureShape):
        return next((found for name, of in shape.members.items() if (found := _keys(of, f"{path}.{name}"))), None)
    if not isinstance(shape, ListShape):
        return None
    if shape.member.type_name == "string":
        return {"keys": path}
    names = shape.member.members if isinstance(shape.member, StructureShape) else {}
    key = next((name for name in names if name.lower() in {"key", "tagkey"}), None)
    return {"keys": path, "key_objects": key} if key else None
