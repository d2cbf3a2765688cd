"""Fakes of what a flow needs of the world: accounts, look-ups and tags in memory, and time that stands still.

They pass the contract suites of the ports (tests/functional/contracts), as the real adapters do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from ownertag.core.ask import tags_value
from ownertag.core.backfill.found import FoundResource, Unlisted
from ownertag.core.catalogue_types import PARTS, Lookup, QuestionKind
from ownertag.core.judge import NO_TIME, judge, unavailable
from ownertag.core.records import Arrival
from ownertag.core.values import (
    Absent,
    Fact,
    Failure,
    Found,
    LaunchedInstance,
    LaunchRecord,
    OutcomeKind,
    Question,
    Reservation,
    ReservedInstance,
    Unavailable,
    Write,
    WriteResult,
)
from ownertag.flows.ports import FindingPublisher, NoPublisher, Ports
from ownertag.ledger.port import Ledger
from ownertag.ledger.read_only import NoLedger

#: AWS gives a resource no more than 50 tags.
MOST_TAGS = 50

_OF_EC2 = {
    QuestionKind.TAGS,
    QuestionKind.BIRTH,
    QuestionKind.INSTANCES_BY_CLIENT_TOKEN,
    QuestionKind.INSTANCES_BY_RESERVATION,
    QuestionKind.LAUNCHES,
    QuestionKind.RESERVATIONS,
}
#: How far around a time launches and their records are looked for, and how long CloudTrail takes for the latter.
_LAUNCHED, _RECORDED, _LAG = timedelta(seconds=10), timedelta(seconds=20), timedelta(minutes=15)
#: How long CloudTrail shows records.
_KEPT = timedelta(days=90)

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that moves only when a test says so."""

    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time

    def move(self, by: timedelta) -> None:
        self.time += by


@dataclass
class Budget:
    """An `expired` that is true once it has been called so many times."""

    questions: int

    def __call__(self) -> bool:
        self.questions -= 1
        return self.questions < 0


@dataclass(frozen=True)
class Launched:
    """An instance of the fake, and what it can be found by."""

    instance: LaunchedInstance
    reservation: str
    token: str = ""


@dataclass
class FakeRegion:
    """The content of one Region of an account."""

    launched: dict[str, Launched] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    #: When volumes were made; what is not here was made when it was attached.
    born: dict[str, datetime] = field(default_factory=dict)
    #: What one launch made each, and when an instance was started last, where that is not its launch.
    reservations: list[Reservation] = field(default_factory=list)
    started: dict[str, datetime] = field(default_factory=dict)
    #: What records of launches say, with their times, and whether one that can't be read is among them.
    launches: list[tuple[datetime, LaunchRecord | None]] = field(default_factory=list)
    #: What its lists show; tags that `tags` has for one of these are shown as its own.
    listed: list[FoundResource] = field(default_factory=list)


@dataclass(frozen=True)
class FakeCall:
    """A call that an adapter would have made."""

    name: str
    account: str
    region: str
    values: tuple[str, ...]


