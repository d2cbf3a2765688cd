"""Which operations delete what a row makes, and where their records name it.

An operation ends a type if its verb says so and its noun is the type's name, or the noun of an operation that makes it.
What the request names is what is deleted: by ARN, or by the names of which the ARN is built.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from botocore.model import StringShape

from derive import grouping, ids, models, shapes, types
from derive.arn_paths import arns
from derive.rows import Made, Row
from derive.shapes import Member
from derive.types import Candidate, bare, spelled
from derive.words import operation, squashed, words

#: Verbs by which something ends at once, or soon and for sure.
_ENDS = frozenset({"delete", "deregister", "release", "remove", "revoke", "terminate"})
#: `ScheduleKeyDeletion`: it ends later, and can be called off until then.
_LATER = "schedule"
STAYS = "it is deleted later, and can be kept until then"
#: An ARN of the answer that scores as much is that of what was deleted.
_FITS = 8.0
#: With such an optional member a call deletes a version, and not the thing.
_VERSIONS = frozenset({"qualifier", "version"})


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion of the catalogue.

    Attributes:
        source: The event source.
        event: The event's name.
        rows: What it was put together from, by client.
        ends: What it deletes.
        stays: Why that is there for a while yet; else empty.
    """

    source: str
    event: str
    rows: tuple[Row, ...]
    ends: tuple[Made, ...]
    stays: str = ""


@cache
def deletions() -> tuple[Deletion, ...]:
    """Every deletion of what a row makes, by event source and event name."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for client in models.clients():
        for name in sorted(models.model(client).operation_names):
            if row := _row(client, name):
                groups[row.source, row.event].append(row)
    return tuple(_deletion(*key, rows) for key, rows in sorted(groups.items()))


def _deletion(source: str, event: str, rows: list[Row]) -> Deletion:
    stays = STAYS if all(operation(row.operation).verb == _LATER for row in rows) else ""
    whole = {row.made.type: row.made.when for row in rows}
    ends = [] if stays else [replace(made, when=(*made.when, *whole[made.type])) for made in grouping.makes(rows)]
    return Deletion(source, event, tuple(rows), tuple(ends), stays)


def _row(client: str, name: str) -> Row | None:
    """What an operation deletes; None where it deletes nothing that a row makes, or does not name it."""
    ended = _noun(name)
    if not ended:
        return None
    for made in types.candidates(client, name):
        entry = grouping.entries().get(made.name)
        if entry is None or squashed(ended) not in _nouns()[made.name] | {squashed(spelled(made.resource))}:
            continue
        found = ids.variables(client, name, made)
        paths = tuple(_arns(client, name, made))
        needed = any(member.required and member.path in paths for member in shapes.request(client, name))
        each = () if needed else tuple(text for text in ids.each(made, found) if "request." in text)
        if not paths and not each:
            return None
        when = tuple(f"!{member.path}" for member in shapes.request(client, name) if _narrows(member, each))
        told = Made(made.name, paths, each, when, ids.strip(made))
        source, event = models.event_source(client), models.event_name(client, name)
        return Row(client, name, source, event, told, entry, (), "medium")
    return None


def _noun(name: str) -> tuple[str, ...]:
    """What an operation deletes, in words; none where its verb deletes nothing."""
    taken = operation(name)
    if taken.batch:
        return ()
    if taken.verb == _LATER and taken.noun[-1:] == ("deletion",):
        return taken.noun[:-1]
    if taken.verb == "remove" and "from" in words(name):
        return ()  # a role from an instance profile: both stay
    return taken.noun if taken.verb in _ENDS else ()


@cache
def _nouns() -> dict[str, set[str]]:
    """The nouns of the operations that make a type, by its name."""
    found: dict[str, set[str]] = defaultdict(set)
    for creation in grouping.creations():
        for row in creation.rows:
            # What is called otherwise than what it makes may be a part of that: an agent's action group.
            if row.confidence != "low":
                found[row.type.name].add(squashed(operation(row.operation).noun))
    return found


def _arns(client: str, name: str, made: Candidate) -> Iterator[str]:
    """Paths to the ARN of what is deleted: those of the request first."""
    noun = _noun(name)
    names = {
        squashed(one) for one in (noun, spelled(made.resource), *(bare(words(v)) for v in made.form.variables[-1:]))
    }
    for member in shapes.request(client, name):
        own = bare(member.words)
        text = isinstance(member.shape, StringShape) and not member.many and member.depth == 0
        if text and "arn" in member.words[-1:] and (not own or squashed(own) in names):
            yield member.path
    yield from (one.member.path for one in arns(client, name, made)[:1] if one.score >= _FITS and not one.member.many)


def _narrows(member: Member, each: tuple[str, ...]) -> bool:
    """Whether a call with this member deletes a version alone."""
    if member.depth or member.required or any(member.path in text for text in each):
        return False
    return bool(_VERSIONS & set(bare(member.words))) and not {"current", "expected", "last"} & set(member.words)
