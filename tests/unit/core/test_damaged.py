"""Damaged records, the same ones each time, through the reader and the catalogue: no exception leaves them."""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from harness import fixtures
from harness.planning import plan
from harness.sampling import count
from ownertag.core.match import match
from ownertag.core.owner.principal import principal_of
from ownertag.core.parse import parse_event
from ownertag.core.reading.documents import parse_document
from ownertag.core.values import Creation, Refusal

COUNT = count(200_000)
DAMAGES = 8  # of one record, each on top of the last, before the next is taken
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    10**18,
    10**30,
    0.5,
    "",
    " ",
    "\x00",
    "\n",
    "null",
    "true",
    "[]",
    "\u202e",
    "\ud83d\ude00",
    "arn:",
    "aws:",
    "*",
    "a" * 300,
    [],
    [None],
    [[]],
    {},
    {"items": None},
    {"item": []},
    {"omitted": True},
    {"omitted": "true"},
    "i-1234567890abcdef0",
    "arn:aws:ec2:us-east-1:444455556666:instance/i-1234567890abcdef0",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "444455556666",
    "us-east-1",
    {"managed": True},
    {"omitted": [1]},
]


def places(plain: Any) -> list[tuple[Any, Any]]:
    """Every place in a record, as its container and its key or number."""
    found: list[tuple[Any, Any]] = []
    left = [plain]
    while left:
        here = left.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here))
        for key in keys:
            found.append((here, key))
            if isinstance(here[key], dict | list) and here[key]:
                left.append(here[key])
    return found


@cache
def golden_values() -> list[Any]:
    values = [here[key] for golden in fixtures.golden() for here, key in places(golden.record)]
    return [value for value in values if len(str(value)) < 500]


def swap(chance: random.Random, here: Any, key: Any) -> None:
    here[key] = deepcopy(chance.choice(ODD))


def splice(chance: random.Random, here: Any, key: Any) -> None:
    here[key] = deepcopy(chance.choice(golden_values()))


def drop(_: random.Random, here: Any, key: Any) -> None:
    del here[key]


def wrap(chance: random.Random, here: Any, key: Any) -> None:
    here[key] = [here[key]] if chance.random() < 0.5 else {chance.choice(["item", "items", "x"]): here[key]}


def rename(chance: random.Random, here: Any, key: Any) -> None:
    if isinstance(here, dict):
        here[key[:1].swapcase() + key[1:] if chance.random() < 0.5 else f"{key}\u200b"] = here.pop(key)


IN_SHAPE: list[Callable[[random.Random, Any, Any], None]] = [swap, splice, drop, wrap, rename]


def cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def flip(chance: random.Random, data: bytes) -> bytes:
    flipped = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def remove(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randint(1, 40) :]


def insert(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    return (
        data[:start]
        + chance.choice([b"\x00", b"\xff", b"\n", b'"', b"{", b"}", b"[", b",", b"\\", b"9" * 400])
        + data[start:]
    )


def double(chance: random.Random, data: bytes) -> bytes:
    """A key once more, with another value: the last one counts."""
    key, value = (
        chance.choice(["recipientAccountId", "awsRegion", "responseElements", "eventName", "x"]),
        chance.choice(ODD),
    )
    return data[:-1] + f',"{key}":{json.dumps(value)}}}'.encode()


IN_BYTES: list[Callable[[random.Random, bytes], bytes]] = [cut, flip, remove, insert, double]


def damaged(count: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)  # noqa: S311 - the same damage each time
    texts = [json.dumps(golden.record) for golden in fixtures.golden()]
    plain: Any = None
    data = b""
    for number in range(count):
        if number % DAMAGES == 0:
            text = chance.choice(texts)
            plain, data = json.loads(text), text.encode()
        if chance.random() < 0.5:
            yield chance.choice(IN_BYTES)(chance, data)
            continue
        chance.choice(IN_SHAPE)(chance, *chance.choice(places(plain)))
        yield json.dumps(plain).encode()


def test_damaged_records_leave_no_exception(capsys: pytest.CaptureFixture[str]) -> None:
    settings = fixtures.anywhere('[ignore]\nprincipals = ["arn:aws:iam::*:role/nobody"]\n')
    catalogue = fixtures.catalogue()
    head, found = (
        b'{"detail-type":"AWS API Call via CloudTrail","source":"aws.ec2","account":"111122223333",',
        Counter[str](),
    )
    head += b'"region":"eu-central-1","detail":'
    spent = 0.0
    for number, data in enumerate(damaged(COUNT, 20260302)):
        start = time.process_time()
        reads = list(parse_document(data, "file")) if number % 2 else [parse_event(head + data + b"}", "message")]
        for read in reads:
            matched = read if isinstance(read, Refusal) else match(read, catalogue, settings)
            if isinstance(matched, Creation):
                plan([matched], {}, catalogue, settings, fixtures.SOON)
                assert principal_of(matched.record.identity)
                found["creation"] += 1
            else:
                assert matched.detail
                found[matched.reason.value] += 1
        spent += time.process_time() - start
    with capsys.disabled():
        sys.stdout.write(f"\n{COUNT:,} damaged records, {COUNT / spent:,.0f} a second: {dict(found.most_common())}\n")
    assert found.total() >= COUNT * 0.95
    assert found["creation"] > COUNT * 0.05
    assert len(found) >= 12
