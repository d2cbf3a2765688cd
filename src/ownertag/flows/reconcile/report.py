"""What was found in a place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

#: An answer names at most so many of each; the counts are of all.
MOST_NAMED = 100
#: Characters of a value that a stranger wrote.
MOST_TEXT = 256


class Missed(Struct, frozen=True):
    """A creation that was never delivered: the ledger had not seen it, and its record was there.

    `outcomes` are the kinds of what became of its resources, each once.
    """

    event_id: str
    event: str
    at: datetime
    owner: str
    resources: tuple[str, ...]
    outcomes: tuple[str, ...]


class Put(Struct, frozen=True):
    """A resource, whose tags were written or would be, and what became of it."""

    arn: str
    owner: str
    outcome: str
    reason: str = ""


class Foreign(Struct, frozen=True):
    """An owner tag that nobody whom the ledger knows wrote; `owner` is whose it is, empty where nobody knows."""

    arn: str
    key: str
    value: str
    owner: str = ""


class NotListed(Struct, frozen=True):
    """What could not be listed there, so that nothing is known of it; no types: all of the place.

    `lasting`: it will be the same next time, since AWS has no such list, or not in this Region.
    """

    types: tuple[str, ...]
    reason: str
    lasting: bool = False


class PlaceReport(Struct, frozen=True, kw_only=True):
    """What was found in an account and Region.

    Attributes:
        listed: How many resources are there.
        right: How many of them carry the ledger's owner.
        missed: Creations that were never delivered.
        adopted: Resources of the last days that no record explains, with an owner by their own word.
        restored: Resources whose tags were the ledger's no longer.
        forged: Owner tags over which the right owner was written, or is to be.
        unexplained: Owner tags of resources that neither ledger nor record knows.
        gone: What the ledger knew as living, and is not there any more.
        unlisted: What could not be listed.
        left: Why something is left to do.
        unknown: Resources that nobody knows, and for which no record was looked for: they are older, or their age is
            not known. They are for `ownertag backfill`.
        observed: Whether the account is observed: then it was only looked at.
        is_done: Whether there was time for all of it; `left` says what is left.
        is_failed: Whether a fault of ours ended it; `left` names the line.
    """

    account: str
    region: str
    listed: int = 0
    right: int = 0
    missed: tuple[Missed, ...] = ()
    adopted: tuple[Put, ...] = ()
    restored: tuple[Put, ...] = ()
    forged: tuple[Foreign, ...] = ()
    unexplained: tuple[Foreign, ...] = ()
    gone: tuple[str, ...] = ()
    unlisted: tuple[NotListed, ...] = ()
    left: tuple[str, ...] = ()
    unknown: int = 0
    observed: bool = False
    is_done: bool = True
    is_failed: bool = False

    @property
    def is_reached(self) -> bool:
        """Whether anything could be listed, or all of it that can be: then nothing is there."""
        return not self.is_failed and (self.listed > 0 or all(one.lasting for one in self.unlisted))

    @property
    def is_notable(self) -> bool:
        """Whether anything was found there, or could not be done."""
        found = (self.missed, self.adopted, self.restored, self.forged, self.unexplained, self.gone, self.left)
        return any(found) or not self.is_reached or not self.is_done


def shortened(report: PlaceReport) -> PlaceReport:
    """The same with at most so many of each, for an answer that Lambda hands out."""
    return replace(
        report,
        missed=report.missed[:MOST_NAMED],
        adopted=report.adopted[:MOST_NAMED],
        restored=report.restored[:MOST_NAMED],
        forged=report.forged[:MOST_NAMED],
        unexplained=report.unexplained[:MOST_NAMED],
        gone=report.gone[:MOST_NAMED],
        left=report.left[:MOST_NAMED],
    )


class Totals(Struct, frozen=True):
    """The sums of many places."""

    places: int = 0
    not_reached: int = 0
    listed: int = 0
    missed: int = 0
    adopted: int = 0
    restored: int = 0
    forged: int = 0
    unexplained: int = 0
    gone: int = 0
    left: int = 0
    unknown: int = 0

    def plus(self, other: Totals) -> Totals:
        """The sum of both."""
        return Totals(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


def totals_of(reports: Iterable[PlaceReport]) -> Totals:
    """The sums of these places."""
    total = Totals()
    for report in reports:
        total = total.plus(
            Totals(
                places=1,
                not_reached=0 if report.is_reached and report.is_done else 1,
                listed=report.listed,
                missed=len(report.missed),
                adopted=len(report.adopted),
                restored=len(report.restored),
                forged=len(report.forged),
                unexplained=len(report.unexplained),
                gone=len(report.gone),
                left=len(report.left),
                unknown=report.unknown,
            )
        )
    return total
