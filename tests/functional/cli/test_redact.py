"""`ownertag explain --redact`: of hundreds of records nothing is left, and they decide the same."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import fixtures, leak_search
from harness.sampling import sample
from ownertag.cli.app import app
from ownertag.core.reading.documents import parse_document
from ownertag.core.redaction.record import Redactor
from ownertag.core.settings import Settings
from ownertag.flows.explain import explain
from ownertag.flows.result_object import result_object
from ownertag.sources.api_words import ApiModels

REAL = Path(os.environ.get("OWNERTAG_REAL_RECORDS", "") or fixtures.ROOT / "../shared/events/invictus.jsonl").parent
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@cache
def models() -> ApiModels:
    return ApiModels(fixtures.catalogue())


def redactor(seed: int = 1) -> Redactor:
    draw = random.Random(seed).randrange  # noqa: S311 - a test, which has to be the same each time
    return Redactor(draw, fixtures.catalogue(), models().services(), models().words_of)


def records_in(node: Any) -> Iterator[fixtures.Json]:
    """Every record in a file, also those that are facts of another."""
    if isinstance(node, dict):
        if "eventID" in node and "userIdentity" in node:
            yield node
        for value in node.values():
            yield from records_in(value)
    elif isinstance(node, list):
        for item in node:
            yield from records_in(item)


@cache
def golden() -> tuple[fixtures.Json, ...]:
    """Every third file in `make test`, more than 200 records, and all of them in full."""
    files = [file for folder in ("ec2", "hops") for file in sorted((fixtures.GOLDEN / folder).rglob("*.json"))]
    files = list(sample(files, 3))
    return tuple(record for file in files for record in records_in(json.loads(file.read_text("utf-8"))))


@cache
def real() -> tuple[fixtures.Json, ...]:
    lines = [line for file in sorted(REAL.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    return tuple(found.get("record", found) for found in map(json.loads, lines))


SETS = [
    pytest.param(golden, 200, id="golden"),
    pytest.param(
        real, 230, id="real", marks=pytest.mark.skipif(not REAL.is_dir(), reason=f"no real records in {REAL}")
    ),
]


def decided(record: fixtures.Json) -> fixtures.Json:
    [read] = parse_document(fixtures.bytes_of(record), "record")
    explained = explain(read, fixtures.catalogue(), Settings(), NOW)
    return result_object(explained.result, explained.owner, explained.questions)


def without_names(result: fixtures.Json) -> fixtures.Json:
    owner = result["owner"] or {}
    return {
        "refusal": result["refusal"] and result["refusal"]["reason"],
        "owner": (owner.get("evidence"), owner.get("confidence"), len(owner.get("via", ())), bool(owner.get("reason"))),
        "resources": [resource["type"] for resource in result["resources"]],
        "tags": sorted(result["tags"] or ()),
        "questions": [question["kind"] for question in result["questions"]],
        "call": [result[key] for key in ("event_source", "event_name", "created_at")],
    }


@pytest.mark.parametrize(("records", "at_least"), SETS)
def test_nothing_of_the_originals_is_left(records: Any, at_least: int) -> None:
    one = redactor()
    found = [left for record in records() if (left := leak_search.left(record, json.dumps(one.redact(record))))]
    assert len(records()) >= at_least
    assert not found


@pytest.mark.parametrize(("records", "at_least"), SETS)
def test_the_search_would_find_it(records: Any, at_least: int) -> None:
    blind = [record["eventID"] for record in records() if not leak_search.left(record, json.dumps(record))]
    assert len(blind) <= at_least // 50  # what AWS's services called by themselves names hardly anything


@pytest.mark.parametrize(("records", "at_least"), SETS)
def test_the_decision_is_the_same_but_for_names(records: Any, at_least: int) -> None:
    one = redactor()
    assert len(records()) >= at_least
    for record in records():
        before, after = decided(record), decided(one.redact(record))
        assert without_names(after) == without_names(before), record


@pytest.mark.parametrize(("records", "at_least"), SETS)
def test_other_names_in_a_record_come_to_the_same_redacted_one(records: Any, at_least: int) -> None:
    """A record whose names, ids and addresses were exchanged for others is redacted, with the same draws, to the same.

    So nothing of them is in it but what the redacted record tells by itself: which are alike, and of which form. Where
    there are few replacements (a network, a number of one digit) one can meet itself, and is drawn again.
    """
    tried = sample(records(), 5)
    assert len(tried) >= at_least // 5
    others = [
        record for record in tried if redactor(1).redact(redactor(2).redact(record)) != redactor(1).redact(record)
    ]
    assert len(others) <= len(tried) // 8


def test_what_is_asked_and_made_has_the_same_replacements() -> None:
    """A consistent replacement: what the decision builds of the redacted record is what stands for the original's."""
    one = redactor()
    compared = 0
    for record in golden():
        before, after = decided(record), decided(one.redact(record))
        asked = [question["value"] for question in before["questions"]] + [each["arn"] for each in before["resources"]]
        again = [question["value"] for question in after["questions"]] + [each["arn"] for each in after["resources"]]
        for original, replaced in zip(asked, again, strict=True):
            if original.startswith("arn:"):
                assert one.text(original) == replaced, record
                compared += 1
        assert before["account"] is None or one.text(before["account"]) == after["account"]
    assert compared > 100


