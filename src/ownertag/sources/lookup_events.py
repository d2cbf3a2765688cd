"""Calls LookupEvents, and bounds how often: a scarce call, which `aws.pacing` lets through.

Source: CloudTrail API reference, LookupEvents (2 calls a second, 50 events a page, one attribute a call, newest first).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import NO_TIME, unavailable
from ownertag.core.parse import parse_record
from ownertag.core.records import Arrival, Record
from ownertag.core.values import Failure, OutcomeKind, Unavailable

#: A page holds at most so many events.
PAGE = 50
#: How many pages are read for one answer, and how many for all of a batch in one account and Region: at two a second,
#: more would take the time of others.
MAX_PAGES = 5
MAX_CALLS = 20

TOO_MANY = Unavailable(
    OutcomeKind.THROTTLED, "there is more to look up in CloudTrail than two calls a second can answer"
)
_CUT_SHORT = Unavailable(OutcomeKind.FAILED, "CloudTrail has more records of that time than can be read")


class LookupEvents:
    """Calls LookupEvents in any account and Region.

    Args:
        sessions: Where the clients come from.
        expired: True once there is no time left for another call.
    """

    def __init__(self, sessions: Sessions, expired: Callable[[], bool]) -> None:
        self._sessions = sessions
        self._expired = expired
        #: How many were made in this round. Threads may work for Regions of one account at once: then a call or two
        #: more than the bounds may be made.
        self.calls: dict[tuple[str, str], int] = defaultdict(int)
        self._throttled: dict[tuple[str, str], Unavailable] = {}

    def begin(self) -> None:
        """Begins a new round of questions: what was throttled may be asked again."""
        self.calls.clear()
        self._throttled.clear()

    def records(
        self, account: str, region: str, key: str, value: str, window: tuple[datetime, datetime]
    ) -> list[Record] | Unavailable:
        """All records of a window with this attribute, the newest first."""
        history = self.history(account, region, key, value, window)
        if isinstance(history, Unavailable):
            return history
        records, more = history
        return _CUT_SHORT if more else records

    def history(
        self, account: str, region: str, key: str, value: str, window: tuple[datetime, datetime] | None = None
    ) -> tuple[list[Record], bool] | Unavailable:
        """(Records with this attribute, the newest first; whether there are more). What is no record is left out."""
        place = (account, region)
        wanted = self.wanted(key, value, window)
        found: list[Record] = []
        for _ in range(MAX_PAGES):
            page = self.page(place, wanted)
            if isinstance(page, Unavailable):
                return page
            found += records_of(page, account)
            if not page.get("NextToken"):
                return found, False
            wanted["NextToken"] = page["NextToken"]
        return found, True

    @staticmethod
    def wanted(key: str, value: str, window: tuple[datetime, datetime] | None) -> dict[str, Any]:
        """The parameters of a call that lists the events with an attribute, of a window or of all 90 days."""
        wanted: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}],
            "MaxResults": PAGE,
        }
        return wanted | {"StartTime": window[0], "EndTime": window[1]} if window else wanted

    def page(self, place: tuple[str, str], wanted: dict[str, Any]) -> dict[str, Any] | Unavailable:
        """One call in an account and Region, unless one there was throttled or there were too many."""
        if place in self._throttled:
            return self._throttled[place]
        if self._expired():
            return NO_TIME
        if self.calls[place] >= MAX_CALLS:
            return TOO_MANY
        self.calls[place] += 1
        account, region = place
        page: dict[str, Any] | Failure = self._sessions.call(
            "cloudtrail", account, region, lambda client: client.lookup_events(**wanted)
        )
        if isinstance(page, Failure):
            answer = unavailable(page, region)
            if answer.outcome is OutcomeKind.THROTTLED:
                self._throttled[place] = answer
            return answer
        return page


def records_of(page: dict[str, Any], account: str) -> list[Record]:
    """The account's records of a page. What can't be read as a record is left out."""
    reads = (
        parse_record(str(event.get("CloudTrailEvent", "")).encode(), "lookup", account)
        for event in page.get("Events", ())
    )
    return [read.record for read in reads if isinstance(read, Arrival) and read.record.account == account]
