"""Bytes to one record: as the queue brings it, in its envelope, or bare; what can't be read is a refusal.

Nothing in here raises on any input. A record is read by msgspec into a typed value, so a field of the wrong type is
refused with its path; what a record holds beyond the fields that we use is skipped without being built.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from ownertag.core.arn import parse_user
from ownertag.core.records import ACCOUNT, REGION, Arrival, Envelope, Record
from ownertag.core.values import Reason, Refusal

#: EventBridge carries at most 256 KB, and CloudTrail cuts a record's parts at 100 KB: nothing real comes near.
MAX_RECORD_BYTES = 1 << 20

CLOUDTRAIL_DETAIL_TYPE = "AWS API Call via CloudTrail"
_AWS_SOURCE = re.compile(r"aws\.[a-z0-9.-]{2,64}")
_EVENT_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


_NULL = Raw(b"null")


class _EnvelopeHead(Struct):
    """The envelope with all of it unread: to say what is wrong with one, or to give it the account that it lacks."""

    account: Raw = _NULL
    region: Raw = _NULL
    source: Raw = _NULL
    detail_type: Raw = field(name="detail-type", default=_NULL)
    detail: Raw | UnsetType = UNSET


class _RecordHead(Struct):
    """What tells a record that can't be read, and in whose account it may have been; unread, as it may be anything."""

    event_id: Raw = field(name="eventID", default=_NULL)
    account: Raw = field(name="recipientAccountId", default=_NULL)
    identity: Raw = field(name="userIdentity", default=_NULL)
    shared_event_id: Raw = field(name="sharedEventID", default=_NULL)


class _Caller(Struct):
    """What tells the account of whoever called."""

    type: str
    arn: str
    account: str | None = field(name="accountId", default=None)


_RECORD = msgspec.json.Decoder(Record)
_ENVELOPE = msgspec.json.Decoder(Envelope)
_HEAD = msgspec.json.Decoder(_EnvelopeHead)
_RECORD_HEAD = msgspec.json.Decoder(_RecordHead)
_CALLER = msgspec.json.Decoder(_Caller)
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_TEXT = msgspec.json.Decoder(str)

#: What decoding can raise: the library's own errors, invalid UTF-8, and depth beyond the interpreter's stack.
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


def parse_event(body: str | bytes, where: str) -> Arrival | Refusal:
    """Parses the body of a queue message, which has to be an EventBridge event of CloudTrail.

    An envelope that AWS would not have written is refused: a source that is not AWS's, another detail type, or an
    account or Region that differs from the record's (EventBridge sets these fields itself, and refuses customers'
    events with a source that begins with `aws.`). A record without an account is of the envelope's.
    """
    if len(body) > MAX_RECORD_BYTES:
        return Refusal(where, Reason.TOO_LARGE, f"{len(body)} bytes, more than any event has")
    try:
        envelope = _ENVELOPE.decode(body)
    except UNREADABLE as error:
        completed = _with_envelopes_account(body)
        if completed is None:
            return _bad_event(body, where, error)
        envelope = completed
    arrival = Arrival(where, envelope.detail, envelope)
    return _check_envelope(arrival, envelope) or _check_record(arrival) or arrival


def parse_record(data: bytes | Raw, where: str, account: str | None = None) -> Arrival | Refusal:
    """A record without an envelope; `account` is where it is from, as far as that is known without it."""
    size = memoryview(data).nbytes
    if size > MAX_RECORD_BYTES:
        return Refusal(where, Reason.TOO_LARGE, f"{size} bytes, more than any record has", event_id=_id_in(data))
    try:
        arrival = Arrival(where, _RECORD.decode(data))
    except UNREADABLE as error:
        of_user = _account_of_user(data) if account is None else None
        completed = _completed(data, account or of_user)
        if completed is None:
            return _unreadable(data, where, error)
        arrival = Arrival(where, completed, account_inferred=of_user is not None)
    return _check_record(arrival) or arrival


