"""What became of a canary."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from ownertag.rollout.prove.hops import Hop, Latency


class Place(Struct, frozen=True, order=True):
    """An account and a Region."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account} {self.region}"


class Ending(StrEnum):
    """How a canary ended.

    Lost is one that was created and had no owner tag when the time was over. Not measured is all else: it could not be
    created, or it could not be seen to the end.
    """

    TAGGED = "tagged"
    LOST = "lost"
    NOT_MEASURED = "not-measured"


class SeenLast(StrEnum):
    """Where a lost canary was seen last."""

    FUNCTION = "function"
    QUEUES = "queues"
    NOWHERE = "nowhere"
    NOT_KNOWN = "not-known"


class Trail(Struct, frozen=True):
    """Where a lost canary was seen last, and what is known of it there."""

    seen_last: SeenLast
    detail: str


class CanaryResult(Struct, frozen=True):
    """What became of one canary.

    Attributes:
        place: Where it was.
        round: In which round, from 1.
        ending: How it ended.
        latencies: Of each hop that is known.
        reason: Why it was not measured, or why not every hop of it.
        trail: Of a lost one, where it was seen last.
        left: Why its placement group could not be deleted, if it could not.
        again: Of one that was not measured: whether another round may go better.
    """

    place: Place
    round: int
    ending: Ending
    latencies: Mapping[Hop, Latency] = {}
    reason: str = ""
    trail: Trail | None = None
    left: str = ""
    again: bool = True
