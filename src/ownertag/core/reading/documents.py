"""Reads the records in a document, whatever carries them; what can't be read is a refusal.

Nothing in here raises on any input. A document is read in chunks, value by value: its size costs no memory.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from msgspec.structs import replace

from ownertag.core.parse import parse_event, parse_record
from ownertag.core.reading import athena
from ownertag.core.reading.encodings import Damaged, Document, as_utf8, decompressed, first_bytes, first_line, format_of
from ownertag.core.reading.frames import Broken, Frame, frames
from ownertag.core.reading.unpack import Leaf, leaves
from ownertag.core.records import Arrival
from ownertag.core.values import Reason, Refusal

#: What is counted where no carrier could be told.
_UNREAD = "unreadable"
_MOST_OF_HEAD = 4096
#: Of a table; a record has a few hundred KB.
_MOST_OF_LINE = 1 << 24
# A line of cells in quotes: the head of some other table.
_CELLS = re.compile(r'"[^"{}]*"(?:,"[^"{}]*")+\r?')
# Of an organization's trail, the folder of its id is between (CloudTrail user guide, "Finding your log files").
_LOG_FOLDER = re.compile(r"(?:^|/)AWSLogs/(?:o-[a-z0-9]{10,32}/)?([0-9]{12})/CloudTrail(?:-[A-Za-z-]+)?/")
_LOG_NAME = re.compile(r"(?:^|/)([0-9]{12})_CloudTrail(?:-[A-Za-z]+)?_[a-z0-9-]+_[0-9]{8}T[0-9]{4}Z_[^/]*$")


def parse_document(data: bytes, where: str) -> Iterator[Arrival | Refusal]:
    """Every record in a document that is in memory; `read_document` says what a document may be."""
    return read_document(lambda: (data,), where)


def read_document(document: Document, where: str) -> Iterator[Arrival | Refusal]:
    """Every record in a document, or a refusal for what is none.

    Args:
        document: Gives the bytes, from their beginning each time that it is called: once, and again for gzip.
            They are JSON values, one after the other: a CloudTrail record, an EventBridge event, what carries these
            (`core.reading.carriers`), or lists of any of it; or lines of base64; or Athena's CSV. In UTF-8 or UTF-16.
        where: The document's name; a place in it is appended, as in `a.json:3` (line) or `a.json#3` (record). Of a log
            file, it also tells the account.
    """
    for found, _ in read_with_data(document, where):
        yield found


def read_with_data(document: Document, where: str) -> Iterator[tuple[Arrival | Refusal, bytes]]:
    """What `read_document` gives, each with the JSON that it was read from: a record or event, or nothing."""
    account = account_of_path(where)
    try:
        chunks = as_utf8(decompressed(document))
        head, chunks = first_bytes(chunks)
        wrong = format_of(head)
        if wrong is not None:
            yield Refusal(where, Reason.UNREADABLE, f"is {wrong}", carrier=_UNREAD), b""
            return
        line, chunks = _with_first_line(chunks)
        if _CELLS.fullmatch(line) and not athena.is_table(line):
            wrong = "is CSV without the columns of a record: Athena's has them by SELECT *"
            yield Refusal(where, Reason.UNREADABLE, wrong, carrier="CSV"), b""
            return
        for leaf in _table(chunks, where) if athena.is_table(line) else _values(chunks, where):
            yield (_arrived(leaf, account), bytes(leaf.data)) if isinstance(leaf, Leaf) else (leaf, b"")
    except Damaged as damaged:
        yield Refusal(where, damaged.reason, damaged.detail, carrier=_UNREAD), b""


def account_of_path(path: str) -> str | None:
    """The account whose records lie there, if CloudTrail named the folder or the file."""
    path = path.replace("\\", "/")
    found = _LOG_FOLDER.search(path) or _LOG_NAME.search(path)
    return found[1] if found else None


# --- a document's parts


def _values(chunks: Iterable[bytes], where: str) -> Iterator[Leaf | Refusal]:
    """Each JSON value's; where there is but one, it is the document, and needs no line."""
    found = frames(chunks)
    first = next(found, None)
    if first is None:
        yield Refusal(where, Reason.UNREADABLE, "is empty", carrier=_UNREAD)
        return
    second = next(found, None)
    if second is None:
        yield from _frame(first, where)
        return
    for frame in (first, second):
        yield from _frame(frame, _place(where, frame))
    for frame in found:
        yield from _frame(frame, _place(where, frame))


def _frame(frame: Frame | Broken, where: str) -> Iterator[Leaf | Refusal]:
    if isinstance(frame, Broken):
        yield Refusal(where, frame.reason, frame.detail, carrier=_UNREAD)
    else:
        yield from leaves(frame, where)


def _place(where: str, frame: Frame | Broken) -> str:
    part = frame.part if isinstance(frame, Frame) else 1
    return f"{where}:{frame.line}.{part}" if part > 1 else f"{where}:{frame.line}"


def _with_first_line(chunks: Iterator[bytes]) -> tuple[str, Iterator[bytes]]:
    """The first line, if it could be a table's head, and all of it."""
    begins: list[bytes] = []
    for chunk in chunks:
        begins.append(chunk)
        if b"\n" in chunk or sum(map(len, begins)) > _MOST_OF_HEAD or chunk[:1] in b"{[":
            break
    return first_line(b"".join(begins)), chain(begins, chunks)


def _table(chunks: Iterable[bytes], where: str) -> Iterator[Leaf | Refusal]:
    """Each row's."""
    for row in athena.rows(_text_lines(chunks)):
        place = f"{where}:{row.line}"
        if row.wrong is not None:
            yield Refusal(place, row.reason, row.wrong, carrier="CSV")
        else:
            yield from leaves(Frame(row.line, row.data), place, "CSV")


def _text_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    left = ""
    try:
        for chunk in chunks:
            *ended, left = (left + decoder.decode(chunk)).split("\n")
            yield from (f"{line}\n" for line in ended)
            if len(left) > _MOST_OF_LINE:
                raise Damaged(Reason.TOO_LARGE, f"has a line of more than {_MOST_OF_LINE >> 20} MiB, in a table")
        left += decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise Damaged(Reason.UNREADABLE, "is not UTF-8") from error
    if left:
        yield left


def _arrived(leaf: Leaf, account: str | None) -> Arrival | Refusal:
    found = parse_event(bytes(leaf.data), leaf.where) if leaf.event else parse_record(leaf.data, leaf.where, account)
    return replace(found, carrier=leaf.carrier)
