"""Finds the JSON values in chunks of bytes, one after the other, however they are laid out.

A value may stand on its line, or be spread over many (`jq`), or follow the one before without anything between
(Firehose). No value is kept longer than it takes to read it: a document's size costs no memory, that of one value does.
What is no JSON is told with its line, and costs no other line anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec
from msgspec import Raw, Struct

from ownertag.core.parse import UNREADABLE, decode_problem
from ownertag.core.reading.encodings import PACKED
from ownertag.core.values import Reason

#: One value: a log file of CloudTrail holds a few MB; a gzip bomb holds a thousand times its size.
MAX_VALUE_BYTES = 1 << 29
#: A document whose first lines are all no JSON is none: it is not read to its end.
MAX_BROKEN_LINES = 10_000
#: A line without an end in sight is looked at in parts of this size.
_PART = 1 << 23

# A text, to its end or to that of the part; or what opens values, or closes them. JSON has no line breaks in its texts.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+("?)|([\[{]+)|[\]}]+', re.DOTALL)
_REST_OF_TEXT = re.compile(rb'(?:[^"\\]|\\.)*+("?)', re.DOTALL)
# Base64 of gzip's magic bytes, of an object and of a list, printed on one line or on many: `kinesis.data` and others.
_PACKED = re.compile(PACKED.pattern + rb"[A-Za-z0-9+/]*={0,2}")
_PACKED_MORE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
# What CloudWatch Logs writes before an event, in exports to S3 (a time) and in `aws logs tail` (a time and a stream).
_LOGGED = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.:+Z]* (?:[^\s{]{1,512} )?(?=\{)")
_AMONG = "is JSON among other text, such as a log's or that of --output text: save the JSON alone"
_OPENS = (b"{", b"[", b'"')
_OBJECT = re.compile(rb'\{\s*"')
_VALUE: msgspec.json.Decoder[Raw] = msgspec.json.Decoder(Raw)
_MARK = b"\xef\xbb\xbf"


class Frame(Struct, frozen=True):
    """One JSON value, or base64 of some (`packed`), the line that it begins on, from 1, and which one it is there."""

    line: int
    data: bytes
    part: int = 1
    packed: bool = False


class Broken(Struct, frozen=True):
    """What is no JSON, and from which line."""

    line: int
    detail: str
    reason: Reason = Reason.UNREADABLE


def frames(chunks: Iterable[bytes]) -> Iterator[Frame | Broken]:
    """The values of a document. Of one that holds none, one `Broken`, or nothing where it is empty."""
    held: list[Broken] = []
    found = False
    for value in _Framing().values(chunks):
        if found:
            yield value
        elif isinstance(value, Broken) and len(held) < MAX_BROKEN_LINES:
            held.append(value)
        elif isinstance(value, Broken):
            yield Broken(
                1, f"its first {MAX_BROKEN_LINES} lines are no JSON, and the rest was not read: {held[0].detail}"
            )
            return
        else:
            found = True
            yield from held
            yield value
    if held and not found:
        yield next((broken for broken in held if broken.detail == _AMONG), held[0])


def _problem(data: bytes) -> str | None:
    try:
        _VALUE.decode(data)
    except UNREADABLE as error:
        return decode_problem(error)
    return None


def _embedded(data: bytes) -> str | None:
    """What prints JSON among other things: a log's lines, `--output text` with more than one column."""
    return None if data[:1] in _OPENS or not _OBJECT.search(data) else _AMONG


def _hold_one(lines: Iterable[bytes]) -> bool:
    """Whether an object stands whole on one of these lines. As of a document, the first so many tell."""
    could = (text for line in lines if (text := line.strip())[:1] == b"{" and text[-1:] == b"}")
    return any(_problem(text) is None for text in islice(could, MAX_BROKEN_LINES))


