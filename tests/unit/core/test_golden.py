"""Every golden record comes to what stands beside it, in whatever it is carried."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from harness import fixtures
from harness.planning import plan
from ownertag.core.ask import account_of, ask
from ownertag.core.match import match
from ownertag.core.parse import parse_event
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Fact, Found, Question, Refusal
from ownertag.flows.explain import explain
from ownertag.flows.result import Refused

GOLDEN = tuple(fixtures.golden())


def settings_for(record: fixtures.Json) -> Settings:
    return fixtures.settings() if record["awsRegion"].startswith("eu-central") else fixtures.anywhere()


def decide(read: Arrival | Refusal, settings: Settings) -> fixtures.Json:
    """A decision in the form that stands in a golden file."""
    matched = read if isinstance(read, Refusal) else match(read, fixtures.catalogue(), settings)
    if isinstance(matched, Refusal):
        arns = sorted(resource.arn for resource in matched.resources)
        return {"refusal": {"reason": matched.reason.value, "resources": arns}}
    facts: dict[Question, Fact] = {account_of(matched): Found()}
    questions = ask([matched], facts, fixtures.catalogue(), settings)
    now = matched.record.created_at + timedelta(minutes=1)
    [decision] = plan([matched], facts, fixtures.catalogue(), settings, now).decisions
    return {
        "resources": sorted(resource.arn for resource in decision.resources),
        "owner": {
            "name": decision.owner.name,
            "evidence": decision.owner.evidence,
            "confidence": decision.owner.confidence.value,
        },
        "tags": dict(decision.tags),
        "questions": [[question.kind.value, question.value] for question in questions],
    }


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_the_record_comes_to_what_is_expected(golden: fixtures.Golden) -> None:
    [read] = parse_document(fixtures.bytes_of(golden.record), golden.name)
    assert decide(read, settings_for(golden.record)) == golden.expected


@pytest.mark.parametrize("carrier", fixtures.CARRIERS)
def test_every_carrier_brings_the_same_decision(carrier: str) -> None:
    for golden in GOLDEN:
        [read] = parse_document(fixtures.CARRIERS[carrier](golden.record), golden.name)
        assert decide(read, settings_for(golden.record)) == golden.expected, golden.name


@pytest.mark.parametrize("carrier", fixtures.CARRIERS_OF_MANY)
def test_a_carrier_of_many_brings_them_all_in_their_order(carrier: str) -> None:
    reads = list(parse_document(fixtures.CARRIERS_OF_MANY[carrier]([golden.record for golden in GOLDEN]), "all"))
    assert len(reads) == len(GOLDEN)
    assert len({read.where for read in reads}) == len(GOLDEN)
    for read, golden in zip(reads, GOLDEN, strict=True):
        assert decide(read, settings_for(golden.record)) == golden.expected, golden.name


def test_the_live_way_in_brings_the_same_decision() -> None:
    for golden in GOLDEN:
        body = fixtures.text_of(fixtures.event(golden.record))
        assert decide(parse_event(body, "message"), settings_for(golden.record)) == golden.expected, golden.name


def test_explain_says_the_same() -> None:
    now = datetime.fromisoformat("2026-03-02T12:00:00Z")
    for golden in GOLDEN:
        explained = explain(fixtures.arrival(golden.record), fixtures.catalogue(), settings_for(golden.record), now)
        if isinstance(explained.result, Refused):
            assert golden.expected["refusal"]["reason"] == explained.result.refusal.reason.value
            continue
        assert explained.owner is not None
        assert golden.expected["owner"]["name"] == explained.owner.name
        assert golden.expected["questions"] == [
            [question.kind.value, question.value] for question in explained.questions
        ]


def test_every_row_has_a_golden_record_and_every_golden_record_a_row() -> None:
    rows = {(row.event_source, row.event_name) for row in fixtures.catalogue().rows.values()}
    assert {(golden.record["eventSource"], golden.record["eventName"]) for golden in GOLDEN} == rows
    folders = {(path.parent.parent.name, path.parent.name) for path in fixtures.golden_paths()}
    assert folders == {(source.removesuffix(".amazonaws.com"), name) for source, name in rows}


def test_every_row_has_a_golden_record_that_is_no_refusal() -> None:
    records = [golden.record for golden in GOLDEN if "refusal" not in golden.expected]
    assert {(record["eventSource"], record["eventName"]) for record in records} == set(fixtures.catalogue().rows)


def test_every_wrapped_row_has_a_golden_record_of_either_form() -> None:
    forms: dict[tuple[str, str], set[bool]] = {}
    for golden in GOLDEN:
        name, response = golden.record["eventName"], golden.record.get("responseElements") or {}
        if "refusal" not in golden.expected:
            forms.setdefault((golden.record["eventSource"], name), set()).add(f"{name}Response" in response)
    for key, row in fixtures.catalogue().rows.items():
        assert not row.wrapped or forms[key] == {True, False}, key


def test_a_golden_record_stands_in_the_folder_of_its_event() -> None:
    assert all(golden.name.split("/")[1] == golden.record["eventName"] for golden in GOLDEN)
