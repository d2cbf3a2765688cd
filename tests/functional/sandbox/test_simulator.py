"""IAM's policy simulator as its API reference has it, over the policies of the sandbox's roles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.sandbox.personas import MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox

WEB = "333333333333"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:CreateRole", "Resource": "arn:aws:iam::*:role/ours-*"},
        {
            "Effect": "Allow",
            "Action": "sqs:*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}},
        },
    ],
}


@pytest.fixture
def iam(sandbox: Sandbox) -> Any:
    return sandbox.client(sandbox.account_session(WEB), "iam")


@pytest.fixture
def role(iam: Any) -> Any:
    arn = iam.create_role(RoleName="simulated", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    iam.put_role_policy(RoleName="simulated", PolicyName="own", PolicyDocument=json.dumps(POLICY))
    yield arn
    iam.delete_role_policy(RoleName="simulated", PolicyName="own")
    iam.delete_role(RoleName="simulated")


def decide(iam: Any, role: str, action: str, *resources: str) -> list[tuple[str, list[str], bool]]:
    given = {"ResourceArns": list(resources)} if resources else {}
    results = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[action], **given)["EvaluationResults"]
    return [
        (
            result["EvalDecision"],
            result["MissingContextValues"],
            result["OrganizationsDecisionDetail"]["AllowedByOrganizations"],
        )
        for result in results
    ]


@pytest.mark.parametrize(
    ("action", "resources", "expected"),
    [
        ("s3:GetObject", (), ("allowed", [], True)),
        ("S3:getobject", (), ("allowed", [], True)),
        ("s3:DeleteBucket", (), ("explicitDeny", [], True)),
        ("ec2:RunInstances", (), ("implicitDeny", [], True)),
        ("iam:CreateRole", (), ("implicitDeny", [], True)),
        ("iam:CreateRole", (f"arn:aws:iam::{WEB}:role/ours-1",), ("allowed", [], True)),
        ("sqs:CreateQueue", (), ("implicitDeny", ["aws:RequestedRegion"], True)),
    ],
)
def test_a_decision_is_that_of_the_identitys_policies(
    iam: Any, role: str, action: str, resources: tuple[str, ...], expected: tuple[str, list[str], bool]
) -> None:
    assert decide(iam, role, action, *resources) == [expected]


def test_a_service_control_policy_denies_in_members_and_is_told_apart(sandbox: Sandbox, iam: Any, role: str) -> None:
    organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")
    statement = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
    policy = organizations.create_policy(
        Content=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        Description="",
        Name="no-reading",
        Type="SERVICE_CONTROL_POLICY",
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=sandbox.organization.unit)
    try:
        assert decide(iam, role, "s3:GetObject") == [("explicitDeny", [], False)]
        assert decide(iam, role, "s3:PutObject") == [("allowed", [], True)]
    finally:
        organizations.detach_policy(PolicyId=policy, TargetId=sandbox.organization.unit)
        organizations.delete_policy(PolicyId=policy)


def test_who_is_not_there_can_not_be_simulated(iam: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        decide(iam, f"arn:aws:iam::{WEB}:role/nobody", "s3:GetObject")
