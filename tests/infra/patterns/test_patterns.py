"""The rendered patterns, by MiniStack's matcher: exactly the successful creations of the catalogue go on to the hub."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

import fixtures
from ownertag.render.documents import compact
from ownertag.render.patterns import MAX_PATTERN, hub_pattern, spoke_patterns
from ownertag.sandbox.bus import as_event

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-ministack/bin/python"
REAL = Path(os.environ.get("OWNERTAG_REAL_RECORDS", "") or ROOT / "../shared/events/invictus.jsonl")

matcher = pytest.mark.skipif(not PYTHON.exists(), reason="no MiniStack in .venv-ministack: `make test` installs it")


def run(asked: Sequence[tuple[fixtures.Json, fixtures.Json]]) -> list[bool]:
    """Whether each pattern takes its event, by MiniStack."""
    text = "".join(json.dumps({"pattern": pattern, "event": event}) + "\n" for pattern, event in asked)
    ran = subprocess.run(
        [str(PYTHON), str(Path(__file__).with_name("match.py"))],
        input=text, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(answers) == len(asked)
    return answers


def sent(events: Sequence[fixtures.Json]) -> list[bool]:
    """Whether a rule of an account sends each event."""
    patterns = spoke_patterns(fixtures.catalogue())
    answers = run([(pattern, event) for event in events for pattern in patterns])
    return [any(answers[at : at + len(patterns)]) for at in range(0, len(answers), len(patterns))]


def is_creation(record: fixtures.Json) -> bool:
    """Whether a record is of a call that went well, and of a row."""
    row = (record["eventSource"], record["eventName"])
    return row in fixtures.catalogue().rows and "errorCode" not in record


def golden() -> list[fixtures.Json]:
    return [each.record for each in fixtures.golden()]


def agrees(records: Sequence[fixtures.Json]) -> int:
    """How many are sent, after a check that these are exactly the creations."""
    answers = sent([as_event(record) for record in records])
    for record, answer in zip(records, answers, strict=True):
        assert answer == is_creation(record), (record["eventSource"], record["eventName"], record.get("errorCode"))
    return sum(answers)


@matcher
def test_of_the_golden_records_exactly_the_creations_are_sent() -> None:
    records = golden()
    count = agrees(records)
    assert 90 <= count < len(records)  # the failed ones are golden too
    names = {record["eventName"] for record in records if is_creation(record)}
    assert names == {name for _, name in fixtures.catalogue().rows}


@matcher
def test_no_failed_call_is_sent() -> None:
    failed = [{**record, "errorCode": "Client.UnauthorizedOperation"} for record in golden()]
    assert agrees(failed) == 0


@matcher
def test_no_event_of_another_name_or_service_is_sent() -> None:
    records = golden()
    other = [{**record, "eventName": f"{record['eventName']}V2"} for record in records]
    other += [{**record, "eventName": record["eventName"].lower()} for record in records]
    other += [{**record, "eventSource": "lightsail.amazonaws.com"} for record in records]
    other += [
        {**records[0], "eventName": name} for name in ("DescribeInstances", "CreateTags", "DeleteTags", "StopInstances")
    ]
    assert agrees(other) == 0


@matcher
def test_only_events_of_aws_are_sent_and_let_in() -> None:
    event = as_event(next(record for record in golden() if is_creation(record)))
    forged = [{**event, "source": source} for source in ("evil.ec2", "aws", "AWS.ec2", " aws.ec2", "")]
    forged.append({**event, "detail-type": "EC2 Instance State-change Notification"})
    assert sent([event, *forged]) == [True] + [False] * len(forged)
    assert run([(hub_pattern(), each) for each in (event, *forged)]) == [True] + [False] * len(forged)


@matcher
@pytest.mark.skipif(not REAL.is_file(), reason=f"no real records at {REAL}: set OWNERTAG_REAL_RECORDS")
def test_of_the_real_records_exactly_the_creations_are_sent() -> None:
    records = [json.loads(line) for line in REAL.read_text("utf-8").splitlines()]
    assert len(records) == 154
    assert agrees(records) == 44


def test_every_pattern_fits() -> None:
    for pattern in [*spoke_patterns(fixtures.catalogue()), hub_pattern()]:
        assert len(compact(pattern)) <= MAX_PATTERN


def test_a_service_of_many_events_has_several_patterns_that_lose_none() -> None:
    known = fixtures.catalogue()
    row = next(iter(known.rows.values()))
    names = [f"CreateSomethingOfQuiteALongName{number:03}" for number in range(200)]
    patterns = spoke_patterns(replace(known, rows={("ec2.amazonaws.com", name): row for name in names}))
    assert len(patterns) > 1
    assert all(len(compact(pattern)) <= MAX_PATTERN for pattern in patterns)
    assert [name for pattern in patterns for name in pattern["detail"]["eventName"]] == names
