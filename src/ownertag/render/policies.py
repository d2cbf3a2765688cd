"""Renders the policies of the tagger, the forwarder, the bus and the function; service control policies are in `scp`.

Sources: IAM user guide, EventBridge user guide, service authorization reference; `docs/explanation/policies.md` says
what each condition is for.
"""

from __future__ import annotations

from ownertag.core.settings import OrganizationSettings, Settings
from ownertag.render.documents import (
    ALARM_TOPIC,
    AUDIT_ROLE,
    BUS,
    CANARY,
    CANARY_ROLE,
    FORWARDER_ROLE,
    FUNCTION,
    HUB_ROLE,
    LEDGER_TABLE,
    RECONCILE_FUNCTION,
    REDRIVE_ROLE,
    RULE_PREFIX,
    PolicyDocument,
    Statement,
    TooLong,
    arn,
    compact,
    filled,
    policy,
)

__all__ = [
    "AUDIT_ROLE",
    "BUS",
    "CANARY",
    "CANARY_ROLE",
    "FORWARDER_ROLE",
    "HUB_ROLE",
    "LEDGER_TABLE",
    "MAX_BUS_POLICY",
    "MAX_ROLE_POLICIES",
    "REDRIVE_ROLE",
    "RULE_PREFIX",
    "PolicyDocument",
    "TooLong",
    "bus_arn",
    "bus_policy",
    "compact",
    "filled",
    "forwarder_permissions",
    "forwarder_trust",
    "hub_permissions",
    "tagger_trust",
]

#: IAM takes 10,240 characters for all of a role's own policies, EventBridge 10,240 for a bus (doc: quotas of each).
MAX_ROLE_POLICIES = 10240
MAX_BUS_POLICY = 10240


# --- in every account


def tagger_trust(organization: OrganizationSettings) -> PolicyDocument:
    """The trust policy of the tagger: the hub's function, and nobody else.

    The role is compared by its ARN. If it were the principal, IAM would store its unique id: a hub that is deployed
    again would be locked out of every account, and no account could be deployed to before the hub.
    """
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": arn("iam", "root", organization.hub_account)},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:PrincipalOrgID": organization.id},
                "ArnEquals": {"aws:PrincipalArn": arn("iam", f"role/{HUB_ROLE}", organization.hub_account)},
            },
        }
    )


def forwarder_permissions(organization: OrganizationSettings) -> PolicyDocument:
    """The forwarder's permissions: put events on the hub's bus."""
    return policy({"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus_arn(organization)})


def forwarder_trust() -> PolicyDocument:
    """The trust policy of the forwarder: EventBridge, for our rules of this account (doc: confused deputy)."""
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
                "ArnLike": {"aws:SourceArn": arn("events", f"rule/{RULE_PREFIX}*", region="*")},
            },
        }
    )


# --- at the hub


def bus_arn(organization: OrganizationSettings) -> str:
    """The ARN of the hub's bus."""
    return arn("events", f"event-bus/{BUS}", organization.hub_account, organization.home_region)


def bus_policy(organization: OrganizationSettings) -> Statement:
    """The statement of the bus: forwarded events of CloudTrail, from the forwarder of an account of the organization.

    Organization and role must hold: every request of a role carries both keys (doc: IAM, global condition keys). What
    EventBridge tells of the event and of the rule counts if it is there: no source shows that a rule's delivery carries
    these keys, and one that is demanded and missing would keep every event out. AWS's own example of
    `events:eventBusInvocation` has `BoolIfExists` (doc: EventBridge, "Using IAM policy conditions"); `ForAllValues` is
    true of none.
    """
    return {
        "Sid": "AllowForwarders",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": bus_arn(organization),
        "Condition": {
            "StringEquals": {"aws:PrincipalOrgID": organization.id},
            "ArnLike": {"aws:PrincipalArn": arn("iam", f"role/{FORWARDER_ROLE}", "*")},
            "ArnLikeIfExists": {"aws:SourceArn": arn("events", f"rule/{RULE_PREFIX}*", "*", "*")},
            "BoolIfExists": {"events:eventBusInvocation": "true"},
            "ForAllValues:StringEquals": {"events:detail-type": "AWS API Call via CloudTrail"},
            "ForAllValues:StringLike": {"events:source": "aws.*"},
        },
    }


def hub_permissions(settings: Settings, organization: OrganizationSettings) -> PolicyDocument:
    """The functions' permissions: assume the tagger and the audit role, consume the queue, write the ledger, publish.

    In the ledger's table it can update items, but it can't delete or scan: Put and Update of a transaction are
    authorized separately (doc: DynamoDB, IAM with transactions). Publishing to an encrypted topic needs its key (doc:
    SNS, key management).
    """
    return policy(
        {
            "Sid": "AssumeTaggerRole",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": arn("iam", f"role/{settings.hub.tagger_role}", "*"),
            "Condition": {"StringEquals": {"aws:ResourceOrgID": organization.id}},
        },
        {
            "Sid": "AssumeAuditRole",  # to list what is there, for reconciling
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": arn("iam", f"role/{AUDIT_ROLE}", "*"),
            "Condition": {"StringEquals": {"aws:ResourceOrgID": organization.id}},
        },
        {
            "Sid": "HandOnReconciling",
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": arn("lambda", f"function:{RECONCILE_FUNCTION}", region="${AWS::Region}"),
        },
        {
            "Sid": "ListAccounts",  # and the units that they are in: some may be observed
            "Effect": "Allow",
            "Action": [
                "organizations:DescribeAccount",
                "organizations:ListAccounts",
                "organizations:ListAccountsForParent",
                "organizations:ListOrganizationalUnitsForParent",
                "organizations:ListParents",
                "organizations:ListTagsForResource",
            ],
            "Resource": "*",
        },
        {
            "Sid": "ConsumeQueue",
            "Effect": "Allow",
            "Action": [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            "Resource": arn("sqs", BUS, region="${AWS::Region}"),
        },
        {
            "Sid": "SendToDeadLetterQueue",
            "Effect": "Allow",
            "Action": "sqs:SendMessage",
            "Resource": arn("sqs", f"{BUS}-dead-letters", region="${AWS::Region}"),
        },
        {"Sid": "PublishFindings", "Effect": "Allow", "Action": "events:PutEvents", "Resource": bus_arn(organization)},
        {
            "Sid": "PublishToAlarmTopic",
            "Effect": "Allow",
            "Action": "sns:Publish",
            "Resource": arn("sns", ALARM_TOPIC, region="${AWS::Region}"),
        },
        {
            "Sid": "UseAlarmKey",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "${AlarmKey.Arn}",
        },
        {
            "Sid": "WriteLedger",
            "Effect": "Allow",
            "Action": ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
            "Resource": arn("dynamodb", f"table/{LEDGER_TABLE}", region="${AWS::Region}"),
        },
        {
            "Sid": "ReadLedger",
            "Effect": "Allow",
            "Action": "dynamodb:Query",
            "Resource": arn("dynamodb", f"table/{LEDGER_TABLE}/index/*", region="${AWS::Region}"),
        },
        {
            "Sid": "WriteLogs",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": arn("logs", f"log-group:/aws/lambda/{FUNCTION}:*", region="${AWS::Region}"),
        },
    )
