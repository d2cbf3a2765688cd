"""Every operation that takes tags has a status, and rows say what AWS's pages and records say."""

from __future__ import annotations

import json
import os
import random
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from derive import __main__ as derivation
from derive import grouping, models, report
from derive.explain import explain
from derive.grouping import Creation
from derive.reference import FOLDER
from derive.rows import Row, statuses
from ownertag.catalogue.merge import merge_source

RECORDS = (
    Path(os.environ.get("OWNERTAG_RECORDS", "") or Path(__file__).parents[4] / "../shared/events") / "creations.jsonl"
)
AGAIN = "AWS's models say something else by now: run `make catalogue`, and look at what changed"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs Node and npm: where they are, `make test` installs AWS's reference"
)


@cache
def rows() -> dict[tuple[str, str], Creation]:
    return {(creation.source, creation.event): creation for creation in grouping.creations()}


def row(source: str, event: str) -> Creation:
    return rows()[f"{source}.amazonaws.com", event]


def in_models() -> Iterator[str]:
    """Each operation whose request has, at its top, a list or map called tags, read from the models' files."""
    for client in models.clients():
        shapes = models.raw_shapes(client)
        for name in models.model(client).operation_names:
            request = models.operation(client, name).input_shape
            members = shapes[request.name].get("members", {}) if request else {}
            for member, reference in members.items():
                shape = shapes[reference["shape"]]
                named = re.fullmatch("(?:resource)?tags(?:list)?|taglist|tagspecifications?", member, re.IGNORECASE)
                inner = shapes[shape["member"]["shape"]] if shape["type"] == "list" else {}
                if named and (shape["type"] == "map" or {"Key", "Value"} <= inner.get("members", {}).keys()):
                    values = shapes[shape["value"]["shape"]]["type"] if shape["type"] == "map" else "string"
                    if values == "string":
                        yield f"{client}.{name}"


def test_every_operation_that_takes_tags_has_a_status() -> None:
    known = {f"{one.client}.{one.operation}" for one in statuses()}
    assert set(in_models()) <= known
    assert len(known) > 2_190  # 2,187 of a botocore that is some days younger, where lists and maps alone were counted
    assert len(known) == len(statuses())


def test_the_reference_adds_what_takes_tags_by_other_names() -> None:
    known = {f"{one.client}.{one.operation}" for one in statuses()}
    assert {"rds.CreateDBInstance", "s3.CreateBucket", "ec2.RunInstances", "sts.AssumeRole"} <= known
    assert "iam.CreateGroup" not in known  # a group has no tags (doc: IAM, "Tags for IAM resources")


def test_every_status_is_written_and_current() -> None:
    assert derivation.written(derivation.TARGET) == derivation.files(), AGAIN


def test_every_file_is_one_of_the_catalogue() -> None:
    for name, text in derivation.files().items():
        if name != "not_rows.toml":
            assert merge_source(name, text, None).event_source.removesuffix(".amazonaws.com") == name.removesuffix(
                ".toml"
            )


def test_operations_that_are_no_rows_have_a_reason() -> None:
    operations = tomllib.loads(derivation.files()["not_rows.toml"])["operations"]
    assert operations["s3.PutBucketTagging"] == "tags what is there"
    assert operations["sts.AssumeRole"] == "opens a session: its tags are the session's"
    assert operations["autoscaling.DeleteTags"] == "deletes what is there"
    assert operations["s3.PutBucketReplication"].startswith("its tags are of something else: request.")
    assert all(operations.values())


