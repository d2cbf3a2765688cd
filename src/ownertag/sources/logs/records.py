"""Finds the wanted records in the text of a log file. Of the others no more than the event's name is decoded.

A decoder of JSON tells the names of all records at once, and where each begins: with its version, as CloudTrail writes
it. So a wanted one is cut out without another look at the text, and what only looks like a record (in a document that
somebody gave to a call, say) is never taken for one. Where a record begins otherwise, all are cut apart instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct, field

from ownertag.core.parse import UNREADABLE
from ownertag.sources.logs.faults import FaultKind, Unreadable
from ownertag.sources.logs.offsets import address
from ownertag.sources.logs.wanted import SESSION_EVENTS, Event, Wanted

# How CloudTrail begins, parts and ends a file's records.
_HEAD = b'{"Records":['
_FIRST = _HEAD + b'{"eventVersion":"'
_BETWEEN = b'},{"eventVersion":"'
_TAIL = b"]}"
#: CloudTrail's largest event has 1 MB; so much without the end of a record is none of its files.
_MOST_OF_RECORD = 1 << 24
_BEGIN = b'{"eventVersion":'

_DO = "look who wrote it: CloudTrail writes whole files of JSON"


class NotAsWritten(Exception):
    """A file was not written as CloudTrail does: whoever knows more ways may read it."""


class Cut(NamedTuple):
    """A record's JSON, and which of its file's it is, from 1."""

    number: int
    data: bytes


class _Given(Struct, frozen=True):
    access_key_id: str = field(name="accessKeyId", default="")


class _Issued(Struct, frozen=True):
    credentials: _Given | None = None


class _Head(Struct, frozen=True):
    event_source: str = field(name="eventSource", default="")
    event_name: str = field(name="eventName", default="")
    response: Raw = field(name="responseElements", default=Raw(b"null"))


class _Name(Struct, gc=False):
    version: Raw = field(name="eventVersion", default=Raw())
    event_name: str = field(name="eventName", default="")


class _Names(Struct):
    records: list[_Name] = field(name="Records")


class _File(Struct):
    records: list[Raw] = field(name="Records")


_NAMES = msgspec.json.Decoder(_Names)
_FILE = msgspec.json.Decoder(_File)
_HEADS = msgspec.json.Decoder(_Head)
_ISSUED: msgspec.json.Decoder[_Issued | None] = msgspec.json.Decoder(_Issued | None)


class Finder:
    """Finds what is wanted; made once for many files."""

    def __init__(self, wanted: Wanted) -> None:
        self._events = wanted.events
        self._sessions = wanted.sessions
        self._names = frozenset(name for _, name in wanted.looked_at)

    def find(self, parts: Iterable[bytes]) -> Iterator[Cut]:
        """The wanted records of a file, from its text in parts. What they hold is not yet sure before the last part.

        Raises:
            NotAsWritten: It is no object with `Records`, or long and laid out in another way than CloudTrail's.
            Unreadable: It is long, and cut or no file of records.
        """
        texts = iter(parts)
        text = next(texts, b"")
        part = next(texts, None)
        while part is not None and len(text) < len(_FIRST):
            text += part
            part = next(texts, None)
        if part is None:
            yield from self.find_in(text)
            return
        if not text.startswith(_FIRST):
            raise NotAsWritten
        text, number = text[len(_HEAD) :], 0
        while part is not None:
            end = text.rfind(_BETWEEN)
            if end >= 0:  # that it is whole JSON up to there shows that this is between records, and not within one
                found, count = self._of(b"".join((_HEAD, memoryview(text)[: end + 1], _TAIL)), number)
                yield from found
                text, number = text[end + 2 :], number + count
            text += part
            if len(text) > _MOST_OF_RECORD:
                raise Unreadable(FaultKind.NO_LOG, "has a record larger than any of CloudTrail's", _DO)
            part = next(texts, None)
        if not text.rstrip().endswith(_TAIL):
            raise Unreadable(FaultKind.DAMAGED, "ends within its JSON: it was cut short", _DO)
        yield from self._of(_HEAD + text, number)[0]

    def find_in(self, text: bytes) -> list[Cut]:
        """The wanted records of a whole file's text.

        Raises:
            NotAsWritten: It is no object with `Records`.
        """
        return self._of(text, 0)[0]

    def is_wanted(self, data: bytes | Raw) -> bool:
        """Whether this record is wanted. One that can't be read is: its reader tells what is wrong with it."""
        try:
            head = _HEADS.decode(data)
            event: Event = (head.event_source, head.event_name)
            if event in self._events:
                return True
            if not self._sessions or event not in SESSION_EVENTS:
                return False
            issued = _ISSUED.decode(head.response)
        except UNREADABLE:
            return True
        return bool(issued and issued.credentials and issued.credentials.access_key_id in self._sessions)

    def takes(self, event: Event) -> bool:
        """Whether every record of this event is wanted."""
        return event in self._events

    def _of(self, text: bytes, number: int) -> tuple[list[Cut], int]:
        """The wanted records of a whole file, and how many records it has; `number` were before."""
        try:
            records = _NAMES.decode(text).records
        except UNREADABLE:
            raws = _cut_all(text)  # one that is bad is refused by itself
            return self._chosen(raws, range(len(raws)), number), len(raws)
        names = self._names
        at = [place for place, record in enumerate(records) if record.event_name in names]
        if not at:
            return [], len(records)
        cut = _cut_out(text, records, at)
        if cut is None:
            raws = _cut_all(text)
            cut = [raws[place] for place in at]
        return self._chosen(cut, at, number), len(records)

    def _chosen(self, cut: Sequence[bytes | Raw], at: Sequence[int], number: int) -> list[Cut]:
        return [
            Cut(number + place + 1, bytes(data)) for data, place in zip(cut, at, strict=True) if self.is_wanted(data)
        ]


def _cut_out(text: bytes, records: Sequence[_Name], at: Sequence[int]) -> list[bytes] | None:
    """These records of a text; None where one is not laid out as CloudTrail does."""
    base = address(text)
    places = {
        place: _begin(text, base, records[place]) for one in at for place in (one, one + 1) if place < len(records)
    }
    places[len(records)] = len(text.rstrip()) - len(_TAIL) + 1
    if any(begin < 0 for begin in places.values()):
        return None
    cut = [text[places[place] : places[place + 1] - 1] for place in at]
    try:
        for data in cut:
            _HEADS.decode(data)
    except UNREADABLE:  # it ends otherwise than CloudTrail ends it
        return None
    return cut


def _begin(text: bytes, base: int, record: _Name) -> int:
    """Where a record begins, by where its version stands; -1 where that is not the first of it."""
    begin = address(record.version) - base - len(_BEGIN) if record.version else -1
    return begin if begin >= 0 and text.startswith(_BEGIN, begin) else -1


def _cut_all(text: bytes) -> list[Raw]:
    """All records."""
    try:
        return _FILE.decode(text).records
    except UNREADABLE as error:
        raise NotAsWritten from error
