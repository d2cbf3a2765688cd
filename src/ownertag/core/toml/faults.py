"""Finds every fault of a TOML text's values, where msgspec stops at the first, and says each in words."""

from __future__ import annotations

import datetime
import types
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from ownertag.core.toml.advice import meant, shown
from ownertag.core.toml.lines import KeyPath

#: What there is in TOML, as people call it.
_GIVEN: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "a table"),
    (datetime.date, "a date"),
    (datetime.time, "a time"),
)
_LISTS = frozenset({tuple, list, frozenset})
_WANTED: dict[Any, str] = {
    int: "a whole number, without quotes",
    float: "a number, without quotes",
    bool: "true or false, without quotes",
}


class Fault(NamedTuple):
    """What is wrong with a value, and what would be right.

    `known` are the keys that there are where this one is unknown; None where the key is known.
    """

    path: KeyPath
    message: str
    known: tuple[str, ...] | None = None

    @property
    def sentence(self) -> str:
        """The message, with the key that was probably meant. To look for that takes a while."""
        return f"{self.message}{meant(self.path[-1], self.known)}" if self.known else self.message


def find_faults(value: Any, type_: Any, otherwise: str) -> Iterator[Fault]:
    """Finds all faults of a value that does not fit a type, in the order of the text's tables.

    Args:
        value: What TOML holds.
        type_: A type of ours: structs, lists and tables of such, and what TOML has.
        otherwise: What to say where no fault is found.
    """
    found = False
    for fault in _faults(value, type_, ()):
        found = True
        yield fault
    if not found:
        yield Fault((), otherwise)


def _faults(value: Any, type_: Any, path: KeyPath) -> Iterator[Fault]:
    type_ = _without_none(type_)
    arguments, origin = get_args(type_), get_origin(type_)
    if isinstance(type_, type) and issubclass(type_, Struct):
        yield from _faults_of_table(value, type_, path)
    elif origin in _LISTS and isinstance(value, list) and arguments[1:] in {(), (...,)}:
        for number, item in enumerate(value):
            yield from _faults(item, arguments[0], (*path, f"[{number}]"))
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from _faults(item, arguments[1], (*path, key))
    else:
        try:
            msgspec.convert(value, type_)
        except msgspec.ValidationError as error:
            yield Fault(path, _said(value, type_) or str(error).partition(" - at `$")[0])


def _faults_of_table(value: Any, type_: type[Struct], path: KeyPath) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, _said(value, type_))
        return
    fields = fields_of(type_)
    for key, item in value.items():
        if key in fields:
            yield from _faults(item, fields[key].type, (*path, key))
        elif type_.__struct_config__.forbid_unknown_fields:
            yield Fault((*path, key), "unknown key", tuple(fields))
    for name, field in fields.items():
        if field.required and name not in value:
            yield Fault((*path, name), f"is missing; write {_wanted(field.type, '')}")


@cache
def fields_of(struct: Any) -> dict[str, Any]:
    """The fields of a struct, by their keys in a file. To look them up takes long, and is done once."""
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def _without_none(type_: Any) -> Any:
    if get_origin(type_) not in {Union, types.UnionType}:
        return type_
    parts = [part for part in get_args(type_) if part is not types.NoneType]
    return parts[0] if len(parts) == 1 else type_


def _said(value: Any, type_: Any) -> str:
    """What is wrong, in words; empty where there are none for the type."""
    wanted = _wanted(type_, f'"{shown(str(value))}"' if isinstance(value, str | int | float) else "")
    if not wanted:
        return ""
    given = next((words for kind, words in _GIVEN if isinstance(value, kind)), "something else")
    if isinstance(value, str) and (get_origin(type_) is Literal or _is_enum(type_)):
        given = f"'{shown(value)}'"
    return f"is {given}; write {wanted}"


def _wanted(type_: Any, example: str) -> str:
    """What would be right, in words; `example` is the value as a text."""
    type_ = _without_none(type_)
    origin = get_origin(type_)
    if origin is Literal or _is_enum(type_):
        choices = get_args(type_) or [member.value for member in type_]
        return "one of " + ", ".join(f'"{choice}"' for choice in choices)
    if origin in _LISTS and get_args(type_)[0] is str:
        return f"a list of texts, such as [{example}]" if example else "a list of texts"
    if origin in _LISTS:
        return "a list of tables"
    if origin is dict or (isinstance(type_, type) and issubclass(type_, Struct)):
        return "a table"
    if type_ is str:
        return f"a text in quotes, such as {example}" if example else "a text in quotes"
    return _WANTED.get(type_, "")


def _is_enum(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, Enum)
