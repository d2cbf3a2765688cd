"""Renders the policies of queues, topic, key, the organization's resource policy, and the roles that check and mend.

A queue or topic policy names every service that must write to it, and from which of our resources. A service that is
not named delivers nothing, mostly without an error.
"""

from __future__ import annotations

from ownertag.core.arn import Arn, partition_of
from ownertag.core.settings import OrganizationSettings
from ownertag.render.documents import (
    AUDIT_POLICY,
    AUDIT_ROLE,
    BUS,
    CANARY,
    CANARY_ROLE,
    FORWARDER_ROLE,
    FUNCTION,
    LEDGER_TABLE,
    RECONCILE_FUNCTION,
    RECONCILE_RULE,
    REDRIVE_ROLE,
    RULE_PREFIX,
    STACK_SET_PREFIX,
    TAGGER_POLICY,
    UNDELIVERED,
    PolicyDocument,
    Statement,
    arn,
    policy,
)

_REGION = "${AWS::Region}"


def _from_rules(queues: list[str], rule: str) -> PolicyDocument:
    """The policy of queues: EventBridge may send from our rules, and everybody must use TLS."""
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
    """The policy of the hub's queue and dead-letter queue, for the hub's rules."""
    return _from_rules(["ownertag", "ownertag-dead-letters"], f"rule/{BUS}/{RULE_PREFIX}*")


def undelivered_policy() -> PolicyDocument:
    """The policy of a Region's queue for undelivered events, for its rules."""
    return _from_rules(["ownertag-undelivered"], f"rule/{RULE_PREFIX}*")


def lambda_trust() -> PolicyDocument:
    """The trust policy of the function's role: Lambda."""
    return policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})


def alarm_key_policy() -> PolicyDocument:
    """The policy of the key: the account rules it, so the function's role may use it; and CloudWatch may."""
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
    """The policy of the topic: CloudWatch may publish our alarms. The function may by its role; EventBridge may not.

    A topic's policy can't say which of EventBridge's rules may publish (doc: EventBridge, using resource-based
    policies), so a statement for it would allow all of them.
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
    """The statement of the organization's resource policy: the hub's account may read accounts, their tags and units.

    A delegated administrator of a service could read them too, and act in that service as well
    (doc: AWS Organizations, resource-based delegation policies).
    """
    hub = Arn(partition_of(organization.home_region), "iam", "", organization.hub_account, "root")
    return {
        "Sid": "OwnertagReadsTheAccounts",  # deploy finds its statement by it: by another, an older one would stay
        "Effect": "Allow",
        "Principal": {"AWS": str(hub)},
        "Action": [
            "organizations:DescribeAccount",
            "organizations:ListAccounts",
            "organizations:ListAccountsForParent",
            "organizations:ListOrganizationalUnitsForParent",
            "organizations:ListParents",
            "organizations:ListTagsForResource",
        ],
        "Resource": "*",
    }


def audit_trust(organization: OrganizationSettings) -> PolicyDocument:
    """The trust policy of the roles that check and mend: the hub's principals whose own policies allow it."""
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": arn("iam", "root", organization.hub_account)},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": organization.id}},
        }
    )


#: What the audit role may read for other commands than `doctor`, with the reason.
AUDIT_BESIDES = {
    "cloudtrail:LookupEvents": "who uses the protected keys, before the policy stops them; who created a resource",
    "ec2:DescribeAddresses": "what an Elastic IP address is attached to today",
    "ec2:DescribeInstances": "whether an instance still runs",
    "ec2:DescribeTags": "which resources carry the protected keys today; whose a resource is",
}


def audit_permissions(tagger_role: str) -> PolicyDocument:
    """The audit role's own permissions: read what is deployed, and nothing of anybody else.

    What it lists of anybody's is in managed policies: `render.audit`.

    The same for every account: what only the hub's or the management account has, does not exist elsewhere. Actions on
    `*` have no resource type (service authorization reference), or read the account's own trails.
    """
    roles = [tagger_role, FORWARDER_ROLE, AUDIT_ROLE, CANARY_ROLE, REDRIVE_ROLE]
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
            "Resource": [
                *(arn("events", f"rule/{prefix}{RULE_PREFIX}*", region="*") for prefix in ("", f"{BUS}/")),
                arn("events", f"rule/{RECONCILE_RULE}", region="*"),
            ],
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
            "Sid": "ReadManagedPolicies",
            "Effect": "Allow",
            "Action": ["iam:GetPolicy", "iam:GetPolicyVersion"],
            "Resource": [arn("iam", f"policy/{name}-*") for name in (AUDIT_POLICY, TAGGER_POLICY)],
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
                *(arn("lambda", f"function:{name}", region="*") for name in (FUNCTION, RECONCILE_FUNCTION)),
                arn("sns", f"{BUS}-alarms", region="*"),
            ],
        },
        {
            "Sid": "CountObserved",  # in an index of keys alone: no owner, no tag and no name can be read there
            "Effect": "Allow",
            "Action": "dynamodb:Query",
            "Resource": arn("dynamodb", f"table/{LEDGER_TABLE}/index/by-link", region="*"),
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
    """The canary role's permissions: create one placement group with an owner tag, describe it, and delete it."""
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


def redrive_permissions() -> PolicyDocument:
    """The redrive role's permissions: take messages out of the Regions' queues of undelivered events, and look them up.

    A member may write into its own queue, so the record that goes to the hub is CloudTrail's, not the message's
    (LookupEvents has no resource type).
    """
    return policy(
        {
            "Sid": "TakeUndeliveredEvents",
            "Effect": "Allow",
            "Action": [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
            ],
            "Resource": arn("sqs", UNDELIVERED, region="*"),
        },
        {"Sid": "LookUpRecords", "Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"},
    )
