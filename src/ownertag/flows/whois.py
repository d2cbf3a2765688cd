"""Looks up a resource's owner in the ledger: by id, ARN, address or the key that made it, now or at a time.

A name can be used again after its deletion, and an address after its resource: so an answer is about one life of a
resource, from its creation until its deletion. Lives are told from the ledger's entries alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.arn import parse_arn
from ownertag.core.ownership import EventKey, Holding, ResourceKey, apply_transfer, end_of
from ownertag.core.recognize import is_of
from ownertag.core.values import KEPT_IN_LEDGER, OutcomeKind, Owner, TagPairs
from ownertag.ledger.entries import (
    AddressSpan,
    Created,
    Deleted,
    Ended,
    HistoryEntry,
    KeySpan,
    KnownResource,
    Owned,
    TagChanged,
    Transferred,
)
from ownertag.ledger.port import Reader

ELASTIC_IP = "ec2:elastic-ip"
INSTANCE = "ec2:instance"
INTERFACE = "ec2:network-interface"

#: Of a longer history only the beginning and the end are returned.
MOST_EVENTS = 100
#: Of what a key made, so many of the latest are looked at: a pipeline's makes thousands.
MOST_OF_KEY = 1000


class Window(Struct, frozen=True):
    """The time that is asked about: a moment, or a whole day; both ends belong to it."""

    start: datetime
    end: datetime


class Wanted(Struct, frozen=True):
    """What somebody asks about: an address in its normal form, an access key's id, or else an id, a name or ARN.

    In one account or Region only, or of one type or service (`rds:db`, `rds:`), if these are given. `limit` answers are
    given, the latest.
    """

    id: str = ""
    address: str | None = None
    access_key: str | None = None
    at: Window | None = None
    account: str | None = None
    region: str | None = None
    type: str = ""
    limit: int = 20


class Event(Struct, frozen=True):
    """An entry of the history; for a decision also its creation, and whether that creation owns this life."""

    entry: HistoryEntry
    created: Created | None = None
    owns: bool = False


class Past(Struct, frozen=True):
    """What was different at the time that is asked about: the tags that a resource carried then.

    They are those that were written, with what others are known to have changed. `given_to`: who got it later.
    """

    tags: TagPairs
    given_to: str | None = None


class WhoisAnswer(Struct, frozen=True):
    """One life of a resource, and whose it was.

    `since` is when it was created, or transferred by hand; `until` is its deletion, None if none is known, and
    `deleted` the ledger's entry of that, None where it ended with what it was made with. `now`: this is the latest
    life, as it is today. `past`: what was different at the time that is asked about. `address` is the one that was
    asked for, which the resource had from `address_since` on; `access_key` the key that was asked for. `observed` is
    when its tags were decided last and not written, since its account was observed; None where they are written, or
    are to be.
    """

    key: ResourceKey
    id: str
    type: str
    owner: Owner
    since: datetime
    until: datetime | None
    tags: TagPairs = ()
    provisional: bool = False
    now: bool = True
    created: Created | None = None
    address: str | None = None
    address_since: datetime | None = None
    access_key: str | None = None
    addresses: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    history: tuple[Event, ...] = ()
    left_out: int = 0
    from_trail: bool = False
    past: Past | None = None
    observed: datetime | None = None
    deleted: Deleted | None = None

    @property
    def is_untagged(self) -> bool:
        """Whether AWS tags no such resource, so that the ledger alone says whose it is."""
        entries = (event.entry for event in self.history)
        return any(isinstance(entry, Ended) and entry.reason == KEPT_IN_LEDGER for entry in entries)

    @property
    def is_live_in_ec2(self) -> bool:
        """Whether EC2 can be asked about it, and would answer about this life."""
        live = self.now and self.until is None and not self.from_trail
        arn = parse_arn(self.key.arn)
        return live and arn is not None and arn.service == "ec2"


class WhoisAnswers(Struct, frozen=True):
    """The answers, the latest first, and how many more there are; `at_least` so many, where not all were looked at."""

    answers: tuple[WhoisAnswer, ...]
    more: int = 0
    at_least: bool = False


def whois(wanted: Wanted, reader: Reader) -> WhoisAnswers:
    """Returns what the ledger knows of a resource, an address, or what an access key made.

    Raises:
        LedgerError: It can't be used.
    """
    if wanted.access_key is not None:
        return _of_key(wanted.access_key, wanted, reader)
    found: list[WhoisAnswer] = []
    if wanted.address is None:
        for known in reader.by_id(wanted.id):
            if _here(known, wanted):
                found += _Lives(known, reader).at(wanted.at)
        found.sort(key=lambda answer: answer.since, reverse=True)
        return WhoisAnswers(tuple(found[: wanted.limit]), max(0, len(found) - wanted.limit))
    spans = _lives(_ended_with_instances(reader.by_address(wanted.address)), wanted)
    for span in spans[: wanted.limit]:
        if life := _Lives(span.known, reader).of(span.since, wanted.at):
            found.append(replace(life, address=span.address, address_since=span.since))
    return WhoisAnswers(tuple(found), max(0, len(spans) - wanted.limit))


def _of_key(key_id: str, wanted: Wanted, reader: Reader) -> WhoisAnswers:
    """Returns what an access key made. A call that came later to what was there already made nothing."""
    looked_at = reader.by_access_key(key_id, MOST_OF_KEY)
    spans = _lives(looked_at, wanted)
    lives = (_Lives(span.known, reader).of(span.since, wanted.at) for span in spans[: wanted.limit])
    found = [replace(life, access_key=key_id) for life in lives if life]
    return WhoisAnswers(tuple(found), max(0, len(spans) - wanted.limit), at_least=len(looked_at) == MOST_OF_KEY)


def _ended_with_instances(spans: Sequence[AddressSpan]) -> list[AddressSpan]:
    """The spans, those of interfaces with the ends of the instances that one launch made them with.

    EC2 deletes such an interface with its instance, and no record tells of that (EC2 user guide, "Preserve data when an
    instance is terminated"; EC2 API reference, `DeleteOnTermination`: true for an interface that a launch makes).
    """
    ends = {
        (span.known.key.account, span.known.holding.claim.event_id): span.known.holding.deletions
        for span in spans
        if span.known.type == INSTANCE
    }

    def ended(span: AddressSpan) -> AddressSpan:
        known, holding = span.known, span.known.holding
        also = ends.get((known.key.account, holding.claim.event_id), ()) if known.type == INTERFACE else ()
        deletions = tuple(sorted({*holding.deletions, *also}))
        return replace(span, known=replace(known, holding=replace(holding, deletions=deletions)))

    return [ended(span) for span in spans]


S = TypeVar("S", AddressSpan, KeySpan)


def _lives(spans: Iterable[S], wanted: Wanted) -> list[S]:
    """Returns the lives that are wanted of these, each once, the latest first."""
    lives: dict[tuple[ResourceKey, datetime | None], S] = {}
    for span in sorted(spans, key=lambda span: span.since):
        until = end_of(span.since, span.known.holding.deletions)
        if _here(span.known, wanted) and _overlap(wanted.at, span.since, until):
            lives.setdefault((span.known.key, until), span)
    found = list(lives.values())
    found.sort(key=lambda span: span.since, reverse=True)
    return found


def _here(known: KnownResource, wanted: Wanted) -> bool:
    key = known.key
    in_place = wanted.account in {None, key.account} and wanted.region in {None, key.region}
    return in_place and (not known.type or is_of(known.type, wanted.type))


def _overlap(at: Window | None, since: datetime, until: datetime | None) -> bool:
    return at is None or (since <= at.end and (until is None or until >= at.start))


class _Lives:
    """The lives of one resource, put together from its history. Each is identified by the time at which it ended."""

    def __init__(self, known: KnownResource, reader: Reader) -> None:
        self._known = known
        self._reader = reader
        self._history = reader.history(known.key)
        ended = {entry.at for entry in self._history if isinstance(entry, Deleted)}
        self._deletions = tuple(sorted(ended | {*known.holding.deletions}))
        self._latest = end_of(known.holding.claim.created_at, self._deletions)

    def at(self, at: Window | None) -> list[WhoisAnswer]:
        """Returns the lives of this time, or the latest."""
        if at is None:
            return [self._answer(self._latest, self._known.holding)]
        times = [entry.claim.created_at for entry in self._history if isinstance(entry, Owned)]
        times += [entry.at for entry in self._history if isinstance(entry, Transferred)]
        lives: dict[datetime | None, datetime] = {}
        for time in sorted(times):
            lives.setdefault(end_of(time, self._deletions), time)
        held = ((end, self._holding(end, at.end)) for end, since in lives.items() if _overlap(at, since, end))
        return [self._then(end, holding, at) for end, holding in held if holding is not None]

    def of(self, since: datetime, at: Window | None) -> WhoisAnswer | None:
        """Returns the life to which a time belongs."""
        end = end_of(since, self._deletions)
        latest = at is None and end == self._latest
        holding = self._known.holding if latest else self._holding(end, at.end if at else None)
        if holding is None:
            return None
        return self._then(end, holding, at) if at else self._answer(end, holding)

    def _then(self, end: datetime | None, holding: Holding, at: Window) -> WhoisAnswer:
        """Returns a life at a time; if it ended or was transferred since, with the tags of that time."""
        answer = self._answer(end, holding)
        later = [transfer for transfer in self._transfers(end) if transfer.at > at.end]
        if answer.now and not later:
            return answer
        return replace(answer, now=False, past=Past(self._tags_at(end, at.end), later[0].to if later else None))

    def _tags_at(self, end: datetime | None, until: datetime) -> TagPairs:
        """Returns the tags that a life carried: those written last, and what others changed of them since."""
        first = self._first(end)
        written: dict[str, str] = dict(first.tags) if first else {}
        carried = dict(written)
        for entry in self._history:
            if isinstance(entry, Owned) or entry.at > until or end_of(entry.at, self._deletions) != end:
                continue
            match entry:
                case Transferred():
                    written = dict(entry.tags)
                    carried = dict(written)
                case Ended() if entry.observed:
                    carried = {}
                case Ended(kind=OutcomeKind.TAGGED):
                    carried = dict(written)
                case TagChanged():
                    for change in entry.changes:
                        if change.new is None:
                            carried.pop(change.key, None)
                        else:
                            carried[change.key] = change.new
        return tuple(carried.items())

    def _transfers(self, end: datetime | None) -> list[Transferred]:
        transfers = (entry for entry in self._history if isinstance(entry, Transferred))
        return [transfer for transfer in transfers if end_of(transfer.at, self._deletions) == end]

    def _claims(self, end: datetime | None) -> list[Owned]:
        owned = (entry for entry in self._history if isinstance(entry, Owned))
        return [entry for entry in owned if end_of(entry.claim.created_at, self._deletions) == end]

    def _holding(self, end: datetime | None, until: datetime | None) -> Holding | None:
        """Returns the holding of this life, with the transfers until then."""
        holding = self._first(end)
        for transfer in self._transfers(end):
            if until is None or transfer.at <= until:
                holding = apply_transfer(holding, transfer.id, transfer.to, transfer.by, transfer.tags, transfer.at)
                holding = replace(holding, deletions=self._deletions)
        return holding

    def _first(self, end: datetime | None) -> Holding | None:
        """Returns the holding of this life by its creation."""
        # Of one event's decisions the last stands, unless an earlier one was final (core.ownership).
        claims = sorted(self._claims(end), key=lambda claim: claim.decided_at, reverse=True)
        first = min(claims, key=lambda claim: (claim.claim.rank, claim.provisional), default=None)
        return replace(first.holding, deletions=self._deletions) if first else None

    def _answer(self, end: datetime | None, holding: Holding) -> WhoisAnswer:
        key, claims = self._known.key, self._claims(end)
        observed = self._known.holding.observed if end == self._latest else None
        event = EventKey(key.account, key.region, holding.claim.event_id)
        half = MOST_EVENTS // 2
        history = self._history
        left_out = max(0, len(history) - MOST_EVENTS)
        shown = [*history[:half], *history[-half:]] if left_out else history
        return WhoisAnswer(
            key,
            self._known.id,
            self._known.type,
            holding.owner,
            min([claim.claim.created_at for claim in claims], default=holding.claim.created_at),
            end,
            holding.tags,
            holding.provisional,
            end == self._latest,
            self._reader.creation(event),
            addresses=tuple(dict.fromkeys(address for claim in claims for address in claim.addresses)),
            parents=tuple(dict.fromkeys(parent for claim in claims for parent in claim.parents)),
            history=self._events(shown),
            left_out=left_out,
            observed=observed.at if observed else None,
            deleted=next((one for one in history if isinstance(one, Deleted) and one.at == end), None),
        )

    def _events(self, entries: Sequence[HistoryEntry]) -> tuple[Event, ...]:
        holders: dict[datetime | None, str] = {}
        made: dict[EventKey, Created | None] = {}
        found = []
        for entry in entries:
            if not isinstance(entry, Owned):
                found.append(Event(entry))
                continue
            end = end_of(entry.claim.created_at, self._deletions)
            if end not in holders:
                holders[end] = min(self._claims(end), key=lambda owned: owned.claim.rank).claim.event_id
            if entry.event not in made:
                made[entry.event] = self._reader.creation(entry.event)
            found.append(Event(entry, made[entry.event], entry.claim.event_id == holders[end]))
        return tuple(found)
