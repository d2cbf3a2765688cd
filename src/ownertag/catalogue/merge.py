"""Joins what is derived from AWS's models with what is known better, by hand, into what counts.

An overlay's entry wins, field by field, and has its reason and its source. A row counts if it rests on more than the
models, or if the overlay turns it on; types and tag APIs count if such a row needs them.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ownertag.catalogue import tag_actions
from ownertag.catalogue.files import CatalogueError, read_file, shipped_text
from ownertag.catalogue.lists import LISTS_TOML
from ownertag.catalogue.loader import build
from ownertag.catalogue.parents_file import CallEntry, ParentEntry, ParentsFile
from ownertag.catalogue.source_file import (
    ApiEntry,
    ApisFile,
    Compiled,
    CreationEntry,
    DeletionEntry,
    QuotasFile,
    SourceFile,
    TypeEntry,
)
from ownertag.core.request_tags import CREATED_BESIDE

Toml = dict[str, Any]

TAG_APIS = "tag_apis.toml"
#: By hand alone, over all services.
PARENT_FILES = ("parents.toml", "links.toml")
#: Where the Resource Groups Tagging API's records come from; it tags resources of many services.
_MANY = "tagging.amazonaws.com"
#: What `ownertag catalogue try` writes as the source, by the entry's basis. Nobody can look it up: it is refused.
TO_BE_NAMED = {
    "seen": "a record; say whose, or which page of AWS has it",
    "documented": "a page of AWS; say which one",
}
#: Files of these folders that say something else.
_OTHERS = frozenset({TAG_APIS, LISTS_TOML, "not_rows.toml", "ec2_at_creation.toml", "tag_actions.toml", *PARENT_FILES})


def compiled() -> Compiled:
    """Returns what counts of the files that ownertag ships.

    Raises:
        CatalogueError: A file can't be used, or an entry by hand gives no reason.
    """
    return select(merged())


def merged() -> Compiled:
    """Returns all rows, types and tag APIs of the files that ownertag ships, whether they count or not."""
    generated, overlay = _texts("generated"), _texts("overlay")
    names = sorted((generated.keys() | overlay.keys()) - _OTHERS)
    sources = _of_one_form(
        [merge_source(name, generated.get(name), overlay.get(name)) for name in names],
        {name: msgspec.toml.decode(text).get("types", {}) for name, text in overlay.items() if name not in _OTHERS},
    )
    apis = merge_apis(generated.get(TAG_APIS), overlay.get(TAG_APIS))
    quotas = read_file("quotas.toml", shipped_text("quotas.toml"), QuotasFile).quotas
    return Compiled(sources, apis, quotas, parents=_parents(overlay))


def _of_one_form(sources: list[SourceFile], by_hand: Mapping[str, Toml]) -> list[SourceFile]:
    """A type that several services make has the form that is written by hand, wherever that stands."""
    where = {key: name for name, types in by_hand.items() for key in types}
    for file in sources:
        name = f"{file.event_source.removesuffix('.amazonaws.com')}.toml"
        file.types = {key: entry for key, entry in file.types.items() if where.get(key, name) == name}
    return sources


def _texts(folder: str) -> Mapping[str, str]:
    place: Traversable = files("ownertag.catalogue").joinpath(folder)
    return {entry.name: entry.read_text("utf-8") for entry in place.iterdir() if entry.name.endswith(".toml")}


def _parents(overlay: Mapping[str, str]) -> ParentsFile:
    parents, links = (read_file(f"overlay/{name}", overlay[name], ParentsFile) for name in PARENT_FILES)
    return replace(parents, link=links.link, session=links.session)


def merge_source(name: str, generated: str | None, overlay: str | None) -> SourceFile:
    """Returns the file of an event source, from the TOML of both sides.

    Raises:
        CatalogueError: One is no file of the catalogue, or an entry of the overlay has no reason or no source,
            or the source that is to be replaced.
    """
    base = _plain(f"generated/{name}", generated, SourceFile) if generated else {}
    above = _plain(f"overlay/{name}", overlay, SourceFile) if overlay else {}
    for entry, where in _entries(above, name):
        if not all(entry.get(key) or above.get(key) for key in ("reason", "source")):
            raise CatalogueError(f"{where}: needs a reason and a source")
        if (entry.get("source") or above["source"]) in TO_BE_NAMED.values():
            raise CatalogueError(
                f"{where}: source is to be replaced: write whose record it is, or the page of AWS that has it"
            )
    types = {**base.get("types", {})}
    for key, entry in above.get("types", {}).items():
        types[key] = {**types.get(key, {}), **entry}
    creations = {creation["event"]: creation for creation in base.get("creation", ())}
    by_hand: set[str] = set()
    for creation in above.get("creation", ()):
        source = creation.get("source") or above.get("source", "")
        on = {"on": True} if above.get("on") else {}
        event = creation["event"]
        if event in by_hand:
            raise CatalogueError(f"overlay/{name}: {event}: has a row already; keep one, with both its resources")
        by_hand.add(event)
        creations[event] = {**creations.get(event, {}), **on, **creation, "source": source}
    deletions = {deletion["event"]: deletion for deletion in base.get("deletion", ())}
    for deletion in above.get("deletion", ()):
        source = deletion.get("source") or above.get("source", "")
        deletions[deletion["event"]] = {**deletions.get(deletion["event"], {}), **deletion, "source": source}
    joined = {
        **base,
        **above,
        "types": types,
        "creation": [creations[event] for event in sorted(creations)],
        "deletion": [deletions[event] for event in sorted(deletions)],
    }
    return _convert(name, joined)


def _plain(name: str, text: str, type_: type[Struct]) -> Toml:
    """The file as it stands, without defaults: what an overlay does not name is not overridden."""
    read_file(name, text, type_)
    found: Toml = msgspec.toml.decode(text)
    return found


def _entries(above: Toml, name: str) -> Iterable[tuple[Toml, str]]:
    yield from ((entry, f"overlay/{name}: types.{key}") for key, entry in above.get("types", {}).items())
    yield from ((entry, f"overlay/{name}: {entry['event']}") for entry in above.get("creation", ()))
    yield from ((entry, f"overlay/{name}: {entry['event']}") for entry in above.get("deletion", ()))


def _convert(name: str, plain: Toml) -> SourceFile:
    try:
        return msgspec.convert(plain, SourceFile)
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{name}: {error}") from error


def merge_apis(generated: str | None, overlay: str | None) -> dict[str, ApiEntry]:
    """Returns the tag APIs of both sides.

    Raises:
        CatalogueError: One is no file of tag APIs, or an entry of the overlay has no reason or no source.
    """
    base = _plain(f"generated/{TAG_APIS}", generated, ApisFile).get("apis", {}) if generated else {}
    above = _plain(f"overlay/{TAG_APIS}", overlay, ApisFile).get("apis", {}) if overlay else {}
    for name, entry in above.items():
        if not (entry.get("reason") and entry.get("source")):
            raise CatalogueError(f"overlay/{TAG_APIS}: {name}: needs a reason and a source")
    joined = {name: {**base.get(name, {}), **above.get(name, {})} for name in sorted(base.keys() | above.keys())}
    try:
        return msgspec.convert({"apis": joined}, ApisFile).apis
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{TAG_APIS}: {error}") from error


def select(whole: Compiled) -> Compiled:
    """Returns what counts: the rows that are on, and the types and tag APIs that they need, with no reasons."""
    on = [(file, [creation for creation in file.creation if creation.is_on]) for file in whole.sources]
    beside = {kind.value: types for kind, types in CREATED_BESIDE.items()}
    wanted = {
        name
        for _, creations in on
        for creation in creations
        for name in (*(made.type for made in creation.makes), *beside.get(creation.children, ()))
    }
    sources: list[SourceFile] = []
    taken: dict[str, TypeEntry] = {}
    for file, creations in on:
        types = {
            name: entry
            for name, entry in file.types.items()
            if name in wanted and taken.get(name) != _bare_type(name, entry, file)
        }
        taken |= {name: _bare_type(name, entry, file) for name, entry in types.items()}
        deletions = [bare for deletion in file.deletion if (bare := _bare_deletion(deletion, wanted))]
        if creations or types or deletions:
            sources.append(
                SourceFile(
                    file.event_source,
                    {name: _bare_type(name, entry, file) for name, entry in sorted(types.items())},
                    [_bare(creation) for creation in creations],
                    deletion=deletions,
                )
            )
    used = {entry.api for file in sources for entry in file.types.values() if entry.api}
    apis = {name: _bare_api(api) for name, api in whole.apis.items() if name in used}
    return Compiled(sources, apis, whole.quotas, _watched(whole.apis, apis), _filled(whole))


def _filled(whole: Compiled) -> ParentsFile:
    """What is said of parents, with the templates of their types and where the rows name them.

    The function is told all of them, also where it is told no row of theirs.
    """
    types = {name: _bare_type(name, entry, file) for file in whole.sources for name, entry in file.types.items()}
    rows = {(file.event_source, row.event): row.makes for file in whole.sources for row in file.creation}

    def named(call: CallEntry, parent: ParentEntry) -> CallEntry:
        makes = [made for made in rows.get((parent.event_source, call.event), ()) if made.type == parent.type]
        if call.names or not makes:
            return call
        paths = [*makes[0].arn, *(f"{path}.{makes[0].id}" if makes[0].id else path for path in makes[0].each)]
        return replace(call, names=[paths], when=[*makes[0].when, *call.when])

    def filled(parent: ParentEntry) -> ParentEntry:
        type_ = types.get(parent.type, TypeEntry())
        made_by = [named(call, parent) for call in parent.made_by]
        return replace(parent, arn=parent.arn or type_.arn, id=parent.id or type_.id, made_by=made_by)

    return replace(whole.parents, parent=[filled(parent) for parent in whole.parents.parent])


def _bare_api(api: ApiEntry) -> ApiEntry:
    """A tag API that is called: what IAM can compare of a call, the authorization reference says."""
    action = tag_actions.load_tag_actions().actions.get(api.action)
    if action is None:
        return replace(api, reason="", source="")
    resource = "*" if action.any_resource else api.iam_resource
    return replace(api, iam_keys=action.tag_keys, iam_resource=resource, reason="", source="")


def _watched(all_apis: Mapping[str, ApiEntry], used: Mapping[str, ApiEntry]) -> dict[str, ApiEntry]:
    """The other calls that change tags at the same services, and the one that does so at many."""
    sources = {api.event_source for api in used.values()} - {""} | ({_MANY} if used else set())
    return {
        name: replace(api, read=None, reason="", source="")
        for name, api in all_apis.items()
        if name not in used and api.event_source in sources
    }


def _bare_type(name: str, entry: TypeEntry, file: SourceFile) -> TypeEntry:
    arn = (entry.arn or file.arn).replace("{type}", name.partition(":")[2])
    return TypeEntry(entry.id, arn, file.api if entry.api is None else entry.api, entry.lookup, entry.paths)


def _bare(creation: CreationEntry) -> CreationEntry:
    return replace(creation, reason="", on=creation.basis == "model")


def _bare_deletion(deletion: DeletionEntry, wanted: Container[str]) -> DeletionEntry | None:
    """A deletion of the types that count; None where it ends none of them."""
    ends = [ended for ended in deletion.ends if ended.type in wanted]
    return replace(deletion, ends=ends, reason="", client="") if ends and not deletion.off else None


def as_json(whole: Compiled) -> bytes:
    """Returns `compiled.json`, which `Shipped` reads: the same bytes for the same content, a row a line."""
    plain = msgspec.to_builtins(whole)
    lines = ["{", ' "schema": 1,', ' "sources": [']
    for number, file in enumerate(plain["sources"]):
        lines.append(f'  {{"event_source": {_json(file["event_source"])},')
        lines.append('   "types": {' + ("" if file.get("types") else "},"))
        if file.get("types"):
            lines.append(",\n".join(f"    {_json(key)}: {_json(entry)}" for key, entry in file["types"].items()) + "},")
        for key, of, end in (("rows", "creation", ","), ("deletions", "deletion", "},")):
            rows = ",\n".join(f"    {_json(row['event'])}: {_json(row)}" for row in file.get(of, ()))
            lines.append(f'   "{key}": {{\n{rows}}}{end}')
        if number == len(plain["sources"]) - 1:
            lines[-1] = lines[-1].removesuffix(",")
    lines.append(" ],")
    for key in ("apis", "watched"):
        lines.append(f' "{key}": {{')
        lines.append(",\n".join(f"  {_json(name)}: {_json(entry)}" for name, entry in sorted(plain[key].items())))
        lines.append(" },")
    lines.append(f' "questions": {_json(sorted(build(whole).questions))},')
    lines += [f' "quotas": {_json(plain["quotas"])},', ' "parents": {']
    parents = plain["parents"]
    for number, (key, entries) in enumerate(parents.items()):
        end = "," if number < len(parents) - 1 else ""
        if isinstance(entries, dict):
            copies = ",\n".join(f"   {_json(source)}: {_json(entry)}" for source, entry in entries.items())
            lines.append(f'  "{key}": {{\n{copies}}}{end}')
        else:
            lines.append(f'  "{key}": [\n' + ",\n".join(f"   {_json(entry)}" for entry in entries) + f"]{end}")
    lines += [" }", "}", ""]
    return "\n".join(lines).encode()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
