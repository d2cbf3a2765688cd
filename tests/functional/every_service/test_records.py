"""The records of the cases: named as AWS says, without secrets, and spelled as documented and real records are."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from every_service.cases import Case, read_cases
from every_service.world import ACCOUNT, MAKER, REGION, World
from ownertag.sandbox.sandbox import Sandbox

KNOWN = Path(
    os.environ.get("OWNERTAG_REAL_RECORDS", "") or Path(__file__).parents[3] / "../shared/events/invictus.jsonl"
).parent
#: Keys that records of the same event spell in more than one way, or that are of another time (seen).
OTHERWISE = {
    ("elasticmapreduce", "RunJobFlow", "releaseLabel"),
    ("kms", "CreateKey", "aWSAccountId"),
    ("rds", "CreateDBInstance", "port"),
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Sandbox(empty=True) as sandbox:
        yield World(sandbox)


def test_there_are_enough_cases_each_with_its_pages() -> None:
    cases = read_cases()
    assert len(cases) >= 75
    assert len({case.event_source for case in cases}) >= 30
    for case in cases:
        assert case.pages.startswith("https://docs.aws.amazon.com/"), case
        assert case.arns.startswith("https://docs.aws.amazon.com/service-authorization/"), case


@pytest.mark.parametrize("case", read_cases(), ids=str)
def test_a_record_says_what_aws_documents(world: World, case: Case) -> None:
    made = world.make(case)
    record = made.record
    assert record["awsRegion"] == (case.event_region or REGION)
    assert (record["recipientAccountId"], record.get("errorCode"), record["readOnly"]) == (ACCOUNT, None, False)
    assert record["userIdentity"]["principalId"].endswith(":carol@example.com"), MAKER
    assert (record["responseElements"] is None) == (case.response == "null")
    assert "be-seen" not in json.dumps(record).lower()
    assert made.arn.count(":") >= 5
    for known in documented().get((case.event_source, case.event_name), ()):
        for part in ("requestParameters", "responseElements"):
            wrong = {
                key
                for key in differently_spelled(record[part], known.get(part))
                if (case.event_source.partition(".")[0], case.event_name, key) not in OTHERWISE
            }
            assert not wrong, part


@cache
def documented() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Records that AWS documents, or that are real, by event source and name; none where the files are not there."""
    found = defaultdict(list)
    for path in sorted(KNOWN.glob("*.jsonl")) if KNOWN.exists() else ():
        for line in path.read_text("utf-8").splitlines():
            one = json.loads(line)
            record = one.get("record", one)
            if not record.get("errorCode"):
                found[record["eventSource"], record["eventName"]].append(record)
    return found


def differently_spelled(ours: Any, known: Any) -> set[str]:
    """Keys of ours that a known record has in another spelling, or with another kind of value."""
    if isinstance(ours, list) and isinstance(known, list):
        return {key for mine in ours[:1] for its in known[:1] for key in differently_spelled(mine, its)}
    if not isinstance(ours, dict) or not isinstance(known, dict):
        return set()
    spelled = {key.lower(): key for key in known}
    found = set()
    for key, value in ours.items():
        its = spelled.get(key.lower())
        if its is None:
            continue
        # An empty list is a text where a record has XML.
        if its != key or (value != "" and _kind(value) is not _kind(known[its])):
            found.add(key)
        found |= differently_spelled(value, known[its])
    return found


def _kind(value: Any) -> type:
    return type(value) if isinstance(value, dict | list) else str
