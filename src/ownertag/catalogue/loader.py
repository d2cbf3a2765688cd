"""TOML rows to a `Catalogue`. A row that can't be used is refused with its file, its event and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files

import msgspec
from msgspec import Struct

from ownertag.core.rows import Catalogue, Lookup, Makes, QuestionKind, ResourceType, Row, TagApi

_PATH = re.compile(r"(?:response|request)(?:\.[A-Za-z0-9_-]+(?:\[\])?)*")
_KEYS = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_ARN_FIELDS = {"partition", "region", "account", "type", "id"}
_BASES = {"seen", "in-use", "model"}


class CatalogueError(Exception):
    """A catalogue file can't be used; the text says where, what is wrong and what would be right."""


class _Makes(Struct, forbid_unknown_fields=True):
    type: str
    each: list[str]
    id: str | None = None
    skip: dict[str, list[str]] = {}
    not_in: str | None = None


class _Creation(Struct, forbid_unknown_fields=True):
    event: str
    basis: str
    makes: list[_Makes]
    wrapped: bool = False
    owner_account: list[str] = []
    children: QuestionKind | None = None
    omitted: QuestionKind | None = None
    note: str = ""


class _Type(Struct, forbid_unknown_fields=True):
    id: str
    lookup: Lookup | None = None


class _Tagging(Struct, forbid_unknown_fields=True):
    api: str
    action: str
    most: int


class _File(Struct, forbid_unknown_fields=True):
    event_source: str
    service: str
    arn: str
    tagging: _Tagging
    types: dict[str, _Type]
    creation: list[_Creation]


def load() -> Catalogue:
    """The catalogue that ownertag ships."""
    folder = files("ownertag.catalogue")
    return read((entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".toml"))


def read(texts: Iterable[tuple[str, str]]) -> Catalogue:
    """A catalogue from (file name, TOML text) pairs.

    Raises:
        CatalogueError: A row can't be used, or two rows claim the same event.
    """
    rows: dict[tuple[str, str], Row] = {}
    types: dict[str, ResourceType] = {}
    tag_apis: dict[str, TagApi] = {}
    for name, text in sorted(texts):
        try:
            file = msgspec.toml.decode(text, type=_File)
        except msgspec.DecodeError as error:
            raise CatalogueError(f"{name}: {error}") from error
        tag_apis[file.tagging.api] = TagApi(file.tagging.api, file.tagging.action, file.tagging.most)
        own = {key: _type(name, file, key, value) for key, value in file.types.items()}
        types.update((value.name, value) for value in own.values())
        for creation in file.creation:
            row = _row(name, file, creation, own)
            key = (row.event_source, row.event_name)
            if key in rows:
                raise CatalogueError(f"{name}: {row.event_name}: has a row already; keep one, with both its resources")
            rows[key] = row
    return Catalogue(rows, types, tag_apis)


def _type(name: str, file: _File, key: str, value: _Type) -> ResourceType:
    try:
        pattern = re.compile(value.id, re.ASCII)
    except re.error as error:
        raise CatalogueError(f"{name}: types.{key}: id {value.id!r} is no regular expression: {error}") from error
    if pattern.fullmatch(""):
        raise CatalogueError(
            f"{name}: types.{key}: id {value.id!r} also matches nothing; give the form that AWS gives ids"
        )
    fields = set(re.findall(r"{(\w*)}", file.arn))
    if fields != _ARN_FIELDS:
        wanted = ", ".join(sorted(_ARN_FIELDS))
        raise CatalogueError(f"{name}: arn {file.arn!r} must name each of {wanted}, and nothing else, in braces")
    return ResourceType(
        f"{file.service}:{key}",
        file.service,
        file.arn.replace("{type}", key),
        pattern,
        file.tagging.api,
        value.lookup,
    )


def _row(name: str, file: _File, creation: _Creation, types: dict[str, ResourceType]) -> Row:
    where = f"{name}: {creation.event}"
    if creation.basis not in _BASES:
        raise CatalogueError(f"{where}: basis {creation.basis!r} is not one of {', '.join(sorted(_BASES))}")
    if not creation.makes:
        raise CatalogueError(f"{where}: makes nothing; say what it creates, or drop the row")
    makes = tuple(_makes(where, each, types) for each in creation.makes)
    return Row(
        event_source=file.event_source,
        event_name=creation.event,
        makes=makes,
        reads_request=any(path[0] == "request" for each in makes for path in (*each.each, each.not_in or ("",))),
        basis=creation.basis,
        wrapped=creation.wrapped,
        owner_account=tuple(_path(where, path) for path in creation.owner_account),
        children=creation.children,
        omitted=creation.omitted,
        note=creation.note,
    )


def _makes(where: str, makes: _Makes, types: dict[str, ResourceType]) -> Makes:
    if makes.type not in types:
        raise CatalogueError(f"{where}: makes type {makes.type!r}, which has no [types.{makes.type}] in this file")
    if not makes.each:
        raise CatalogueError(f"{where}: each names no path to the {makes.type}")
    return Makes(
        type=types[makes.type],
        each=tuple(_path(where, path) for path in makes.each),
        id=makes.id,
        skip=tuple((_keys(where, key), tuple(values)) for key, values in makes.skip.items()),
        not_in=_path(where, makes.not_in) if makes.not_in else None,
    )


def _path(where: str, path: str) -> tuple[str, ...]:
    """`response.a.b[].c` becomes ("response", "a", "b", "[]", "c")."""
    if not _PATH.fullmatch(path):
        raise CatalogueError(f"{where}: path {path!r} must be like response.instancesSet.items[] or request.name")
    return tuple(path.replace("[]", ".[]").split("."))


def _keys(where: str, keys: str) -> tuple[str, ...]:
    if not _KEYS.fullmatch(keys):
        raise CatalogueError(f"{where}: skip {keys!r} must be keys with dots between, like operator.managed")
    return tuple(keys.split("."))
