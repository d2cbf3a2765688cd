"""Finds the record of a resource's creation among those that CloudTrail lists for it.

A record counts by the field in which its call names what it makes or deletes (`ParentCall`), never by what stands
elsewhere in it: a group may use a launch configuration, or carry a tag, that has another group's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ownertag.core.parameters import parameters_of
from ownertag.core.parent_kinds import ParentCall
from ownertag.core.parents import Parent
from ownertag.core.paths import Path, all_hold, values_at
from ownertag.core.records import Record
from ownertag.core.values import OutcomeKind, Unavailable

#: No call repeats this: what is older than the part that could be read stays unread.
CUT = Unavailable(
    OutcomeKind.FAILED, "CloudTrail has more records of it than can be read, and its creation is not among them"
)
OMITTED = Unavailable(OutcomeKind.FAILED, "CloudTrail left out of a record what would tell whether it made this")


def creation_record_of(parent: Parent, records: Iterable[Record], cut: bool = False) -> Record | Unavailable | None:
    """The record of the call that made a resource: the first since it was last deleted; None if none is there.

    Args:
        parent: The resource.
        records: What CloudTrail lists under a name of it, the newest first.
        cut: Whether there are older ones that were not read. Only a deletion among those that were tells that what came
            before does not matter.
    """
    kind = parent.kind
    makes, deletes = ({call.event: call for call in calls} for calls in (kind.made_by, kind.deleted_by))
    found: Record | None = None
    omitted, whole = False, not cut
    for record in reversed(list(records)):
        if record.error_code or record.event_source != kind.source:
            continue
        if (call := deletes.get(record.event_name)) and _deletes(record, call, parent):
            found, omitted, whole = None, False, True
        elif call := makes.get(record.event_name):
            document = parameters_of(record)
            if not all_hold(call.when, document):
                continue
            if _names(document, call, parent):
                found = found or record
            omitted = omitted or (found is None and _left_out(document, call))
    if omitted and (found is None or kind.deleted_by):  # an id that is never given again was made by one call alone
        return OMITTED
    return found if whole else CUT


def _deletes(record: Record, call: ParentCall, parent: Parent) -> bool:
    """Whether a call ended this one. One that names it by an id unknown here counts: it is listed under its name."""
    document = parameters_of(record)
    return all_hold(call.when, document) and (not _at(document, call.names[-1]) or _names(document, call, parent))


def _names(document: dict[str, Any], call: ParentCall, parent: Parent) -> bool:
    *around, own = [_at(document, paths) for paths in call.names]
    return any(parent.is_named([*(values[0] if values else None for values in around), name]) for name in own)


def _at(document: dict[str, Any], paths: Iterable[Path]) -> list[str]:
    found = (values_at(document, path) for path in paths)
    texts = ([value for value in values if isinstance(value, str)] for values in found)
    return next((names for names in texts if names), [])


def _left_out(document: dict[str, Any], call: ParentCall) -> bool:
    """Whether the part that would hold the name was too large for the record (CloudTrail: above 100 KB)."""
    parts = {path[0] for paths in call.names for path in paths}
    marks = (mark for part in parts for mark in values_at(document, (part, "omitted")))
    return any(mark is True or (isinstance(mark, str) and mark.lower() == "true") for mark in marks)
