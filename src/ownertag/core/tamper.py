"""Detects who changed a protected tag: reads records of tag calls, and finds those that touch our keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct

from ownertag.core.arn import is_arn, partition_of, role_arn
from ownertag.core.catalogue_types import Catalogue, ResourceType
from ownertag.core.findings import (
    MAX_BY,
    MAX_CHANGES,
    MAX_ID,
    UNKNOWN_RESOURCE,
    TagChange,
    TamperFinding,
    truncated_changes,
)
from ownertag.core.owner.principal import principal_of
from ownertag.core.recognize import recognize
from ownertag.core.record_ids import resource
from ownertag.core.records import Record, role_of
from ownertag.core.settings import Settings
from ownertag.core.tag_calls import TagCall, tag_call
from ownertag.core.values import Owner, TagPairs


class Named(Struct, frozen=True):
    """A resource as a tag call names it: `arn` is None where the catalogue has no type with such ids.

    `others` are the ARNs that it may have as well, where an id or name fits several types. `longer` are the types of
    which it may be the last part of an id alone: a role is tagged by its name, without its path.
    """

    id: str
    arn: str | None
    others: tuple[str, ...] = ()
    longer: tuple[str, ...] = ()


class Tampering(Struct, frozen=True):
    """A tag call of somebody else that touches our keys, or removes every tag."""

    record: Record
    call: TagCall


class NotTampering(Struct, frozen=True):
    """A tag call that needs no finding, and why."""

    reason: str


def detect_tampering(record: Record, catalogue: Catalogue, settings: Settings) -> Tampering | NotTampering | None:
    """What a record of a tag call did to our tags; None for a record of any other call.

    Ours is only the tagger's role of the same account, by its full ARN: a role of that name elsewhere is somebody
    else's (T32).
    """
    call = tag_call(record, catalogue.tag_calls)
    if call is None:
        return None
    if record.error_code:
        return NotTampering("the call failed")
    if is_taggers_call(record, settings):
        return NotTampering("it is our own")
    if call.omitted:
        return Tampering(record, call)
    if not call.touches(frozenset(settings.tags)):
        return NotTampering("it touches no protected key")
    if not call.ids:
        return NotTampering("it names no resource")
    return Tampering(record, call)


#: Of so few types an id is tried with each; of more, which are EC2's, it fits no two.
_FEW = 16


def named(tampering: Tampering, catalogue: Catalogue) -> Iterator[Named]:
    """The resources that a call names, in its order: by ARNs, ids or names, of the types that such a call tags."""
    types = _types(catalogue, tampering)
    record = tampering.record
    matches, by_group = _matcher(types) if len(types) > _FEW else (None, {})
    longer = _longer(types, tampering, catalogue)
    for text in tampering.call.ids:
        if is_arn(text):
            yield Named(text, _arn(text, catalogue, record))
            continue
        id_ = text.rpartition("/")[2] if "://" in text else text.removeprefix("/")
        if matches:
            found = matches(id_)
            fitting = [by_group[found.lastgroup]] if found and found.lastgroup else []
        else:
            fitting = [type_ for type_ in types if type_.id.fullmatch(id_)]
        arns = [resource(type_, id_, record).arn for type_ in fitting]
        yield Named(text, arns[0] if arns else None, tuple(arns[1:]), longer)


def _longer(types: tuple[ResourceType, ...], tampering: Tampering, catalogue: Catalogue) -> tuple[str, ...]:
    """The types whose ids may have something before the name that the call takes."""
    apis = (catalogue.tag_apis.get(name) for name in tampering.call.form.apis)
    if not any(api.value == "{name}" for api in apis if api):
        return ()
    return tuple(type_.name for type_ in types if "/" in type_.id_form)


def _types(catalogue: Catalogue, tampering: Tampering) -> tuple[ResourceType, ...]:
    """The types that a call can be about: those that it tags, else those of its service, else all."""
    apis = {**catalogue.watched, **catalogue.tag_apis}
    of_call = [apis[name] for name in tampering.call.form.apis if name in apis]
    for wanted in (
        {api.name for api in of_call},
        {api.name for api in apis.values() if api.event_source in {one.event_source for one in of_call}},
    ):
        if types := tuple(type_ for type_ in catalogue.types.values() if type_.tag_api in wanted):
            return types
    return tuple(catalogue.types.values())


def _arn(arn: str, catalogue: Catalogue, record: Record) -> str | None:
    """The resource's own ARN, where it is of a type, and of the record's account and Region as far as it says."""
    found = recognize(arn, catalogue)
    if found is None or found.account not in {"", record.account}:
        return None
    return found.resource.arn if found.region in {"", record.region} else None


@lru_cache(maxsize=64)
def _matcher(
    types: tuple[ResourceType, ...],
) -> tuple[Callable[[str], re.Match[str] | None], dict[str, ResourceType]]:
    """All types as one expression, and which group of it is which: ten thousand made-up ids must cost little."""
    groups = {f"t{number}": type_ for number, type_ in enumerate(types)}
    union = "|".join(f"(?P<{group}>{type_.id.pattern})" for group, type_ in groups.items())
    return re.compile(union, re.ASCII).fullmatch, groups


class KnownTags(Struct, frozen=True):
    """Whose a resource is by the ledger, and which tags say so; `written`: they were written, and not only decided."""

    owner: Owner
    tags: TagPairs
    written: bool = True


def finding_of(
    tampering: Tampering, resources: Iterable[Named], owners: Mapping[str, KnownTags], settings: Settings
) -> TamperFinding | NotTampering:
    """The finding of a record, or why there is none.

    To write a key of ours is a finding, unless it has our value already wherever it was written. To remove one is a
    finding where we are known to have written it: with a value given, EC2 removes only what has that value; a key in
    another letter case is another tag (doc: DeleteTags, tag restrictions).

    Args:
        tampering: The tag call.
        resources: The resources that it names.
        owners: By ARN, what the ledger knows of a resource.
        settings: Which keys are ours.
    """
    call = tampering.call
    if call.omitted:
        hidden = next(iter(resources), Named(UNKNOWN_RESOURCE, None))
        whose = owners.get(hidden.arn) if hidden.arn else None
        return _finding(tampering, hidden, len(call.ids), (), whose.owner.name if whose else None)
    written = _written(call, settings)
    keys: dict[str, None] = {}
    first: Named | None = None
    first_known = False
    count = 0
    for named_resource in resources:
        known = owners.get(named_resource.arn) if named_resource.arn else None
        ours = dict(known.tags) if known else {}
        # What is only decided will be written: the same value changes nothing.
        changed = [key for key, value in written.items() if ours.get(key) != value]
        if known is not None and known.written:
            changed += [key for key, value in ours.items() if call.removes(key, value)]
        if not changed:
            continue
        keys |= dict.fromkeys(changed)
        count += 1
        if first is None or (known and not first_known):
            first, first_known = named_resource, known is not None
    if first is None:
        return NotTampering(
            "it writes what is there already" if written else "it removes nothing that we are known to have written"
        )
    known = owners.get(first.arn) if first.arn else None
    ours = dict(known.tags) if known and known.written else {}
    changes = tuple(TagChange(key, ours.get(key), written.get(key)) for key in keys)
    return _finding(tampering, first, count, changes, known.owner.name if known else None)


def _written(call: TagCall, settings: Settings) -> dict[str, str]:
    """The keys of ours that a call writes, and those that only differ in letter case: a policy takes both for one.

    Ours come first. What has no value has an empty one (doc: CreateTags).
    """
    ours = {key.casefold() for key in settings.tags}
    named = [key for key in call.written if key.casefold() in ours]
    named.sort(key=lambda key: key not in settings.tags)
    return {key: call.written[key] or "" for key in named}


def _finding(
    tampering: Tampering, first: Named, count: int, changes: tuple[TagChange, ...], owner: str | None
) -> TamperFinding:
    record = tampering.record
    return TamperFinding(
        record.account,
        record.region,
        first.arn or first.id[:MAX_ID],
        count,
        truncated_changes(changes),
        principal_of(record.identity)[:MAX_BY],
        record.event_id,
        record.created_at,
        owner,
        first.arn is not None,
        max(0, len(changes) - MAX_CHANGES),
        omitted=tampering.call.omitted,
    )


def is_taggers_call(record: Record, settings: Settings) -> bool:
    """Whether the tagger of the record's own account made the call."""
    tagger = role_arn(partition_of(record.region), record.account, settings.hub.tagger_role)
    return role_of(record.identity) == tagger
