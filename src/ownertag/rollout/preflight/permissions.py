"""The actions that `ownertag deploy` calls, by the account where it calls them; `docs/how-to/roll-out.md` lists them.

What CloudFormation calls for a stack counts too: it acts with the permissions of whoever made the stack, so that the
hub's stack needs those of the access role. In the members StackSets acts with a role of its own (doc: service-managed
permissions), and nothing needs to be allowed there but what is read.
"""

from __future__ import annotations

from collections.abc import Iterable

from ownertag.core.arn import Arn, partition_of, role_arn
from ownertag.render.documents import (
    ALARM_TOPIC,
    BUS,
    FORWARDER_ROLE,
    HUB_ROLE,
    HUB_STACK,
    LEDGER_TABLE,
    ROLES_STACK,
    RULE_PREFIX,
    TAGGER_POLICY,
    UNDELIVERED,
)
from ownertag.rollout.deploy.desired import Desired

_ORGANIZATION = (
    "organizations:AttachPolicy",
    "organizations:CreatePolicy",
    "organizations:DeletePolicy",
    "organizations:DeleteResourcePolicy",
    "organizations:DescribeOrganization",
    "organizations:DescribeOrganizationalUnit",
    "organizations:DescribePolicy",
    "organizations:DescribeResourcePolicy",
    "organizations:DetachPolicy",
    "organizations:EnablePolicyType",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListPolicies",
    "organizations:ListPoliciesForTarget",
    "organizations:ListRoots",
    "organizations:ListTargetsForPolicy",
    "organizations:PutResourcePolicy",
    "organizations:UpdatePolicy",
)
_STACKS = (
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "cloudformation:GetTemplateSummary",
    "cloudformation:ListStackResources",
)
_STACK_SETS = (
    "cloudformation:ActivateOrganizationsAccess",
    "cloudformation:CreateStackInstances",
    "cloudformation:CreateStackSet",
    "cloudformation:DeleteStackInstances",
    "cloudformation:DeleteStackSet",
    "cloudformation:DescribeOrganizationsAccess",
    "cloudformation:DescribeStackSet",
    "cloudformation:DescribeStackSetOperation",
    "cloudformation:ListStackInstances",
    "cloudformation:UpdateStackSet",
)
#: What the stacks of roles and rules hold: made, changed and deleted.
_ROLES = (
    "iam:AttachRolePolicy",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListEntitiesForPolicy",
    "iam:ListPolicyVersions",
    "iam:PutRolePolicy",
)
_RULES = (
    "events:DeleteRule",
    "events:DescribeRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "iam:PassRole",
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:SetQueueAttributes",
)
_HUB = (
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricAlarm",
    "dynamodb:CreateTable",
    "dynamodb:DescribeTable",
    "dynamodb:UpdateContinuousBackups",
    "events:CreateArchive",
    "events:CreateEventBus",
    "events:DeleteEventBus",
    "events:PutPermission",
    "kms:CreateKey",
    "kms:DescribeKey",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "lambda:AddPermission",
    "lambda:CreateEventSourceMapping",
    "lambda:CreateFunction",
    "lambda:DeleteEventSourceMapping",
    "lambda:DeleteFunction",
    "lambda:GetFunction",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "logs:CreateLogGroup",
    "logs:DescribeLogGroups",
    "logs:PutRetentionPolicy",
    "s3:CreateBucket",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutObject",
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
)

