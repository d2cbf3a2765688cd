"""Which tool a call comes from, and what makes it leave our tags alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ownertag.core.records import Identity, Record
from ownertag.rollout.deploy.iac_tools import LEAVE_ALONE, iac_tool

TERRAFORM = "Terraform or OpenTofu"


def record(agent: str | None, invoked_by: str | None = None) -> Record:
    return Record(
        "1",
        "ec2.amazonaws.com",
        "CreateTags",
        datetime(2026, 1, 1, tzinfo=UTC),
        "eu-central-1",
        "333333333333",
        Identity(invoked_by=invoked_by),
        user_agent=agent,
    )


@pytest.mark.parametrize(
    ("agent", "invoked_by", "tool"),
    [
        (
            "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.100.0",
            None,
            TERRAFORM,
        ),
        ("APN/1.0 HashiCorp/1.0 OpenTofu/1.8.0 terraform-provider-aws/5.0.0", None, TERRAFORM),
        ("APN/1.0 Pulumi/1.0 PulumiAWS/6.0 terraform-provider-aws/5.0.0", None, "Pulumi"),
        ("upjet-provider-aws/v1.14.0 aws-sdk-go-v2/1.30.0", None, "Crossplane"),
        ("elbv2.k8s.aws/v2.7.1 aws-sdk-go/1.51.0", None, "AWS Load Balancer Controller"),
        ("cloudformation.amazonaws.com", "cloudformation.amazonaws.com", "CloudFormation or CDK"),
        (None, "cloudformation.amazonaws.com", "CloudFormation or CDK"),
        ("aws-cli/2.17.0 md/awscrt exec-env/CloudShell", None, ""),
        ("Boto3/1.35 md/Botocore", "autoscaling.amazonaws.com", ""),
        (None, None, ""),
    ],
)
def test_a_tool_is_told_by_its_user_agent_or_by_whom_it_acts_for(
    agent: str | None, invoked_by: str | None, tool: str
) -> None:
    assert iac_tool(record(agent, invoked_by)) == tool
    assert not tool or LEAVE_ALONE[tool]


def test_a_record_without_an_identity_is_no_tool() -> None:
    plain = Record(
        "1", "ec2.amazonaws.com", "CreateTags", datetime(2026, 1, 1, tzinfo=UTC), "eu-central-1", "333333333333"
    )
    assert iac_tool(plain) == ""
