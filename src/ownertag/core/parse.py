"""Bytes to records: whatever carries CloudTrail records is taken apart, and what can't be read is a refusal.

Nothing in here raises on any input. A record is read by msgspec into a typed value, so a field of the wrong type is
refused with its path; what a record holds beyond the fields that we use is skipped without being built.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from ownertag.core.records import ACCOUNT, REGION, Arrival, Envelope, Record
from ownertag.core.values import Reason, Refusal

#: EventBridge carries at most 256 KB, and CloudTrail cuts a record's parts at 100 KB: nothing real comes near.
MAX_RECORD_BYTES = 1 << 20
#: A log file of CloudTrail holds a few MB; a gzip bomb holds a thousand times its size.
MAX_INFLATED_BYTES = 1 << 29

CLOUDTRAIL_DETAIL_TYPE = "AWS API Call via CloudTrail"
_AWS_SOURCE = re.compile(r"aws\.[a-z0-9.-]{2,64}")
_NESTING = 4  # a log line holds a batch, which holds a message, which holds an event, which holds a record


class _Shape(Struct):
    """The keys by which the things that carry records can be told apart."""

    records: Raw | UnsetType = field(name="Records", default=UNSET)
    messages: Raw | UnsetType = field(name="Messages", default=UNSET)
    events: Raw | UnsetType = field(name="Events", default=UNSET)
    looked_up: Raw | UnsetType = field(name="CloudTrailEvent", default=UNSET)
    body: Raw | UnsetType = UNSET
    received_body: Raw | UnsetType = field(name="Body", default=UNSET)
    message_id: Raw | UnsetType = field(name="messageId", default=UNSET)
    detail: Raw | UnsetType = UNSET
    detail_type: Raw | UnsetType = field(name="detail-type", default=UNSET)


class _EnvelopeHead(Struct):
    """The envelope without the record, to say what is wrong with one whose record can't be read."""

    detail_type: str | UnsetType = field(name="detail-type", default=UNSET)


_SHAPE: msgspec.json.Decoder[_Shape | list[Raw]] = msgspec.json.Decoder(_Shape | list[Raw])
_RECORD = msgspec.json.Decoder(Record)
_ENVELOPE = msgspec.json.Decoder(Envelope)
_HEAD = msgspec.json.Decoder(_EnvelopeHead)
_RAWS = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])

# What decoding can raise: the library's own errors, invalid UTF-8, and depth beyond the interpreter's stack.
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


def parse_event(body: str | bytes, where: str) -> Arrival | Refusal:
    """The live way in: the body of a queue message, which has to be an EventBridge event of CloudTrail.

    An envelope that AWS would not have written is refused: a source that is not AWS's, another detail type, or an
    account or Region that differs from the record's (EventBridge sets these fields itself, and refuses customers'
    events with a source that begins with `aws.`).
    """
    if len(body) > MAX_RECORD_BYTES:
        return Refusal(where, Reason.TOO_LARGE, f"{len(body)} bytes, more than any event has")
    try:
        envelope = _ENVELOPE.decode(body)
    except _UNREADABLE as error:
        return _bad_event(body, where, error)
    arrival = Arrival(where, envelope.detail, envelope)
    return _check_envelope(arrival, envelope) or _check_record(arrival) or arrival


def parse(data: bytes, where: str) -> Iterator[Arrival | Refusal]:
    """Every record in a document, or a refusal for what is none.

    Args:
        data: A CloudTrail record, an EventBridge event, an SQS message or batch, what ReceiveMessage or LookupEvents
            answer, a log file `{"Records": []}`, a list of any of these, or JSON lines of them; plain or gzipped.
        where: The document's name; a place in it is appended, as in `a.json:3` (line) or `a.json#3` (record).
    """
    if data[:2] == b"\x1f\x8b":
        inflated = _inflate(data, where)
        if isinstance(inflated, Refusal):
            yield inflated
            return
        data = inflated
    if data[:3] == b"\xef\xbb\xbf":
        yield Refusal(where, Reason.UNREADABLE, "begins with a byte order mark: save it as UTF-8 without one")
        return
    if not data.strip():
        yield Refusal(where, Reason.UNREADABLE, "is empty")
        return
    yield from _document(data, where)


def _document(data: bytes, where: str) -> Iterator[Arrival | Refusal]:
    try:
        _SHAPE.decode(data)
    except msgspec.ValidationError:
        pass  # JSON, but not of a shape that carries records: _carrier says so
    except _UNREADABLE as error:
        lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
        # A broken document has many lines that are no JSON either: only if one is an object are they records.
        if len(lines) > 1 and any(_is_object(line) for _, line in lines):
            for number, line in lines:
                yield from _carrier(line, f"{where}:{number}", _NESTING)
            return
        yield _unreadable(where, error)
        return
    yield from _carrier(data, where, _NESTING)


