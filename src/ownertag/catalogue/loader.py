"""Loads the catalogue from its TOML files. A row that can't be used is refused with file, event and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files

from msgspec import Struct

from ownertag.catalogue.files import CatalogueError, read_file
from ownertag.core.catalogue_types import (
    PARTS,
    Catalogue,
    CatalogueRow,
    Lookup,
    Makes,
    QuestionKind,
    Quota,
    ResourceType,
    Skip,
    TagApi,
)

_PATH = re.compile(r"(?:response|request)(?:\.[A-Za-z0-9_-]+(?:\[\])?)*")
_KEYS = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_EVENT = re.compile(r"[A-Za-z0-9_]+")
_SOURCE = re.compile(r"[a-z0-9-]+\.amazonaws\.com")
_SERVICE = re.compile(r"[a-z0-9-]+")
_API = re.compile(r"[a-z0-9-]+\.[A-Z][A-Za-z0-9]+")
_OPERATIONS = re.compile(r"[A-Z][A-Za-z0-9]*\*?")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+")
# What no id of AWS is: a pattern that takes one of these would let a record choose what is looked up or tagged.
_NO_IDS = ("", " ", "*", "\n")
# What `match` can ask for by an id in the record: the reservation's, or that of what was made.
_CHILDREN: Mapping[str, QuestionKind] = {
    kind.value: kind for kind in (QuestionKind.INSTANCES_BY_RESERVATION, *sorted(PARTS))
}
_ARN_FIELDS = {"partition", "region", "account", "type", "id"}
_BASES = {"seen", "in-use", "model"}


class _Makes(Struct, forbid_unknown_fields=True):
    type: str
    each: list[str]
    id: str | None = None
    skip: dict[str, list[str]] = {}
    not_in: str | None = None
    template: str | None = None
    new: dict[str, list[str]] = {}


class _Creation(Struct, forbid_unknown_fields=True):
    event: str
    basis: str
    makes: list[_Makes]
    wrapped: bool = False
    owner_account: list[str] = []
    children: str = ""
    by_client_token: bool = False
    by_time: bool = False
    note: str = ""


class _Lookup(Struct, forbid_unknown_fields=True):
    operation: str
    filter: str
    ids: str


class _Type(Struct, forbid_unknown_fields=True):
    id: str
    lookup: _Lookup | None = None


class _Tagging(Struct, forbid_unknown_fields=True):
    api: str
    action: str
    most: int


class _Quota(Struct, forbid_unknown_fields=True):
    size: float
    refill: float


class _File(Struct, forbid_unknown_fields=True):
    event_source: str
    service: str
    arn: str
    tagging: _Tagging
    types: dict[str, _Type]
    creation: list[_Creation]
    quotas: dict[str, _Quota] = {}


class _Quotas(Struct, forbid_unknown_fields=True):
    quotas: dict[str, dict[str, _Quota]]


#: Holds what the other services' calls may cost, and no rows.
_QUOTAS_FILE = "quotas.toml"


def load_catalogue() -> Catalogue:
    """Returns the catalogue that ownertag ships."""
    folder = files("ownertag.catalogue")
    return read_catalogue(
        (entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".toml")
    )


def read_catalogue(texts: Iterable[tuple[str, str]]) -> Catalogue:
    """Returns a catalogue from (file name, TOML text) pairs.

    Raises:
        CatalogueError: A row can't be used, or two rows claim the same event.
    """
    rows: dict[tuple[str, str], CatalogueRow] = {}
    types: dict[str, ResourceType] = {}
    tag_apis: dict[str, TagApi] = {}
    quotas: dict[str, tuple[tuple[str, Quota], ...]] = {}
    for name, text in sorted(texts, key=lambda file: (file[0] == _QUOTAS_FILE, file)):
        if name == _QUOTAS_FILE:
            quotas |= _quotas_alone(name, text, quotas)
            continue
        file = read_file(name, text, _File)
        _check_head(name, file)
        tag_apis[file.tagging.api] = TagApi(file.tagging.api, file.tagging.action, file.tagging.most)
        quotas[file.service] = (*quotas.get(file.service, ()), *_quotas(f"{name}: quotas", file.quotas))
        own = {key: _type(name, file, key, value) for key, value in file.types.items()}
        for value in own.values():
            if types.setdefault(value.name, value) is not value:
                raise CatalogueError(f"{name}: types.{value.name}: stands in another file already; keep one")
        for creation in file.creation:
            row = _row(name, file, creation, own)
            key = (row.event_source, row.event_name)
            if key in rows:
                raise CatalogueError(f"{name}: {row.event_name}: has a row already; keep one, with both its resources")
            rows[key] = row
    return Catalogue(rows, types, tag_apis, quotas)


def _quotas_alone(name: str, text: str, others: Iterable[str]) -> dict[str, tuple[tuple[str, Quota], ...]]:
    """Returns the quotas of services whose calls are made, and that have no rows."""
    found = read_file(name, text, _Quotas).quotas
    for service in found:
        if not _SERVICE.fullmatch(service):
            raise CatalogueError(f"{name}: quotas.{service}: write the service as the SDK names it, like cloudtrail")
        if service in others:
            raise CatalogueError(f"{name}: quotas.{service}: has a file of its own; put its quotas there")
    return {service: _quotas(f"{name}: quotas.{service}", quotas) for service, quotas in found.items()}


def _quotas(where: str, quotas: dict[str, _Quota]) -> tuple[tuple[str, Quota], ...]:
    for operation, quota in quotas.items():
        if not _OPERATIONS.fullmatch(operation):
            raise CatalogueError(f"{where}.{operation}: write an operation like CreateTags, or Describe* for several")
        if not (quota.size >= 1 and quota.refill > 0):
            raise CatalogueError(f"{where}.{operation}: size must be at least 1, and refill more than 0")
    return tuple((operation, Quota(quota.size, quota.refill)) for operation, quota in quotas.items())


def _check_head(name: str, file: _File) -> None:
    for key, form, value, example in (
        ("event_source", _SOURCE, file.event_source, "ec2.amazonaws.com"),
        ("service", _SERVICE, file.service, "ec2"),
        ("tagging.api", _API, file.tagging.api, "ec2.CreateTags"),
        ("tagging.action", _ACTION, file.tagging.action, "ec2:CreateTags"),
    ):
        if not form.fullmatch(value):
            raise CatalogueError(f"{name}: {key} {value!r} must be like {example}")
    if file.tagging.most < 1:
        raise CatalogueError(f"{name}: tagging.most is {file.tagging.most}; a call takes at least 1 resource")


def _type(name: str, file: _File, key: str, value: _Type) -> ResourceType:
    try:
        pattern = re.compile(value.id, re.ASCII)
    except re.error as error:
        raise CatalogueError(f"{name}: types.{key}: id {value.id!r} is no regular expression: {error}") from error
    if wrong := [text for text in _NO_IDS if pattern.fullmatch(text)]:
        raise CatalogueError(
            f"{name}: types.{key}: id {value.id!r} also matches {wrong[0]!r}; give the form that AWS gives ids"
        )
    fields = set(re.findall(r"{(\w*)}", file.arn))
    if fields != _ARN_FIELDS:
        wanted = ", ".join(sorted(_ARN_FIELDS))
        raise CatalogueError(f"{name}: arn {file.arn!r} must name each of {wanted}, and nothing else, in braces")
    if not file.arn.endswith("{id}"):
        raise CatalogueError(f"{name}: arn {file.arn!r} must end with {{id}}")
    return ResourceType(
        f"{file.service}:{key}",
        file.service,
        file.arn.replace("{type}", key),
        pattern,
        file.tagging.api,
        Lookup(value.lookup.operation, value.lookup.filter, value.lookup.ids) if value.lookup else None,
    )


def _row(name: str, file: _File, creation: _Creation, types: dict[str, ResourceType]) -> CatalogueRow:
    where = f"{name}: {creation.event}"
    if not _EVENT.fullmatch(creation.event):
        raise CatalogueError(f"{name}: event {creation.event!r} must be like RunInstances, as CloudTrail writes it")
    if creation.basis not in _BASES:
        raise CatalogueError(f"{where}: basis {creation.basis!r} is not one of {', '.join(sorted(_BASES))}")
    if not creation.makes:
        raise CatalogueError(f"{where}: makes nothing; say what it creates, or drop the row")
    if creation.children and creation.children not in _CHILDREN:
        raise CatalogueError(f"{where}: children {creation.children!r} is not one of {', '.join(_CHILDREN)}")
    makes = tuple(_makes(where, made, types) for made in creation.makes)
    return CatalogueRow(
        event_source=file.event_source,
        event_name=creation.event,
        makes=makes,
        reads_request=any(path[0] == "request" for made in makes for path in (*made.each, made.not_in or ("",))),
        basis=creation.basis,
        wrapped=creation.wrapped,
        owner_account=tuple(_path(where, path) for path in creation.owner_account),
        children=_CHILDREN.get(creation.children),
        by_client_token=creation.by_client_token,
        by_time=creation.by_time,
        note=creation.note,
    )


def _makes(where: str, makes: _Makes, types: dict[str, ResourceType]) -> Makes:
    if makes.type not in types:
        raise CatalogueError(f"{where}: makes type {makes.type!r}, which has no [types.{makes.type}] in this file")
    if not makes.each:
        raise CatalogueError(f"{where}: each names no path to the {makes.type}; write one such as response.volume")
    if makes.id is not None and not _KEY.fullmatch(makes.id):
        raise CatalogueError(f"{where}: id {makes.id!r} must be one key; put the way to it into each")
    for name, objects in (("skip", makes.skip), ("new", makes.new)):
        for key, values in objects.items():
            if not values:
                raise CatalogueError(f"{where}: {name} {key!r} has no value; write one, or drop it")
    if makes.new and not (makes.not_in and makes.template):
        raise CatalogueError(f"{where}: new says what is made by the call where not_in and template don't; write both")
    return Makes(
        type=types[makes.type],
        each=tuple(_path(where, path) for path in makes.each),
        id=makes.id,
        skip=_objects(where, makes.skip),
        not_in=_path(where, makes.not_in) if makes.not_in else None,
        template=_path(where, makes.template) if makes.template else None,
        new=_objects(where, makes.new),
    )


def _objects(where: str, objects: dict[str, list[str]]) -> Skip:
    return tuple((_keys(where, key), tuple(values)) for key, values in objects.items())


def _path(where: str, path: str) -> tuple[str, ...]:
    """`response.a.b[].c` becomes ("response", "a", "b", "[]", "c")."""
    if not _PATH.fullmatch(path):
        raise CatalogueError(f"{where}: path {path!r} must be like response.instancesSet.items[] or request.name")
    return tuple(path.replace("[]", ".[]").split("."))


def _keys(where: str, keys: str) -> tuple[str, ...]:
    if not _KEYS.fullmatch(keys):
        raise CatalogueError(f"{where}: skip {keys!r} must be keys with dots between, like operator.managed")
    return tuple(keys.split("."))
