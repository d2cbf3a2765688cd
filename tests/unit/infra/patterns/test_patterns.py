"""The rendered patterns, by MiniStack's matcher: exactly successful creations and deletions of rows are sent."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import fixtures
from infra.patterns.matcher import takes
from ownertag.catalogue.event_names import shared_names
from ownertag.core.tamper import Tampering, detect_tampering
from ownertag.render.documents import TooLong, compact, filled
from ownertag.render.patterns import MAX_PATTERN, hub_pattern, spoke_patterns, spoke_rules, tampering_pattern
from ownertag.sandbox.bus import as_event

ROOT = Path(__file__).parents[4]
PYTHON = ROOT / ".venv-ministack/bin/python"
REAL = Path(os.environ.get("OWNERTAG_REAL_RECORDS", "") or ROOT / "../shared/events/invictus.jsonl")

matcher = pytest.mark.skipif(not PYTHON.exists(), reason="no MiniStack in .venv-ministack: `make test` installs it")


def run(asked: Sequence[tuple[fixtures.Json, fixtures.Json]]) -> list[bool]:
    """Whether each pattern takes its event, by MiniStack; the guide's words must say the same."""
    text = "".join(json.dumps({"pattern": pattern, "event": event}) + "\n" for pattern, event in asked)
    ran = subprocess.run(
        [str(PYTHON), str(Path(__file__).with_name("match.py"))],
        input=text, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert answers == [takes(pattern, event) for pattern, event in asked]
    return answers


def sent(events: Sequence[fixtures.Json]) -> list[bool]:
    """Whether a rule of an account sends each event."""
    patterns = spoke_patterns(fixtures.catalogue())
    answers = run([(pattern, event) for event in events for pattern in patterns])
    return [any(answers[at : at + len(patterns)]) for at in range(0, len(answers), len(patterns))]


def is_creation(record: fixtures.Json) -> bool:
    """Whether a record is of a call that went well, and of a row."""
    return call_of(record) in fixtures.catalogue().rows and "errorCode" not in record


def is_deletion(record: fixtures.Json) -> bool:
    """Whether a record is of a call that went well, and that deletes what rows make."""
    return call_of(record) in fixtures.catalogue().endings and "errorCode" not in record


def call_of(record: fixtures.Json) -> tuple[str, str]:
    return record["eventSource"], record["eventName"]


def golden() -> list[fixtures.Json]:
    return [golden.record for golden in fixtures.golden()]


def agrees(records: Sequence[fixtures.Json]) -> int:
    """How many are sent, after a check that these are exactly the creations and deletions."""
    answers = sent([as_event(record) for record in records])
    for record, answer in zip(records, answers, strict=True):
        wanted = is_creation(record) or is_deletion(record)
        assert answer == wanted, (*call_of(record), record.get("errorCode"))
    return sum(answers)


@matcher
def test_of_the_golden_records_exactly_the_creations_are_sent() -> None:
    records = golden()
    count = agrees(records)
    assert 90 <= count < len(records)  # the failed ones are golden too
    names = {record["eventName"] for record in records if is_creation(record)}
    assert len(names) >= 200


@matcher
def test_no_failed_call_is_sent() -> None:
    failed = [{**record, "errorCode": "Client.UnauthorizedOperation"} for record in golden()]
    assert agrees(failed) == 0


@matcher
def test_no_event_of_another_name_or_service_is_sent() -> None:
    records = golden()
    other = [{**record, "eventName": f"{record['eventName']}Again"} for record in records]
    other += [{**record, "eventName": record["eventName"].lower()} for record in records]
    other += [
        {**record, "eventSource": source}
        for record in records
        for source in shared_names().get(record["eventName"], ())
        if (source, record["eventName"]) not in fixtures.catalogue().rows
    ]
    other += [
        {**records[0], "eventName": name} for name in ("DescribeInstances", "CreateTags", "DeleteTags", "StopInstances")
    ]
    assert len(other) > 2 * len(records)
    assert agrees(other) == 0


@matcher
def test_only_events_of_aws_are_sent_and_let_in() -> None:
    event = as_event(next(record for record in golden() if is_creation(record)))
    forged = [{**event, "source": source} for source in ("evil.ec2", "aws", "AWS.ec2", " aws.ec2", "")]
    forged.append({**event, "detail-type": "EC2 Instance State-change Notification"})
    assert sent([event, *forged]) == [True] + [False] * len(forged)
    assert run([(hub_pattern(), sent) for sent in (event, *forged)]) == [True] + [False] * len(forged)


@matcher
@pytest.mark.skipif(not REAL.is_file(), reason=f"no real records at {REAL}: set OWNERTAG_REAL_RECORDS")
def test_of_the_real_records_exactly_the_creations_and_deletions_are_sent() -> None:
    records = [json.loads(line) for line in REAL.read_text("utf-8").splitlines()]
    assert len(records) == 154
    assert sum(map(is_creation, records)) == 88
    assert sum(map(is_deletion, records)) == 2
    assert agrees(records) == 90


def tag_call(tags: Sequence[fixtures.Json], name: str = "CreateTags", **fields: object) -> fixtures.Json:
    request = {"resourcesSet": {"items": [{"resourceId": "i-0123456789abcdef0"}]}, "tagSet": {"items": [*tags]}}
    return fixtures.record(
        name, **{"userIdentity": fixtures.user("mallory"), "requestParameters": request, "errorCode": None, **fields}
    )


OURS = fixtures.session("ownertag", "auto-tag-role")
OTHERS = fixtures.session("ownertag", "auto-tag-role", account=fixtures.OTHER_ACCOUNT)
TAG_CALLS = {
    "overwrites the owner": (tag_call([{"key": "Name", "value": "x"}, {"key": "owner", "value": "mallory"}]), True),
    "writes a look-alike": (tag_call([{"key": "OWNER", "value": "mallory"}]), True),
    "removes a key": (tag_call([{"key": "dateCreated"}], "DeleteTags"), True),
    "removes all": (tag_call([], "DeleteTags"), True),
    "removes all, said otherwise": (
        tag_call([], "DeleteTags", requestParameters={"resourcesSet": {"items": [{"resourceId": "i-1"}]}}),
        True,
    ),
    "its request was left out": (tag_call([], requestParameters=fixtures.OMITTED), True),
    "a session does it": (tag_call([{"key": "owner", "value": "x"}], userIdentity=fixtures.session()), True),
    "another account's role of our name does it": (
        tag_call([{"key": "owner", "value": "x"}], userIdentity=OTHERS),
        True,
    ),
    "we write": (tag_call([{"key": "owner", "value": "alice"}], userIdentity=OURS), False),
    "another key": (tag_call([{"key": "Name", "value": "owner"}]), False),
    "another key is removed": (tag_call([{"key": "Name"}], "DeleteTags"), False),
    "it failed": (tag_call([{"key": "owner", "value": "x"}], errorCode="Client.UnauthorizedOperation"), False),
    "another call": (tag_call([{"key": "owner", "value": "x"}], "RunInstances"), False),
    "another service": (tag_call([{"key": "owner", "value": "x"}], eventSource="s3.amazonaws.com"), False),
}


@matcher
def test_exactly_the_calls_that_touch_our_tags_and_are_not_ours_are_sent() -> None:
    names = {"AWS::Partition": "aws", "AWS::AccountId": fixtures.ACCOUNT}
    pattern = filled(tampering_pattern(fixtures.settings()), names)
    calls = {
        name: {key: value for key, value in record.items() if (key, value) != ("errorCode", None)}
        for name, (record, _) in TAG_CALLS.items()
    }
    answers = run([(pattern, as_event(record)) for record in calls.values()])
    assert dict(zip(calls, answers, strict=True)) == {name: sent for name, (_, sent) in TAG_CALLS.items()}


def test_what_is_sent_of_tag_calls_is_what_is_tampering() -> None:
    """The rule only keeps back what the hub would leave alone as well."""
    for name, (record, is_sent) in TAG_CALLS.items():
        found = detect_tampering(fixtures.arrival(record).record, fixtures.catalogue(), fixtures.settings())
        assert isinstance(found, Tampering) == is_sent, name


def test_keys_that_are_too_many_for_the_rule_are_refused() -> None:
    keys = "".join(f'"{"a-long-key" * 12}{number:02}" = "x"\n' for number in range(16))
    with pytest.raises(
        TooLong, match=r"pattern for tampering has \d,\d{3} characters, and AWS takes 2,048: .*fewer or shorter keys"
    ):
        tampering_pattern(fixtures.settings(keys))


def test_every_pattern_fits() -> None:
    for pattern in [*spoke_rules(fixtures.catalogue(), fixtures.settings()).values(), hub_pattern()]:
        assert len(compact(pattern)) <= MAX_PATTERN
