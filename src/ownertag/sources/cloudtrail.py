"""Who made something, from CloudTrail's own 90 days: LookupEvents, at most two calls a second in an account and Region.

Source: CloudTrail API reference, LookupEvents (2 calls a second, 50 events a page, one attribute a call, newest first);
records lag by up to 15 minutes. That a creation is listed under its resource's name is memory.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import NO_TIME, unavailable
from ownertag.core.parents import Parent
from ownertag.core.parse import parse_record
from ownertag.core.records import Arrival, Record, partition_of
from ownertag.core.values import Absent, Fact, Failure, Found, OutcomeKind, Question, Unavailable
from ownertag.sources.pace import Pace

CALLS_A_SECOND = 2
#: A page holds at most so many events.
PAGE = 50
#: How many pages are read for one answer, and how many for all of a batch in one account and Region: at two a second,
#: more would take the time of others.
MAX_PAGES = 5
MAX_CALLS = 20
#: So many records are read for one answer.
MOST = PAGE * MAX_PAGES
#: CloudTrail's records are there after this time at the latest, and for so long.
LAG = timedelta(minutes=15)
KEPT_FOR = timedelta(days=90)
#: A session's record has the second in which it was made, or one beside it.
AROUND = timedelta(seconds=5)
#: Windows that lie closer than this are looked up as one.
APART = timedelta(seconds=30)

#: Where the global endpoint of STS is recorded, by partition.
_GLOBAL = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_NULL = Raw(b"null")
_MAX_PART = 16 * 1024

NOT_YET = Unavailable(OutcomeKind.NOT_READY, "CloudTrail shows no record of it yet, which may take 15 minutes")
_MANY = Unavailable(OutcomeKind.THROTTLED, "there is more to look up in CloudTrail than two calls a second can answer")


class _Keys(Struct, frozen=True):
    access_key_id: str = msgspec.field(name="accessKeyId", default="")


class _Given(Struct, frozen=True):
    credentials: _Keys = _Keys()


class CloudTrail:
    """Records of any account and Region.

    Args:
        sessions: Where the clients come from.
        now: Gives the time, with a time zone.
        wait: Waits so many seconds.
        expired: True once there is no time left for another call.
    """

    def __init__(
        self,
        sessions: Sessions,
        now: Callable[[], datetime],
        wait: Callable[[float], None],
        expired: Callable[[], bool] = lambda: False,
    ) -> None:
        self._sessions = sessions
        self._now = now
        self._expired = expired
        self._pace = Pace(CALLS_A_SECOND, now, wait)
        self._calls: dict[tuple[str, str], int] = defaultdict(int)
        self._throttled: dict[tuple[str, str], Unavailable] = {}

    def begin(self) -> None:
        """A new round of questions: what was throttled may be asked again."""
        self._calls.clear()
        self._throttled.clear()

    def maker(self, parent: Parent) -> Record | Unavailable | None:
        """The record of the call that made a resource: the first since it was last deleted."""
        records = self._records(parent.account, parent.region, "ResourceName", parent.name)
        if isinstance(records, Unavailable):
            return records
        found: Record | None = None
        kind = parent.kind
        for record in reversed(records):
            if record.error_code or record.event_source != kind.source or not _names(record, parent):
                continue
            if record.event_name in kind.deleted_by:
                found = None
            elif record.event_name in kind.made_by:
                found = found or record
        return _cut(found) if found else None

    def naming(self, account: str, region: str, name: str) -> list[Record] | Unavailable:
        """The records of calls that touched the resource of this name, the newest first and `MOST` at most."""
        return self._records(account, region, "ResourceName", name)

    def session_makers(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """The AssumeRole records of sessions, by access key; sessions made close together are looked up together."""
        facts: dict[Question, Fact] = {}
        groups: dict[tuple[str, str, str], list[tuple[datetime, str, Question]]] = defaultdict(list)
        for question in questions:
            event, key, made_at = question.value.split(" ")
            time = datetime.fromisoformat(made_at)
            if self._now() - time > KEPT_FOR:
                facts[question] = Absent()
            else:
                groups[question.account, question.region, event].append((time, key, question))
        for (account, region, event), sessions in groups.items():
            for window in _windows(sorted(sessions)):
                facts |= self._window(account, region, event, window)
        return facts

    def _window(
        self, account: str, region: str, event: str, sessions: list[tuple[datetime, str, Question]]
    ) -> dict[Question, Fact]:
        facts: dict[Question, Fact] = {}
        left = {key: (time, question) for time, key, question in sessions}
        for place in dict.fromkeys((region, _GLOBAL.get(partition_of(region), region))):
            if not left:
                break
            start, end = min(time for time, _ in left.values()), max(time for time, _ in left.values())
            records = self._records(account, place, "EventName", event, (start - AROUND, end + AROUND))
            if isinstance(records, Unavailable):
                return facts | {question: records for _, question in left.values()}
            for record in records:
                known = left.pop(_key_given(record), None)
                if known:
                    facts[known[1]] = Found(maker=_cut(record))
        for time, question in left.values():
            facts[question] = NOT_YET if self._now() - time < LAG else Absent()
        return facts

    def _records(
        self, account: str, region: str, key: str, value: str, window: tuple[datetime, datetime] | None = None
    ) -> list[Record] | Unavailable:
        """Records with this attribute, the newest first. What can't be read as a record is left out."""
        place = (account, region)
        wanted: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}],
            "MaxResults": PAGE,
        }
        if window:
            wanted |= {"StartTime": window[0], "EndTime": window[1]}
        found: list[Record] = []
        for _ in range(MAX_PAGES):
            page = self._page(place, wanted)
            if isinstance(page, Unavailable):
                return page
            reads = (
                parse_record(str(event.get("CloudTrailEvent", "")).encode(), "lookup", account)
                for event in page.get("Events", ())
            )
            found += [read.record for read in reads if isinstance(read, Arrival) and read.record.account == account]
            if not page.get("NextToken"):
                return found
            wanted["NextToken"] = page["NextToken"]
        return _MANY if window else found  # of a resource's long history, the newest part is known

    def _page(self, place: tuple[str, str], wanted: dict[str, Any]) -> dict[str, Any] | Unavailable:
        if place in self._throttled:
            return self._throttled[place]
        if self._expired():
            return NO_TIME
        if self._calls[place] >= MAX_CALLS:
            return _MANY
        self._calls[place] += 1
        self._pace.take(place)
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


def _windows(
    sessions: list[tuple[datetime, str, Question]],
) -> Iterable[list[tuple[datetime, str, Question]]]:
    """Sessions in the order of their times, those that are close together as one."""
    window: list[tuple[datetime, str, Question]] = []
    for session in sessions:
        if window and session[0] - window[-1][0] > APART:
            yield window
            window = []
        window.append(session)
    if window:
        yield window


def _names(record: Record, parent: Parent) -> bool:
    """Whether a record's request or response holds the resource's ARN, or all of its names."""
    text = bytes(record.request) + bytes(record.response)

    def holds(part: str) -> bool:
        return json.dumps(part).encode() in text

    return holds(parent.arn) or all(holds(part) for part in parent.parts)


def _key_given(record: Record) -> str:
    try:
        return msgspec.json.decode(record.response, type=_Given).credentials.access_key_id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""


def _cut(record: Record) -> Record:
    """A record without what is not needed any more: responses of STS hold session tokens, others are large (T30)."""
    keeps = record.event_name == "RunInstances" and len(bytes(record.response)) <= _MAX_PART
    request = record.request if len(bytes(record.request)) <= _MAX_PART else _NULL
    return replace(record, request=request, response=record.response if keeps else _NULL, resources=_NULL)
