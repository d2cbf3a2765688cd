"""What the function prints: JSON lines of ids and counts, and nothing that a stranger wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from flows.hub import A, on_fakes
from handler.lambdas import lines
from harness import fixtures
from harness.events import HOME, envelope, instance_id, launch, omitted_launch, record, volume, volume_id
from harness.fakes import FakeAccounts, FakeAws
from ownertag.core.values import Failure, OutcomeKind, Reason
from ownertag.flows.live import BatchAnswer
from ownertag.flows.reconcile.legs import Leg
from ownertag.flows.reconcile.report import Foreign, Missed, PlaceReport, totals_of
from ownertag.handler.telemetry import Telemetry

CANARY = "canary7f3a"
METRICS = (
    {"MessagesDone", "MessagesReturned", "MessagesDeadLettered", "Unexpected"}
    | {f"Refused.{reason.value}" for reason in Reason}
    | {f"Outcome.{kind.value}" for kind in OutcomeKind}
)


def test_what_can_not_be_found_is_a_line_of_its_own_with_the_event_and_why(report: Telemetry, capsys: Any) -> None:
    """The alarm of the template counts it, and sends people to this line."""
    lost = omitted_launch(A, None, number=7, requestParameters={"omitted": True})
    other = record("CreateVolume", A, HOME, {"omitted": "true"}, number=8)
    report.answer(on_fakes(FakeAws(), lost, other, volume(A, volume_id(1), number=9)), [])
    output = capsys.readouterr().out
    found = [line for line in lines(output) if line.get("refused") == "response-omitted"]
    assert {line["message"] for line in found} == {"done"}
    assert [(line["event_name"], line["level"]) for line in found] == [
        ("RunInstances", "WARNING"),
        ("CreateVolume", "WARNING"),
    ]
    for line, number in zip(found, (7, 8), strict=True):
        assert (line["event_id"], line["account"], line["region"]) == (str(UUID(int=number)), A, HOME)
        assert line["refused"] == "response-omitted"
        assert "`ownertag transfer`" in line["reasons"][0]
    assert metrics_of(output)["Refused.response-omitted"] == 2


def test_what_can_never_be_tagged_is_told_with_the_reason_and_counted(report: Telemetry, capsys: Any) -> None:
    aws = FakeAws()
    aws.refuses = lambda call: Failure("NoEndpoint") if call.name == "ec2.CreateTags" else None
    report.answer(on_fakes(aws, volume(A, volume_id(1), number=9)), [])
    output = capsys.readouterr().out
    [line] = [line for line in lines(output) if line.get("message") == "done"]
    assert (line["level"], line["outcomes"]) == ("WARNING", {"failed": 1})
    assert line["reasons"] == [f"the service is not in Region {HOME} (NoEndpoint): nothing of it is tagged there"]
    assert metrics_of(output)["Outcome.failed"] == 1


@pytest.fixture
def told(report: Telemetry, capsys: pytest.CaptureFixture[str]) -> Callable[[BatchAnswer], str]:
    """Tell of an answer: what is printed."""

    def tell(answer: BatchAnswer) -> str:
        report.answer(answer, [])
        return capsys.readouterr().out

    return tell


def metrics_of(output: str) -> dict[str, float]:
    [emf] = [line for line in lines(output) if "_aws" in line]
    named = [metric["Name"] for metric in emf["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    return {name: sum(emf[name]) for name in named}


def test_each_message_is_a_line_and_a_batch_is_one_more(told: Callable[[BatchAnswer], str]) -> None:
    throttled = FakeAws()
    throttled.refuses = lambda call: Failure("SlowDown", 503) if volume_id(2) in call.values else None
    answer = on_fakes(
        throttled,
        volume(A, volume_id(1)),
        volume(A, volume_id(2), user="bob", number=2),
        record("DescribeVolumes", A, HOME, {}, number=3),
        "no json",
        receives=3,
    )
    output = told(answer)
    found = {line["message_id"]: line for line in lines(output) if "message_id" in line}
    assert {id_: line["message"] for id_, line in found.items()} == {
        "m0": "done",
        "m1": "returned",
        "m2": "done",
        "m3": "returned",
    }
    assert found["m0"]["outcomes"] == {"tagged": 1}
    assert found["m0"]["account"] == A
    assert found["m0"]["region"] == HOME
    assert found["m0"]["event_name"] == "CreateVolume"
    assert found["m0"]["evidence"] == "iam-user"
    assert found["m1"]["reasons"] == ["throttled: throttled (SlowDown)"]
    assert found["m1"]["level"] == "WARNING"
    assert found["m2"]["refused"] == "not-a-creation"
    assert found["m3"]["refused"] == "unreadable"
    assert {line["receives"] for line in found.values()} == {3}
    assert metrics_of(output) == {
        "MessagesDone": 2,
        "MessagesReturned": 2,
        "MessagesDeadLettered": 0,
        "Outcome.tagged": 1,
        "Outcome.throttled": 1,
        "Refused.not-a-creation": 1,
        "Refused.unreadable": 1,
    }


NAMES = [
    'a\n{"level":"ERROR"}',
    'a\r\n{"level":"ERROR"}',
    "a\u2028{}",
    "a\u2029b\u0085c",
    "\x1b[2Jx",
    "x\x00y",
    "\u202e\u200bz",
    "naïve",
    '"},{"',
]


@pytest.mark.parametrize("name", NAMES)
def test_t19_a_name_makes_no_line_of_its_own(told: Callable[[BatchAnswer], str], name: str) -> None:
    by_name = volume(A, volume_id(1), user=name)
    named_event = record(name, A, HOME, {}, number=1)
    elsewhere = volume(A, volume_id(2), name, number=2)
    failed = volume(A, volume_id(3), errorCode=name, number=3)
    forged = json.dumps(envelope(volume(A, volume_id(4)), source=name))
    output = told(on_fakes(FakeAws(), by_name, named_event, elsewhere, failed, forged, name))
    assert output.isascii()
    printed = output.split("\n")
    assert printed.pop() == ""
    assert len(printed) == 7
    assert [json.loads(line).get("level", "") for line in printed].count("ERROR") == 0
    assert all(ord(char) >= 0x20 for line in printed for char in line)


@pytest.mark.parametrize("name", NAMES)
def test_t19_even_what_is_printed_of_aws_makes_no_line_of_its_own(
    report: Telemetry, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    capsys.readouterr()
    report.answer(on_fakes(FakeAws()), [Failure(name)])
    output = capsys.readouterr().out
    assert output.isascii()
    assert [line["code"] for line in lines(output) if line.get("message") == "delay failed"] == [name]
    assert output.count("\n") == 2


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a document, of objects and lists as well."""
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))


