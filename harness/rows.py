"""Records of every row, from the golden ones, with what may be wrong in them, and what holds of whatever comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

from harness import fixtures
from harness.fixtures import Json
from ownertag.core.arn import parse_arn, partition_of, take_apart
from ownertag.core.catalogue_types import CatalogueRow
from ownertag.core.match import match
from ownertag.core.parse import parse_record
from ownertag.core.values import Creation, Refusal

#: What stands where a text, a list or an object should, and what no id of AWS has.
_JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5, "", " ", "*", "?", "a*b", "..", "../..", "\n", "\u202e", "arn:", "arn:aws:::::",
    "${aws:username}", "{id}", "x" * 3000, [], {}, [[]], [None], {"": ""},
)  # fmt: skip


@cache
def golden_of() -> dict[tuple[str, str], tuple[Json, ...]]:
    """The golden records of each row that come to a creation."""
    found: dict[tuple[str, str], tuple[Json, ...]] = {}
    for golden in fixtures.golden():
        if "refusal" not in golden.expected:
            key = golden.record["eventSource"], golden.record["eventName"]
            found[key] = (*found.get(key, ()), golden.record)
    return found


def decide(record: Json) -> Creation | Refusal:
    """What a record comes to by all rows that are on, in any organization."""
    read = parse_record(fixtures.bytes_of(record), "record")
    return read if isinstance(read, Refusal) else match(read, fixtures.catalogue(), fixtures.anywhere())


def faults_of(decision: Creation | Refusal, row: CatalogueRow) -> list[str]:
    """What is wrong with a decision: a resource outside of the record's account or Region, or of another type."""
    if isinstance(decision, Refusal):
        return []
    account, region = decision.record.account, decision.record.region
    types = {makes.type.name: makes.type for makes in row.makes}
    faults = [] if decision.resources or decision.asked_by else ["a creation of nothing"]
    for resource in decision.resources:
        type_, parts = types.get(resource.type), parse_arn(resource.arn)
        if type_ is None or parts is None:
            faults.append(f"{resource}: no type of the row, or no ARN")
            continue
        taken = take_apart(resource.arn, type_.arn, type_.id_form)
        if taken is None or taken.id != resource.id:
            faults.append(f"{resource}: does not fit its type")
        elif (parts.account or account, parts.region or region) != (account, region):
            faults.append(f"{resource}: is not in {account} {region}")
        elif parts.partition != partition_of(region):
            faults.append(f"{resource}: is in another partition than {region}")
        if re.search(r"[*?{}\n]|\A\s", resource.id):
            faults.append(f"{resource}: an id with a wildcard")
    return faults


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a record: what holds it, and the key or number."""
    for key, inner in list(node.items() if isinstance(node, dict) else enumerate(node)):
        yield node, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def mutated(record: Json, others: tuple[Json, ...], random: Random) -> Json:
    """A record with one to three things wrong in its request or answer, or with what belongs to another record."""
    changed = deepcopy(record)
    for _ in range(random.randint(1, 3)):
        halves = [key for key in ("requestParameters", "responseElements") if isinstance(changed.get(key), dict)]
        how = random.randrange(9)
        if how == 0 or not halves:
            changed[random.choice(("requestParameters", "responseElements"))] = deepcopy(random.choice(_JUNK))
            continue
        half = random.choice(halves)
        holder, key = random.choice(list(places({half: changed[half]}))) if changed[half] else (changed, half)
        if key == half:
            holder = changed
        _change(holder, key, how, random.choice(others), random)
    return changed


def _change(holder: Any, key: Any, how: int, other: Json, random: Random) -> None:
    value = holder[key]
    if how == 1:
        holder[key] = deepcopy(random.choice(_JUNK))
    elif how == 2:
        del holder[key]
    elif how == 3:
        half = random.choice(("requestParameters", "responseElements"))
        holder[key] = deepcopy(other.get(half))
    elif how == 4 and isinstance(value, str):
        holder[key] = _elsewhere(value, random)
    elif how == 5 and isinstance(value, str):
        at = random.randrange(len(value) + 1)
        holder[key] = value[:at] + random.choice(("*", "?", "/", ":", "..", "\n", " ", "\u00e9", "A")) + value[at:]
    elif how == 6:
        holder[key] = [value] * random.choice((0, 2, 200))
    elif how == 7 and isinstance(value, list) and value:
        holder[key] = random.choice(value)
    else:  # what was made stood in the request already, or the request's word stands in the answer
        _, texts = zip(*_texts(other.get("responseElements")), strict=True) if _any(other) else ((), ("x",))
        holder[key] = random.choice(texts)


def _any(record: Json) -> bool:
    return bool(list(_texts(record.get("responseElements"))))


def _texts(node: Any) -> Iterator[tuple[Any, str]]:
    if isinstance(node, dict | list):
        yield from ((key, holder[key]) for holder, key in places(node) if isinstance(holder[key], str))


def _elsewhere(text: str, random: Random) -> str:
    """The same, in another account, Region, partition, service or type."""
    old, new = random.choice(
        (
            (fixtures.ACCOUNT, fixtures.OTHER_ACCOUNT), (fixtures.ACCOUNT, ""), ("eu-central-1", "us-west-2"),
            ("us-east-1", "us-west-2"), ("arn:aws:", "arn:aws-cn:"), ("arn:aws:", "arn:"), ("/", ":"), (":", "/"),
            ("-", "*"), (fixtures.ACCOUNT, "*"), ("eu-central-1", "*"),
        )
    )  # fmt: skip
    return text.replace(old, new)