class FakeAws:
    """All accounts and Regions, the calls so far, and what AWS refuses: `refuses` gives a call's error, or None."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, str], FakeRegion] = defaultdict(FakeRegion)
        self.calls: list[FakeCall] = []
        self.refuses: Callable[[FakeCall], Failure | None] = lambda _: None
        #: What is known of owners, makers and users; what is not is absent.
        self.known: dict[Question, Fact] = {}
        #: Gives the time to CloudTrail, which is late.
        self.now: Callable[[], datetime] = lambda: datetime.max.replace(tzinfo=UTC)

    def call(self, name: str, account: str, region: str, values: Iterable[str]) -> Failure | None:
        call = FakeCall(name, account, region, tuple(values))
        self.calls.append(call)
        return self.refuses(call)

    def count(self, name: str) -> int:
        return sum(call.name == name for call in self.calls)


@dataclass
class FakeAccounts:
    """The organization's accounts, or the reason why they can't be told."""

    active: set[str]
    unavailable: Unavailable | None = None

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        if self.unavailable is not None:
            return dict.fromkeys(questions, self.unavailable)
        return {question: Found() if question.account in self.active else Absent() for question in questions}


class FakeLookups:
    """Reads what the fake holds: one call for each kind of question in an account and Region."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        groups: dict[tuple[str, str, QuestionKind], list[Question]] = defaultdict(list)
        for question in questions:
            groups[question.account, question.region, question.kind].append(question)
        facts: dict[Question, Fact] = {}
        for (account, region, kind), group in groups.items():
            failure = self._aws.call(kind.value, account, region, (question.value for question in group))
            if failure is not None:
                judged = judge(failure, None, region)
                facts |= dict.fromkeys(group, Unavailable(judged.outcome, judged.reason))
            else:
                facts |= {question: self._answer(question) for question in group}
        return facts

    def present(self, account: str, region: str, lookup: Lookup, ids: Iterable[str]) -> set[str] | Failure:
        ids = tuple(ids)
        failure = self._aws.call(lookup.operation, account, region, ids)
        return self._known(account, region) & set(ids) if failure is None else failure

    def _answer(self, question: Question) -> Fact:
        if question.kind in PARTS:
            return self._aws.known.get(question, Found())
        if question.kind not in _OF_EC2:
            return self._aws.known.get(question, Absent())
        place = self._aws.places[question.account, question.region]
        if question.kind is QuestionKind.TAGS:
            tags = place.tags.get(question.value)
            return Found(tags=dict(tags)) if tags else Absent()
        if question.kind is QuestionKind.LAUNCHES:
            return self._launches(place, question.value)
        if question.kind is QuestionKind.RESERVATIONS:
            return Found(reservations=_reservations_around(place, datetime.fromisoformat(question.value)))
        if question.kind is QuestionKind.BIRTH:
            volumes = {part.id: part for launched in place.launched.values() for part in launched.instance.volumes}
            volume = volumes.get(question.value)
            at = place.born.get(question.value, (volume.attached_at or NOON) if volume else None)
            return Found(born_at=at) if at else Absent()
        by_token = question.kind is QuestionKind.INSTANCES_BY_CLIENT_TOKEN
        found = [
            launched.instance
            for launched in place.launched.values()
            if question.value == (launched.token if by_token else launched.reservation)
        ]
        return Found(tuple(found)) if found else Absent()

    def _launches(self, place: FakeRegion, value: str) -> Fact:
        at, _, creation_id = value.partition(" ")
        time = datetime.fromisoformat(at)
        near = [launch for when, launch in place.launches if abs(when - time) <= _RECORDED]
        itself = any(launch and launch.creation_id == creation_id for launch in near)
        if not itself or self._aws.now() - time < _LAG + _RECORDED:
            return Unavailable(OutcomeKind.NOT_READY, "CloudTrail may not show all of them yet")
        return Found(launches=tuple(launch for launch in near if launch), complete=None not in near)

    def _known(self, account: str, region: str) -> set[str]:
        launched = self._aws.places[account, region].launched
        children = (launch.instance.volumes + launch.instance.interfaces for launch in launched.values())
        return set(launched) | {part.id for attached in children for part in attached}


def _reservations_around(place: FakeRegion, at: datetime) -> tuple[Reservation, ...]:
    """A filter shows of a reservation the instances alone that it lets through."""

    def near(instance: ReservedInstance) -> bool:
        started = place.started.get(instance.id) or instance.launched_at
        return started is not None and abs(started - at) <= _LAUNCHED

    shown = (
        replace(reservation, instances=tuple(filter(near, reservation.instances))) for reservation in place.reservations
    )
    return tuple(reservation for reservation in shown if reservation.instances)


