"""Who and what the cases name: an organization of four accounts, a stranger's account, and which policies hold where.

What the simulator does not know of AWS is said here: which accounts an SCP binds, which principal carries which keys,
and what a role's or a bus's own policy is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from harness import fixtures
from ownertag.catalogue import tag_actions
from ownertag.catalogue.lists import shipped_lists
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.settings import ProtectionSettings
from ownertag.core.settings_file import read_settings
from ownertag.render import audit, policies, service_policies, tagger
from ownertag.render.scp import service_control_policies

Json = dict[str, Any]

MEMBER, OTHER, HUB = fixtures.ACCOUNT, fixtures.OTHER_ACCOUNT, fixtures.HUB_ACCOUNT
MANAGEMENT, OUTSIDE, NOBODY = "123456789012", fixtures.OUTSIDE_ACCOUNT, "666677778888"
ORGANIZATION, STRANGERS = "o-exampleorg1", "o-strangers01"
REGION = fixtures.REGION
HASH = "0123456789abcdef"

#: Where each account is; `NOBODY` is in no organization.
ORGANIZATION_OF: Mapping[str, str | None] = {
    **dict.fromkeys((MEMBER, OTHER, HUB, MANAGEMENT), ORGANIZATION),
    OUTSIDE: STRANGERS,
    NOBODY: None,
}

PROVIDER = f"arn:aws:iam::{MEMBER}:saml-provider/corporate"
OIDC_PROVIDER = f"arn:aws:iam::{MEMBER}:oidc-provider/login.example.com"
SETTINGS = read_settings(
    fixtures.SETTINGS_TEXT
    + f"""[trust]
restrict_source_identity = true
source_identity_roles = ["sign-in-broker"]
identity_providers = ["{PROVIDER}", "{OIDC_PROVIDER}", "accounts.google.com"]
[protection]
units = ["r-ab12"]
""",
    "ownertag.toml",
)
BREAK_GLASS = ("break-glass", "aws-reserved/sso.amazonaws.com*/AWSReservedSSO_BreakGlass_*")


ALARM_KEY = f"arn:aws:kms:{REGION}:{HUB}:key/{HASH}"


def scp(catalogue: Catalogue) -> Json:
    """The service control policies as one: whether a statement stands in one or another is all the same to IAM."""
    protection = ProtectionSettings(break_glass=BREAK_GLASS, max_policy_size=10240)
    found = service_control_policies(
        catalogue, tag_actions.load_tag_actions(), replace(SETTINGS, protection=protection)
    )
    return {"Version": "2012-10-17", "Statement": [statement for policy in found for statement in policy["Statement"]]}


def sessions(catalogue: Catalogue) -> dict[str, Json]:
    """The hub's session policies: EC2's is `session`, further ones have a number from 2."""
    found = tagger.session_policies(catalogue, SETTINGS).documents
    return {"session" if number == 1 else f"session-{number}": document for number, document in enumerate(found, 1)}


def removals(catalogue: Catalogue) -> dict[str, Json]:
    """The session policies of what undoes a run: EC2's is `removal`, further ones have a number from 2."""
    found = tagger.removal_policies(catalogue, SETTINGS).documents
    return {"removal" if number == 1 else f"removal-{number}": document for number, document in enumerate(found, 1)}


def managed(catalogue: Catalogue) -> tuple[str, ...]:
    """The names of the tagger's managed policies."""
    return tuple(tagger.tagger_policies(catalogue, SETTINGS))


def listing(catalogue: Catalogue) -> tuple[str, ...]:
    """The names of the audit role's managed policies."""
    return tuple(audit.audit_policies(catalogue, shipped_lists()))


