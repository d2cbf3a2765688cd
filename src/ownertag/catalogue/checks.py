"""Refuses what can't be used of the catalogue: where it stands, what is wrong, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ownertag.catalogue.files import CatalogueError
from ownertag.catalogue.source_file import (
    ApiEntry,
    Compiled,
    CreationEntry,
    DeletionEntry,
    MakesEntry,
    QuotaEntry,
    ReadEntry,
    RemoveEntry,
    SourceFile,
    TypeEntry,
)
from ownertag.core.arn import TEMPLATE_EXAMPLE, is_template
from ownertag.core.catalogue_types import PARTS, QuestionKind

_PATH = re.compile(r"(?:response|request)(?:\.[A-Za-z0-9_-]+(?:\[\])?)*")
_CONDITION = re.compile(rf"!?{_PATH.pattern}(?:=[^=|\n]+(?:\|[^=|\n]+)*)?")
_COMPOSED = re.compile(rf"[^{{}}\s]*(?:{{{_PATH.pattern}(?:\|[^{{}}|\s]*)?}}[^{{}}\s]*)+")
_KEYS = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_EVENT = re.compile(r"[A-Za-z0-9_]+")
_SOURCE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com")
_CLIENT = re.compile(r"[a-z0-9-]+")
_TYPE = re.compile(r"[a-z0-9-]+:[A-Za-z0-9_./*-]+")
_API = re.compile(r"[a-z0-9-]+\.[A-Z][A-Za-z0-9]+(?: [A-Za-z0-9_-]+)?")
_OPERATION = re.compile(r"[A-Z][A-Za-z0-9]*")
_OPERATIONS = re.compile(r"[A-Z][A-Za-z0-9]*\*?")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+")
# What no id of AWS is: a pattern that takes one of these would let a record choose what is looked up or tagged.
_NO_IDS = ("", " ", "*", "\n")
# What `match` can ask for by an id in the record: the reservation's, or that of what was made.
_CHILDREN = sorted({QuestionKind.INSTANCES_BY_RESERVATION, *PARTS})
_BASES = ("documented", "in-use", "model", "seen")
_TRAITS = ("asynchronous", "batch", "copy", "job", "upsert")
_PARAMETER = re.compile(r"(?:[A-Za-z]+(?:\[\])?)?")
_FIELDS = {"arn", "id", "name", "path", "region", "account", "partition", "dns_suffix"}


def check(compiled: Compiled) -> None:
    """Checks all of it.

    Raises:
        CatalogueError: The first fault.
    """
    check_apis(compiled.apis)
    check_apis(compiled.watched, called=False)
    for client, quotas in compiled.quotas.items():
        check_quotas(client, quotas)
    types: dict[str, tuple[str, TypeEntry]] = {}
    rows: set[tuple[str, str]] = set()
    for file in compiled.sources:
        name = file_name(file)
        _check_source(name, file)
        for key, entry in file.types.items():
            check_type(name, file, key, entry, compiled.apis)
            where, other = types.setdefault(key, (name, entry))
            if other != entry:
                raise CatalogueError(f"{name}: types.{key}: is another in {where}; give both one form")
    for file in compiled.sources:
        name = file_name(file)
        for creation in file.creation:
            check_creation(name, creation, types)
            if (file.event_source, creation.event) in rows:
                raise CatalogueError(f"{name}: {creation.event}: has a row already; keep one, with both its resources")
            rows.add((file.event_source, creation.event))
    for file in compiled.sources:
        name = file_name(file)
        for deletion in file.deletion:
            check_deletion(name, deletion, types)
            if (file.event_source, deletion.event) in rows:
                raise CatalogueError(f"{name}: {deletion.event}: has a row already; it makes something, or deletes it")
            rows.add((file.event_source, deletion.event))


def file_name(file: SourceFile) -> str:
    """The name of the file of an event source."""
    return f"{file.event_source.removesuffix('.amazonaws.com')}.toml"


def _check_source(name: str, file: SourceFile) -> None:
    if not _SOURCE.fullmatch(file.event_source):
        raise CatalogueError(f"{name}: event_source {file.event_source!r} must be like ec2.amazonaws.com")


def check_type(name: str, file: SourceFile, key: str, entry: TypeEntry, apis: Mapping[str, ApiEntry]) -> None:
    """Checks a type: its name, the form of its ids, the template of its ARNs, its tag API."""
    where = f"{name}: types.{key}"
    if not _TYPE.fullmatch(key):
        raise CatalogueError(f'{where}: must be like "ec2:volume": the service as in its ARNs, and its own name')
    if not entry.id:
        raise CatalogueError(f"{where}: id is missing: write the form of its ids")
    try:
        pattern = re.compile(entry.id, re.ASCII)
    except re.error as error:
        raise CatalogueError(f"{where}: id {entry.id!r} is no regular expression: {error}") from error
    if wrong := [text for text in _NO_IDS if pattern.fullmatch(text)]:
        raise CatalogueError(f"{where}: id {entry.id!r} also matches {wrong[0]!r}; give the form that AWS gives ids")
    arn = entry.arn or file.arn
    if not arn:
        raise CatalogueError(f"{where}: arn is missing: write its template, which ends with {{id}}")
    if not is_template(arn):
        raise CatalogueError(
            f"{where}: arn {arn!r} must be like {TEMPLATE_EXAMPLE}, with a Region and an account where AWS writes them,"
            " and end with {id}"
        )
    api = file.api if entry.api is None else entry.api
    if api in apis and apis[api].replaces and not apis[api].merge:
        raise CatalogueError(f"{where}: api {api!r} replaces all tags; say in its merge how those of others stay")
    if api and api not in apis:
        raise CatalogueError(f"{where}: api {api!r} is none of the tag APIs; name one, or none where AWS tags no such")


def check_creation(name: str, creation: CreationEntry, types: Iterable[str]) -> None:
    """Checks a row."""
    where = f"{name}: {creation.event}"
    if not _EVENT.fullmatch(creation.event):
        raise CatalogueError(f"{name}: event {creation.event!r} must be like RunInstances, as CloudTrail writes it")
    if creation.basis not in _BASES:
        raise CatalogueError(f"{where}: basis {creation.basis!r} is not one of {', '.join(_BASES)}")
    if unknown := [trait for trait in creation.traits if trait not in _TRAITS]:
        raise CatalogueError(f"{where}: is {unknown[0]!r}, which is not one of {', '.join(_TRAITS)}")
    if not creation.makes:
        raise CatalogueError(f"{where}: makes nothing; say what it creates, or drop the row")
    if creation.children and creation.children not in _CHILDREN:
        raise CatalogueError(f"{where}: children {creation.children!r} is not one of {', '.join(_CHILDREN)}")
    for path in creation.owner_account:
        _check_path(where, path)
    for made in creation.makes:
        _check_makes(where, made, types)


def check_deletion(name: str, deletion: DeletionEntry, types: Iterable[str]) -> None:
    """Checks a deletion."""
    where = f"{name}: {deletion.event}"
    if not _EVENT.fullmatch(deletion.event):
        raise CatalogueError(f"{name}: event {deletion.event!r} must be like DeleteVolume, as CloudTrail writes it")
    if deletion.basis not in _BASES:
        raise CatalogueError(f"{where}: basis {deletion.basis!r} is not one of {', '.join(_BASES)}")
    if not deletion.ends:
        raise CatalogueError(f"{where}: ends nothing; say what it deletes, or drop it")
    for ended in deletion.ends:
        _check_makes(where, ended, types)
        if deletion.stays and not ended.when:
            raise CatalogueError(f"{where}: stays, and ends a {ended.type} always: say in when what ends it at once")


def _check_makes(where: str, makes: MakesEntry, types: Iterable[str]) -> None:
    if makes.type not in types:
        raise CatalogueError(f'{where}: makes type {makes.type!r}, which has no [types."{makes.type}"]')
    if not (makes.each or makes.arn):
        raise CatalogueError(f"{where}: each names no path to the {makes.type}; write one such as response.volume")
    if makes.id is not None and not _KEY.fullmatch(makes.id):
        raise CatalogueError(f"{where}: id {makes.id!r} must be one key; put the way to it into each")
    for name, objects in (("skip", makes.skip), ("new", makes.new)):
        for key, values in objects.items():
            if not _KEYS.fullmatch(key):
                raise CatalogueError(f"{where}: {name} {key!r} must be keys with dots between, like operator.managed")
            if not values:
                raise CatalogueError(f"{where}: {name} {key!r} has no value; write one, or drop it")
    if makes.new and not (makes.not_in and makes.template):
        raise CatalogueError(f"{where}: new says what is made by the call where not_in and template don't; write both")
    for text in makes.each:
        if "{" in text:
            if not _COMPOSED.fullmatch(text):
                raise CatalogueError(f"{where}: each {text!r} must have paths in braces, like {{request.name}}")
        else:
            _check_path(where, text)
    for text in (*makes.arn, *filter(None, (makes.not_in, makes.template))):
        _check_path(where, text)
    for text in makes.when:
        if not _CONDITION.fullmatch(text):
            raise CatalogueError(f"{where}: when {text!r} must be like request.name, !request.name or request.name=a|b")


def _check_path(where: str, path: str) -> None:
    if not _PATH.fullmatch(path):
        raise CatalogueError(f"{where}: path {path!r} must be like response.instancesSet.items[] or request.name")


def check_quotas(client: str, quotas: Mapping[str, QuotaEntry]) -> None:
    """Checks the token buckets of a client."""
    where = f"quotas.toml: quotas.{client}"
    if not _CLIENT.fullmatch(client):
        raise CatalogueError(f"{where}: write the service as the SDK names it, like cloudtrail")
    for operation, quota in quotas.items():
        if not _OPERATIONS.fullmatch(operation):
            raise CatalogueError(f"{where}.{operation}: write an operation like CreateTags, or Describe* for several")
        if not (quota.size >= 1 and quota.refill > 0):
            raise CatalogueError(f"{where}.{operation}: size must be at least 1, and refill more than 0")


def check_apis(apis: Mapping[str, ApiEntry], *, called: bool = True) -> None:
    """Checks tag APIs: names and fields; of those that are never called, an action may be unknown."""
    for name, api in apis.items():
        where = f"tag_apis.toml: {name}"
        if not _API.fullmatch(name):
            raise CatalogueError(
                f'{where}: must be like "ec2.CreateTags", with a word behind it where one call has two'
            )
        if not _CLIENT.fullmatch(api.client):
            raise CatalogueError(f"{where}: client {api.client!r} must be the SDK's, like ec2")
        calls = (
            ("", api.operation, api.action),
            *((f"{key}.", call.operation, call.action) for key, call in _calls(api)),
        )
        for key, operation, action in calls:
            if not _OPERATION.fullmatch(operation):
                raise CatalogueError(f"{where}: {key}operation {operation!r} must be like CreateTags")
            if not _ACTION.fullmatch(action) and (called or action):
                raise CatalogueError(f"{where}: {key}action {action!r} must be like ec2:CreateTags")
        if api.most < 1 or (api.read and api.read.most < 1):
            raise CatalogueError(f"{where}: most is below 1; a call takes at least 1 resource")
        if api.form not in {"list", "map"} or (api.read and api.read.form not in {"list", "map"}):
            raise CatalogueError(f"{where}: form must be list or map")
        if not (api.resource or api.each_tag):
            raise CatalogueError(f"{where}: resource is empty; name the parameter, or say in each_tag where it stands")
        for parameter in (api.resource, *(call.resource for _, call in _calls(api))):
            if not _PARAMETER.fullmatch(parameter):
                raise CatalogueError(f"{where}: resource {parameter!r} must be like ResourceArn, or ResourceArns[]")
        if api.iam_resource not in {"", "*"} and not is_template(api.iam_resource):
            raise CatalogueError(f"{where}: iam_resource {api.iam_resource!r} must be like {TEMPLATE_EXAMPLE}")
        for text in _templates(api):
            fields = set(re.findall(r"{([^{}]*)}", text))
            if unknown := sorted(fields - _FIELDS):
                raise CatalogueError(f"{where}: {{{unknown[0]}}} is no field; there are {', '.join(sorted(_FIELDS))}")


def _calls(api: ApiEntry) -> list[tuple[str, ReadEntry | RemoveEntry]]:
    calls: tuple[tuple[str, ReadEntry | RemoveEntry | None], ...] = (("read", api.read), ("remove", api.remove))
    return [(key, call) for key, call in calls if call]


def _templates(api: ApiEntry) -> Iterable[str]:
    yield api.value
    yield from _texts(api.constants)
    yield from (value for value in api.each_tag.values() if isinstance(value, str))
    for call in (api.read, api.remove):
        if call:
            yield call.value
            yield from _texts(call.constants)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