@pytest.mark.parametrize(
    ("source", "event", "type_", "path"),
    [
        ("rds", "CreateDBInstance", "rds:db", "response.dBInstanceArn"),
        ("rds", "CreateDBInstanceReadReplica", "rds:db", "response.dBInstanceArn"),
        ("rds", "CopyDBSnapshot", "rds:snapshot", "response.dBSnapshotArn"),
        ("amazonmq", "CreateBroker", "mq:brokers", "response.brokerArn"),
        ("eks", "CreateNodegroup", "eks:nodegroup", "response.nodegroup.nodegroupArn"),
        ("ecs", "RunTask", "ecs:task", "response.tasks[].taskArn"),
        ("kms", "CreateKey", "kms:key", "response.keyMetadata.arn"),
        ("kms", "ReplicateKey", "kms:key", "response.replicaKeyMetadata.arn"),
        ("lambda", "CreateFunction20150331", "lambda:function", "response.functionArn"),
        ("wafv2", "CreateWebACL", "wafv2:webacl", "response.summary.aRN"),
        ("memorydb", "CreateCluster", "memorydb:cluster", "response.cluster.aRN"),
        ("bedrock", "CreateProvisionedModelThroughput", "bedrock:provisioned-model", "response.provisionedModelArn"),
    ],
)
def test_where_the_answer_tells_the_arn(source: str, event: str, type_: str, path: str) -> None:
    [made] = row(source, event).makes
    assert (made.type, made.arn) == (type_, (path,))


@pytest.mark.parametrize(
    ("source", "event", "paths"),
    [
        ("transfer", "CreateServer", ("response.serverId",)),
        ("redshift", "CreateCluster", ("response.clusterIdentifier", "request.clusterIdentifier")),
        ("kinesis", "CreateStream", ("request.streamName",)),
        ("s3", "CreateBucket", ("request.bucketName", "request.bucket")),  # S3's, and that of S3 on Outposts
        ("guardduty", "CreateThreatIntelSet", ("{request.detectorId}/threatintelset/{response.threatIntelSetId}",)),
        (
            "elasticbeanstalk",
            "CreateEnvironment",
            (
                "{response.applicationName}/{response.environmentName}",
                "{request.applicationName}/{request.environmentName}",
            ),
        ),
    ],
)
def test_where_a_record_tells_the_id(source: str, event: str, paths: tuple[str, ...]) -> None:
    [made] = row(source, event).makes
    assert made.each == paths


def test_a_copys_request_names_what_is_copied() -> None:
    [made] = row("rds", "CopyDBSnapshot").makes
    assert "request.sourceDBSnapshotIdentifier" not in made.each
    assert "request.targetDBSnapshotIdentifier" in made.each


def test_an_arn_with_a_name_is_built_of_the_name_whatever_id_the_answer_has() -> None:
    [made] = row("codedeploy", "CreateDeploymentGroup").makes
    assert made.each == ("{request.applicationName}/{request.deploymentGroupName}",)


def test_what_a_call_is_told_to_attach_to_is_not_what_it_makes() -> None:
    [made] = row("vpc-lattice", "CreateAccessLogSubscription").makes
    assert made.each == ("response.id",)


def test_a_thing_of_another_thing_is_not_taken_for_sure() -> None:
    assert row("rekognition", "CreateProjectVersion").confidence == "low"  # a version is no project
    assert row("rds", "CreateDBInstance").confidence == "high"
    assert row("kinesis", "CreateStream").confidence == "medium"  # by the request alone


def test_what_does_not_last_or_may_stand_already_is_said() -> None:
    assert "job" in row("batch", "SubmitJob").traits
    assert "upsert" in row("ssm", "PutParameter").traits
    assert "copy" in row("rds", "RestoreDBInstanceFromDBSnapshot").traits
    assert "batch" in row("iotfleetwise", "BatchCreateVehicle").traits
    assert "asynchronous" in row("redshift-serverless", "CreateWorkgroup").traits
    assert row("iam", "CreateRole").traits == ()
    assert "job" not in row("ec2", "RunInstances").traits
    assert "job" in row("ecs", "RunTask").traits


def test_two_apis_of_one_name_are_told_apart() -> None:
    rest, web = sorted(row("apigateway", "CreateStage").makes, key=lambda made: made.each, reverse=True)
    assert (rest.when, web.when) == (("request.restApiId",), ("request.apiId",))
    assert row("iam", "CreateUser").makes[0].when == ()


def test_one_api_of_three_clients_is_one() -> None:
    creation = row("rds", "CreateDBCluster")
    assert [one.client for one in creation.rows] == ["docdb", "neptune", "rds"]
    assert [made.type for made in creation.makes] == ["rds:cluster"]


