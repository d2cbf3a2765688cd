"""Finds in CloudTrail's own 90 days who made a resource or a session, and which launches there were around a time.

Source: CloudTrail API reference, LookupEvents; records lag by up to 15 minutes. That a creation is listed under its
resource's name is memory. That the call which made a session is listed under the access key that it issued is seen,
among others in output of lookup-events that AWS's workshop on EKS Pod Identity shows; the calls that the session signed
are not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.aws.sessions import Sessions
from ownertag.core.arn import partition_of
from ownertag.core.history import KEPT_FOR, LAG
from ownertag.core.owner.creation_record import CUT, creation_record_of
from ownertag.core.parents import Parent
from ownertag.core.records import Record
from ownertag.core.unnamed_launch import TIME_WINDOW as AROUND_LAUNCH
from ownertag.core.unnamed_launch import launch_record_of
from ownertag.core.values import Absent, Fact, Found, LaunchRecord, OutcomeKind, Question, Unavailable
from ownertag.sources.lookup_events import MAX_PAGES, PAGE, TOO_MANY, LookupEvents, records_of

#: So many records are read for one answer.
MOST = PAGE * MAX_PAGES
#: What may have been launched around a time is looked for so far around it: `unnamed_launch.TIME_WINDOW`, twice.
BESIDE = 2 * AROUND_LAUNCH
#: A session's record has the second in which it was made, or one beside it: between these, all are read.
AROUND = timedelta(seconds=5)
#: What names a session's key, but was called at another time, did not make it: flooding it later hides nothing.
NEAR = timedelta(minutes=1)
#: Of so many sessions of a window each is looked up by its key; of more, the window is read first.
FEW = 3
#: So many calls of a round and an account at most go to Regions in which a session could have been made beside the
#: likely ones.
MAX_ELSEWHERE = 40
MOST_KEYS = 4096
#: Windows that lie closer than this are looked up as one.
APART = timedelta(seconds=30)

#: Where the global endpoint of STS is recorded, by partition.
_GLOBAL = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_STS = "sts.amazonaws.com"
_EVER, _NEVER = (datetime(year, 1, 1, tzinfo=UTC) for year in (1, 9999))
_NULL = Raw(b"null")
_MAX_PART = 16 * 1024

NOT_YET = Unavailable(OutcomeKind.NOT_READY, "CloudTrail shows no record of it yet, which may take 15 minutes")
_NOT_ALL = Unavailable(
    OutcomeKind.NOT_READY, "CloudTrail may not show all launches of that time yet, which may take 15 minutes"
)

#: A session that is looked for: when it was made, its access key, the question.
_Session = tuple[datetime, str, Question]


class _Keys(Struct, frozen=True):
    access_key_id: str = msgspec.field(name="accessKeyId", default="")


class _Given(Struct, frozen=True):
    credentials: _Keys = _Keys()


class CloudTrail:
    """Records of any account and Region.

    Args:
        sessions: Where the clients come from.
        now: Gives the time, with a time zone.
        expired: True once there is no time left for another call.
        regions: The other Regions in which a session may have been made.
        concurrency: Does what each account needs: in turn, or at once.
    """

    def __init__(
        self,
        sessions: Sessions,
        now: Callable[[], datetime],
        expired: Callable[[], bool] = lambda: False,
        regions: Iterable[str] = (),
        concurrency: Concurrency = sequential,
    ) -> None:
        self._events = LookupEvents(sessions, expired)
        self._now = now
        self._concurrency = concurrency
        self._regions = tuple(regions)
        #: Keys that no call issued, whichever it was: they are not looked up for each of the calls again.
        self._issued_by_none: set[tuple[str, str, str]] = set()
        self._elsewhere: dict[str, int] = defaultdict(int)

    def begin(self) -> None:
        """Begins a new round of questions: what was throttled may be asked again."""
        self._events.begin()
        self._elsewhere.clear()
        if len(self._issued_by_none) > MOST_KEYS:
            self._issued_by_none.clear()

    def maker(self, parent: Parent) -> Record | Unavailable | None:
        """The record of the call that made a resource, by all the names under which CloudTrail may list its calls."""
        found: list[Record] = []
        cut = False
        since = _EVER
        made: Record | Unavailable | None = None
        for name in parent.listed_by:
            history = self._events.history(parent.account, parent.region, "ResourceName", name)
            if isinstance(history, Unavailable):
                return history
            records, more = history
            # What is older than the end of a list that is cut is not known from the other lists alone: it may have been
            # made anew, and be listed there under another name.
            end = _EVER if not more else records[-1].created_at if records else _NEVER
            found = [record for record in found if record.created_at > end]
            found += [record for record in records if record.created_at > since]
            cut, since = cut or more, max(since, end)
            found.sort(key=lambda record: record.created_at, reverse=True)  # one may be in it twice: it changes nothing
            made = creation_record_of(parent, found, cut)
            if isinstance(made, Record) and not parent.kind.deleted_by:
                break  # its id is never given again, so that no other list can tell of a deletion
        return _cut(made) if isinstance(made, Record) else made

    def maker_at(self, parent: Parent, at: datetime) -> Record | Unavailable | None:
        """The record of the call that made a resource at a known time, whatever came later."""
        window = (at - AROUND, at + AROUND)
        history = self._events.history(parent.account, parent.region, "ResourceName", parent.name, window)
        if isinstance(history, Unavailable):
            return history
        records, more = history
        made = creation_record_of(parent, records, more)
        return _cut(made) if isinstance(made, Record) else made

    def naming(self, account: str, region: str, name: str) -> list[Record] | Unavailable:
        """The records of calls that touched the resource of this name, the newest first; unavailable beyond `MOST`."""
        history = self._events.history(account, region, "ResourceName", name)
        if isinstance(history, Unavailable):
            return history
        records, more = history
        return CUT if more else records

    def signed(self, account: str, region: str, key_id: str) -> tuple[list[Record], bool] | Unavailable:
        """The records of calls that an access key signed, the newest first and at most `MOST`; whether there are more.

        (doc: CloudTrail API reference, LookupAttribute: AccessKeyId.)
        """
        return self._events.history(account, region, "AccessKeyId", key_id)

    def session_makers(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """The records of the calls that made sessions, by the access key that each issued.

        The account with the fewest questions comes first, and one that waits holds up no other.
        """
        facts: dict[Question, Fact] = {}
        places: dict[tuple[str, str], dict[str, list[_Session]]] = defaultdict(lambda: defaultdict(list))
        asks: Counter[str] = Counter()
        for question in questions:
            event, key, made_at = question.value.split(" ")
            time = datetime.fromisoformat(made_at)
            if self._now() - time > KEPT_FOR or (question.account, question.region, key) in self._issued_by_none:
                facts[question] = Absent()
            else:
                places[question.account, question.region][event].append((time, key, question))
                asks[question.account] += 1

        def look(place: tuple[str, str], groups: dict[str, list[_Session]]) -> None:
            for event, sessions in groups.items():
                facts.update(self._makers(*place, event, sorted(sessions)))

        # An account's Regions are asked at the same time: one after the other, they would hold up the others.
        few_first = sorted(places.items(), key=lambda item: asks[item[0][0]])
        self._concurrency([partial(look, place, groups) for place, groups in few_first])
        return facts

    def launches(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """The launches around a time, once CloudTrail has all of their records."""
        facts: dict[Question, Fact] = {}
        places: dict[tuple[str, str], list[tuple[Question, datetime, str]]] = defaultdict(list)
        for question in questions:
            at, _, creation_id = question.value.partition(" ")
            time = datetime.fromisoformat(at)
            age = self._now() - time
            if age > KEPT_FOR:
                facts[question] = Absent()
            elif age < LAG + BESIDE:
                facts[question] = _NOT_ALL
            else:
                places[question.account, question.region].append((question, time, creation_id))

        def look(place: tuple[str, str], asked: list[tuple[Question, datetime, str]]) -> None:
            for question, time, creation_id in asked:
                facts[question] = self._launches(place, time, creation_id)

        asks = Counter(account for (account, _), asked in places.items() for _ in asked)
        few_first = sorted(places.items(), key=lambda item: asks[item[0][0]])
        self._concurrency([partial(look, place, asked) for place, asked in few_first])
        return facts

    def _launches(self, place: tuple[str, str], time: datetime, creation_id: str) -> Found | Unavailable:
        wanted = self._events.wanted("EventName", "RunInstances", (time - BESIDE, time + BESIDE))
        told: list[LaunchRecord] = []
        complete, itself = True, False
        for _ in range(MAX_PAGES):
            page = self._events.page(place, wanted)
            if isinstance(page, Unavailable):
                return page
            records = records_of(page, place[0])
            complete = complete and len(records) == len(page.get("Events", ()))  # what can't be read may be one
            itself = itself or any(record.creation_id == creation_id for record in records)
            found = (launch_record_of(record) for record in records if record.event_source == "ec2.amazonaws.com")
            told += [launch for launch in found if launch]
            if not page.get("NextToken"):
                break
            wanted["NextToken"] = page["NextToken"]
        else:
            return Found(launches=tuple(told), complete=False)
        return Found(launches=tuple(told), complete=complete) if itself else _NOT_ALL

    def _makers(self, account: str, region: str, event: str, sessions: list[_Session]) -> dict[Question, Fact]:
        """In the Region of the call first, then where the global endpoint is recorded, then in the settings' others."""
        facts: dict[Question, Fact] = {}
        unread: dict[Question, Unavailable] = {}
        near = (region, _GLOBAL.get(partition_of(region), region))
        for place in dict.fromkeys((*near, *self._regions)):
            # What was throttled comes back anyway: meanwhile it costs no calls elsewhere.
            left = [
                session for session in sessions if session[2] not in facts and not _throttled(unread.get(session[2]))
            ]
            for window in _windows(left):
                if place not in near and self._elsewhere[account] >= MAX_ELSEWHERE:
                    unread |= {question: TOO_MANY for _, _, question in window}
                    continue
                before = self._events.calls[account, place]
                found = self._scanned(account, place, event, window) if len(window) > FEW else {}
                for time, key, question in window:
                    record = found.get(key) or self._issuing(account, place, time, key)
                    if isinstance(record, Unavailable):
                        unread.setdefault(question, record)
                    elif record is not None:
                        facts[question] = Found(maker=_cut(record))
                self._elsewhere[account] += self._events.calls[account, place] - before if place not in near else 0
        for time, key, question in sessions:
            if question in facts:
                continue
            if question in unread:  # it may stand there
                facts[question] = unread[question]
            elif self._now() - time < LAG:
                facts[question] = NOT_YET
            else:
                self._issued_by_none.add((account, region, key))
                facts[question] = Absent()
        return facts

    def _scanned(self, account: str, region: str, event: str, window: list[_Session]) -> dict[str, Record]:
        """Records by the key that they issued: as many of a window as can be read. The rest is looked up by its key."""
        wanted = self._events.wanted("EventName", event, (window[0][0] - AROUND, window[-1][0] + AROUND))
        missing = {key for _, key, _ in window}
        found: dict[str, Record] = {}
        for _ in range(MAX_PAGES):
            page = self._events.page((account, region), wanted)
            if isinstance(page, Unavailable):
                break
            issued = {_key_given(record): record for record in records_of(page, account) if record.event_source == _STS}
            found |= {key: record for key, record in issued.items() if key in missing}
            if not page.get("NextToken") or missing <= found.keys():
                break
            wanted["NextToken"] = page["NextToken"]
        return found

    def _issuing(self, account: str, region: str, time: datetime, key: str) -> Record | Unavailable | None:
        """The record of the call that issued an access key, if it was made in this Region."""
        records = self._events.records(account, region, "ResourceName", key, (time - NEAR, time + NEAR))
        if isinstance(records, Unavailable):
            return records
        return next((record for record in records if record.event_source == _STS and _key_given(record) == key), None)


def _throttled(answer: Unavailable | None) -> bool:
    return answer is not None and answer.outcome is OutcomeKind.THROTTLED


def _windows(sessions: list[_Session]) -> Iterable[list[_Session]]:
    """Sessions in the order of their times, those that are close together as one."""
    window: list[_Session] = []
    for session in sessions:
        if window and session[0] - window[-1][0] > APART:
            yield window
            window = []
        window.append(session)
    if window:
        yield window


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
