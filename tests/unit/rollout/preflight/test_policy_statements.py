"""Whether a statement applies to a request, with the rules of IAM's documentation for each part of it."""

from __future__ import annotations

from typing import Any

import pytest

from ownertag.rollout.preflight.policy_statements import Holds, PolicyRequest, applies

REGION, ARN = "aws:requestedregion", "aws:principalarn"
ROLE = "arn:aws:iam::333333333333:role/stacksets-exec-0123"
QUEUE = "arn:aws:sqs:eu-south-2:333333333333:ownertag-undelivered"


def request(**context: tuple[str, ...] | None) -> PolicyRequest:
    known: dict[str, tuple[str, ...] | None] = {REGION: ("eu-south-2",), ARN: (ROLE,), "aws:requesttag/": None}
    named = {key.replace("__", "/").replace("_", ":", 1): values for key, values in context.items()}
    return PolicyRequest("sqs:CreateQueue", QUEUE, known | named)


def statement(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "*", "Resource": "*", **parts}


def holds(given: PolicyRequest | None = None, **parts: Any) -> Holds:
    return applies(statement(**parts), given or request()).holds


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"Action": "sqs:CreateQueue"}, Holds.YES),
        ({"Action": "SQS:createqueue"}, Holds.YES),
        ({"Action": ["ec2:*", "sqs:Create*"]}, Holds.YES),
        ({"Action": "sqs:Create?ueue"}, Holds.YES),
        ({"Action": "sqs:Create"}, Holds.NO),
        ({"Action": "ec2:*"}, Holds.NO),
        ({"Action": [], "Resource": "*"}, Holds.NO),
    ],
)
def test_an_action_is_a_glob_without_regard_to_case(parts: dict[str, Any], expected: Holds) -> None:
    assert holds(**parts) is expected