# --- the command


def run(*arguments: str, given: bytes = b"") -> tuple[int, list[fixtures.Json], str]:
    answer = CliRunner().invoke(app, ["explain", "--redact", *arguments], input=given)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr


def test_what_is_printed_is_read_again_and_decides_the_same(tmp_path: Path) -> None:
    file = tmp_path / "launch.json"
    file.write_bytes(fixtures.bytes_of(fixtures.launch(user="carla")))
    code, [line], said = run(str(file))
    assert code == 0
    assert without_names(decided(line)) == without_names(decided(fixtures.launch()))
    assert "1 records redacted; look at them before you give them away" in said


@pytest.mark.parametrize("carrier", fixtures.CARRIERS)
def test_a_record_is_taken_out_of_whatever_carries_it(carrier: str, tmp_path: Path) -> None:
    file = tmp_path / "carried"
    file.write_bytes(fixtures.CARRIERS[carrier](fixtures.launch()))
    code, [line], _ = run(str(file))
    assert code == 0
    assert fixtures.ACCOUNT not in json.dumps(line)
    assert without_names(decided(line)) == without_names(decided(fixtures.launch()))


def test_files_of_one_run_have_the_same_replacements_and_another_run_has_others(tmp_path: Path) -> None:
    for name, record in {"a.json": fixtures.record(), "b.json": fixtures.launch()}.items():
        (tmp_path / name).write_bytes(fixtures.bytes_of(record))
    _, [first, second], _ = run(str(tmp_path))
    _, [other, _], _ = run(str(tmp_path))
    assert first["userIdentity"] == second["userIdentity"]
    assert first["userIdentity"] != other["userIdentity"]


def test_an_account_that_only_the_files_name_tells_is_in_the_record(tmp_path: Path) -> None:
    file = tmp_path / f"{fixtures.ACCOUNT}_CloudTrail_eu-central-1_20260302T0915Z_0123456789abcdef.json.gz"
    file.write_bytes(gzip.compress(fixtures.bytes_of({"Records": [fixtures.record(recipientAccountId=...)]})))
    code, [line], _ = run(str(file))
    assert code == 0
    assert line["recipientAccountId"] == line["userIdentity"]["accountId"] != fixtures.ACCOUNT


