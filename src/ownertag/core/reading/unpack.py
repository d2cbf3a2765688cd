"""Unpacks records from what carries them, however often they are wrapped, by the table of `carriers`."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from ownertag.core.parse import UNREADABLE, decode_problem
from ownertag.core.reading.carriers import CARRIERS, NOTICES, OTHERS, Carrier, Holds
from ownertag.core.reading.frames import Broken, Frame, frames
from ownertag.core.values import Reason, Refusal

#: What is no more than a list: to say that it held something says nothing.
_LISTS = ("log file", "list")
_INSIGHT = "AWS Insight via CloudTrail"
#: What tells a record or an event, and the other keys that are looked at.
_OWN = ("eventID", "eventName", "eventSource", "userIdentity")
_EVENT = ("detail", "detail-type")
_MORE = ("messageType", "recordId")

# A line holds a batch, which holds a message, which holds a notification, which holds an event with a record.
_MOST_TEXTS = 3
_MOST_DEEP = 12
#: SQS and Kinesis carry 1 MiB, Lambda 6 MB; a bomb in one inflates to a thousand times that.
MAX_PACKED_BYTES = 1 << 26
_KEY_NAME = re.compile(r"[A-Za-z@][A-Za-z0-9_@:.-]{0,31}")

_KEYS = tuple(
    dict.fromkeys(
        (
            *(carrier.key for carrier in CARRIERS),
            *(other[0] for other in OTHERS),
            *(notice[0] for notice in NOTICES),
            *(*_OWN, *_EVENT, *_MORE),
        )
    )
)
_ATTRIBUTES = {key: f"key_{number}" for number, key in enumerate(_KEYS)}
_Shape = msgspec.defstruct(
    "_Shape",
    [(attribute, Raw | msgspec.UnsetType, UNSET) for attribute in _ATTRIBUTES.values()],
    rename={attribute: key for key, attribute in _ATTRIBUTES.items()},
)
_SHAPE = msgspec.json.Decoder(_Shape | list[Raw] | str)
_RAWS = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_STEPS = tuple((_ATTRIBUTES[carrier.key], carrier) for carrier in CARRIERS)


class _Field(Struct, frozen=True):
    """A field of a row that Logs Insights answers with; the row is a list of them."""

    field: str
    value: Any = ""


_ROW = msgspec.json.Decoder(list[_Field])


class Leaf(Struct, frozen=True):
    """A record, or an EventBridge event with one (`event`), and in what it came; it may still be neither."""

    where: str
    data: bytes | Raw
    carrier: str
    event: bool = False


class _At(Struct, frozen=True):
    """Where in a document we are: its name, the carriers around, the innermost first, and how deep."""

    where: str
    carriers: tuple[str, ...] = ()
    depth: int = 0
    texts: int = 0

    @property
    def carrier(self) -> str:
        return " in ".join(dict.fromkeys(self.carriers))

    def inside(self, name: str | None = None, where: str | None = None, text: bool = False) -> _At:
        around = self.carriers
        if name is not None:
            # A log file's shape is that of every batch: it is one only if nothing else is in it.
            around = (name, *(carrier for carrier in around if carrier != "log file"))
        return _At(where or self.where, around, self.depth + 1, self.texts + text)

    def refusal(self, reason: Reason, detail: str) -> Refusal:
        inner = next((carrier for carrier in self.carriers if carrier not in _LISTS), None)
        named = f"{inner}: what it holds {detail}" if inner else detail
        return Refusal(self.where, reason, named, carrier=self.carrier or "record")


def leaves(frame: Frame, where: str, carrier: str | None = None) -> Iterator[Leaf | Refusal]:
    """What one value of a document carries."""
    at = _At(where, (carrier,) if carrier else ())
    yield from _packed(frame.data, at) if frame.packed else _value(frame.data, at)


def _value(data: bytes | Raw, at: _At) -> Iterator[Leaf | Refusal]:
    if at.depth > _MOST_DEEP or at.texts > _MOST_TEXTS:
        yield at.refusal(Reason.NOT_A_RECORD, "is wrapped more often than any carrier of records")
        return
    try:
        shape = _SHAPE.decode(data)
    except msgspec.ValidationError as error:
        yield at.refusal(Reason.NOT_A_RECORD, f"is no CloudTrail record: {error}")
        return
    except UNREADABLE as error:
        yield at.refusal(Reason.UNREADABLE, decode_problem(error))
        return
    if isinstance(shape, str):
        yield from _document(shape, at.inside(text=True))
    elif isinstance(shape, list) and (row := _row(data)) is not None:
        texts = [field.value for field in row if field.field == "@message"]
        if not texts:
            detail = "is a row of CloudWatch Logs Insights without @message: ask for that field"
            yield at.refusal(Reason.NOT_A_RECORD, detail)
        for text in texts:
            yield from _document(text if isinstance(text, str) else "", at.inside(text=True))
    elif isinstance(shape, list):
        yield from _items(shape, at.inside() if at.carriers else at.inside("list"))
    else:
        yield from _object(shape, data, at)


def _object(shape: Struct, data: bytes | Raw, at: _At) -> Iterator[Leaf | Refusal]:
    def has(key: str) -> bool:
        return getattr(shape, _ATTRIBUTES[key]) is not UNSET

    if has("eventID") and has("eventName") and has("userIdentity"):  # no carrier has all three
        yield Leaf(at.where, data, at.carrier or "record")
        return
    other = next((other for other in OTHERS if has(other[0])), None)
    if other is not None:
        yield Refusal(at.where, other[1], other[2], carrier=at.carrier or other[1].value)
    elif _text(shape, "messageType") == "CONTROL_MESSAGE":
        detail = "is CloudWatch Logs' question whether a subscription can be reached"
        yield Refusal(at.where, Reason.CONTROL_MESSAGE, detail, carrier="CloudWatch Logs subscription")
    elif has("detail") or has("detail-type"):
        if _text(shape, "detail-type") == _INSIGHT:
            yield Refusal(at.where, Reason.INSIGHT, OTHERS[1][2], carrier=at.inside("EventBridge event").carrier)
        else:
            yield Leaf(at.where, data, at.inside("EventBridge event").carrier, event=True)
    else:
        for attribute, carrier in _STEPS:
            held = getattr(shape, attribute)
            if held is not UNSET:
                yield from _held(held, carrier.holds, at.inside(_name(carrier, at, firehose=has("recordId"))))
                return
        notice = next((detail for key, detail in NOTICES if has(key)), None)
        if notice is not None:
            yield at.refusal(Reason.NOT_A_RECORD, notice)
        elif any(map(has, _OWN)):
            yield Leaf(at.where, data, at.carrier or "record")
        else:
            yield at.refusal(Reason.NOT_A_RECORD, _unknown(data))


def _name(carrier: Carrier, at: _At, firehose: bool) -> str | None:
    """How it is called: `data` is what an object around it has a name for, and Firehose's has an id of its own."""
    if carrier.holds is not Holds.PACKED:
        return carrier.name
    if any(known.holds is Holds.ONE and known.name in at.carriers[:1] for known in CARRIERS):
        return None
    return "Firehose record" if firehose else carrier.name