class _Framing:
    """Where we are in a document: the lines of the value that is open, and how deep."""

    def __init__(self) -> None:
        self._open: list[tuple[int, bytes]] = []
        self._size = 0
        self._depth = 0
        self._in_text = False
        self._by_line = False  # a whole value stood on one line, so a line that is cut is its own fault alone
        self._packed: list[bytes] = []
        self._packed_line = 0

    def values(self, chunks: Iterable[bytes]) -> Iterator[Frame | Broken]:
        """What each line completes, and what is left open at the end."""
        for line in _lines(chunks):
            if self._size > MAX_VALUE_BYTES:
                detail = f"has one value of more than {MAX_VALUE_BYTES >> 20} MiB, and was not read further"
                yield Broken(line.number, detail, Reason.TOO_LARGE)
                return
            yield from self._line(line)
        yield from self._end_packed()
        yield from self._given_up()

    def _line(self, line: _Line) -> Iterator[Frame | Broken]:
        bare = line.text.strip()
        if self._depth or self._in_text:
            if self._by_line and line.whole and line.text[:1] == b"{" and _problem(bare) is None:
                yield from self._given_up(by_line=True)
                yield Frame(line.number, bare)
            else:
                yield from self._scan(line)
            return
        bare = bare.removeprefix(_MARK)  # files that begin with it, one after the other
        if line.whole and (logged := _LOGGED.match(bare)):
            bare = bare[logged.end() :]
            line = _Line(line.number, bare)
        if self._packed and _PACKED_MORE.fullmatch(bare) and not self._begins_packed(bare):
            self._packed.append(bare)
            self._size += len(bare)
            return
        yield from self._end_packed()
        if _PACKED.fullmatch(bare):
            self._packed, self._packed_line = [bare], line.number
        elif line.whole and _problem(bare) is None:
            self._by_line = self._by_line or bare[:1] == b"{"
            yield Frame(line.number, bare)
        elif bare:
            yield from self._scan(line)

    def _begins_packed(self, bare: bytes) -> bool:
        """Whether a line is a value of its own, and no more of the one before: that has its end, or this is gzip."""
        return bare.startswith(b"H4sI") or self._packed[-1].endswith(b"=")

    def _scan(self, line: _Line) -> Iterator[Frame | Broken]:
        """Cut a line, or a part of one, where its values end."""
        text, start, at, part = line.text, 0, 0, 1
        if self._in_text and (rest := _REST_OF_TEXT.match(text)):
            at, self._in_text = rest.end(), not rest[1]
        for token in _TOKEN.finditer(text, at):
            if token[1] is not None:
                self._in_text = not token[1]
            elif token[2]:
                self._depth += token.end() - token.start()
            elif token.end() - token.start() < self._depth:
                self._depth -= token.end() - token.start()
            else:
                end = token.start() + self._depth
                closed, self._depth = self._depth > 0, 0
                if closed:
                    yield self._value(line.number, text[start:end], part)
                    start, part = end, part + 1
                if end < token.end():
                    break  # more is closed than was opened
        if line.ended:
            self._in_text = False  # there is no line break in a text: it was cut, and decoding says so
        left = text[start:]
        if self._depth > 0 or self._in_text:
            self._open.append((line.number, left + b"\n" if line.ended else left))
            self._size += len(left)
            return
        self._depth = 0
        if left.strip() or self._open:
            yield self._value(line.number, left, part)

    def _value(self, line: int, text: bytes, part: int) -> Frame | Broken:
        """What is open, closed with this."""
        first = self._open[0][0] if self._open else line
        data = b"".join([*(part for _, part in self._open), text]).strip().removeprefix(_MARK)
        self._open, self._size = [], 0
        problem = _problem(data)
        return Frame(first, data, part) if problem is None else Broken(first, _embedded(data) or problem)

    def _given_up(self, by_line: bool = False) -> Iterator[Frame | Broken]:
        """What never closed: each of its lines for itself, if there is a value among them; else one fault."""
        lines, self._open = self._open, []
        self._depth, self._size, self._in_text = 0, 0, False
        if by_line or _hold_one(text for _, text in lines):
            for line, text in lines:
                problem = _problem(text)
                yield Frame(line, text.strip()) if problem is None else Broken(line, problem)
        elif lines:
            text = b"".join(text for _, text in lines)
            yield Broken(lines[0][0], _embedded(text) or "ends within a value: it was cut short")

    def _end_packed(self) -> Iterator[Frame]:
        if self._packed:
            yield Frame(self._packed_line, b"".join(self._packed), packed=True)
            self._packed, self._size = [], 0


class _Line(Struct, frozen=True):
    """A line, or a part of a long one: `whole` if it is all of it, `ended` if it ends with it."""

    number: int
    text: bytes
    whole: bool = True
    ended: bool = True


def _lines(chunks: Iterable[bytes]) -> Iterator[_Line]:
    """Lines by their numbers, from 1; none is cut within an escape."""
    left: list[bytes] = []
    size, number, whole = 0, 1, True
    for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for text in ended:
            yield _Line(number, b"".join([*left, text]) if left else text, whole)
            left, size, whole = [], 0, True
            number += 1
        if rest:
            left.append(rest)
            size += len(rest)
        if size > _PART:
            text = b"".join(left)
            slashes = len(text) - len(text.rstrip(b"\\"))
            yield _Line(number, text[: size - slashes], whole=False, ended=False)
            left, size, whole = [b"\\" * slashes], slashes, False
    if size:
        yield _Line(number, b"".join(left), whole)