def _completed(data: bytes | Raw, account: str | None) -> Record | None:
    """A record that lacks its account, with the one that is known otherwise; and without fields that are null.

    `recipientAccountId` is optional by CloudTrail's reference ("record contents"), and old records have none.
    """
    try:
        fields = {key: value for key, value in _FIELDS.decode(data).items() if value != _NULL}
        if account is not None:
            fields.setdefault("recipientAccountId", Raw(msgspec.json.encode(account)))
        return _RECORD.decode(msgspec.json.encode(fields))
    except UNREADABLE:
        return None


def _account_of_user(data: bytes | Raw) -> str | None:
    """The account of the IAM user who called, where nothing else tells one: not if the record has a twin in another."""
    try:
        head = _RECORD_HEAD.decode(data)
        if head.account != _NULL or head.shared_event_id != _NULL:
            return None
        caller = _CALLER.decode(head.identity)
    except UNREADABLE:
        return None
    user = parse_user(caller.arn) if caller.type == "IAMUser" else None
    return user.account if user and caller.account in {None, user.account} else None


def _with_envelopes_account(body: str | bytes) -> Envelope | None:
    try:
        head = _HEAD.decode(body)
        if head.detail is UNSET or _RECORD_HEAD.decode(head.detail).account != _NULL:
            return None
        account, region, source, detail_type = map(
            _TEXT.decode, (head.account, head.region, head.source, head.detail_type)
        )
    except UNREADABLE:
        return None
    record = _completed(head.detail, account)
    return Envelope(account, region, source, detail_type, record) if record else None


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
    """Says more of an event that is no CloudTrail event than that a field is missing."""
    try:
        head = _HEAD.decode(body)
    except UNREADABLE:
        head = _EnvelopeHead()
    detail_type, event_id = _text(head.detail_type), _id_in(head.detail)
    if not isinstance(error, msgspec.ValidationError):
        return Refusal(where, Reason.UNREADABLE, decode_problem(error), event_id=event_id)
    if detail_type is not None and detail_type != CLOUDTRAIL_DETAIL_TYPE:
        wrong = f"detail-type {detail_type[:64]!a} is not {CLOUDTRAIL_DETAIL_TYPE!a}"
        return Refusal(where, Reason.FORGED_ENVELOPE, wrong, event_id=event_id)
    wrong = f"is no EventBridge event of CloudTrail: {error}{_of(event_id)}"
    return Refusal(where, Reason.NOT_A_RECORD, wrong, event_id=event_id)


def _unreadable(data: bytes | Raw, where: str, error: Exception) -> Refusal:
    event_id = _id_in(data)
    if isinstance(error, msgspec.ValidationError):
        wrong = f"is no CloudTrail record: {error}{_of(event_id)}"
        if _lacks_account(data):
            wrong = (
                f"in whose account it was can't be told: it has no recipientAccountId, no envelope, no path of a log"
                f" file, and no IAM user called{_of(event_id)}"
            )
        return Refusal(where, Reason.NOT_A_RECORD, wrong, event_id=event_id)
    return Refusal(where, Reason.UNREADABLE, decode_problem(error), event_id=event_id)


def _lacks_account(data: bytes | Raw) -> bool:
    """Whether it would be a record with an account."""
    try:
        return _RECORD_HEAD.decode(data).account == _NULL and _completed(data, "0" * 12) is not None
    except UNREADABLE:
        return False


def _id_in(data: bytes | Raw | UnsetType) -> str | None:
    """The event's id, if it can be read and is one: anything else could be a secret."""
    try:
        found = None if data is UNSET else _text(_RECORD_HEAD.decode(data).event_id)
    except UNREADABLE:
        return None
    return found if found is not None and _EVENT_ID.fullmatch(found) else None


def _text(raw: Raw) -> str | None:
    """What stands there, if it is a text."""
    try:
        return _TEXT.decode(raw)
    except UNREADABLE:
        return None


def _of(event_id: str | None) -> str:
    return f" (event {event_id})" if event_id else ""


def decode_problem(error: Exception) -> str:
    """What is wrong with JSON that could not be decoded, without any of its text."""
    if isinstance(error, RecursionError):
        return "is nested more deeply than any record"
    if isinstance(error, UnicodeError):
        return "is not UTF-8"
    return f"is not readable JSON: {error}"
