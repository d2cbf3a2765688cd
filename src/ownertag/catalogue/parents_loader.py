"""Reads what the catalogue says of parents, and refuses what can't be used of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ownertag.catalogue.files import CatalogueError
from ownertag.catalogue.parents_file import CallEntry, CopyEntry, LinkEntry, ParentEntry, ParentsFile, SessionEntry
from ownertag.core.arn import TEMPLATE_EXAMPLE, is_template
from ownertag.core.catalogue_types import CatalogueRow, ResourceType
from ownertag.core.parent_kinds import CopySource, Link, ParentCall, ParentKind, SessionLink
from ownertag.core.parents import Parents
from ownertag.core.paths import Condition, Path

_BASES = ("doc", "memory", "seen")

Rows = Mapping[tuple[str, str], CatalogueRow]


def path_of(text: str) -> Path:
    """`response.a.b[].c` becomes ("response", "a", "b", "[]", "c")."""
    return tuple(text.replace("[]", ".[]").split("."))


def condition_of(text: str) -> Condition:
    """`request.name`, `!request.name` and `request.name=a|b`."""
    path, _, values = text.removeprefix("!").partition("=")
    return Condition(path_of(path), text.startswith("!"), tuple(values.split("|")) if values else ())


def parents_of(file: ParentsFile, types: Mapping[str, ResourceType]) -> Parents:
    """Returns what a file says, with the templates and names of its rows; `types` are those that AWS may name."""
    kinds = {entry.name: _kind(entry) for entry in file.parent}
    return Parents(
        kinds,
        tuple(map(_link, file.link)),
        tuple(map(_session, file.session)),
        {
            (source, event): tuple(map(_copy, entries))
            for source, events in file.copies.items()
            for event, entries in events.items()
        },
        types,
        tuple(dict.fromkeys(hint.encode() for link in file.link for hint in _hints(link))),
    )


def _kind(entry: ParentEntry) -> ParentKind:
    return ParentKind(
        entry.name,
        entry.type,
        entry.arn,
        entry.id,
        entry.event_source,
        tuple(_call(call) for call in entry.made_by),
        tuple(_call(call) for call in entry.ended_by),
        entry.basis,
        entry.also,
        tuple(entry.listed),
        entry.within,
        entry.default,
        entry.named_by,
    )


def _call(call: CallEntry) -> ParentCall:
    names = tuple(tuple(map(path_of, [part] if isinstance(part, str) else part)) for part in call.names)
    return ParentCall(call.event, names, tuple(map(condition_of, call.when)))


def _link(entry: LinkEntry) -> Link:
    return Link(
        entry.parent, tuple(entry.tags), entry.prefix, tuple(map(path_of, entry.paths)), entry.form, entry.id,
        frozenset(entry.services), entry.after, entry.launched, entry.pods, entry.inherited,
    )  # fmt: skip


def _session(entry: SessionEntry) -> SessionLink:
    return SessionLink(entry.service, entry.parent, entry.form, entry.id, entry.tag, entry.delivered)


def _copy(entry: CopyEntry) -> CopySource:
    return CopySource(path_of(entry.path), entry.parent, path_of(entry.region) if entry.region else (), entry.by_arn)


def _hints(link: LinkEntry) -> Iterable[str]:
    """What stands in each record in which a link leads somewhere: as much of a tag's key as others begin with too."""
    yield from (f'"{key[: key.find(":") + 1] or key}' for key in link.tags)
    if link.prefix:
        yield link.prefix.partition("/")[0]
    if link.hint:
        yield link.hint


def check_parents(file: ParentsFile, rows: Rows) -> None:
    """Checks what a file says.

    Raises:
        CatalogueError: The first fault.
    """
    names: set[str] = set()
    for entry in file.parent:
        _check_parent(entry, rows)
        if entry.name in names:
            raise CatalogueError(f"parents.toml: {entry.name}: is there already; keep one")
        names.add(entry.name)
    for link in file.link:
        where = f"links.toml: {link.parent}"
        _check_known(where, link.parent, names)
        if bool(link.tags) == bool(link.paths):
            raise CatalogueError(f"{where}: write tags or paths")
        if link.paths and not link.hint:
            raise CatalogueError(f"{where}: hint is missing: write what every such record has")
        _check_form(where, link.form)
    for session in file.session:
        where = f"links.toml: {session.service}"
        _check_known(where, session.parent, names)
        if bool(session.tag) == bool(session.id):
            raise CatalogueError(f"{where}: write the id of the parent, or the tag that has its ARN")
        _check_form(where, session.form)
    for source, events in file.copies.items():
        for event, entries in events.items():
            for copied in entries:
                _check_known(f"parents.toml: {source} {event}", copied.parent, names)


def _check_parent(entry: ParentEntry, rows: Rows) -> None:
    where = f"parents.toml: {entry.name}"
    if entry.basis not in _BASES:
        raise CatalogueError(f"{where}: basis {entry.basis!r} is not one of {', '.join(_BASES)}")
    if not (entry.arn and entry.id):
        raise CatalogueError(f"{where}: type {entry.type!r} is in no file of a source; name one, or write arn and id")
    if not is_template(entry.arn):
        raise CatalogueError(f"{where}: arn {entry.arn!r} must be like {TEMPLATE_EXAMPLE}")
    _check_form(where, entry.id, groups=None)
    for call in entry.made_by:
        row = rows.get((entry.event_source, call.event))
        if row is None or all(made.type.name != entry.type for made in row.makes):
            raise CatalogueError(f"{where}: {call.event} is no row of {entry.event_source} that makes {entry.type}")
    for call in (*entry.made_by, *entry.ended_by):
        if not call.names:
            raise CatalogueError(f"{where}: {call.event}: names is missing: write where the call names it")


def _check_known(where: str, parent: str, names: Iterable[str]) -> None:
    if parent not in names:
        raise CatalogueError(f"{where}: {parent!r} is no parent of parents.toml")


def _check_form(where: str, form: str, groups: int | None = 1) -> None:
    try:
        pattern = re.compile(form, re.ASCII)
    except re.error as error:
        raise CatalogueError(f"{where}: {form!r} is no regular expression: {error}") from error
    if form and groups is not None and pattern.groups != groups:
        raise CatalogueError(f"{where}: form {form!r} must have one group: what counts of the value")
