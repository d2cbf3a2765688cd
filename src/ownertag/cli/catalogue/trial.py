"""What the catalogue makes of a record: its row or the one that could be, what its paths find, what would be tagged."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ownertag.catalogue import checks, loader
from ownertag.catalogue.files import CatalogueError
from ownertag.catalogue.merge import select
from ownertag.catalogue.parents_loader import path_of
from ownertag.catalogue.source_file import Compiled, CreationEntry, MakesEntry, SourceFile
from ownertag.catalogue.uncovered import shipped
from ownertag.cli.catalogue.draft import Draft, draft_of
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.match import match
from ownertag.core.parameters import unwrap
from ownertag.core.paths import values_at
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Refusal

#: Of the values at a path, so many are shown.
MOST_VALUES = 5


class Found(Struct, frozen=True):
    """A path of a row, and the values that it finds in the record, at most five."""

    type: str
    path: str
    values: tuple[str, ...]


class Tagged(Struct, frozen=True):
    """What would be tagged, by which call (empty where AWS has none), and the regular expression of its type's ids."""

    arn: str
    type: str
    call: str
    id_form: str


class Trial(Struct, frozen=True):
    """What became of a record.

    Attributes:
        status: Of its row: `on`, `off`, or `none` where there is none; a draft was tried then, if there is one.
        why: Why it is off, or none.
        entry: The row that was tried.
        draft: What was made of the record, where no row was derived.
        refused: The reason of the refusal and what it says; empty where something would be tagged.
        catalogue: With this row alone, to decide with.
    """

    source: str
    event: str
    status: str
    why: str = ""
    entry: CreationEntry | None = None
    draft: Draft | None = None
    found: tuple[Found, ...] = ()
    tagged: tuple[Tagged, ...] = ()
    refused: tuple[str, str] | None = None
    catalogue: Catalogue | None = None


def try_arrival(arrival: Arrival, whole: Compiled) -> Trial:
    """Tries a record against all rows, whether they are on or not."""
    record = arrival.record
    source, event = record.event_source, record.event_name
    file = next((file for file in whole.sources if file.event_source == source), SourceFile(source))
    entry = next((entry for entry in file.creation if entry.event == event), None)
    document = document_of(arrival)
    draft = None
    if entry is not None and entry.makes:
        status, why = ("on", "") if entry.is_on else ("off", entry.off or "it rests on AWS's models alone")
    else:
        status, why = "none", (entry.off if entry else shipped().get(source, {}).get(event, ""))
        draft = draft_of(arrival, document, file, whole)
        if draft is None:
            return Trial(source, event, status, why)
        entry = draft.creation
        file = replace(file, types={**file.types, **draft.types}, event_source=source)
    found = tuple(_paths(entry, document))
    try:
        catalogue = _with_row(whole, file, entry)
    except CatalogueError as error:
        return Trial(source, event, status, why, entry, draft, found, refused=("catalogue", str(error)))
    decided = match(arrival, catalogue, Settings())
    if isinstance(decided, Refusal):
        refused = (decided.reason.value, decided.detail)
        return Trial(source, event, status, why, entry, draft, found, (), refused, catalogue)
    tagged = tuple(
        Tagged(resource.arn, resource.type, _call(catalogue, resource.type), catalogue.types[resource.type].id_form)
        for resource in decided.resources
    )
    return Trial(source, event, status, why, entry, draft, found, tagged, None, catalogue)


def _with_row(whole: Compiled, file: SourceFile, entry: CreationEntry) -> Catalogue:
    """The catalogue with this row alone, as if it were on."""
    alone = replace(file, creation=[replace(entry, on=True, off="")])
    others = [replace(other, creation=[]) for other in whole.sources if other.event_source != file.event_source]
    chosen = select(replace(whole, sources=[alone, *others]))
    checks.check(chosen)
    return loader.build(chosen)


def _call(catalogue: Catalogue, type_: str) -> str:
    api = catalogue.tag_apis.get(catalogue.types[type_].tag_api)
    return f"{api.client}.{api.operation}" if api else ""


def document_of(arrival: Arrival) -> dict[str, Any]:
    """The request and the answer of a record, without what newer records wrap them in."""
    record = arrival.record
    halves = (("request", record.request, "Request"), ("response", record.response, "Response"))
    return {key: unwrap(_decoded(raw), record.event_name, ending) for key, raw, ending in halves}


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _paths(entry: CreationEntry, document: dict[str, Any]) -> list[Found]:
    return [found for makes in entry.makes for found in _paths_of(makes, document)]


def _paths_of(makes: MakesEntry, document: dict[str, Any]) -> list[Found]:
    texts = [*makes.arn, *(f"{path}[].{makes.id}" if makes.id else path for path in makes.each)]
    found = [Found(makes.type, f"when {text}", ()) for text in makes.when]
    for text in texts:
        values = [] if "{" in text else values_at(document, path_of(text))
        found.append(Found(makes.type, text, tuple(str(value)[:200] for value in values if value)[:MOST_VALUES]))
    return found