def with_canary(event: dict[str, Any], path: tuple[Any, ...]) -> str:
    changed = deepcopy(event)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = CANARY
    return json.dumps(changed)


def full_record() -> dict[str, Any]:
    """A record with a value in every field that is read, and the secrets that real ones hold."""
    made = launch(A, [instance_id(1)], clientToken="token")
    made["userIdentity"] = {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:alice",
        "arn": f"arn:aws:sts::{A}:assumed-role/dev/alice",
        "accountId": A,
        "accessKeyId": "ASIAEXAMPLE",
        "userName": "alice",
        "invokedBy": "alice",
        "identityProvider": "provider",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{A}:role/dev", "accountId": A, "userName": "dev"},
            "sourceIdentity": "alice",
            "webIdFederationData": {"federatedProvider": "provider", "attributes": {"sub": "alice"}},
            "attributes": {"creationDate": "2026-11-23T11:00:00Z", "mfaAuthenticated": "true"},
        },
        "onBehalfOf": {"userId": "user", "identityStoreArn": "arn:aws:identitystore::1:identitystore/d-1"},
        "inScopeOf": {"sourceArn": "arn:aws:lambda:eu-central-1:111111111111:function:x", "issuerType": "AWS::Lambda"},
    }
    made["responseElements"]["credentials"] = {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c"}
    made |= {
        "errorCode": None,
        "errorMessage": None,
        "sharedEventID": "shared",
        "addendum": {"reason": "UPDATED_DATA", "originalEventID": "original", "updatedFields": "x"},
        "resources": [{"ARN": f"arn:aws:ec2:{HOME}:{A}:instance/{instance_id(1)}", "accountId": A, "type": "x"}],
        "vpcEndpointId": "vpce",
        "tlsDetails": {"tlsVersion": "x", "cipherSuite": "y", "clientProvidedHostHeader": "z"},
    }
    return made


@pytest.mark.parametrize(
    "made",
    [full_record(), volume(A, volume_id(1)), omitted_launch(A, "token"), record("DescribeVolumes", A, HOME, {})],
    ids=["launch", "volume", "omitted", "other"],
)
def test_t30_nothing_that_stands_in_a_record_is_printed(
    told: Callable[[BatchAnswer], str], made: dict[str, Any]
) -> None:
    event = envelope(made)
    bodies = [with_canary(event, path) for path in leaves(event)]
    assert len(bodies) > 25
    assert all(CANARY in body for body in bodies)
    for aws in (FakeAws(), failing("SlowDown"), failing("UnauthorizedOperation"), failing("NobodyKnowsThis")):
        output = told(on_fakes(aws, *bodies))
        assert len(output.splitlines()) == len(bodies) + 1
        assert CANARY not in output


def failing(code: str) -> FakeAws:
    aws = FakeAws()
    aws.refuses = lambda _: Failure(code, 400)
    return aws


def test_t30_the_golden_records_with_a_canary_everywhere_at_once(told: Callable[[BatchAnswer], str]) -> None:
    def poison(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {name: poison(value, name) for name, value in node.items()}
        if isinstance(node, list):
            return [poison(item, key) for item in node]
        kept = {"eventTime", "recipientAccountId", "awsRegion", "eventName", "eventSource", "type", "eventID"}
        return node if key in kept or not isinstance(node, str) or key.endswith("Id") else f"{node}{CANARY}"

    golden = [one.record for one in fixtures.golden()]
    bodies = [json.dumps(envelope(poison(plain))) for plain in golden if "recipientAccountId" in plain]
    assert bodies
    accounts = {plain["recipientAccountId"] for plain in golden if "recipientAccountId" in plain}
    output = told(on_fakes(FakeAws(), *bodies, accounts=FakeAccounts(accounts)))
    assert CANARY not in output


def test_t18_names_make_no_metrics(told: Callable[[BatchAnswer], str]) -> None:
    names = set()
    for start in range(0, 1000, 100):
        batch: list[dict[str, Any] | str] = [
            volume(A, volume_id(number), user=f"session{number}", number=number) for number in range(start, start + 100)
        ]
        batch += [record(f"Event{number}", A, HOME, {}, number=number) for number in range(start, start + 5)]
        names.add(tuple(sorted(metrics_of(told(on_fakes(FakeAws(), *batch))))))
    assert len(names) == 1
    assert set(*names) <= METRICS


def test_t18_every_forged_event_is_counted_under_a_name_of_the_list(told: Callable[[BatchAnswer], str]) -> None:
    output = told(on_fakes(FakeAws(), *(forged.body for forged in fixtures.FORGED)))
    counted = metrics_of(output)
    assert set(counted) <= METRICS
    refused = sum(count for name, count in counted.items() if name.startswith("Refused."))
    assert refused == len(fixtures.FORGED)


def test_an_empty_batch_is_told_without_trouble(told: Callable[[BatchAnswer], str]) -> None:
    assert metrics_of(told(on_fakes(FakeAws()))) == {
        "MessagesDone": 0,
        "MessagesReturned": 0,
        "MessagesDeadLettered": 0,
    }


# --- reconciling


def test_a_leg_counts_what_it_found_and_names_nothing_that_strangers_wrote(
    report: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    missed = Missed("00000000-0000-0000-0000-000000000001", "CreateVolume", at, "alice", ("arn:secret",), ("tagged",))
    found = PlaceReport(
        account="111111111111",
        region="eu-central-1",
        listed=3,
        missed=(missed,),
        forged=(Foreign("arn:secret", "owner", "secret", "alice"),),
        left=("throttled: busy",),
    )
    empty = PlaceReport(account="222222222222", region="eu-central-1")
    report.reconciled(Leg((found, empty), totals_of([found, empty]), at, unreached=2), dry_run=False)
    out = capsys.readouterr().out
    told = [json.loads(line) for line in out.splitlines()]
    [metrics] = [line for line in told if "_aws" in line]
    assert {name: metrics[name] for name in ("MissedCreations", "Reconciled.forged", "Reconciled.places")} == {
        "MissedCreations": [1.0], "Reconciled.forged": [1.0], "Reconciled.places": [2.0],
    }  # fmt: skip
    assert metrics["Reconciled.not-reached"] == [2.0]
    [place] = [line for line in told if line.get("message") == "reconciled"]
    assert (place["event_ids"], place["missed"], place["reasons"]) == ([missed.event_id], 1, ["throttled: busy"])
    assert "secret" not in out
    report.reconciled(Leg((found,), totals_of([found]), at), dry_run=True)
    assert "MissedCreations" not in capsys.readouterr().out
