"""Inflates gzip in parts of a bounded size; what is damaged, too large or goes on after its end is told.

isal inflates into a buffer that it sizes by the length that is asked for. gzip's trailer says how long the text is, and
with it the common file is inflated in one call, without a buffer that grows. It is a hint alone: no more than a part is
ever taken at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor
from isal.isal_zlib import error

from ownertag.sources.logs.faults import FaultKind, Unreadable

#: What is held of an inflated object at once.
PART = 1 << 22
#: CloudTrail ends a file long before this.
MAX_INFLATED = 1 << 29
#: A record has an eventID, 122 bits by chance: even records that are alike in all else, and a thousand bytes long, have
#: 60 bytes to one at most. A file that inflates to more is none of records.
MAX_RATIO = 250
_SMALL = 1 << 24
_DAMAGED: type[Exception] = error  # type: ignore[assignment] # its stub names an instance
_MAGIC = b"\x1f\x8b"
#: Head and trailer of a member (RFC 1952).
_LEAST = 18

_AGAIN = "get it again from where it was written; if it is so there too, its records are lost"


def inflated_at_once(data: bytes) -> bytes | None:
    """The text of a small gzip file of one member, as CloudTrail writes it; None of any other, and of a damaged one."""
    said = int.from_bytes(data[-4:], "little")
    if data[:2] != _MAGIC or not 0 < said < PART:
        return None
    member = IgzipDecompressor(flag=DECOMP_GZIP)
    try:
        text = member.decompress(data, said + 1)
    except _DAMAGED:
        return None
    return text if member.eof and not member.unused_data else None


def inflated(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The text of an object in parts of at most `PART` bytes, all members of a gzip file; or itself, if it is no gzip.

    Args:
        chunks: The object's bytes.
        size: How many they are.

    Raises:
        Unreadable: It is damaged, cut, a bomb, empty, or goes on after its end. Only behind the last part is it sure
            that nothing is wrong: gzip's checksum stands there.
    """
    rest = iter(chunks)
    first = next(rest, b"")
    while len(first) < len(_MAGIC) and (more := next(rest, None)) is not None:
        first += more
    if not first:
        raise Unreadable(FaultKind.DAMAGED, "is empty", f"its upload or copy was not finished: {_AGAIN}")
    texts = _unpacked(chain((first,), rest)) if first[:2] == _MAGIC else chain((first,), rest)
    whole = 0
    for part in texts:
        whole += len(part)
        if whole > MAX_INFLATED or (whole > _SMALL and whole > MAX_RATIO * size):
            raise Unreadable(
                FaultKind.TOO_LARGE,
                f"holds more than {whole >> 20} MiB in {size:,} bytes, as no file of records does",
                "look who wrote it: it is no log of CloudTrail",
            )
        yield part


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member: IgzipDecompressor | None = None
    begun = False
    for chunk in chunks:
        data = chunk
        while data or (member is not None and not member.needs_input):
            if member is None:
                data = data.lstrip(b"\0") if begun else data  # some media pad with zeros, as the gzip command knows
                if not data:
                    break
                if data[:2] != _MAGIC[: len(data)]:
                    raise Unreadable(FaultKind.DAMAGED, "goes on after the end of its gzip", _AGAIN)
                member, begun = IgzipDecompressor(flag=DECOMP_GZIP), True
            try:
                part = member.decompress(data, _room(data))
            except _DAMAGED as problem:
                raise Unreadable(FaultKind.DAMAGED, f"is damaged gzip ({_plain(problem)})", _AGAIN) from problem
            data = b""
            if member.eof:
                data, member = member.unused_data, None
            if part:
                yield part
    if member is not None:
        raise Unreadable(FaultKind.DAMAGED, "is gzip that was cut short", _AGAIN)


def _room(data: bytes) -> int:
    """How much is asked for: what the trailer says, if this can be all of the file."""
    said = int.from_bytes(data[-4:], "little") if len(data) > _LEAST else 0
    return said + 1 if 0 < said < PART else PART


def _plain(error: Exception) -> str:
    """What isal says, without its number."""
    return str(error).partition(" ")[2].lstrip("-0123456789 ").lower() or str(error)
