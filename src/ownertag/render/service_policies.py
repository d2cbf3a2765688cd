"""Policies for AWS's services, and for those who check the deployment: queues, topic, key, audit, canary.

A queue or topic names every service that must write to it, and from which of our own resources: what is not named here
delivers nothing, and mostly says nothing either.
"""

from __future__ import annotations

from ownertag.core.arn import partition_of
from ownertag.core.settings import OrganizationSettings
from ownertag.render.documents import (
    AUDIT_ROLE,
    BUS,
    CANARY,
    CANARY_ROLE,
    FORWARDER_ROLE,
    RULE_PREFIX,
    STACK_SET_PREFIX,
    PolicyDocument,
    Statement,
    arn,
    policy,
)

_REGION = "${AWS::Region}"


def _from_rules(queues: list[str], rule: str) -> PolicyDocument:
    """EventBridge may send from our rules, and everybody must use TLS."""
    arns = [arn("sqs", queue, region=_REGION) for queue in queues]
    return policy(
        {
            "Sid": "AllowRulesToSend",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arns,
            "Condition": {"ArnLike": {"aws:SourceArn": arn("events", rule, region=_REGION)}},
        },
        {
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": arns,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def queue_policy() -> PolicyDocument:
    """The hub's queue and its dead letters take what the hub's rules send."""
    return _from_rules(["ownertag", "ownertag-dead-letters"], f"rule/{BUS}/{RULE_PREFIX}*")


def undelivered_policy() -> PolicyDocument:
    """A Region's queue takes what its rules could not deliver."""
    return _from_rules(["ownertag-undelivered"], f"rule/{RULE_PREFIX}*")


def lambda_trust() -> PolicyDocument:
    """Lambda may run the function with this role."""
    return policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})


def alarm_key_policy() -> PolicyDocument:
    """The account rules its key, so that the function's role may use it; and CloudWatch may, for the topic."""
    return policy(
        {
            "Sid": "AdministerKey",
            "Effect": "Allow",
            "Principal": {"AWS": arn("iam", "root")},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "AllowCloudWatchToUseKey",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}},
        },
    )


def alarm_topic_policy() -> PolicyDocument:
    """CloudWatch may publish our alarms. The function may by its role; EventBridge may not.

    A topic's policy can't say which of EventBridge's rules may publish (doc: EventBridge, using resource-based
    policies), so a statement for it would let in everybody's.
    """
    return policy(
        {
            "Sid": "AllowCloudWatchToPublish",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": arn("sns", "ownertag-alarms", region=_REGION),
            "Condition": {"ArnLike": {"aws:SourceArn": arn("cloudwatch", "alarm:ownertag-*", region=_REGION)}},
        },
    )


def read_accounts(organization: OrganizationSettings) -> Statement:
    """For the organization's resource policy: the hub's account may read which accounts there are, and their tags.

    Narrower than making it the delegated administrator of a service, which would let it act in that service as well
    (doc: AWS Organizations, resource-based delegation policies).
    """
    return {
        "Sid": "AllowOwnertagToReadAccounts",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition_of(organization.home_region)}:iam::{organization.hub_account}:root"},
        "Action": [
            "organizations:DescribeAccount",
            "organizations:ListAccounts",
            "organizations:ListTagsForResource",
        ],
        "Resource": "*",
    }


def audit_trust(organization: OrganizationSettings) -> PolicyDocument:
    """People of the hub's account may check, as far as their own permissions let them assume the role."""
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": arn("iam", "root", organization.hub_account)},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": organization.id}},
        }
    )


#: What the audit role may read that `doctor` does not ask for, and what it is for.
AUDIT_BESIDES = {
    "cloudtrail:LookupEvents": "who uses the protected keys, before the policy stops them; who created a resource",
    "ec2:DescribeAddresses": "what an Elastic IP address leads to today",
    "ec2:DescribeInstances": "whether an instance still runs",
    "ec2:DescribeTags": "which resources carry the protected keys today; whose a resource is",
}


