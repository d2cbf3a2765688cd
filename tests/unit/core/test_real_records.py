"""154 real records: what was created has its resources and an owner, and what failed says by which error."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import pytest

from harness import fixtures
from ownertag.core.match import match
from ownertag.core.owner.resolve import resolve
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Creation, Reason, Refusal

FILE = Path(
    os.environ.get("OWNERTAG_REAL_RECORDS", "") or Path(__file__).parents[3] / "../shared/events/invictus.jsonl"
)
pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason=f"no real records at {FILE}: set OWNERTAG_REAL_RECORDS to a file of JSON lines"
)


@cache
def decided() -> tuple[tuple[fixtures.Json, Creation | Refusal], ...]:
    plain = [json.loads(line) for line in FILE.read_text().splitlines()]
    matched = []
    for read in parse_document(FILE.read_bytes(), FILE.name):
        assert isinstance(read, Arrival), read
        matched.append(match(read, fixtures.catalogue(), Settings()))
    return tuple(zip(plain, matched, strict=True))


def test_every_record_is_read_and_decided() -> None:
    assert len(decided()) == 154


def test_every_failed_call_is_a_refusal_that_names_its_error() -> None:
    failed = [(plain, refusal) for plain, refusal in decided() if plain.get("errorCode")]
    assert len(failed) == 29
    for plain, refusal in failed:
        assert isinstance(refusal, Refusal)
        assert refusal.reason is Reason.FAILED_CALL
        assert plain["errorCode"] in refusal.detail


def test_every_creation_of_a_row_has_resources_and_an_owner() -> None:
    rows = set(fixtures.catalogue().rows)
    made = [
        (plain, decision)
        for plain, decision in decided()
        if not plain.get("errorCode") and (plain["eventSource"], plain["eventName"]) in rows
    ]
    assert len(made) == 88
    for plain, decision in made:
        if isinstance(decision, Refusal):
            assert (plain["eventName"], decision.reason) == ("CreateNetworkInterface", Reason.MANAGED_BY_SERVICE)
        assert decision.record is not None
        assert decision.resources
        owner = resolve(decision.record, Settings(), fixtures.catalogue().parents)
        assert owner.name
        assert (owner.confidence is Confidence.NONE) == bool(owner.reason)


def test_a_managed_interface_is_a_refusal_that_names_it() -> None:
    managed = [
        decision
        for _, decision in decided()
        if isinstance(decision, Refusal) and decision.reason is Reason.MANAGED_BY_SERVICE
    ]
    assert len(managed) >= 1
    assert all(decision.resources for decision in managed)


def test_all_else_creates_nothing_or_is_not_covered_yet() -> None:
    rows = set(fixtures.catalogue().rows)
    for plain, decision in decided():
        if not plain.get("errorCode") and (plain["eventSource"], plain["eventName"]) not in rows:
            assert isinstance(decision, Refusal)
            assert decision.reason in {Reason.NOT_A_CREATION, Reason.NOT_COVERED}


def test_each_carrier_brings_the_same() -> None:
    plains = [plain for plain, _ in decided()]
    bare = [(type(decision), decision.resources) for _, decision in decided()]
    for carry in fixtures.CARRIERS_OF_MANY.values():
        reads = list(parse_document(carry(plains), "all"))
        assert all(isinstance(read, Arrival) for read in reads)
        matched = [match(read, fixtures.catalogue(), Settings()) for read in reads if isinstance(read, Arrival)]
        assert [(type(match_), match_.resources) for match_ in matched] == bare
