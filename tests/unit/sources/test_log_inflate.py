from __future__ import annotations

import gzip
import random
from collections.abc import Iterator

import pytest

from ownertag.sources.logs.faults import FaultKind, Unreadable
from ownertag.sources.logs.inflate import MAX_INFLATED, PART, inflated

TEXT = random.Random(1).randbytes(300_000).hex().encode()  # noqa: S311 - no secret
WHOLE = gzip.compress(TEXT)


def _in(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("chunk", [1, 7, 1000, len(WHOLE)])
def test_a_file_is_inflated_however_its_bytes_come(chunk: int) -> None:
    assert b"".join(inflated(_in(WHOLE, chunk), len(WHOLE))) == TEXT


@pytest.mark.parametrize("more", [WHOLE, gzip.compress(b""), b"\0" * 512, WHOLE + b"\0"])
@pytest.mark.parametrize("chunk", [1000, 1 << 30])
def test_members_after_one_another_are_one_file_and_zeros_at_its_end_are_none(more: bytes, chunk: int) -> None:
    data = WHOLE + more
    assert b"".join(inflated(_in(data, chunk), len(data))) == gzip.decompress(data)


def test_a_long_text_comes_in_parts() -> None:
    text = TEXT * 30
    data = gzip.compress(text, 1)
    parts = list(inflated([data], len(data)))
    assert max(map(len, parts)) <= PART
    assert b"".join(parts) == text


def test_what_is_no_gzip_is_itself() -> None:
    assert b"".join(inflated(_in(TEXT, 1000), len(TEXT))) == TEXT


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 1000, len(WHOLE) - 11, len(WHOLE) - 2])
def test_a_cut_file_is_damaged(cut: int) -> None:
    with pytest.raises(Unreadable, match="cut short") as told:
        list(inflated([WHOLE[:-cut]], len(WHOLE) - cut))
    assert told.value.kind is FaultKind.DAMAGED


def test_no_flipped_bit_goes_unnoticed() -> None:
    for place in range(10, len(WHOLE), 1973):
        data = bytearray(WHOLE)
        data[place] ^= 1 << place % 8
        with pytest.raises(Unreadable):
            list(inflated([bytes(data)], len(data)))


@pytest.mark.parametrize("more", [b"x", b"{}" * 100, b"\x1f", b"\x1f\x8b", WHOLE[:-1]])
def test_what_follows_the_end_is_told(more: bytes) -> None:
    with pytest.raises(Unreadable, match=r"goes on after|cut short"):
        list(inflated([WHOLE + more], len(WHOLE + more)))


def test_an_empty_file_is_told() -> None:
    with pytest.raises(Unreadable, match="is empty"):
        list(inflated([], 0))


def test_a_bomb_is_stopped_long_before_it_is_inflated() -> None:
    bomb = gzip.compress(b" " * (MAX_INFLATED // 4), 9)
    parts: list[int] = []
    with pytest.raises(Unreadable, match="holds more than") as told:
        parts.extend(map(len, inflated([bomb], len(bomb))))
    assert told.value.kind is FaultKind.TOO_LARGE
    assert max(parts) <= PART
    assert sum(parts) < MAX_INFLATED // 16


def test_a_trailer_that_lies_changes_nothing() -> None:
    """A last member of one byte: its length says nothing of those before."""
    data = WHOLE + gzip.compress(b"x")
    assert b"".join(inflated([data], len(data))) == TEXT + b"x"