#: By the caller, in the management account.
MANAGEMENT_ACTIONS: tuple[str, ...] = tuple(
    sorted(
        {"ec2:DescribeRegions", "sts:AssumeRole", "sts:GetCallerIdentity"}.union(
            _ORGANIZATION, _STACKS, _STACK_SETS, _ROLES, _RULES
        )
    )
)
#: By the access role, in the hub's account.
HUB_ACTIONS: tuple[str, ...] = tuple(sorted({*_STACKS, *_ROLES, *_RULES, *_HUB}))
#: By the access role, in every other account: with `--recreate`, and to count who uses the protected keys.
MEMBER_ACTIONS: tuple[str, ...] = ("cloudtrail:LookupEvents", "sqs:GetQueueAttributes", "sqs:GetQueueUrl")
#: By both, in every account, for the preflight alone: what is missing is not known, and stops nothing.
PREFLIGHT_ACTIONS: tuple[str, ...] = (
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:LookupEvents",
    "dynamodb:DescribeTable",
    "dynamodb:ListTagsOfResource",
    "ec2:DescribeRegions",
    "events:DescribeEventBus",
    "events:ListRules",
    "events:ListTagsForResource",
    "iam:GetRole",
    "iam:SimulatePrincipalPolicy",
    "lambda:GetFunction",
    "logs:DescribeLogGroups",
    "organizations:DescribeEffectivePolicy",
    "organizations:ListAWSServiceAccessForOrganization",
    "organizations:ListAccountsForParent",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListDelegatedServicesForAccount",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListPolicies",
    "organizations:DescribePolicy",
    "organizations:ListTargetsForPolicy",
    "sqs:GetQueueUrl",
    "sqs:ListQueueTags",
    "sts:GetCallerIdentity",
)


def to_simulate(actions: Iterable[str]) -> tuple[str, ...]:
    """The actions that can be simulated: not those that need no permission (doc: GetCallerIdentity)."""
    return tuple(sorted(action for action in actions if action != "sts:GetCallerIdentity"))


def resources(account: str, desired: Desired, access_role: str) -> dict[str, str]:
    """The ARN that each action is called for in an account, for those that a policy could restrict to our names."""
    home, hub = desired.organization.home_region, desired.organization.hub_account
    partition = partition_of(home)

    def here(service: str, resource: str) -> str:
        return str(Arn(partition, service, home, account, resource))

    role = role_arn(partition, account, HUB_ROLE if account == hub else FORWARDER_ROLE)
    managed = str(Arn(partition, "iam", "", account, f"policy/{TAGGER_POLICY}-1"))
    rule = here("events", f"rule/{RULE_PREFIX}creations-1")
    stack = here("cloudformation", f"stack/{HUB_STACK if account == hub else ROLES_STACK}/0")
    stack_set = here("cloudformation", f"stackset/{ROLES_STACK}:0")
    function = here("lambda", f"function:{BUS}")
    of_service = {
        "cloudwatch": here("cloudwatch", f"alarm:{BUS}-errors"),
        "dynamodb": here("dynamodb", f"table/{LEDGER_TABLE}"),
        "iam": role,
        "lambda": function,
        "logs": here("logs", f"log-group:/aws/lambda/{BUS}:*"),
        "sns": here("sns", ALARM_TOPIC),
        "sqs": here("sqs", UNDELIVERED),
    }
    bucket = str(Arn(partition, "s3", "", "", desired.bucket))
    named = {
        "events:CreateArchive": here("events", f"archive/{BUS}"),
        "events:CreateEventBus": here("events", f"event-bus/{BUS}"),
        "events:DeleteEventBus": here("events", f"event-bus/{BUS}"),
        "events:PutPermission": here("events", f"event-bus/{BUS}"),
        "s3:CreateBucket": bucket,
        "s3:ListBucket": bucket,
        "s3:PutBucketPublicAccessBlock": bucket,
        "s3:GetObject": f"{bucket}/{desired.package.key}",
        "s3:PutObject": f"{bucket}/{desired.package.key}",
        "sts:AssumeRole": role_arn(partition, hub, access_role),
        **{action: managed for action in _ROLES if "Polic" in action and "RolePolicy" not in action},
        **dict.fromkeys(_STACKS, stack),
        **{action: stack_set for action in _STACK_SETS if not action.endswith("OrganizationsAccess")},
        **{action: rule for action in _RULES if action.startswith("events:")},
    }
    actions = {*MANAGEMENT_ACTIONS, *HUB_ACTIONS}
    return {
        action: of_service[service] for action in actions if (service := action.partition(":")[0]) in of_service
    } | named
