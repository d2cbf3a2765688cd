"""One row per event source and event name, where several clients share them.

What makes the same type in the same way is one. Where one name serves several APIs, a discriminator tells whose record
it is: a member that the one API always has and the other never.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from derive import models, shapes
from derive.rows import Made, NoRow, Row, TypeEntry, statuses

_CONFIDENCE = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Creation:
    """A row of the catalogue.

    Attributes:
        source: The event source.
        event: The event's name.
        rows: What it was put together from, by client.
        makes: What it makes.
        traits: job, upsert, copy, batch, asynchronous.
        region: The Region of its events where they come from there alone, else empty.
        confidence: The lowest of all.
    """

    source: str
    event: str
    rows: tuple[Row, ...]
    makes: tuple[Made, ...]
    traits: tuple[str, ...]
    region: str
    confidence: str


@cache
def creations() -> tuple[Creation, ...]:
    """Every row of the catalogue, by event source and event name."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for one in statuses():
        if isinstance(one, Row):
            groups[one.source, one.event].append(one)
    return tuple(_creation(*key, rows) for key, rows in sorted(groups.items()))


@cache
def no_rows() -> tuple[NoRow, ...]:
    """Every operation that takes tags and is no row."""
    return tuple(one for one in statuses() if isinstance(one, NoRow))


@cache
def entries() -> dict[str, TypeEntry]:
    """Every type that a row makes, by name. Of several forms of its id the widest, and the own client's tag API."""
    found: dict[str, list[Row]] = defaultdict(list)
    for creation in creations():
        for row in creation.rows:
            found[row.type.name].append(row)
    return {name: _entry(rows) for name, rows in sorted(found.items())}


@cache
def homes() -> dict[str, str]:
    """The event source in whose file each type stands: of several that make it the one named as the type's service."""
    found: dict[str, set[str]] = defaultdict(set)
    for creation in creations():
        for row in creation.rows:
            found[row.type.name].add(creation.source)
    return {
        name: min(sources, key=lambda source: (source.partition(".")[0] != name.partition(":")[0], source))
        for name, sources in found.items()
    }


def _entry(rows: Sequence[Row]) -> TypeEntry:
    widest = max((row.type.id for row in rows), key=lambda one: (len(one), one))
    own = sorted(rows, key=lambda row: (not row.type.api, row.client != models.service(row.client), row.client))
    return replace(own[0].type, id=widest)


def _creation(source: str, event: str, rows: Sequence[Row]) -> Creation:
    found = {trait for row in rows for trait in row.traits}
    traits = [trait for trait in ("job", "upsert", "copy", "batch", "asynchronous") if trait in found]
    regions = {models.region(row.client) for row in rows}
    return Creation(
        source,
        event,
        tuple(rows),
        tuple(makes(rows)),
        tuple(traits),
        regions.pop() if len(regions) == 1 else "",
        max((row.confidence for row in rows), key=_CONFIDENCE.index),
    )


def makes(rows: Sequence[Row]) -> Iterator[Made]:
    """What rows of one event make, or end: each type once, with what tells its records from the others'."""
    by_type: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_type[row.made.type].append(row)
    for type_, own in by_type.items():
        others = [row for row in rows if row.made.type != type_]
        arn = _unique(path for row in own for path in row.made.arn)
        each = _unique(path for row in own for path in row.made.each)
        yield Made(type_, arn, each, discriminators(own, others) if others else (), own[0].made.strip)


def _unique(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(paths))


def discriminators(own: Sequence[Row], others: Sequence[Row]) -> tuple[str, ...]:
    """What a record has if it is of one API, and has not if it is of the others; none where nothing tells them apart.

    Args:
        own: The rows of the one API.
        others: Those of the others.
    """
    theirs = {path for row in others for path in _paths(row)}
    mine = [path for path in _sure(own) if path not in theirs]
    if mine:
        return (mine[0],)
    ours = {path for row in own for path in _paths(row)}
    missing = [[path for path in _sure([row]) if path not in ours] for row in others]
    return tuple(f"!{paths[0]}" for paths in missing) if all(missing) else ()


def _paths(row: Row) -> set[str]:
    members = (*shapes.answer(row.client, row.operation), *shapes.request(row.client, row.operation))
    return {member.path.removesuffix("[]") for member in members}


def _sure(rows: Sequence[Row]) -> list[str]:
    """What stands in every record of the rows: where they tell what was made, and what the request has to hold."""
    found: list[list[str]] = []
    for row in rows:
        told = [path for path in (*row.made.arn, *row.made.each) if "{" not in path]
        heads = [".".join(path.split(".")[:2]).removesuffix("[]") for path in told]
        needed = [
            member.path.removesuffix("[]")
            for member in shapes.request(row.client, row.operation)
            if member.required and member.depth == 0
        ]
        answered = [path for path in (*heads, *told) if path.startswith("response")]
        found.append([*answered, *needed])
    return [path for path in found[0] if all(path in other for other in found[1:])]