def test_what_is_no_json_object_is_left_out_and_told(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_bytes(fixtures.bytes_of(fixtures.record()) + b'\n{"eventID": "carla", "cut\n"dora is a text"\n')
    code, lines, said = run(str(file))
    assert code == 2
    assert len(lines) == 1
    assert "left out: " in said
    assert f"could not be read as records: {file}:2" in said
    assert "carla" not in said
    assert "dora" not in said


def test_a_record_that_lacks_a_field_is_redacted_as_well(tmp_path: Path) -> None:
    """Whoever reports that one can't be read has to give it."""
    file = tmp_path / "broken.json"
    file.write_bytes(fixtures.bytes_of(fixtures.record(eventTime="yesterday by carla", eventName=...)))
    code, [line], said = run(str(file))
    assert code == 2
    assert "carla" not in json.dumps(line)
    assert f"could not be read as records: {file}" in said


def test_only_creations_if_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_bytes(fixtures.bytes_of(fixtures.record()) + b"\n" + fixtures.bytes_of(fixtures.record("StopInstances")))
    assert [line["eventName"] for line in run(str(file), "--creations-only")[1]] == ["CreateVolume"]


def test_it_prints_no_csv() -> None:
    code, lines, said = run("-", "--output", "csv", given=fixtures.bytes_of(fixtures.record()))
    assert (code, lines) == (2, [])
    assert "--redact prints JSON lines" in said


HERE = f"eu-central-1:{fixtures.ACCOUNT}"
HASH, UUID = "50dc6c495c0c9188", "0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"
#: What ARNs and ids of other services have beside a name: words of more than one type, an API under another name.
OTHERS = {
    "elasticloadbalancing CreateLoadBalancer": ({"name": "shop", "type": "application"}, {"loadBalancers": [
        {"loadBalancerArn": f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/shop/{HASH}"}]}),
    "wafv2 CreateWebACL": ({"name": "shop", "scope": "REGIONAL"}, {"summary": {
        "name": "shop", "id": UUID, "aRN": f"arn:aws:wafv2:{HERE}:regional/webacl/shop/{UUID}"}}),
    "cognito-identity CreateIdentityPool": ({"identityPoolName": "shop"}, {"identityPoolId": f"eu-central-1:{UUID}"}),
    "route53resolver CreateResolverEndpoint": ({"name": "shop"}, {"resolverEndpoint": {
        "id": f"rslvr-out-{HASH}0", "arn": f"arn:aws:route53resolver:{HERE}:resolver-endpoint/rslvr-out-{HASH}0"}}),
    "amazonmq CreateBroker": ({"brokerName": "shop"}, {
        "brokerId": f"b-{UUID}", "brokerArn": f"arn:aws:mq:{HERE}:broker:shop:b-{UUID}"}),
    "ecs CreateService": ({"serviceName": "shop"}, {"service": {
        "serviceArn": f"arn:aws:ecs:{HERE}:service/web/shop", "clusterArn": f"arn:aws:ecs:{HERE}:cluster/web"}}),
    "secretsmanager CreateSecret": ({"name": "shop"}, {"arn": f"arn:aws:secretsmanager:{HERE}:secret:shop-a1B2c3"}),
    "s3 CreateBucket": ({"bucketName": "shop-logs"}, None),
}  # fmt: skip


#: Ids as AWS's documentation writes them: some are of the form that AWS makes, and some are of none.
EXAMPLES: dict[str, list[fixtures.Json]] = {
    "cognito-identity CreateIdentityPool": [
        {"identityPoolId": "eu-central-1:1cf667a2-49a6-454b-9e45-23199EXAMPLE"},
        {"identityPoolId": "eu-central-1:EXAMPLE8-90ab-cdef-fedc-ba987EXAMPLE"},
    ],
    "route53 CreateHealthCheck": [{"healthCheck": {"id": "b3c9cbc6-cd18-43bc-93f8-9e557example"}}],
    "route53resolver CreateResolverEndpoint": [
        {"resolverEndpoint": {
            "arn": f"arn:aws:route53resolver:{HERE}:resolver-endpoint/rslvr-out-1f4031f1f5example"}},
    ],
    "ec2 CreateSecurityGroup": [{"groupId": "sg-05618b249example"}, {"groupId": "sg-05618b249EXAMPLE"}],
    "ec2 CreateVpc": [{"vpc": {"vpcId": "vpc-0de29124example"}}],
    "ec2 CreateVolume": [{"volumeId": "vol-EXAMPLE1234567890"}],
}  # fmt: skip


@pytest.mark.parametrize(("name", "response"), [(name, each) for name, every in EXAMPLES.items() for each in every])
def test_what_an_example_of_the_documentation_made_is_decided_the_same(name: str, response: fixtures.Json) -> None:
    source, _, event = name.partition(" ")
    record = fixtures.record(
        event, eventSource=f"{source}.amazonaws.com", requestParameters={}, responseElements=response
    )
    redacted = redactor().redact(record)
    assert without_names(decided(redacted)) == without_names(decided(record))
    assert not leak_search.left(record, json.dumps(redacted))


@pytest.mark.parametrize("name", OTHERS)
def test_what_another_service_made_is_decided_the_same(name: str) -> None:
    source, _, event = name.partition(" ")
    request, response = OTHERS[name]
    record = fixtures.record(
        event, eventSource=f"{source}.amazonaws.com", requestParameters=request, responseElements=response
    )
    before, after = decided(record), decided(redactor().redact(record))
    assert before["resources"], before["refusal"]
    assert without_names(after) == without_names(before)
    assert "shop" not in json.dumps(after)
    assert [each["type"] for each in after["resources"]] == [each["type"] for each in before["resources"]]
