"""Policies of others, as AWS's documentation and samples write them, and an organization that has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ownertag.rollout.preflight.collect_organization import RCP, SCP
from ownertag.rollout.preflight.facts import AttachedPolicy, OrganizationRules

ROOT, UNIT = "r-ab12", "ou-ab12-c3d4e5f6"
MANAGEMENT, HUB, WEB, DATA = "111111111111", "222222222222", "333333333333", "444444444444"
ORGANIZATION = "o-a1b2c3d4e5"
GOVERNED = ("eu-central-1", "eu-west-1", "us-east-1")

Document = Mapping[str, Any]

FULL_ACCESS: Document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def region_deny(*exempt: str) -> Document:
    """Control Tower's Region deny (control reference, "Deny access to AWS based on the requested AWS Region").

    The list of actions that it exempts is shortened to those that are near to ours; as in the original, CloudFormation,
    EventBridge and SQS are not among them.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "GRREGIONDENY",
                "Effect": "Deny",
                "NotAction": [
                    "account:*",
                    "cloudfront:*",
                    "cloudtrail:LookupEvents",
                    "ec2:DescribeRegions",
                    "ec2:DescribeTransitGateways",
                    "ec2:DescribeVpnGateways",
                    "iam:*",
                    "kms:*",
                    "organizations:*",
                    "s3:GetAccountPublic*",
                    "s3:ListAllMyBuckets",
                    "sts:*",
                    "support:*",
                ],
                "Resource": "*",
                "Condition": {
                    "StringNotEquals": {"aws:RequestedRegion": list(GOVERNED)},
                    "ArnNotLike": {
                        "aws:PrincipalARN": ["arn:*:iam::*:role/AWSControlTowerExecution", *exempt],
                    },
                },
            }
        ],
    }


def perimeter(organization: str = ORGANIZATION) -> Document:
    """An identity perimeter for resources, as AWS's data perimeter examples have it."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "EnforceOrgIdentities",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:*", "sqs:*", "sts:AssumeRole"],
                "Resource": "*",
                "Condition": {
                    "StringNotEqualsIfExists": {
                        "aws:PrincipalOrgID": organization,
                        "aws:ResourceTag/dp:exclude:identity": "true",
                    },
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            },
            {
                "Sid": "EnforceConfusedDeputyProtection",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:*", "sqs:*"],
                "Resource": "*",
                "Condition": {
                    "StringNotEqualsIfExists": {"aws:SourceOrgID": organization},
                    "Null": {"aws:SourceAccount": "false"},
                    "Bool": {"aws:PrincipalIsAWSService": "true"},
                },
            },
        ],
    }


def denying(action: str | list[str], **condition: Any) -> Document:
    """A statement that denies actions, under a condition if one is given."""
    statement = {"Sid": "Theirs", "Effect": "Deny", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


def allowing(*actions: str) -> Document:
    """An allow list."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def attached(document: Document, *targets: str, name: str = "theirs", type_: str = SCP) -> AttachedPolicy:
    return AttachedPolicy(f"p-{name}", name, type_, document, frozenset(targets))


def organization(*policies: AttachedPolicy, full_access_on: tuple[str, ...] | None = None) -> OrganizationRules:
    """An organization with these policies; FullAWSAccess is attached everywhere unless it is said where."""
    paths = {MANAGEMENT: (ROOT, MANAGEMENT), **{account: (ROOT, UNIT, account) for account in (HUB, WEB, DATA)}}
    everywhere = (ROOT, UNIT, *paths) if full_access_on is None else full_access_on
    full = attached(FULL_ACCESS, *everywhere, name="FullAWSAccess")
    scps = tuple(policy for policy in policies if policy.type == SCP)
    rcps = tuple(policy for policy in policies if policy.type == RCP)
    return OrganizationRules(paths, {SCP: (full, *scps), RCP: rcps}, {}, frozenset(), frozenset(), frozenset())