def _carrier(data: bytes | Raw, where: str, nesting: int) -> Iterator[Arrival | Refusal]:
    """Take one carrier apart, or read the record that it is."""
    if not nesting:
        yield Refusal(where, Reason.NOT_A_RECORD, "is wrapped more often than any carrier of records")
        return
    try:
        shape = _SHAPE.decode(data)
    except _UNREADABLE as error:
        yield _unreadable(where, error)
        return
    if isinstance(shape, list):
        yield from _items(shape, where, nesting)
        return
    for many in (shape.records, shape.messages, shape.events):
        if many is not UNSET:
            try:
                items = _RAWS.decode(many)
            except _UNREADABLE as error:
                yield _unreadable(where, error)
            else:
                yield from _items(items, where, nesting)
            return
    for text in (shape.body, shape.received_body, shape.looked_up):
        if text is not UNSET:
            try:
                inner = _TEXT.decode(text).encode()
            except _UNREADABLE as error:
                yield _unreadable(where, error)
            else:
                yield from _carrier(inner, where, nesting - 1)
            return
    if shape.detail is not UNSET or shape.detail_type is not UNSET:
        yield parse_event(bytes(data), where)
        return
    yield _record(data, where)


def _items(items: list[Raw], where: str, nesting: int) -> Iterator[Arrival | Refusal]:
    for number, item in enumerate(items, 1):
        yield from _carrier(item, f"{where}#{number}", nesting - 1)


def _record(data: bytes | Raw, where: str) -> Arrival | Refusal:
    size = memoryview(data).nbytes
    if size > MAX_RECORD_BYTES:
        return Refusal(where, Reason.TOO_LARGE, f"{size} bytes, more than any record has")
    try:
        arrival = Arrival(where, _RECORD.decode(data))
    except _UNREADABLE as error:
        return _unreadable(where, error)
    return _check_record(arrival) or arrival


def _check_envelope(arrival: Arrival, envelope: Envelope) -> Refusal | None:
    record = arrival.record
    if not _AWS_SOURCE.fullmatch(envelope.source):
        wrong = f"source {envelope.source[:64]!a} is not one of AWS's, which begin with 'aws.'"
    elif envelope.detail_type != CLOUDTRAIL_DETAIL_TYPE:
        wrong = f"detail-type {envelope.detail_type[:64]!a} is not {CLOUDTRAIL_DETAIL_TYPE!a}"
    elif envelope.account != record.account:
        wrong = f"it came from account {envelope.account[:64]!a}, its record is for {record.account[:64]!a}"
    elif envelope.region != record.region:
        wrong = f"it came from Region {envelope.region[:64]!a}, its record is of {record.region[:64]!a}"
    else:
        return None
    return Refusal(arrival.where, Reason.FORGED_ENVELOPE, wrong, record)


def _check_record(arrival: Arrival) -> Refusal | None:
    """Account and Region go into role ARNs and host names, so they are checked before anything else sees them."""
    record = arrival.record
    if not ACCOUNT.fullmatch(record.account):
        wrong = f"recipientAccountId {record.account[:64]!a} is not 12 digits"
    elif not REGION.fullmatch(record.region):
        wrong = f"awsRegion {record.region[:64]!a} is not a Region"
    elif not 1 < record.event_time.year < 9999:  # the first and the last year may not have the time in UTC
        wrong = f"eventTime {record.event_time} is of no year of AWS"
    elif not record.event_id or not record.event_name or not record.event_source:
        wrong = "eventID, eventName or eventSource is empty"
    else:
        return None
    return Refusal(arrival.where, Reason.NOT_A_RECORD, wrong, record)


def _bad_event(body: str | bytes, where: str, error: Exception) -> Refusal:
    """Say more of an event that is no CloudTrail event than that a field is missing."""
    try:
        detail_type = _HEAD.decode(body).detail_type
    except _UNREADABLE:
        detail_type = UNSET
    if isinstance(error, msgspec.ValidationError):
        if isinstance(detail_type, str) and detail_type != CLOUDTRAIL_DETAIL_TYPE:
            wrong = f"detail-type {detail_type[:64]!a} is not {CLOUDTRAIL_DETAIL_TYPE!a}"
            return Refusal(where, Reason.FORGED_ENVELOPE, wrong)
        return Refusal(where, Reason.NOT_A_RECORD, f"is no EventBridge event of CloudTrail: {error}")
    return _unreadable(where, error)


def _unreadable(where: str, error: Exception) -> Refusal:
    if isinstance(error, msgspec.ValidationError):
        return Refusal(where, Reason.NOT_A_RECORD, f"is no CloudTrail record: {error}")
    if isinstance(error, RecursionError):
        return Refusal(where, Reason.UNREADABLE, "is nested more deeply than any record")
    if isinstance(error, UnicodeError):
        return Refusal(where, Reason.UNREADABLE, "is not UTF-8")
    return Refusal(where, Reason.UNREADABLE, f"is not readable JSON: {error}")


def _is_object(line: bytes) -> bool:
    try:
        _OBJECT.decode(line)
    except _UNREADABLE:
        return False
    return True


def _inflate(data: bytes, where: str) -> bytes | Refusal:
    """All members of a gzip file, up to a size that no log file of CloudTrail has."""
    parts: list[bytes] = []
    size = 0
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            while not member.eof and (data or member.unconsumed_tail):
                part = member.decompress(data, 1 << 20)
                data = member.unconsumed_tail
                parts.append(part)
                size += len(part)
                if size > MAX_INFLATED_BYTES:
                    return Refusal(where, Reason.TOO_LARGE, f"inflates to more than {MAX_INFLATED_BYTES >> 20} MiB")
        except zlib.error as error:
            return Refusal(where, Reason.UNREADABLE, f"is a damaged gzip file: {error}")
        if not member.eof:
            return Refusal(where, Reason.UNREADABLE, "is a gzip file that was cut short")
        data = member.unused_data
    return b"".join(parts)
