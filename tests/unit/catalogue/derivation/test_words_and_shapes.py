"""Names taken apart, and members of requests and answers under the keys that CloudTrail records."""

from __future__ import annotations

import pytest

from derive import models, shapes
from derive.words import alike, operation, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DBInstanceArn", ("db", "instance", "arn")),
        ("SubnetIDs", ("subnet", "id")),
        ("WebACL", ("web", "acl")),
        ("policies", ("policy",)),
        ("EFSFileSystem", ("efs", "file", "system")),
    ],
)
def test_words_are_small_and_singular(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


@pytest.mark.parametrize(
    ("name", "verb", "noun"),
    [
        ("RestoreDBInstanceFromDBSnapshot", "restore", ("db", "instance")),
        ("CreateDistributionWithTags", "create", ("distribution",)),
        ("BatchCreateVehicle", "create", ("vehicle",)),
        ("CreateClusterV2", "create", ("cluster",)),
        ("CreateOrUpdateTags", "create", ("tag",)),
    ],
)
def test_an_operation_has_a_verb_and_a_noun(name: str, verb: str, noun: tuple[str, ...]) -> None:
    assert (operation(name).verb, operation(name).noun) == (verb, noun)


def test_names_are_alike_though_one_runs_its_words_together() -> None:
    assert alike(("saving", "plan"), ("savingsplan",)) == 1
    assert 0 < alike(("db", "instance"), ("db", "cluster", "instance")) < 1
    assert alike(("bucket",), ("queue",)) == 0


@pytest.mark.parametrize(
    ("client", "name", "path"),
    [
        ("rds", "CreateDBInstance", "response.dBInstanceArn"),  # query: the wrapper DBInstance is left out
        ("iam", "CreateUser", "response.user.arn"),  # query: User is no wrapper
        ("elbv2", "CreateLoadBalancer", "response.loadBalancers[].loadBalancerArn"),
        ("eks", "CreateCluster", "response.cluster.arn"),
        ("cloudfront", "CreateDistributionWithTags", "response.distribution.aRN"),
        ("ec2", "RunInstances", "response.instancesSet.items[].instanceId"),
        ("sqs", "CreateQueue", "response.queueUrl"),
    ],
)
def test_an_answer_is_recorded_under_such_keys(client: str, name: str, path: str) -> None:
    assert path in {member.path for member in shapes.answer(client, name)}


def test_a_request_is_recorded_under_the_members_names_wherever_they_stand_on_the_wire() -> None:
    assert "request.restApiId" in {member.path for member in shapes.request("apigateway", "CreateStage")}
    assert "request.bucketName" in {member.path for member in shapes.request("s3", "CreateBucket")}


def test_lambdas_old_operations_bear_a_date() -> None:
    assert models.event_name("lambda", "CreateFunction") == "CreateFunction20150331"
    assert models.event_name("lambda", "CreateCodeSigningConfig") == "CreateCodeSigningConfig"
    assert models.event_name("eks", "CreateCluster") == "CreateCluster"


def test_global_services_have_a_region() -> None:
    assert {client: models.region(client) for client in ("iam", "cloudfront", "rds", "globalaccelerator")} == {
        "iam": "us-east-1",
        "cloudfront": "us-east-1",
        "rds": "",
        "globalaccelerator": "",  # its one endpoint is in us-west-2
    }
