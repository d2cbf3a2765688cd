"""Who changed a protected tag: records of tag calls that touch our keys and are not our own.

A record is one finding at most, however many keys and resources it names: whoever may call could make thousands of
each with one call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct

from ownertag.core.findings import MAX_BY, MAX_CHANGES, MAX_ID, UNKNOWN_RESOURCE, Finding, TagChange, fit
from ownertag.core.match import resource
from ownertag.core.records import Record, partition_of, role_of
from ownertag.core.resolve import principal_of
from ownertag.core.rows import Catalogue, ResourceType
from ownertag.core.settings import Settings
from ownertag.core.tag_calls import TagCall, tag_call
from ownertag.core.values import Owner, TagPairs


class Named(Struct, frozen=True):
    """A resource as a tag call names it: `arn` is None where the catalogue has no type with such ids."""

    id: str
    arn: str | None


class Tampering(Struct, frozen=True):
    """A tag call of somebody else that touches our keys, or removes every tag."""

    record: Record
    call: TagCall


class NotTampering(Struct, frozen=True):
    """A tag call that needs no finding, and why."""

    reason: str


def tampering(record: Record, settings: Settings) -> Tampering | NotTampering | None:
    """What a record of a tag call did to our tags; None for a record of any other call.

    Ours is only the tagger's role of the same account, by its full ARN: a role of that name elsewhere is somebody
    else's (T32).
    """
    call = tag_call(record)
    if call is None:
        return None
    if record.error_code:
        return NotTampering("the call failed")
    if is_ours(record, settings):
        return NotTampering("it is our own")
    if call.omitted:
        return Tampering(record, call)
    if not call.touches(frozenset(settings.tags)):
        return NotTampering("it touches no protected key")
    if not call.ids:
        return NotTampering("it names no resource")
    return Tampering(record, call)


def named(tampered: Tampering, catalogue: Catalogue) -> Iterator[Named]:
    """The resources that a call names, in its order."""
    matches, types = _matcher(tuple(each for each in catalogue.types.values() if each.service == "ec2"))
    for id_ in tampered.call.ids:
        found = matches(id_)
        kind = types[found.lastgroup] if found and found.lastgroup else None
        yield Named(id_, resource(kind, id_, tampered.record).arn if kind else None)


@lru_cache(maxsize=4)
def _matcher(
    types: tuple[ResourceType, ...],
) -> tuple[Callable[[str], re.Match[str] | None], dict[str, ResourceType]]:
    """All types as one expression, and which group of it is which: ten thousand made-up ids must cost little."""
    named = {f"t{number}": each for number, each in enumerate(types)}
    union = "|".join(f"(?P<{name}>{each.id.pattern})" for name, each in named.items())
    return re.compile(union, re.ASCII).fullmatch, named


def finding_of(
    tampered: Tampering,
    resources: Iterable[Named],
    owners: Mapping[str, tuple[Owner, TagPairs]],
    settings: Settings,
) -> Finding | NotTampering:
    """The finding of a record, or why there is none.

    To write a key of ours is one, unless it has our value already wherever it was written. To remove one is, where we
    are known to have written it: with a value given, EC2 removes only what has that value; a key in another letter
    case is another tag (doc: DeleteTags, tag restrictions).

    Args:
        tampered: What the record says.
        resources: What it names.
        owners: By ARN, whose a resource is and which tags say so, as far as the ledger knows it.
        settings: Which keys are ours.
    """
    call = tampered.call
    if call.omitted:
        return _finding(tampered, Named(UNKNOWN_RESOURCE, None), 0, (), None)
    written = _written(call, settings) if call.writes else {}
    keys: dict[str, None] = {}
    first: Named | None = None
    first_known = False
    count = 0
    for each in resources:
        known = owners.get(each.arn) if each.arn else None
        ours = dict(known[1]) if known else {}
        if call.writes:
            changed = [key for key, value in written.items() if ours.get(key) != value]
        else:
            changed = [key for key, value in ours.items() if _removes(call, key, value)]
        if not changed:
            continue
        keys |= dict.fromkeys(changed)
        count += 1
        if first is None or (known and not first_known):
            first, first_known = each, known is not None
    if first is None:
        return NotTampering(
            "it writes what is there already" if call.writes else "it removes nothing that we are known to have written"
        )
    known = owners.get(first.arn) if first.arn else None
    ours = dict(known[1]) if known else {}
    changes = tuple(TagChange(key, ours.get(key), written.get(key)) for key in keys)
    return _finding(tampered, first, count, changes, known[0].name if known else None)


def _written(call: TagCall, settings: Settings) -> dict[str, str]:
    """The keys of ours that a call writes, and those that only differ in letter case: a policy takes both for one.

    Ours come first. What has no value has an empty one (doc: CreateTags).
    """
    ours = {key.casefold() for key in settings.tags}
    named = [key for key in call.tags if key.casefold() in ours]
    named.sort(key=lambda key: key not in settings.tags)
    return {key: call.tags[key] or "" for key in named}


def _removes(call: TagCall, key: str, value: str) -> bool:
    return call.removes_all or (key in call.tags and call.tags[key] in {None, value})


def _finding(
    tampered: Tampering, first: Named, count: int, changes: tuple[TagChange, ...], owner: str | None
) -> Finding:
    record = tampered.record
    return Finding(
        record.account,
        record.region,
        first.arn or first.id[:MAX_ID],
        count,
        fit(changes),
        principal_of(record.identity)[:MAX_BY],
        record.event_id,
        record.created_at,
        owner,
        first.arn is not None,
        max(0, len(changes) - MAX_CHANGES),
        omitted=tampered.call.omitted,
    )


def is_ours(record: Record, settings: Settings) -> bool:
    """Whether the tagger of the record's own account made the call."""
    partition = partition_of(record.region)
    return role_of(record.identity) == f"arn:{partition}:iam::{record.account}:role/{settings.limits.role_name}"