def rendered() -> dict[str, Json]:
    """Every policy under test by its short name, as it stands in the account that it is deployed to."""
    catalogue, settings, organization = fixtures.catalogue(), SETTINGS, SETTINGS.organization
    assert organization is not None

    def of(account: str, document: Json) -> Json:
        here = {"AWS::AccountId": account, "AWS::Region": REGION, "AWS::Partition": "aws", "AlarmKey.Arn": ALARM_KEY}
        filled: Json = policies.filled(document, here)
        return filled

    return {
        "scp": of(
            MEMBER,
            scp(catalogue),
        ),
        "tagger": of(MEMBER, tagger.tagger_permissions(catalogue, settings)),
        **{name: of(MEMBER, document) for name, document in tagger.tagger_policies(catalogue, settings).items()},
        **sessions(catalogue),
        **removals(catalogue),
        "tagger-trust": of(MEMBER, policies.tagger_trust(organization)),
        "forwarder-trust": of(MEMBER, policies.forwarder_trust()),
        "bus": {"Version": "2012-10-17", "Statement": [of(HUB, policies.bus_policy(organization))]},
        "forwarder": of(MEMBER, policies.forwarder_permissions(organization)),
        "hub": of(HUB, policies.hub_permissions(settings, organization)),
        "queue": of(HUB, service_policies.queue_policy()),
        "undelivered": of(MEMBER, service_policies.undelivered_policy()),
        "lambda-trust": of(HUB, service_policies.lambda_trust()),
        "alarm-key": of(HUB, service_policies.alarm_key_policy()),
        "alarm-topic": of(HUB, service_policies.alarm_topic_policy()),
        "audit-trust": of(MEMBER, service_policies.audit_trust(organization)),
        "audit": of(MEMBER, service_policies.audit_permissions(settings.hub.tagger_role)),
        **{name: of(MEMBER, document) for name, document in audit.audit_policies(catalogue, shipped_lists()).items()},
        "canary": of(MEMBER, service_policies.canary_permissions()),
        "redrive": of(MEMBER, service_policies.redrive_permissions()),
    }


_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
#: What is there besides: AWS's own policies, and what somebody opened by mistake.
AROUND: dict[str, Json] = {
    "everything": {"Version": "2012-10-17", "Statement": [_EVERYTHING]},
    "full-access": {"Version": "2012-10-17", "Statement": [_EVERYTHING]},
    "open-role": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            }
        ],
    },
    # As KMS makes it: IAM's policies of the account count (doc: "Default key policy").
    "open-key": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    },
    "open-bus": {"Version": "2012-10-17", "Statement": [{**_EVERYTHING, "Principal": "*"}]},
}


class Who(NamedTuple):
    """A principal: its ARN in a request, `aws:PrincipalArn`, and its own policies."""

    says: str
    arn: str
    principal_arn: str | None
    account: str | None
    identity: tuple[str, ...] = ("everything",)
    session: str | None = None
    bound: bool = True
    organization: str | None = ORGANIZATION


def _role(says: str, name: str, account: str = MEMBER, path: str = "", **more: Any) -> Who:
    """A session of a role. The session's ARN leaves the path out; `aws:PrincipalArn` is the role's own."""
    more.setdefault("organization", ORGANIZATION_OF[account])
    more.setdefault("bound", more["organization"] == ORGANIZATION and account != MANAGEMENT)
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/session"
    return Who(says, arn, f"arn:aws:iam::{account}:role/{path}{name}", account, **more)


def _plain(says: str, resource: str, service: str = "iam", account: str = MEMBER) -> Who:
    arn = f"arn:aws:{service}::{account}:{resource}"
    return Who(says, arn, arn, account)


_DLM = "AWSDataLifecycleManagerDefaultRole"
_SSO = "aws-reserved/sso.amazonaws.com/eu-central-1/"
_DEPLOYER = f"stacksets-exec-{HASH}{HASH}"
_AUDIT = ("audit", *listing(fixtures.catalogue()))
_TAGGER, _HUB, _FORWARDER = SETTINGS.hub.tagger_role, policies.HUB_ROLE, policies.FORWARDER_ROLE
_REDRIVE = policies.REDRIVE_ROLE
_BROKEN = f"AWSReservedSSO_BreakGlass_{HASH}"
_LINKED = "aws-service-role/autoscaling.amazonaws.com/"

