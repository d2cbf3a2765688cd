"""Findings of changed tags: one for a record, with a limit to every text that strangers can choose."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.ownership import ResourceKey

#: Changed keys that a finding holds; a resource has no more tags (doc: EC2, tag restrictions).
MAX_CHANGES = 50
#: Characters of a key and a value (doc: EC2, tag restrictions), of an id (EC2's are shorter), and of who called: in a
#: user's ARN the path has 512, and all else less (doc: IAM quotas).
MAX_KEY, MAX_VALUE, MAX_ID, MAX_BY = 128, 256, 64, 1024
#: What stands for a resource where CloudTrail left out which ones were named.
UNKNOWN_RESOURCE = "unknown"


class TagChange(Struct, frozen=True):
    """A key, as the call spells it; the value that we wrote, None where nobody knows; the new one, None if removed."""

    key: str
    old: str | None
    new: str | None


class TamperFinding(Struct, frozen=True):
    """What one record changed of protected tags.

    `resource` is the first that was changed, of those whose owner the ledger knows if there is one: its ARN, or its id
    where `typed` says that the catalogue has no such type. `resources` counts all that were changed. `changes` holds
    every key that was, with the old value of that first one, `more_changes` how many do not fit. `owner` is whose it
    is by the ledger, None where that knows none. `overwritten`: it came with a creation, or stood on what one made, and
    ours is written over it.
    `omitted`: CloudTrail left out what was changed. `test`: the canary caused it.
    """

    account: str
    region: str
    resource: str
    resources: int
    changes: tuple[TagChange, ...]
    by: str
    event_id: str
    at: datetime
    owner: str | None = None
    typed: bool = True
    more_changes: int = 0
    overwritten: bool = False
    omitted: bool = False
    test: bool = False

    @property
    def key(self) -> ResourceKey:
        """The key by which the ledger keeps it."""
        return ResourceKey(self.account, self.region, self.resource)


def merged(first: TamperFinding | None, second: TamperFinding | None) -> TamperFinding | None:
    """Two findings of one record as one: what the first names, with the changes of both."""
    if first is None or second is None:
        return first or second
    changes = tuple(dict.fromkeys((*first.changes, *second.changes)))
    more = first.more_changes + second.more_changes + max(0, len(changes) - MAX_CHANGES)
    return replace(
        first,
        resources=max(first.resources, second.resources),
        changes=changes[:MAX_CHANGES],
        more_changes=more,
        overwritten=first.overwritten and second.overwritten,
    )


def truncated_changes(changes: tuple[TagChange, ...]) -> tuple[TagChange, ...]:
    """As much of the changes as a finding holds. AWS takes no longer keys and values; a record could hold them."""
    return tuple(
        TagChange(change.key[:MAX_KEY], change.old and change.old[:MAX_VALUE], change.new and change.new[:MAX_VALUE])
        for change in changes[:MAX_CHANGES]
    )
