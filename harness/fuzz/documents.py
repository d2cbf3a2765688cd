"""The documents of a run: each is drawn from its number and the run's seed, and from nothing else."""

from __future__ import annotations

import gzip
import json
from functools import cache
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from harness import fixtures
from harness.fuzz import hostile
from harness.fuzz.mutations import SMALL, many, places, secret

#: EventBridge carries no more (doc: Amazon EventBridge quotas).
MOST_BYTES = 256 << 10
#: One document of so many is grown to nearly that size.
ONE_LARGE_OF = 250

#: Parts of a record that hold whatever a call has.
_FREE = ("requestParameters", "responseElements", "responseElements", "resources")

_CARRIERS = (
    *fixtures.CARRIERS.values(),
    *((lambda plain, carry=carry: carry([plain, plain])) for carry in fixtures.CARRIERS_OF_MANY.values()),
)
#: Those that make no text longer than it is.
_PLAIN = tuple(fixtures.CARRIERS[name] for name in ("bare", "log-file", "list", "json-lines"))


class Document(Struct, frozen=True):
    """What arrives: the body of a queue message, or a file with `is_file`. `plain` is what it was written from."""

    data: bytes
    is_file: bool = False
    plain: Any = None
    name: str = ""


@cache
def material() -> tuple[bytes, ...]:
    """Golden events of every row and record of every hop, with their envelopes, as JSON."""
    found = [fixtures.event(golden.record) for golden in fixtures.golden()]
    for path in sorted((fixtures.GOLDEN / "hops").glob("*.json")):
        plain = json.loads(path.read_text("utf-8"))
        found.append(fixtures.event(plain["record"]))
        found += [fixtures.event(fact["fact"]["maker"]) for fact in plain["facts"] if "maker" in fact["fact"]]
    for name, request in (
        (
            "CreateTags",
            {
                "resourcesSet": {"items": [{"resourceId": fixtures.INSTANCE}]},
                "tagSet": {"items": [{"key": "owner", "value": "mallory"}]},
            },
        ),
        (
            "DeleteTags",
            {"resourcesSet": {"items": [{"resourceId": fixtures.INSTANCE}]}, "tagSet": {"items": [{"key": "Owner"}]}},
        ),
    ):
        found += [
            fixtures.event(fixtures.record(name, requestParameters=request, responseElements={"_return": True}))
        ] * 8
    return tuple(json.dumps(document).encode() for document in found)


def plain_of(number: int) -> Any:
    """A golden event, to be changed."""
    return msgspec.json.decode(material()[number % len(material())])


def drawn(seed: int, number: int) -> Document:
    """The document of this number."""
    draw = Random(f"{seed}:{number}")
    plain = plain_of(number)
    others = [plain_of(draw.randrange(1 << 30)) for _ in range(2)]
    large = number % ONE_LARGE_OF == 0
    for _ in range(draw.choice([0, 1]) if large else draw.choice([1, 1, 2, 3, 5])):
        _change(plain, draw, others)
    if draw.random() < 0.1 and (found := places(plain)):  # the last: what moves a value could put it under a name
        secret(draw.choice(found), draw, others)
    if draw.random() < 0.7:
        _in_step(plain)
    if large and (found := places(_part(plain, draw)) or places(plain)):
        many(draw.choice(found), draw, draw.randint(MOST_BYTES // 4, MOST_BYTES - 8192))
    return written(plain, draw, large)


def _change(plain: Any, draw: Random, others: list[Any]) -> None:
    """Makes one change: mostly where a record may hold anything; where types are fixed, mostly to another text."""
    chance, detail = draw.random(), plain.get("detail") if isinstance(plain, dict) else None
    if chance < 0.85 and isinstance(detail, dict):
        part = detail.get(draw.choice(_FREE) if chance < 0.6 else "userIdentity")
        found = places(part) if isinstance(part, (dict, list)) else []
        if found and chance < 0.6:
            draw.choice(SMALL)(draw.choice(found), draw, others)
        elif texts := [(here, key) for here, key in found if isinstance(here[key], str)]:
            here, key = draw.choice(texts)
            here[key] = draw.choice([*hostile.TEXTS, *(there[name] for there, name in texts)])
    elif found := places(plain):
        draw.choice(SMALL)(draw.choice(found), draw, others)


def _part(plain: Any, draw: Random) -> Any:
    """The part that grows: mostly one that a member can fill."""
    detail = plain.get("detail") if isinstance(plain, dict) else None
    name = draw.choice([*_FREE, "userIdentity", "userIdentity", ""])
    return detail.get(name) if isinstance(detail, dict) and isinstance(detail.get(name), (dict, list)) else plain


def _in_step(plain: Any) -> None:
    """The envelope as the record has it, where both are there: what it differs in would end the way early."""
    detail = plain.get("detail") if isinstance(plain, dict) else None
    if isinstance(detail, dict):
        for key, name in (("account", "recipientAccountId"), ("region", "awsRegion")):
            if isinstance(detail.get(name), str):
                plain[key] = detail[name]


def written(plain: Any, draw: Random, large: bool = False) -> Document:
    """The document as bytes: mostly as the queue brings it, else as a file; some damaged as text."""
    is_file = draw.random() < 0.25
    if is_file:
        record = plain.get("detail") if isinstance(plain, dict) else plain
        carry = draw.choice(_PLAIN if large else _CARRIERS) if isinstance(record, dict) else fixtures.bytes_of
        try:
            data = carry(record or {})
        except (AttributeError, TypeError, UnicodeError, ValueError):  # a carrier of the tests wants a record
            data = fixtures.bytes_of(plain)
    else:
        data = json.dumps(plain, separators=(",", ":"), ensure_ascii=draw.random() < 0.5).encode(errors="surrogatepass")
    if draw.random() < 0.1:
        data, is_plain = _damaged(data, draw), False
    else:
        is_plain = not is_file
    return Document(data[:MOST_BYTES] if large else data, is_file, plain if is_plain else None)


def _damaged(data: bytes, draw: Random) -> bytes:
    """The text cut, doubled, in another encoding, or with a key twice."""
    at, size = draw.randrange(len(data) + 1), draw.randint(1, 40)
    match draw.randrange(10):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[at + size :]
        case 2:
            return (
                data[:at]
                + draw.choice([b"\xff", b"\x00", b"\xed\xa0\x80", b"\\ud800", b'\\"', b"\xef\xbb\xbf", b"\n"])
                + data[at:]
            )
        case 3:
            return b"\xef\xbb\xbf" + data
        case 4:
            return data.decode(errors="replace").encode(draw.choice(["utf-16", "utf-16-le", "utf-32"]))
        case 5:  # a key twice
            key = data.rfind(b'"', 0, max(data.rfind(b'":', 0, at), 0))
            end = data.find(b":", key)
            if 0 <= key < end:
                return data[:key] + data[key : end + 1] + json.dumps(hostile.value(draw)).encode() + b"," + data[key:]
            return data
        case 6:
            return data.replace(b'"', b'\\"')
        case 7:
            return gzip.compress(data, 1, mtime=0)[: -draw.choice([1, 5, 9])]
        case 8:
            return data * draw.choice([2, 3]) if len(data) < 20_000 else data
        case _:
            return json.dumps(data.decode(errors="replace")).encode()