WHO: dict[str, Who] = {
    "member-admin": _role("administrator of a member", "admin"),
    "member-root": _plain("root user of a member", "root"),
    "member-user": _plain("IAM user of a member", "user/alice"),
    "member-federated": _plain("federated user of a member", "federated-user/frank", "sts"),
    "other-member-admin": _role("administrator of another member", "admin", OTHER),
    "hub-admin": _role("administrator of the hub's account", "admin", HUB),
    "management-admin": _role("administrator of the management account", "admin", MANAGEMENT),
    "outsider": _role("administrator of a stranger's account", "admin", OUTSIDE),
    "auto-scaling": _role("Auto Scaling's linked role", "AWSServiceRoleForAutoScaling", path=_LINKED, bound=False),
    "tagger": _role("the tagger's role", _TAGGER, identity=("tagger", *managed(fixtures.catalogue()))),
    "tagger-by-path": _role("a role `team/auto-tag-role`", _TAGGER, path="team/"),
    "hub-session": _role("the hub's session in a tagger's role that somebody widened", _TAGGER, session="session"),
    "removal-session": _role("the hub's session that undoes a run, in such a role", _TAGGER, session="removal"),
    "break-glass": _role("a break-glass role", "break-glass"),
    "break-glass-person": _role("a break-glass role of Identity Center", _BROKEN, path=_SSO),
    "break-glass-2": _role("a role `break-glass-2`", "break-glass-2"),
    "break-glass-by-path": _role("a role `team/break-glass`", "break-glass", path="team/"),
    "break-glass-user": _plain("a user `break-glass`", "user/break-glass"),
    "break-glass-by-case": _role("a role `Break-Glass`", "Break-Glass"),
    "break-glass-person-alike": _role("a role named like Identity Center's", _BROKEN),
    "deployer": _role("StackSets' role in a member", _DEPLOYER),
    "deployer-alike": _role("a role `stacksets-executor`", "stacksets-executor"),
    "deployer-by-path": _role("a role `team/stacksets-exec-…`", _DEPLOYER, path="team/"),
    "broker": _role("the role with leave to set a SourceIdentity", "sign-in-broker"),
    "broker-alike": _role("a role `team/sign-in-broker`", "sign-in-broker", path="team/"),
    "hub": _role("the hub's function", _HUB, HUB, identity=("hub",)),
    "wide-hub": _role("a hub's role that somebody widened", _HUB, HUB),
    "hub-other-function": _role("another function of the hub's account", "other-function", HUB),
    "hub-user": _plain("a user `ownertag-hub` of the hub's account", f"user/{_HUB}", account=HUB),
    "hub-by-path": _role("a role `team/ownertag-hub` of the hub's account", _HUB, HUB, "team/"),
    "hub-alike-in-member": _role("a role `ownertag-hub` of a member", _HUB),
    "hub-alike-outside": _role("a role `ownertag-hub` of a stranger's account", _HUB, OUTSIDE),
    "hub-of-another-organization": _role("the hub, moved to another organization", _HUB, HUB, organization=STRANGERS),
    "hub-of-no-organization": _role("the hub, out of every organization", _HUB, HUB, organization=None),
    "forwarder": _role("the forwarder's role", _FORWARDER, identity=("forwarder",)),
    "wide-forwarder": _role("a forwarder's role that somebody widened", _FORWARDER),
    "forwarder-by-path": _role("a role `team/ownertag-forwarder`", _FORWARDER, path="team/"),
    "forwarder-outside": _role("a role `ownertag-forwarder` of a stranger's account", _FORWARDER, OUTSIDE),
    "forwarder-of-no-organization": _role("a role `ownertag-forwarder` of no organization", _FORWARDER, NOBODY),
    "event-bridge": Who("EventBridge", "events.amazonaws.com", None, None, (), bound=False, organization=None),
    "lambda": Who("Lambda", "lambda.amazonaws.com", None, None, (), bound=False, organization=None),
    "cloudwatch": Who("CloudWatch", "cloudwatch.amazonaws.com", None, None, (), bound=False, organization=None),
    "tagger-role-widened": _role("a tagger's role that somebody widened", _TAGGER),
    "copier": _role("AWS Backup's service role", "AWSBackupDefaultServiceRole", path="service-role/"),
    "copier-plain": _role("a role named like AWS Backup's, without its path", "AWSBackupDefaultServiceRole"),
    "copier-longer": _role("a role named like DLM's, and longer", f"{_DLM}2", path="service-role/"),
    "copier-images": _role("DLM's service role for images", f"{_DLM}ForAMIManagement", path="service-role/"),
    "copier-volumes": _role("DLM's service role", _DLM, path="service-role/"),
    "audit": _role("the audit role", policies.AUDIT_ROLE, identity=_AUDIT),
    "exempt-audit": _role("the audit role, where no SCP holds", policies.AUDIT_ROLE, identity=_AUDIT, bound=False),
    "canary": _role("the canary's role", policies.CANARY_ROLE, identity=("canary",)),
    "redrive": _role("the redrive role", _REDRIVE, identity=("redrive",)),
    "exempt-redrive": _role("the redrive role, where no SCP holds", _REDRIVE, identity=("redrive",), bound=False),
}  # fmt: skip


