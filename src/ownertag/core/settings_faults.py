"""Finds all that is wrong with a settings file, and says it: a line for each fault, in the order of the file.

A fault that follows from another one is left out: of a table that can't be read nothing else is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

import msgspec
from msgspec import Struct

from ownertag.core.settings import REMOVED_KEYS, RENAMED_KEYS, Settings
from ownertag.core.settings_checks import problems
from ownertag.core.settings_foreign import foreign_text, syntax_fault
from ownertag.core.toml.advice import did_you_mean, dotted, shown
from ownertag.core.toml.faults import Fault, fields_of, find_faults
from ownertag.core.toml.lines import KeyLines, KeyPath

#: So many faults are told; of more, how many there are.
MOST_TOLD = 20

_EMPTY = '""'
_ITEM = re.compile(r"\[[0-9]+\]")


def faults_of(text: str, where: str) -> str:
    """What is wrong with a text that is no right settings file, in lines.

    Args:
        text: The file's content.
        where: Its name.
    """
    where = shown(where, len(where))
    try:
        plain = msgspec.toml.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return foreign_text(text, where) or syntax_fault(text, where, error)
    if foreign := foreign_text(text, where, plain):
        return foreign
    found = _found(plain)
    lines = KeyLines(text)
    placed = sorted(((lines.of(fault.path) or 0, number) for number, fault in enumerate(found)))
    told = [f"{where}:{line or 1}: {_sentence(found[number])}" for line, number in placed[:MOST_TOLD]]
    if len(found) > MOST_TOLD:
        told.append(f"{where}: and {len(found) - MOST_TOLD:,} more")
    return "\n".join(told if len(found) == 1 else [f"{where}: {len(found):,} faults", *told])


def _found(plain: dict[str, Any]) -> list[Fault]:
    """All faults: first what does not fit the types, then what else is wrong with the rest."""
    try:
        settings = msgspec.convert(plain, Settings)
        found = []
    except msgspec.ValidationError as error:
        found = list(find_faults(plain, Settings, str(error)))
        try:
            _repair(plain, found)
            settings = msgspec.convert(plain, Settings)
        except msgspec.ValidationError:
            return found
    told = {fault.path for fault in found}
    above = {path[:end] for path in told for end in range(1, len(path) + 1)}
    found += [
        Fault(problem.path, problem.message, problem.known or None)
        for problem in problems(settings)
        if not _is_under(problem.path, told)
        and not any(rests in above or _is_under(rests, told) for rests in problem.rests_on)
    ]
    return found


def _is_under(path: KeyPath, told: set[KeyPath]) -> bool:
    return any(path[:end] in told for end in range(1, len(path) + 1))


def _repair(plain: dict[str, Any], faults: Iterable[Fault]) -> None:
    """Takes out the values that have a fault; where something has to stand, an empty text does."""
    for fault in faults:
        *way, last = fault.path or ("",)
        place: Any = plain
        type_: Any = Settings
        for step in way:
            place = place[int(step[1:-1])] if isinstance(place, list) else place[step]
            type_ = _inner(type_, step)
        if isinstance(place, list):
            item = _inner(type_, last)
            place[int(last[1:-1])] = _empty(item) if _is_struct(item) else ""
        elif _is_struct(type_) and last in _required(type_):
            place[last] = ""
        else:
            place.pop(last, None)


def _inner(type_: Any, step: str) -> Any:
    """The type of a key or an item."""
    if _is_struct(type_):
        field = fields_of(type_).get(step)
        return _struct_in(field.type) if field else None
    return next(iter(get_args(type_)), None)


def _struct_in(type_: Any) -> Any:
    """The struct that an optional type has; any other type as it is."""
    return (
        next((part for part in get_args(type_) if _is_struct(part)), type_) if type(None) in get_args(type_) else type_
    )


def _is_struct(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, Struct)


def _required(struct: Any) -> set[str]:
    return {key for key, field in fields_of(struct).items() if field.required}


def _empty(struct: Any) -> dict[str, str]:
    return dict.fromkeys(_required(struct), "")


def _sentence(fault: Fault) -> str:
    """A fault, as `[table] key: what is wrong; what would be right`."""
    return f"{_name(fault.path)}: {_message(fault)}"


def _name(path: KeyPath) -> str:
    keys = [step for step in path if not _ITEM.fullmatch(step)]
    if not keys:
        return "the file"
    table, *rest = keys
    if table not in _TABLES:
        return shown(f"{table}.{dotted(rest)}" if rest else table)
    return f"{_header(table)} {shown(dotted(rest)) or _EMPTY}" if rest else _header(table)


def _header(table: str) -> str:
    return f"[[{table}]]" if table == "owners" else f"[{table}]"


def _message(fault: Fault) -> str:
    path = fault.path
    name = dotted(path)
    if renamed := RENAMED_KEYS.get(name):
        return f"has another name now: write {_name(tuple(renamed.split('.')))}"
    if removed := REMOVED_KEYS.get(name):
        return removed
    places = [_header(table) for table in _tables_with(path)]
    if fault.known and len(path) == 2 and path[-1] in _TABLES:
        return f"unknown key; it is a table of its own, {_header(path[-1])}"
    if fault.known and places and path[0] != "existing_tags":
        return f"unknown key; it belongs to {_either(places)}"
    if path[:1] == ("tags",) and "; write a text" in fault.message and places:
        return f"{fault.message}; or does it belong to {_either(places)}?"
    if path[:1] == ("existing_tags",) and fault.known:
        return f"{fault.message}{did_you_mean(path[-1], fault.known)}"
    return fault.sentence


def _tables_with(path: Sequence[str]) -> Iterator[str]:
    """The tables of the settings that have a key of this name."""
    if path:
        yield from (table for table, keys in _TABLES.items() if path[-1] in keys and table != path[0])


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[:-1] else names)


def _keys(type_: Any) -> frozenset[str]:
    struct = next((part for part in (type_, *get_args(type_)) if _is_struct(part)), None)
    return frozenset(fields_of(struct)) if struct else frozenset()


#: The tables of the settings with their keys; none where the keys are the user's.
_TABLES = {table: _keys(field.type) for table, field in fields_of(Settings).items()}
