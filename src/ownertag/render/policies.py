"""Renders the policies of the tagger, the forwarder, the bus and the function; service control policies are in `scp`.

Sources: IAM user guide, EventBridge user guide, service authorization reference; `docs/explanation/policies.md` says
what each condition is for.
"""

from __future__ import annotations

from ownertag.core.arn import fill_template
from ownertag.core.catalogue_types import ACTIONS, Catalogue, QuestionKind
from ownertag.core.settings import OrganizationSettings, Settings
from ownertag.render.documents import (
    ALARM_TOPIC,
    AUDIT_ROLE,
    BUS,
    CANARY,
    CANARY_ROLE,
    FORWARDER_ROLE,
    HUB_ROLE,
    LEDGER_TABLE,
    REDRIVE_ROLE,
    RULE_PREFIX,
    SHORTER_KEYS,
    PolicyDocument,
    Statement,
    TooLong,
    arn,
    compact,
    filled,
    policy,
    within_limit,
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
    "MAX_SESSION_POLICY",
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
    "lookups",
    "session_policy",
    "tagger_permissions",
    "tagger_trust",
]

#: STS takes session policies of at most 2,048 characters, IAM 10,240 for all of a role's own, EventBridge 10,240 for a
#: bus (doc: quotas of each).
MAX_SESSION_POLICY = 2048
MAX_ROLE_POLICIES = 10240
MAX_BUS_POLICY = 10240

# IAM names these without an account (service authorization reference: resource types of EC2).
_WITHOUT_ACCOUNT = {"ec2:image", "ec2:snapshot"}
# And these without a Region, all of IPAM but an allocation.
_WITHOUT_REGION = {
    "ec2:ipam",
    "ec2:ipam-external-resource-verification-token",
    "ec2:ipam-pool",
    "ec2:ipam-resource-discovery",
    "ec2:ipam-resource-discovery-association",
    "ec2:ipam-scope",
}


# --- in every account


def tagger_permissions(catalogue: Catalogue, settings: Settings) -> PolicyDocument:
    """The tagger's permissions in an account: write our keys and no other, and look up facts.

    Raises:
        TooLong: AWS would not take it.
    """
    resources = sorted(
        fill_template(
            kind.arn,
            partition="${AWS::Partition}",
            region="" if kind.name in _WITHOUT_REGION else "*",
            account="" if kind.name in _WITHOUT_ACCOUNT else "${AWS::AccountId}",
            id_="*",
        )
        for kind in catalogue.types.values()
    )
    return within_limit(
        _tagging(catalogue, settings, resources), MAX_ROLE_POLICIES, "the tagger's policy", SHORTER_KEYS
    )


def session_policy(catalogue: Catalogue, settings: Settings) -> PolicyDocument:
    """The session policy of the tagger: it holds even where somebody gave the role more permissions.

    It is the same for every account, so it names none; the role's policy does.

    Raises:
        TooLong: AWS would not take it.
    """
    document = _tagging(catalogue, settings, "*")
    return within_limit(document, MAX_SESSION_POLICY, "the tagger's session policy", SHORTER_KEYS)


def _tagging(catalogue: Catalogue, settings: Settings, resources: str | list[str]) -> PolicyDocument:
    """The statements of both. `ForAllValues` is true where there is no key at all, so `Null` requires one."""
    write: Statement = {
        "Sid": "WriteOwnerTags",
        "Effect": "Allow",
        "Action": sorted({api.action for api in catalogue.tag_apis.values()}),
        "Resource": resources,
        "Condition": {
            "ForAllValues:StringEquals": {"aws:TagKeys": sorted(settings.tags)},
            "Null": {"aws:TagKeys": "false"},
        },
    }
    read: Statement = {
        "Sid": "DescribeResources",
        "Effect": "Allow",
        "Action": lookups(catalogue, settings),
        "Resource": "*",
    }
    return policy(write, read)


def lookups(catalogue: Catalogue, settings: Settings) -> list[str]:
    """The read actions that the catalogue's rows and the settings need."""
    actions = {f"{kind.service}:{kind.lookup.operation}" for kind in catalogue.types.values() if kind.lookup}
    return sorted(actions.union(*(ACTIONS[kind] for kind in _asked(catalogue, settings))))


def _asked(catalogue: Catalogue, settings: Settings) -> set[QuestionKind]:
    """The kinds of questions that can be asked in an account with these rows and settings."""
    kinds = {kind for row in catalogue.rows.values() for kind in row.questions}
    kinds.add(QuestionKind.OWNER_OF_RESOURCE)
    if settings.trust.trace_assumed_roles:
        kinds.add(QuestionKind.MAKER_OF_SESSION)
    if settings.trust.identity_stores:
        kinds.add(QuestionKind.IDENTITY_CENTER_USER)
    if kinds & {QuestionKind.INSTANCES_BY_RESERVATION, QuestionKind.SNAPSHOTS_OF_IMAGE}:
        kinds.add(QuestionKind.BIRTH)  # of volumes on instances, and of an image's snapshots
    if QuestionKind.LAUNCHES in kinds:
        kinds |= {QuestionKind.RESERVATIONS, QuestionKind.INSTANCES_BY_RESERVATION}
    kinds.add(QuestionKind.TAGS)  # while the ledger can't be asked, and where another creation may have written
    return kinds


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
    """The function's permissions: assume the tagger role, consume the queue, write the ledger, publish findings.

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
            "Resource": arn("logs", f"log-group:/aws/lambda/{BUS}:*", region="${AWS::Region}"),
        },
    )