class What(NamedTuple):
    """A resource: its ARN, its account, and the policy of its own, where the action asks one."""

    says: str
    arn: str
    account: str = MEMBER
    policy: str | None = None


def _ec2(says: str, resource: str, account: str = MEMBER, owner: str | None = None) -> What:
    return What(says, f"arn:aws:ec2:{REGION}:{account}:{resource}", owner or account or MEMBER)


def _iam(says: str, role: str, policy: str | None, account: str = MEMBER) -> What:
    return What(says, f"arn:aws:iam::{account}:role/{role}", account, policy)


def _at(says: str, service: str, resource: str, account: str = MEMBER, policy: str | None = None) -> What:
    return What(says, f"arn:aws:{service}:{REGION}:{account}:{resource}", account, policy)


def _organizations(says: str, resource: str, account: str = MEMBER) -> What:
    return What(says, f"arn:aws:organizations::{account}:{resource}", account)


ON: dict[str, What] = {
    "any": What("anything", "*"),
    "instance": _ec2("an instance", f"instance/i-{HASH}0"),
    "volume": _ec2("a volume", f"volume/vol-{HASH}0"),
    "network-interface": _ec2("a network interface", f"network-interface/eni-{HASH}0"),
    "elastic-ip": _ec2("an address", f"elastic-ip/eipalloc-{HASH}0"),
    "snapshot": _ec2("a snapshot", f"snapshot/snap-{HASH}0", "", MEMBER),
    "image": _ec2("an image", f"image/ami-{HASH}0", "", MEMBER),
    "local-gateway": _ec2("a local gateway", f"local-gateway/lgw-{HASH}0"),
    "shared-subnet": _ec2("a subnet that another account shares", f"subnet/subnet-{HASH}0", OTHER),
    "hub-instance": _ec2("an instance of the hub's account", f"instance/i-{HASH}1", HUB),
    "management-instance": _ec2("an instance of the management account", f"instance/i-{HASH}2", MANAGEMENT),
    "tagger-role": _iam("`auto-tag-role`", _TAGGER, "tagger-trust"),
    "tagger-role-of-another": _iam("`auto-tag-role` of another member", _TAGGER, "tagger-trust", OTHER),
    "tagger-role-of-the-hub": _iam("`auto-tag-role` of the hub's account", _TAGGER, "tagger-trust", HUB),
    "tagger-role-opened": _iam("an `auto-tag-role` that somebody opened", _TAGGER, "open-role"),
    "tagger-role-outside": _iam("`auto-tag-role` of a stranger", _TAGGER, "open-role", OUTSIDE),
    "tagger-role-of-nobody": _iam("`auto-tag-role` in no organization", _TAGGER, "open-role", NOBODY),
    "forwarder-role": _iam("`ownertag-forwarder`", _FORWARDER, "forwarder-trust"),
    "audit-role": _iam("`ownertag-audit`", policies.AUDIT_ROLE, "audit-trust"),
    "canary-role": _iam("`ownertag-canary`", policies.CANARY_ROLE, "audit-trust"),
    "redrive-role": _iam("`ownertag-redrive`", policies.REDRIVE_ROLE, "audit-trust"),
    "break-glass-role": _iam("a break-glass role", "break-glass", None),
    "deployer-role": _iam("a role `stacksets-exec-…`", _DEPLOYER, None),
    "broker-role": _iam("the role with leave", "sign-in-broker", None),
    "stackset-like-role": _iam("a role `team/auto-tag-role`", f"team/{_TAGGER}", None),
    "own-role": _iam("a role of the account's own", "web-server", None),
    "trusting-role": _iam("a role that trusts everybody", "web-server", "open-role"),
    "trusting-role-of-another": _iam("such a role of another member", "web-server", "open-role", OTHER),
    "rule": _at("a rule `ownertag-…`", "events", "rule/ownertag-creations-1"),
    "own-rule": _at("a rule of the account's own", "events", "rule/nightly"),
    "hub-schedule": _at("the hub's schedule", "events", "rule/hub-ownertag-accounts", HUB),
    "stack": _at("a stack of ours", "cloudformation", f"stack/StackSet-ownertag-rules-{HASH}/{HASH}"),
    "own-stack": _at("a stack of the account's own", "cloudformation", f"stack/web/{HASH}"),
    "bus": _at("the hub's bus", "events", "event-bus/ownertag", HUB, "bus"),
    "hub-bus-opened": _at("the hub's bus, opened to everybody", "events", "event-bus/ownertag", HUB, "open-bus"),
    "other-bus": _at("another bus of the hub's account", "events", "event-bus/other", HUB, "bus"),
    "open-bus": _at("a stranger's bus", "events", "event-bus/open", OUTSIDE, "open-bus"),
    "other-own-bus": _at("another bus of the member", "events", "event-bus/orders"),
    "tagger-policy": What("a policy `ownertag-tagger-1`", f"arn:aws:iam::{MEMBER}:policy/ownertag-tagger-1"),
    "audit-policy": What("a policy `ownertag-audit-1`", f"arn:aws:iam::{MEMBER}:policy/ownertag-audit-1"),
    "own-policy": What("a policy of the account's own", f"arn:aws:iam::{MEMBER}:policy/web-server"),
    "provider": What("a listed identity provider", PROVIDER),
    "own-provider": What("another identity provider", f"arn:aws:iam::{MEMBER}:saml-provider/other"),
    "oidc-provider": What("a listed provider of OpenID Connect", OIDC_PROVIDER),
    "undelivered-plain": _at("a Region's queue", "sqs", "ownertag-undelivered"),
    "own-bus": _at("the member's default bus", "events", "event-bus/default"),
    "federated": What("a federated user", f"arn:aws:sts::{HUB}:federated-user/frank", HUB),
    "queue": _at("the hub's queue", "sqs", "ownertag", HUB, "queue"),
    "ledger": _at("the ledger's table", "dynamodb", "table/ownertag-ledger", HUB),
    "ledger-index": _at("an index of the ledger", "dynamodb", "table/ownertag-ledger/index/by-id", HUB),
    "other-table": _at("another table of the hub's account", "dynamodb", "table/orders", HUB),
    "other-table-index": _at("an index of another table", "dynamodb", "table/orders/index/by-id", HUB),
    "dead-letters": _at("the hub's dead letters", "sqs", "ownertag-dead-letters", HUB, "queue"),
    "own-queue-of-the-hub": _at("another queue of the hub's account", "sqs", "orders", HUB),
    "queue-elsewhere": _at("another queue under that policy", "sqs", "orders", HUB, "queue"),
    "undelivered": _at("a Region's queue", "sqs", "ownertag-undelivered", MEMBER, "undelivered"),
    "undelivered-elsewhere": _at("another queue under that policy", "sqs", "orders", MEMBER, "undelivered"),
    "own-queue": _at("a queue of the account's own", "sqs", "orders"),
    "hub-role": _iam("`ownertag-hub`", _HUB, "lambda-trust", HUB),
    "alarm-key": _at("the key of the alarms", "kms", f"key/{HASH}", HUB, "alarm-key"),
    "other-key": _at("another key of the hub's account", "kms", f"key/{HASH[::-1]}", HUB, "alarm-key"),
    "topic": _at("the topic of the alarms", "sns", "ownertag-alarms", HUB, "alarm-topic"),
    "topic-elsewhere": _at("another topic under that policy", "sns", "orders", HUB, "alarm-topic"),
    "hub-rule": _at("a rule of the bus `ownertag`", "events", "rule/ownertag/ownertag-creations"),
    "rule-of-another-bus": _at("a rule of another bus", "events", "rule/orders/ownertag-creations"),
    "own-named-queue": _at("a queue `ownertag`", "sqs", "ownertag"),
    "own-named-dead-letters": _at("a queue `ownertag-dead-letters`", "sqs", "ownertag-dead-letters"),
    "named-table": _at("a table `ownertag-ledger`", "dynamodb", "table/ownertag-ledger"),
    "named-links": _at("an index of links of such a table", "dynamodb", "table/ownertag-ledger/index/by-link"),
    "named-ids": _at("another index of such a table", "dynamodb", "table/ownertag-ledger/index/by-id"),
    "named-function": _at("a function `ownertag`", "lambda", "function:ownertag"),
    "own-function": _at("a function of the account's own", "lambda", "function:orders"),
    "named-bus": _at("a bus `ownertag`", "events", "event-bus/ownertag"),
    "named-topic": _at("a topic `ownertag-alarms`", "sns", "ownertag-alarms"),
    "own-topic": _at("a topic of the account's own", "sns", "orders"),
    "alarm": _at("an alarm `ownertag-…`", "cloudwatch", "alarm:ownertag-silence"),
    "own-alarm": _at("an alarm of the account's own", "cloudwatch", "alarm:orders"),
    "plain-stack": _at("a stack `ownertag-…`", "cloudformation", f"stack/ownertag-hub/{HASH}"),
    "stack-set": _at("a stack set `ownertag-…`", "cloudformation", f"stackset/ownertag-spoke-region:{HASH}"),
    "own-stack-set": _at("a stack set of the account's own", "cloudformation", f"stackset/web:{HASH}"),
    "unit": _organizations("a unit", f"ou/{ORGANIZATION}/ou-ab12-c3d4e5f6"),
    "root": _organizations("the root", f"root/{ORGANIZATION}/r-ab12"),
    "control-policy": _organizations("a policy", f"policy/{ORGANIZATION}/service_control_policy/p-a1b2c3d4"),
    "tag-policy": _organizations("a tag policy", f"policy/{ORGANIZATION}/tag_policy/p-a1b2c3d4"),
    "unit-elsewhere": _organizations("a unit of another organization", f"ou/{STRANGERS}/ou-ab12-c3d4e5f6", OUTSIDE),
    "api-keys": What("API keys", f"arn:aws:apigateway:{REGION}::/apikeys"),
    "apis": What("the REST APIs", f"arn:aws:apigateway:{REGION}::/restapis"),
    "own-rows": _at("a table of Keyspaces", "cassandra", "/keyspace/orders/table/orders"),
    "system-rows": _at("a table of Keyspaces' own", "cassandra", "/keyspace/system_schema_mcs/table/tables"),
    "own-secret": _at("a secret", "secretsmanager", "secret:orders-a1b2c3"),
    "own-parameter": _at("a parameter", "ssm", "parameter/orders"),
    "own-item-table": _at("a table of the account's own", "dynamodb", "table/orders"),
    "own-key": _at("a key of the account's own", "kms", f"key/{HASH}", MEMBER, "open-key"),
    "trail": _at("a trail", "cloudtrail", "trail/organization"),
    "canary": _ec2("the canary's placement group", f"placement-group/{policies.CANARY}"),
    "own-placement-group": _ec2("a placement group of the account's own", "placement-group/cluster"),
    "log": _at("the function's log", "logs", f"log-group:/aws/lambda/ownertag:log-stream:{HASH}", HUB),
    "other-log": _at("another log of the hub's account", "logs", f"log-group:/aws/lambda/other:log-stream:{HASH}", HUB),
}

