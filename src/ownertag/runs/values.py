"""What the file of a backfill keeps. All times are in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from ownertag.core.backfill.found import FoundResource, State, Unlisted
from ownertag.core.backfill.plan import PlanRow
from ownertag.core.ownership import ResourceKey
from ownertag.core.values import TagPairs


class BackfillRun(Struct, frozen=True):
    """A run: what it is about. A run with the same `scope` that has not ended goes on; another one begins anew.

    Attributes:
        id: Its name, which no other run has.
        scope: What was asked for, in words that are the same for the same (organization, accounts, Regions, source).
        plan: A hash of the plan file that was handed back; empty where there was none.
    """

    id: str
    began: datetime
    scope: str
    plan: str = ""
    ended: datetime | None = None


class ListedPlace(Struct, frozen=True):
    """What was found in an account and Region: how many of each state, and what could not be listed."""

    at: datetime
    states: Mapping[State, int] = {}
    unlisted: tuple[Unlisted, ...] = ()


class KeptResource(Struct, frozen=True):
    """A resource that has no right owner tag, how it stands, and when it was looked at."""

    found: FoundResource
    state: State
    at: datetime


class KeptRecord(Struct, frozen=True):
    """A record that names resources of the run: its JSON, where it was read, and by which source.

    `ends`: it deleted them.
    """

    account: str
    region: str
    event_id: str
    at: datetime
    ends: bool
    source: str
    place: str
    data: bytes
    resources: tuple[ResourceKey, ...]


class Candidate(Struct, frozen=True):
    """A record that names a resource, without its JSON."""

    event_id: str
    at: datetime
    ends: bool
    source: str
    place: str
    refused: str = ""


class JournalEntry(Struct, frozen=True):
    """What was ordered for a resource, and what became of it.

    Attributes:
        before: Its values of our keys before the first order; None: it had no such tag.
        written: The tags that the order writes, or, where there is an answer, that were written.
        at: When it was ordered last.
        outcome: As of a result; None: no answer came yet. `given`: the tags of an edited line were written as well.
        restored: What became of it when the run was undone; None: it was not.
    """

    key: ResourceKey
    event_id: str
    before: Mapping[str, str | None]
    written: TagPairs
    at: datetime
    outcome: str | None = None
    reason: str = ""
    owner: str = ""
    given: str = ""
    restored: str | None = None
    restored_reason: str = ""


__all__ = [
    "BackfillRun",
    "Candidate",
    "JournalEntry",
    "KeptRecord",
    "KeptResource",
    "ListedPlace",
    "PlanRow",
]