def audit_permissions(tagger_role: str) -> PolicyDocument:
    """Read what is deployed here, and nothing of what anybody else has.

    One document for every account: what only the hub's or the management account has, nobody else can read there. What
    stands under `*` has no resources in IAM's sense (service authorization reference), or, as trails, is the account's.
    """
    roles = [tagger_role, FORWARDER_ROLE, AUDIT_ROLE, CANARY_ROLE]
    queues = [BUS, f"{BUS}-dead-letters", f"{BUS}-undelivered"]
    return policy(
        {
            "Sid": "ReadWithoutResource",
            "Effect": "Allow",
            "Action": sorted(
                {
                    "cloudtrail:DescribeTrails",
                    "cloudtrail:GetEventSelectors",
                    "cloudtrail:GetTrailStatus",
                    "cloudwatch:GetMetricData",
                    "ec2:DescribeRegions",
                    "lambda:ListEventSourceMappings",
                    "organizations:ListRoots",
                    *AUDIT_BESIDES,
                }
            ),
            "Resource": "*",
        },
        {
            "Sid": "ReadRules",
            "Effect": "Allow",
            "Action": ["events:DescribeRule", "events:ListTargetsByRule"],
            "Resource": [arn("events", f"rule/{prefix}{RULE_PREFIX}*", region="*") for prefix in ("", f"{BUS}/")],
        },
        {
            "Sid": "ReadEventBuses",
            "Effect": "Allow",
            "Action": "events:DescribeEventBus",
            "Resource": [arn("events", f"event-bus/{bus}", region="*") for bus in ("default", BUS)],
        },
        {
            "Sid": "ReadRoles",
            "Effect": "Allow",
            "Action": ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
            "Resource": [arn("iam", f"role/{role}") for role in roles],
        },
        {
            "Sid": "ReadQueues",
            "Effect": "Allow",
            "Action": ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
            "Resource": [arn("sqs", queue, region="*") for queue in queues],
        },
        {
            "Sid": "ReadHub",
            "Effect": "Allow",
            "Action": [
                "cloudwatch:DescribeAlarms",
                "lambda:GetFunctionConfiguration",
                "sns:ListSubscriptionsByTopic",
            ],
            "Resource": [
                arn("cloudwatch", f"alarm:{BUS}-*", region="*"),
                arn("lambda", f"function:{BUS}", region="*"),
                arn("sns", f"{BUS}-alarms", region="*"),
            ],
        },
        {
            "Sid": "ReadStacks",
            "Effect": "Allow",
            "Action": [
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStackSet",
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",
                "cloudformation:ListStackInstances",
            ],
            "Resource": [
                arn("cloudformation", f"stack/{STACK_SET_PREFIX}*", region="*"),
                arn("cloudformation", f"stack/StackSet-{STACK_SET_PREFIX}*", region="*"),
                arn("cloudformation", f"stackset/{STACK_SET_PREFIX}*", region="*"),
            ],
        },
        {
            "Sid": "ReadOrganization",
            "Effect": "Allow",
            "Action": [
                "organizations:DescribePolicy",
                "organizations:ListAccountsForParent",
                "organizations:ListOrganizationalUnitsForParent",
                "organizations:ListTargetsForPolicy",
            ],
            "Resource": [
                arn("organizations", f"{kind}/*") for kind in ("ou", "policy/*/service_control_policy", "root")
            ],
        },
        {
            "Sid": "FindServiceControlPolicy",
            "Effect": "Allow",
            "Action": "organizations:ListPolicies",
            "Resource": "*",
            "Condition": {"StringEquals": {"organizations:PolicyType": "SERVICE_CONTROL_POLICY"}},
        },
    )


def canary_permissions() -> PolicyDocument:
    """Create and delete one placement group, with an owner tag that it brings, and see how that is tagged."""
    group = arn("ec2", f"placement-group/{CANARY}", region="*")
    return policy(
        {
            "Sid": "ManageCanaryPlacementGroup",
            "Effect": "Allow",
            "Action": ["ec2:CreatePlacementGroup", "ec2:DeletePlacementGroup"],
            "Resource": group,
        },
        {
            "Sid": "TagCanaryPlacementGroup",
            "Effect": "Allow",
            "Action": "ec2:CreateTags",
            "Resource": group,
            "Condition": {"StringEquals": {"ec2:CreateAction": "CreatePlacementGroup"}},
        },
        {"Sid": "DescribePlacementGroups", "Effect": "Allow", "Action": "ec2:DescribePlacementGroups", "Resource": "*"},
    )