@pytest.mark.parametrize(
    ("actions", "expected"),
    [(["iam:*", "sts:*"], Holds.YES), (["sqs:*"], Holds.NO), (["iam:*", "SQS:CREATE*"], Holds.NO), ("*", Holds.NO)],
)
def test_not_action_is_everything_else(actions: Any, expected: Holds) -> None:
    found = {key: value for key, value in statement(NotAction=actions).items() if key != "Action"}
    assert applies(found, request()).holds is expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"Resource": "arn:aws:sqs:*:*:ownertag-*"}, Holds.YES),
        ({"Resource": "arn:aws:sqs:*:*:Ownertag-*"}, Holds.NO),
        ({"Resource": ["arn:aws:s3:::*", QUEUE]}, Holds.YES),
        ({"Resource": "arn:aws:sqs:*:${aws:PrincipalAccount}:*"}, Holds.UNKNOWN),
        ({"Resource": ["arn:aws:sqs:*:${aws:PrincipalAccount}:*", QUEUE]}, Holds.YES),
        ({"Resource": "arn:aws:s3:::*${*}"}, Holds.NO),
        ({"NotResource": "arn:aws:sqs:*"}, Holds.NO),
        ({"NotResource": "arn:aws:s3:::*"}, Holds.YES),
    ],
)
def test_a_resource_is_a_glob_and_a_variable_is_not_known(parts: dict[str, Any], expected: Holds) -> None:
    found = statement(**parts)
    if "NotResource" in parts:
        del found["Resource"]
    assert applies(found, request()).holds is expected


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "expected"),
    [
        ("StringEquals", "aws:RequestedRegion", "eu-south-2", Holds.YES),
        ("StringEquals", "aws:RequestedRegion", ["eu-central-1", "eu-south-2"], Holds.YES),
        ("StringEquals", "aws:RequestedRegion", "EU-SOUTH-2", Holds.NO),
        ("StringEqualsIgnoreCase", "aws:RequestedRegion", "EU-SOUTH-2", Holds.YES),
        ("StringEquals", "aws:RequestedRegion", "eu-*", Holds.NO),
        ("StringLike", "aws:RequestedRegion", "eu-*", Holds.YES),
        ("StringNotLike", "aws:RequestedRegion", "eu-*", Holds.NO),
        ("StringNotEquals", "AWS:REQUESTEDREGION", ["eu-central-1", "us-east-1"], Holds.YES),
        ("StringNotEquals", "aws:RequestedRegion", ["eu-central-1", "eu-south-2"], Holds.NO),
        ("StringNotEqualsIgnoreCase", "aws:RequestedRegion", ["EU-SOUTH-2"], Holds.NO),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/stacksets-exec-*", Holds.YES),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/stacksets-exec-*", Holds.YES),
        ("ArnNotLike", "aws:PrincipalARN", "arn:aws:iam::*:role/stacksets-exec-*", Holds.NO),
        ("ArnNotLike", "aws:PrincipalArn", ["arn:aws:iam::*:role/AWSControlTowerExecution"], Holds.YES),
        ("ArnNotEquals", "aws:PrincipalArn", ["arn:aws:iam::*:role/AWSControlTowerExecution"], Holds.YES),
        # Each part of an ARN for itself: this star does not reach beyond the account.
        ("ArnLike", "aws:PrincipalArn", "arn:aws:*:role/stacksets-exec-0123", Holds.NO),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:*:role/stacksets-exec-0123", Holds.YES),
        ("StringLike", "aws:PrincipalArn", "arn:aws:*:role/stacksets-exec-0123", Holds.YES),
        ("StringEquals", "aws:PrincipalArn", "arn:aws:iam::${aws:PrincipalAccount}:role/x", Holds.UNKNOWN),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", Holds.UNKNOWN),
        ("StringEquals", "aws:SourceVpc", "vpc-1", Holds.UNKNOWN),
        ("NumericLessThan", "aws:RequestedRegion", "1", Holds.UNKNOWN),
        ("StringEquals", "aws:RequestTag/costcenter", "1", Holds.NO),
        ("StringNotEquals", "aws:RequestTag/costcenter", "1", Holds.YES),
        ("StringEqualsIfExists", "aws:RequestTag/costcenter", "1", Holds.YES),
        ("StringEqualsIfExists", "aws:RequestedRegion", "eu-west-1", Holds.NO),
        ("Null", "aws:RequestTag/costcenter", "true", Holds.YES),
        ("Null", "aws:RequestTag/costcenter", True, Holds.YES),
        ("Null", "aws:RequestTag/costcenter", "false", Holds.NO),
        ("Null", "aws:RequestedRegion", "true", Holds.NO),
        ("Null", "aws:MultiFactorAuthAge", "true", Holds.UNKNOWN),
        ("Bool", "aws:RequestTag/costcenter", "false", Holds.NO),
        ("BoolIfExists", "aws:RequestTag/costcenter", "false", Holds.YES),
    ],
)
def test_a_condition_holds_fails_or_is_not_known(operator: str, key: str, wanted: Any, expected: Holds) -> None:
    assert holds(Condition={operator: {key: wanted}}) is expected


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("ForAnyValue:StringEquals", ("owner", "name"), Holds.YES),
        ("ForAllValues:StringEquals", ("owner", "name"), Holds.NO),
        ("ForAllValues:StringEquals", ("owner",), Holds.YES),
        ("ForAnyValue:StringNotEquals", ("owner", "name"), Holds.YES),
        ("ForAllValues:StringNotEquals", ("owner", "name"), Holds.NO),
        ("ForAnyValue:StringEquals", None, Holds.NO),
        ("ForAllValues:StringEquals", None, Holds.YES),
        ("ForAnyValue:StringNotEquals", None, Holds.NO),
    ],
)
def test_of_several_values_any_or_all_count(operator: str, values: tuple[str, ...] | None, expected: Holds) -> None:
    given = request(aws_tagkeys=values)
    assert holds(given, Condition={operator: {"aws:TagKeys": ["owner"]}}) is expected


def test_all_conditions_must_hold_and_one_that_fails_decides_before_one_that_is_not_known() -> None:
    region = {"StringEquals": {"aws:RequestedRegion": "eu-south-2"}}
    unknown = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    other = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}
    assert holds(Condition={**region, **unknown}) is Holds.UNKNOWN
    assert holds(Condition={**other, **unknown}) is Holds.NO
    assert holds(Condition={"StringEquals": {"aws:RequestedRegion": "eu-south-2", "aws:PrincipalArn": "x"}}) is Holds.NO
    both = applies(statement(Condition=unknown, Resource="${aws:username}"), request())
    assert (both.holds, both.depends_on) == (Holds.UNKNOWN, "variables in Resource, aws:SourceIp")
