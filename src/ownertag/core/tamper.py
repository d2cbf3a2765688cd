"""Who changed a protected tag: records of tag calls that touch our keys and are not our own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from ownertag.core.match import resource
from ownertag.core.records import Identity, Record, partition_of
from ownertag.core.resolve import principal_of
from ownertag.core.rows import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.tag_calls import tag_call
from ownertag.core.values import Owner, Resource, TagPairs

#: EC2 takes no more resources in a call (doc: CreateTags); a record that names more is cut, and says so.
MAX_RESOURCES = 1000


class Tampering(Struct, frozen=True):
    """Protected keys that somebody wrote or removed, and on what.

    `values` has the keys as the settings spell them, with the value that was written, None where the tag was removed.
    `unknown` are ids whose type the catalogue does not have.
    """

    record: Record
    values: dict[str, str | None]
    resources: tuple[Resource, ...]
    unknown: tuple[str, ...] = ()


class Finding(Struct, frozen=True):
    """One protected key of one resource that somebody changed: from what, to what, and how it is put right.

    `old` is what we wrote, None where nobody knows; `new` is None where the tag was removed. `restore` is the command
    that puts our owner back; None where we know of none, or where it was put back already: what a creation brings is
    `overwritten` by us at once.
    """

    account: str
    region: str
    arn: str
    key: str
    old: str | None
    new: str | None
    by: str
    event_id: str
    at: datetime
    restore: str | None = None
    overwritten: bool = False


class NotTampering(Struct, frozen=True):
    """A tag call that needs no finding, and why."""

    reason: str


def tampering(record: Record, catalogue: Catalogue, settings: Settings) -> Tampering | NotTampering | None:
    """What a record of a tag call did to our tags; None for a record of any other call.

    Ours is only the tagger's role of the same account, by its full ARN: a role of that name elsewhere is somebody
    else's (T32).
    """
    call = tag_call(record)
    if call is None:
        return None
    if record.error_code:
        return NotTampering("the call failed")
    touched = call.touches(frozenset(settings.tags))
    if not touched:
        return NotTampering("it touches no protected key")
    if is_ours(record, settings):
        return NotTampering("it is our own")
    given = {key.casefold(): value for key, value in call.tags.items()}
    values = {key: given.get(key.casefold()) if call.writes else None for key in sorted(touched)}
    resources: list[Resource] = []
    unknown: list[str] = []
    for id_ in call.ids[:MAX_RESOURCES]:
        kind = next((each for each in catalogue.types.values() if each.id.fullmatch(id_)), None)
        if kind is None:
            unknown.append(id_)
        else:
            resources.append(resource(kind, id_, record))
    return Tampering(record, values, tuple(resources), (*unknown, *call.ids[MAX_RESOURCES:]))


def findings(tampered: Tampering, owners: Mapping[str, tuple[Owner, TagPairs]]) -> tuple[Finding, ...]:
    """A finding for each key of each resource. What was written is what we had written: then nothing was changed.

    Args:
        tampered: What the record says.
        owners: By ARN, whose a resource is and which tags say so, as far as the ledger knows it.
    """
    record = tampered.record
    by = principal_of(record.identity)
    found = []
    for each in tampered.resources:
        known = owners.get(each.arn)
        ours = dict(known[1]) if known else {}
        restore = restoring(each.arn, known[0].name) if known else None
        found += [
            Finding(
                record.account,
                record.region,
                each.arn,
                key,
                ours.get(key),
                value,
                by,
                record.event_id,
                record.created_at,
                restore,
            )
            for key, value in tampered.values.items()
            if value is None or value != ours.get(key)
        ]
    return tuple(found)


def restoring(arn: str, owner: str) -> str:
    """The command that writes an owner's tags again."""
    return f"ownertag transfer {arn} --to {shlex.quote(owner)} --reason 'put back what was changed'"


def is_ours(record: Record, settings: Settings) -> bool:
    """Whether the tagger of the record's own account made the call."""
    partition = partition_of(record.region)
    return role_of(record.identity) == f"arn:{partition}:iam::{record.account}:role/{settings.limits.role_name}"


def role_of(identity: Identity | None) -> str | None:
    """The ARN of the role behind a session, as CloudTrail gives it."""
    context = identity.session_context if identity else None
    issuer = context.session_issuer if context else None
    return issuer.arn if issuer else None
