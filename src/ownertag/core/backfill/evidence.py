"""Of all that tells who made a resource the best: a record, then the resource's own word, then the account's owner.

Several records can name a resource: a name is used again, and a call that changes what is there has the same shape as
one that makes it. Those of its present life count, of these the first. What does not say the same is listed: a person
has to look at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from ownertag.core.backfill.found import FoundResource
from ownertag.core.owner.carried import NOT_SEEN
from ownertag.core.ownership import end_of
from ownertag.core.records import WORD_SOURCE
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Creation, Owner

#: How far a service's own date of a creation and its record's time lie apart at most: many give the day alone.
NEAR = timedelta(days=1)


class Evidence(StrEnum):
    """What names the owner of something that nobody saw being made, the best first."""

    RECORD = "record"
    WORD = "word"
    GUESS = "guess"
    NOTHING = "nothing"


def evidence_of(owner: Owner, event_source: str) -> Evidence:
    """What an owner rests on.

    Args:
        owner: As it was decided.
        event_source: Of the record by which it was.
    """
    if owner.confidence is Confidence.NONE or owner.evidence == NOT_SEEN:
        return Evidence.NOTHING
    if event_source != WORD_SOURCE:
        return Evidence.RECORD
    return Evidence.GUESS if owner.confidence is Confidence.ACCOUNT else Evidence.WORD


def first_of_life(
    found: FoundResource, creations: Iterable[Creation], deletions: tuple[datetime, ...], now: datetime
) -> Creation | None:
    """The creation that made a living resource, of all whose records name it; None where none is of its present life.

    Args:
        found: The resource.
        creations: Those that name it, in any order.
        deletions: When resources of this name were deleted, the earliest first.
        now: When it was found.
    """
    made = [
        creation
        for creation in creations
        if any(resource.arn == found.resource.arn for resource in creation.resources)
        and creation.record.account == found.account
        and creation.record.created_at <= now
        and (end_of(creation.record.created_at, deletions) or now) >= now
        and not _before(creation, found.made_at)
    ]
    return min(made, key=lambda creation: (creation.record.created_at, creation.record.event_id), default=None)


def _before(creation: Creation, made_at: datetime | None) -> bool:
    """Whether a record is so much older than the resource that it made another of this name, whose end is not known."""
    return made_at is not None and made_at - creation.record.created_at > NEAR


class Conflict(Struct, frozen=True):
    """That something else names another owner: what it is (`owner-tag`, `record`, `word`), and the name."""

    source: str
    name: str


def conflicts(
    owner: Owner, found: FoundResource, settings: Settings, others: Iterable[tuple[str, Owner]] = ()
) -> tuple[Conflict, ...]:
    """What names another owner than the one that was decided: the owner tag that is there, and `others`.

    Args:
        owner: As it was decided.
        found: The resource, with the tags that it carries.
        settings: Which key holds the owner's name.
        others: (What it is, whom it names), such as the resource's word where a record decided.
    """
    said: list[tuple[str, str]] = []
    carried = (found.tags or {}).get(settings.owner_key or "")
    if carried:
        said.append(("owner-tag", carried))
    said += ((source, other.name) for source, other in others if other.confidence is not Confidence.NONE)
    return tuple(dict.fromkeys(Conflict(source, name) for source, name in said if name != owner.name))