def test_a_types_id_takes_slashes_only_where_names_have_them() -> None:
    entries = grouping.entries()
    assert re.fullmatch(entries["ecr:repository"].id, "team/service")
    assert not re.fullmatch(entries["apigateway:RestApi"].id, "abc123/stages/prod")
    assert re.fullmatch(entries["iam:role"].id, "service-role/batch")
    assert re.fullmatch(entries["cloudwatch:alarm"].id, "CPU of web 1")
    for name, entry in entries.items():
        assert not any(re.fullmatch(entry.id, text) for text in ("", " ", "*", "a*", "\n")), name


def test_what_aws_itself_makes_for_all_is_no_type() -> None:
    assert not [name for name, entry in grouping.entries().items() if entry.arn.split(":")[4] == "aws"]


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        (
            "rds:CreateDBInstance",
            [
                "rds.CreateDBInstance",
                "  row       CreateDBInstance of rds.amazonaws.com; confidence high",
                "  with      docdb, neptune, whose records have the same source and name",
                "  its ARN   arn:{partition}:rds:{region}:{account}:db:{DbInstanceName}",
                "  ARN        10.0  response.dBInstanceArn",
                "  tag API   rds.AddTagsToResource",
            ],
        ),
        ("lambda:CreateFunction20150331", ["lambda.CreateFunction"]),
        ("elasticmapreduce:RunJobFlow", ["emr.RunJobFlow"]),
        ("iam:CreateGroup", ["  no row    it takes no tags; what it makes can be a row by hand alone"]),
        ("ec2:CreateTags", ["  no row    tags what is there"]),
        ("s3:PutBucketReplication", ["  no row    its tags are of something else:"]),
        ("codebuild:CreateProject", ["  tag API   none: it is kept in the ledger alone"]),
    ],
)
def test_explained(wanted: str, lines: list[str]) -> None:
    text = explain(wanted).splitlines()
    assert [line for line in lines if line in text] == lines
    assert max(map(len, text)) <= 80


def test_ten_at_random_are_explained() -> None:
    for one in random.Random(17).sample(statuses(), 10):  # noqa: S311 - a draw, no secret
        text = explain(f"{one.client}:{one.operation}")
        assert text.startswith(f"{one.client}.{one.operation}\n"), text
        assert ("  row  " in text) is isinstance(one, Row)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("rds:CreateDBInstanc", "rds has no operation 'CreateDBInstanc'; is it CreateDBInstance"),
        ("rdss:CreateDBInstance", "no service 'rdss'; is it rds"),
        ("CreateDBInstance", "no service 'CreateDBInstance'"),
    ],
)
def test_what_is_misspelled_is_told(wanted: str, words: str) -> None:
    with pytest.raises(SystemExit) as told:
        explain(wanted)
    assert str(told.value).startswith(words)


def test_new_gone_and_changed_rows_are_reported() -> None:
    head = 'event_source = "x.amazonaws.com"\n[types."x:a"]\narn = "arn:{partition}:x:::{id}"\nid = "a+"\n'
    creation = '[[creation]]\nevent = "%s"\nmakes = [{ type = "x:a", each = ["response.%s"] }]\n'
    before = report.rows({"x.toml": head + creation % ("A", "id") + creation % ("B", "id")})
    after = report.rows({"x.toml": head + creation % ("B", "name") + creation % ("C", "id")})
    assert report.changes(before, after) == "1 new: x:C\n1 gone: x:A\n1 changed: x:B"
    assert report.changes(before, before) == "nothing changed"
    other = report.rows({"x.toml": head.replace("a+", "b+") + creation % ("A", "id") + creation % ("B", "id")})
    assert report.changes(before, other).endswith("2 changed: x:A, x:B")


@cache
def records() -> list[dict[str, Any]]:
    return [json.loads(line)["record"] for line in RECORDS.read_text("utf-8").splitlines()]


@pytest.mark.skipif(not RECORDS.is_file(), reason=f"no records at {RECORDS}: set OWNERTAG_RECORDS to their folder")
def test_every_recorded_event_source_is_a_clients() -> None:
    sources = {models.event_source(client) for client in models.clients()}
    assert {record["eventSource"] for record in records()} <= sources
