"""Turns the chunks of a document into chunks of UTF-8: unpacks gzip, and recodes other encodings of Unicode."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from ownertag.core.reading.athena import is_table
from ownertag.core.values import Reason

#: A log file of CloudTrail holds a few MB; a gzip bomb holds a thousand times its size.
MAX_INFLATED_BYTES = 1 << 29
#: Firehose gzips what CloudWatch Logs gzipped (doc: CloudWatch Logs, subscription filters with Firehose).
_MOST_TIMES = 2
_GZIP = b"\x1f\x8b"
_HEAD = 512  # tar's magic is behind a name and numbers
_INFLATE = 1 << 20

#: A document: gives its bytes in chunks, from the beginning each time that it is called.
Document = Callable[[], Iterable[bytes]]

#: What Windows PowerShell's `>` writes (UTF-16), and others with a byte order mark. UTF-32's begins as UTF-16's does.
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
#: What other programs' files begin with; each has its way to records.
_FORMATS = (
    (b"PK\x03\x04", "a zip archive: unpack it"),
    (b"PAR1", "a Parquet file: query it for JSON"),
    (b"ORC", "an ORC file: query it for JSON"),
    (b"Obj\x01", "an Avro file: query it for JSON"),
    (b"BZh", "a bzip2 file: unpack it"),
    (b"\xfd7zXZ\x00", "an xz file: unpack it"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file: unpack it"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"%PDF", "a PDF"),
    (b"Events:", "YAML: ask the AWS CLI for --output json"),
    (b"- ", "YAML: ask the AWS CLI for --output json"),
    (b"---------", "a table of the AWS CLI: ask for --output json"),
    (b"EVENTS\t", "text of the AWS CLI: ask it for --output json"),
    *((mark, "a value as Python prints it: print json.dumps of it") for mark in (b"{'", b"[{'", b"b'{", b"b'[")),
    *((mark, "JSON with its quotes escaped, as in a program's text: undo it") for mark in (b'{\\"', b'[{\\"')),
    *((mark, "JSON with HTML's escapes: undo them") for mark in (b"{&", b"[{&")),
)
_MARKUP = re.compile(rb"<[!?A-Za-z]")
_TAR = slice(257, 262)

#: Base64 of gzip, and of JSON that begins with an object or a list, whatever white space is in it.
PACKED = re.compile(rb"(?:H4sI|ey[JA]|ew[o0k]|W3s[iKNg]|Ww[o0]|Wy[JA])")


# An export of CloudWatch Logs: a time before each event.
_LOGGED = re.compile(rb"\d{4}-\d\d-\d\dT[0-9.:+Z]+ [^\n{]{0,512}\{")


class Damaged(Exception):
    """A document that can't be read to its end; the text says why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def decompressed(document: Document) -> Iterator[bytes]:
    """The bytes without gzip. A gzip file is looked through first: of a damaged one, nothing is used.

    Raises:
        Damaged: It is, or holds more than any document.
    """
    for _ in range(_MOST_TIMES + 1):
        head, chunks = first_bytes(document())
        if not head.startswith(_GZIP):
            return chunks
        document = _Inflated(document)
        for _ in document():
            pass
    raise Damaged(Reason.UNREADABLE, f"is gzipped more than {_MOST_TIMES} times")


def as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in UTF-8, by its byte order mark, or by the zeros that ASCII has in UTF-16.

    Raises:
        Damaged: It is not what it begins as.
    """
    head, chunks = first_bytes(chunks)
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if encoding is None and len(head) > 1 and 0 in head[:2] and any(head[:2]):
        encoding = "utf-16-be" if head[0] == 0 else "utf-16-le"
    return _recoded(chunks, encoding) if encoding else iter(chunks)


def format_of(head: bytes) -> str | None:
    """What else than text a document is, told by how it begins."""
    begins = head.lstrip()
    if head[_TAR] == b"ustar":
        return "a tar archive: unpack it"
    if _MARKUP.match(begins):
        return "XML or HTML: save the JSON"
    return next((name for magic, name in _FORMATS if begins.startswith(magic)), None)


def holds_records(document: Document) -> bool:
    """Whether a document begins as records do: JSON of objects, base64 of it, or a table of them; gzipped or not."""
    head, chunks = first_bytes(document())
    if head.startswith(_GZIP):
        return True
    try:
        text = next(as_utf8(chunks), b"").lstrip()
    except Damaged:
        return True  # it is told when it is read
    if text[:1] in {b"{", b"["} or text.startswith(b'"{') or PACKED.match(text):
        return True
    return _LOGGED.match(text) is not None or is_table(first_line(text))


def first_line(text: bytes) -> str:
    """The first line of what a document begins with."""
    return text[:4096].partition(b"\n")[0].decode(errors="replace")


def first_bytes(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them."""
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= _HEAD:
            break
    return head[:_HEAD], chain((head,) if head else (), rest)


class _Inflated:
    """A document without its gzip."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def __call__(self) -> Iterator[bytes]:
        """All members of a gzip file, up to a size that no log file of CloudTrail has."""
        member = zlib.decompressobj(wbits=31)
        size, begun_ = 0, False
        for chunk in self._document():
            data = chunk
            while data:
                if member.eof:
                    member, begun_ = zlib.decompressobj(wbits=31), False
                try:
                    part = member.decompress(data, _INFLATE)
                except zlib.error as error:
                    raise Damaged(Reason.UNREADABLE, f"is a damaged gzip file: {error}") from error
                begun_ = True
                data = member.unused_data if member.eof else member.unconsumed_tail
                size += len(part)
                if size > MAX_INFLATED_BYTES:
                    raise Damaged(Reason.TOO_LARGE, f"inflates to more than {MAX_INFLATED_BYTES >> 20} MiB")
                if part:
                    yield part
        if begun_ and not member.eof:
            raise Damaged(Reason.UNREADABLE, "is a gzip file that was cut short")


def _recoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chunks:
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        name = encoding.upper().removesuffix("-SIG")
        raise Damaged(Reason.UNREADABLE, f"begins as {name}, and is none further on") from error
