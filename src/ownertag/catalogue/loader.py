"""Loads the catalogue. A row that can't be used is refused with file, event and what to do.

What counts is joined in `compiled.json` beforehand (`make catalogue`), and was checked then: the function's start does
not wait for the files of every service, for checks that can only come out as they did, or for rows that no record asks
for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Raw

from ownertag.catalogue.files import CatalogueError, shipped_text
from ownertag.catalogue.on_demand import BuiltOnDemand
from ownertag.catalogue.parents_loader import condition_of, parents_of, path_of
from ownertag.catalogue.source_file import (
    ApiEntry,
    Compiled,
    CreationEntry,
    DeletionEntry,
    MakesEntry,
    QuotaEntry,
    RecordEntry,
    Shipped,
    TypeEntry,
)
from ownertag.catalogue.uncovered import ShippedUncovered
from ownertag.core.catalogue_types import (
    Catalogue,
    CatalogueRow,
    Composed,
    EndingRow,
    Lookup,
    Makes,
    QuestionKind,
    Quota,
    ResourceType,
    TagApi,
    TagReading,
    TagRecord,
    TagRemoval,
)
from ownertag.core.paths import Path, Skip
from ownertag.core.tag_calls import tag_forms

COMPILED = "compiled.json"
SCHEMA = 1

#: An event source and an event's name.
EventKey = tuple[str, str]

_IN_BRACES = re.compile(r"{([^{}|]+)(?:\|([^{}]*))?}")


def load_catalogue() -> Catalogue:
    """Returns the catalogue that ownertag ships: all that is on.

    Raises:
        CatalogueError: What is shipped was written by another version.
    """
    try:
        found = msgspec.json.decode(shipped_text(COMPILED).encode(), type=Shipped)
    except msgspec.DecodeError as error:
        raise CatalogueError(f"{COMPILED}: {error}; write it anew with `make catalogue`") from error
    if found.schema != SCHEMA:
        raise CatalogueError(f"{COMPILED}: schema {found.schema} is not {SCHEMA}; write it anew with `make catalogue`")
    types = {name: _type(name, entry) for file in found.sources for name, entry in file.types.items()}
    rows = {(file.event_source, event): row for file in found.sources for event, row in file.rows.items()}

    def build_row(key: EventKey, row: Raw) -> CatalogueRow:
        return _row(key[0], msgspec.json.decode(row, type=CreationEntry), types)

    def build_ending(key: EventKey, row: Raw) -> EndingRow:
        return _ending(key[0], msgspec.json.decode(row, type=DeletionEntry), types)

    endings = {(file.event_source, event): row for file in found.sources for event, row in file.deletions.items()}
    questions = frozenset(map(QuestionKind, found.questions))
    return _catalogue(BuiltOnDemand(rows, build_row), BuiltOnDemand(endings, build_ending), types, questions, found)


def build(compiled: Compiled) -> Catalogue:
    """Returns the catalogue of what was checked before."""
    types = {
        name: _type(name, entry, file.arn, file.api) for file in compiled.sources for name, entry in file.types.items()
    }
    rows = {
        (file.event_source, creation.event): _row(file.event_source, creation, types)
        for file in compiled.sources
        for creation in file.creation
    }
    endings = {
        (file.event_source, deletion.event): _ending(file.event_source, deletion, types)
        for file in compiled.sources
        for deletion in file.deletion
    }
    questions = frozenset(kind for row in rows.values() for kind in row.questions)
    return _catalogue(rows, endings, types, questions, compiled)


def _catalogue(
    rows: Mapping[EventKey, CatalogueRow],
    endings: Mapping[EventKey, EndingRow],
    types: Mapping[str, ResourceType],
    questions: frozenset[QuestionKind],
    said: Compiled | Shipped,
) -> Catalogue:
    tag_apis = {name: _api(name, entry) for name, entry in said.apis.items()}
    watched = {name: _api(name, entry) for name, entry in said.watched.items()}
    return Catalogue(
        rows,
        types,
        tag_apis,
        {client: _quotas(quotas) for client, quotas in said.quotas.items()},
        watched,
        tag_forms((*tag_apis.values(), *watched.values())),
        parents_of(said.parents, types),
        ShippedUncovered(),
        endings,
        questions,
    )


def _type(name: str, entry: TypeEntry, arn: str = "", api: str = "") -> ResourceType:
    """`arn` and `api` are those of its file, where it has none of its own."""
    service, _, kind = name.partition(":")
    return ResourceType(
        name,
        service,
        (entry.arn or arn).replace("{type}", kind),
        entry.id,
        api if entry.api is None else entry.api,
        Lookup(entry.lookup.operation, entry.lookup.filter, entry.lookup.ids) if entry.lookup else None,
        entry.paths,
    )


def _row(event_source: str, creation: CreationEntry, types: Mapping[str, ResourceType]) -> CatalogueRow:
    makes = tuple(_makes(made, types) for made in creation.makes)
    return CatalogueRow(
        event_source=event_source,
        event_name=creation.event,
        makes=makes,
        basis=creation.basis,
        wrapped=creation.wrapped,
        reads_request=any(path[0] == "request" for made in makes for path in _all_paths(made)),
        owner_account=tuple(map(path_of, creation.owner_account)),
        children=QuestionKind(creation.children) if creation.children else None,
        by_client_token=creation.by_client_token,
        by_time=creation.by_time,
        by_request=any(map(_by_request, makes)),
        note=creation.note,
        source=creation.source,
        confidence=creation.confidence,
        client=creation.client,
        traits=frozenset(creation.traits),
        new_if=tuple(map(condition_of, creation.new_if)),
    )


def _ending(event_source: str, deletion: DeletionEntry, types: Mapping[str, ResourceType]) -> EndingRow:
    ends = tuple(_makes(ended, types) for ended in deletion.ends)
    return EndingRow(event_source, deletion.event, ends, deletion.stays, deletion.basis, deletion.source)


def _all_paths(makes: Makes) -> Iterable[Path]:
    yield from (*makes.each, *makes.arns, makes.not_in or ("",))
    yield from (path for composed in makes.composed for path, _ in composed.parts)
    yield from (condition.path for condition in makes.when)


def _by_request(makes: Makes) -> bool:
    """Whether the request alone can say what was made."""
    return any(path[0] == "request" for path in makes.each) or any(
        all(path[0] == "request" for path, _ in composed.parts) for composed in makes.composed
    )


def _makes(entry: MakesEntry, types: Mapping[str, ResourceType]) -> Makes:
    return Makes(
        type=types[entry.type],
        each=tuple(path_of(text) for text in entry.each if "{" not in text),
        id=entry.id,
        skip=_objects(entry.skip),
        not_in=path_of(entry.not_in) if entry.not_in else None,
        template=path_of(entry.template) if entry.template else None,
        new=_objects(entry.new),
        arns=tuple(map(path_of, entry.arn)),
        composed=tuple(_composed(text) for text in entry.each if "{" in text),
        when=tuple(map(condition_of, entry.when)),
        strip=entry.strip,
    )


def _composed(text: str) -> Composed:
    parts = tuple((path_of(path), None if default is None else default) for path, default in _found_in(text))
    return Composed(_IN_BRACES.sub("{}", text), parts)


def _found_in(text: str) -> Iterable[tuple[str, str | None]]:
    return ((found[1], found[2]) for found in _IN_BRACES.finditer(text))


def _objects(objects: Mapping[str, list[str]]) -> Skip:
    return tuple((tuple(key.split(".")), tuple(values)) for key, values in objects.items())


def _quotas(quotas: Mapping[str, QuotaEntry]) -> tuple[tuple[str, Quota], ...]:
    return tuple((operation, Quota(quota.size, quota.refill)) for operation, quota in quotas.items())


def _api(name: str, entry: ApiEntry) -> TagApi:
    read, remove = entry.read, entry.remove
    return TagApi(
        name, entry.client, entry.operation, entry.action, entry.resource, entry.value, entry.most, entry.tags,
        entry.form, entry.key, entry.value_key, entry.constants, entry.each_tag, entry.failures, entry.failed_item,
        entry.failure_code, entry.replaces, entry.merge, entry.event_source, tuple(entry.events),
        _record(entry.record),
        TagReading(
            read.operation, read.action, read.resource, read.value, read.most, read.path, read.form, read.key,
            read.value_key, read.constants, read.id,
        ) if read else None,
        TagRemoval(
            remove.operation, remove.action, remove.resource, remove.keys, remove.value, remove.most, remove.constants,
            remove.key_objects, tuple(remove.events), _record(remove.record),
        ) if remove else None,
        entry.iam_resource, entry.iam_keys, tuple(entry.needs),
    )  # fmt: skip


def _record(entry: RecordEntry | None) -> TagRecord | None:
    return TagRecord(entry.resource, entry.tags, entry.keys) if entry else None