class FakeHistory:
    """CloudTrail's own 90 days: records of any account and Region, with the time at which each was made.

    `unread` gives why nothing can be read there, or None.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.told: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
        self.calls: list[tuple[str, str, tuple[str, str], tuple[datetime, datetime]]] = []
        self.unread: Callable[[str, str], Unavailable | None] = lambda _account, _region: None

    def records(
        self, account: str, region: str, event: tuple[str, str], window: tuple[datetime, datetime]
    ) -> Sequence[Arrival] | Unavailable:
        self.calls.append((account, region, event, window))
        start, end = window
        if start < self._now() - _KEPT:
            return Unavailable(OutcomeKind.FAILED, "CloudTrail keeps records for 90 days")
        if end > self._now() - _LAG:
            return Unavailable(OutcomeKind.NOT_READY, "CloudTrail may not show all of them yet")
        if (why := self.unread(account, region)) is not None:
            return why
        return [
            one
            for one in sorted(self.told[account, region], key=lambda one: one.record.created_at, reverse=True)
            if (one.record.event_source, one.record.event_name) == event
            and one.record.account == account
            and start <= one.record.created_at <= end
        ]


class FakeTagger:
    """Writes to what the fake holds: all resources of a call, or none."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws

    def write(self, write: Write) -> WriteResult:
        ids = [tags_value(resource) for resource in write.resources]
        failure = self._aws.call(write.tag_api, write.account, write.region, ids)
        if failure is not None:
            return failure
        tags = self._aws.places[write.account, write.region].tags
        if any(len(tags[id_] | dict(write.tags)) > MOST_TAGS for id_ in ids):
            return Failure("TagLimitExceeded", 400)
        for id_ in ids:
            tags[id_] |= dict(write.tags)
        return None


class FakeInventory:
    """Lists what the fake holds: a list for each type, in pages. A call is named `list`, with the type and the page.

    Args:
        aws: All accounts and Regions.
        types: The types that have a list, whether one of them is there or not.
        page: How many resources a page has.
        expired: True once there is no time for another page.
    """

    def __init__(
        self,
        aws: FakeAws,
        types: Sequence[str] = (),
        page: int = 100,
        expired: Callable[[], bool] = lambda: False,
    ) -> None:
        self._aws = aws
        self._types = types
        self._page = page
        self._expired = expired

    def resources(self, account: str, region: str) -> Iterator[FoundResource | Unlisted]:
        there: dict[str, dict[str, FoundResource]] = {name: {} for name in self._types}
        for found in self._aws.places[account, region].listed:
            there.setdefault(found.resource.type, {}).setdefault(found.resource.arn, found)
        for name, resources in there.items():
            yield from self._list(account, region, name, list(resources.values()))

    def _list(
        self, account: str, region: str, name: str, resources: list[FoundResource]
    ) -> Iterator[FoundResource | Unlisted]:
        for number, start in enumerate(range(0, max(len(resources), 1), self._page), 1):
            if self._expired():
                yield Unlisted(account, region, (name,), NO_TIME)
                return
            if failure := self._aws.call("list", account, region, (name, str(number))):
                yield Unlisted(account, region, (name,), unavailable(failure, region))
                return
            yield from map(self._with_tags, resources[start : start + self._page])

    def _with_tags(self, found: FoundResource) -> FoundResource:
        written = self._aws.places[found.account, found.region].tags.get(tags_value(found.resource))
        return found if written is None else replace(found, tags={**(found.tags or {}), **written})


class FakeRemover:
    """Removes keys from what the fake holds: all of a call, or none. A call is named `api!`."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws

    def write(self, write: Write) -> WriteResult:
        ids = [tags_value(resource) for resource in write.resources]
        failure = self._aws.call(f"{write.tag_api}!", write.account, write.region, ids)
        if failure is not None:
            return failure
        tags = self._aws.places[write.account, write.region].tags
        for id_ in ids:
            for key, _ in write.tags:
                tags[id_].pop(key, None)
        return None


def fake_ports(
    aws: FakeAws,
    accounts: FakeAccounts,
    now: Callable[[], datetime] | None = None,
    expired: Callable[[], bool] = lambda: False,
    ledger: Ledger | None = None,
    throttled: Callable[[str, str, str], bool] = lambda _account, _region, _client: False,
    findings: FindingPublisher | None = None,
) -> Ports:
    """The world of one run, made of fakes."""
    lookups, tagger = FakeLookups(aws), FakeTagger(aws)
    publisher = findings or NoPublisher()
    ledger = ledger or NoLedger()
    return Ports(
        accounts, lookups, tagger, now or Clock(), expired, ledger, publisher, throttled, remover=FakeRemover(aws)
    )
