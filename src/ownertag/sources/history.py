"""Reads all records of a call from CloudTrail's own 90 days, in any account and Region: for what was not delivered.

Source: CloudTrail API reference, LookupEvents (two calls a second for each account and Region, 50 events a page, one
attribute a call, 90 days, errors); records lag by up to 15 minutes. What was not read to its end is never an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from ownertag.aws.sessions import Sessions
from ownertag.core.history import KEPT_FOR, LAG, Window
from ownertag.core.judge import NO_TIME, unavailable
from ownertag.core.parse import parse_record
from ownertag.core.records import Arrival
from ownertag.core.values import Failure, OutcomeKind, Refusal, Unavailable
from ownertag.sources.lookup_events import LookupEvents

#: How often a window is read from its beginning, since a page's token was refused.
TRIES = 3

TOO_OLD = Unavailable(OutcomeKind.FAILED, "CloudTrail's own records go back 90 days, and the time begins before that")
NOT_ALL_YET = Unavailable(
    OutcomeKind.NOT_READY, "CloudTrail may not show all records of that time yet, which may take 15 minutes"
)
_EXPIRED = Unavailable(OutcomeKind.FAILED, "CloudTrail refused its own page tokens, each time from the beginning")

#: A call's event: its source, its name.
Event = tuple[str, str]


class EventHistory:
    """Records of any account and Region, by the name of their event. Threads may share it.

    Args:
        sessions: Where the clients come from; their pacing keeps to two calls a second for each account and Region.
        now: Gives the time, with a time zone.
        expired: True once there is no time left for another call.
    """

    def __init__(
        self, sessions: Sessions, now: Callable[[], datetime], expired: Callable[[], bool] = lambda: False
    ) -> None:
        self._sessions = sessions
        self._now = now
        self._expired = expired

    def records(self, account: str, region: str, event: Event, window: Window) -> Sequence[Arrival] | Unavailable:
        """All records of an event in a window, the newest first; unavailable where not all can be read.

        What another account is the recipient of is that account's, and is left out.
        """
        start, end = window
        now = self._now()
        if start < now - KEPT_FOR:
            return TOO_OLD
        if end > now - LAG:
            return NOT_ALL_YET
        wanted = LookupEvents.wanted("EventName", event[1], window)
        for _ in range(TRIES):
            events = self._pages(account, region, wanted)
            if not isinstance(events, Failure):
                return events if isinstance(events, Unavailable) else _arrivals(events, account, region, event)
            if events.code != "InvalidNextTokenException":
                return unavailable(events, region)
        return _EXPIRED

    def _pages(self, account: str, region: str, wanted: dict[str, Any]) -> list[dict[str, Any]] | Failure | Unavailable:
        """The events of all pages, or why one of them could not be read."""
        events: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            if self._expired():
                return NO_TIME
            page = self._page(account, region, wanted | token)
            if isinstance(page, Failure):
                return page
            events += page.get("Events", ())
            if not page.get("NextToken"):
                return events
            token = {"NextToken": page["NextToken"]}

    def _page(self, account: str, region: str, wanted: dict[str, Any]) -> dict[str, Any] | Failure:
        return self._sessions.call("cloudtrail", account, region, lambda client: client.lookup_events(**wanted))


def _arrivals(events: Iterable[dict[str, Any]], account: str, region: str, event: Event) -> list[Arrival] | Unavailable:
    """The records of these events, each once; unavailable where one can't be read, which could be a creation."""
    found: dict[str, Arrival] = {}
    for number, shown in enumerate(events):
        if shown.get("EventSource", event[0]) != event[0]:  # one name belongs to many services
            continue
        id_ = str(shown.get("EventId") or number)
        read = parse_record(str(shown.get("CloudTrailEvent", "")).encode(), f"{account} {region} {id_}", account)
        if isinstance(read, Refusal):
            return Unavailable(OutcomeKind.FAILED, f"a record that CloudTrail shows can't be read: {read.detail}")
        record = read.record
        if record.account == account and (record.event_source, record.event_name) == event:
            found.setdefault(record.event_id, read)
    return list(found.values())