def _held(held: Raw, holds: Holds, at: _At) -> Iterator[Leaf | Refusal]:
    text = bytes(held)
    try:
        match holds:
            case Holds.MANY:
                yield from _items(_RAWS.decode(held), at)
            case Holds.PACKED if text[:1] == b'"':
                yield from _packed(_TEXT.decode(held).encode(), at)
            case Holds.TEXT if text[:1] == b'"':
                yield from _document(_TEXT.decode(held), at.inside(text=True))
            case _:  # an object: some programs leave what was a text so
                yield from _value(held, at)
    except msgspec.ValidationError as error:
        yield at.refusal(Reason.NOT_A_RECORD, f"is not what it should be: {error}")
    except UNREADABLE as error:
        yield at.refusal(Reason.UNREADABLE, decode_problem(error))


def _items(items: list[Raw], at: _At) -> Iterator[Leaf | Refusal]:
    for number, item in enumerate(items, 1):
        yield from _value(item, _At(f"{at.where}#{number}", at.carriers, at.depth + 1, at.texts))


def _row(data: bytes | Raw) -> list[_Field] | None:
    try:
        return _ROW.decode(data) or None
    except UNREADABLE:
        return None


def _document(text: str, at: _At) -> Iterator[Leaf | Refusal]:
    """A text within a carrier: mostly one value, but Firehose and Kinesis put several into one."""
    try:
        data = text.encode()
    except UnicodeError as error:
        yield at.refusal(Reason.UNREADABLE, decode_problem(error))
        return
    yield from _bytes(data, at)


def _bytes(data: bytes, at: _At) -> Iterator[Leaf | Refusal]:
    found = frames([data])
    first = next(found, None)
    if first is None:
        yield at.refusal(Reason.UNREADABLE, "is empty")
        return
    second = next(found, None)
    if second is None:
        yield from _framed(first, at)
        return
    # One after the other: what inflates to 64 MiB of small values would take gigabytes as a list of them.
    for number, frame in enumerate(chain((first, second), found), 1):
        yield from _framed(frame, _At(f"{at.where}.{number}", at.carriers, at.depth, at.texts))


def _framed(frame: Frame | Broken, at: _At) -> Iterator[Leaf | Refusal]:
    if isinstance(frame, Broken):
        yield at.refusal(frame.reason, frame.detail)
    elif frame.packed:
        yield from _packed(frame.data, at)
    else:
        yield from _value(frame.data, at)


def _packed(text: bytes, at: _At) -> Iterator[Leaf | Refusal]:
    """Base64, of gzip or of JSON."""
    at = at.inside(text=True)
    if at.texts > _MOST_TEXTS:
        yield at.refusal(Reason.NOT_A_RECORD, "is wrapped more often than any carrier of records")
        return
    try:
        data = base64.b64decode(text, validate=True)
        if data[:2] == b"\x1f\x8b":
            inflating = zlib.decompressobj(wbits=31)
            data = inflating.decompress(data, MAX_PACKED_BYTES)
            if inflating.unconsumed_tail:
                yield at.refusal(Reason.TOO_LARGE, f"inflates to more than {MAX_PACKED_BYTES >> 20} MiB")
                return
            if not inflating.eof or inflating.unused_data:
                yield at.refusal(Reason.UNREADABLE, "is gzip that was cut short, or goes on after its end")
                return
    except (binascii.Error, zlib.error) as error:
        yield at.refusal(Reason.UNREADABLE, f"is no base64 of JSON or gzip: {error}")
        return
    yield from _bytes(data, at)


def _text(shape: Struct, key: str) -> str | None:
    value = getattr(shape, _ATTRIBUTES[key])
    try:
        return None if value is UNSET else _TEXT.decode(value)
    except UNREADABLE:
        return None


def _unknown(data: bytes | Raw) -> str:
    """What an object is that nobody knows, by its first keys. Values are not told: they can be secrets."""
    try:
        keys = [key for key in _OBJECT.decode(data) if _KEY_NAME.fullmatch(key)][:5]
    except UNREADABLE as error:
        return decode_problem(error)
    return f"is no CloudTrail record, and no known carrier of records: it has {', '.join(keys) or 'no keys'}"