#: A resource of each type of EC2, for `on = "each-type"`.
TYPES = tuple(name for name in fixtures.catalogue().types if name.startswith("ec2:"))
for _name in TYPES:
    _type = _name.removeprefix("ec2:")
    _what = _ec2(f"`{_name}`", f"{_type}/x-{HASH}", "" if _type in {"image", "snapshot"} else MEMBER, MEMBER)
    _regional = not _type.startswith("ipam") or _type == "ipam-pool-allocation"
    ON[_name] = _what if _regional else _what._replace(arn=_what.arn.replace(f":{REGION}:", "::"))

#: What these mean for an action: a resource of the account's own, and one of ours, that it can act on.
OF_ACTION = {
    "fitting": {
        "cloudformation:DescribeStackResources": "own-stack",
        "cloudformation:DescribeStackSet": "own-stack-set",
        "cloudformation:GetTemplate": "own-stack",
        "cloudwatch:DescribeAlarms": "own-alarm",
        "ec2:CreateTags": "instance",
        "events:DescribeEventBus": "other-own-bus",
        "events:DescribeRule": "own-rule",
        "events:PutRule": "own-rule",
        "iam:GetRole": "own-role",
        "lambda:GetFunctionConfiguration": "own-function",
        "organizations:DescribePolicy": "tag-policy",
        "organizations:ListAccountsForParent": "unit-elsewhere",
        "sns:ListSubscriptionsByTopic": "own-topic",
        "sqs:GetQueueAttributes": "own-queue",
        "sqs:SendMessage": "own-queue",
        "sts:GetFederationToken": "federated",
    },
    "ours": {
        "cloudformation:DeleteStack": "stack",
        "cloudformation:DeleteStackSet": "stack-set",
        "ec2:RunInstances": "instance",
        "events:DisableRule": "rule",
        "lambda:GetFunction": "named-function",
        "lambda:InvokeFunction": "named-function",
        "organizations:DetachPolicy": "control-policy",
        "sns:Subscribe": "named-topic",
        "iam:UpdateAssumeRolePolicy": "tagger-role",
        "sqs:ReceiveMessage": "undelivered",
    },
}
