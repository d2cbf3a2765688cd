"""The requests that a deployment makes in an account, and what stops where one is denied. Pure.

What is not in a request's context is not known, for example the address that it comes from. Known are the keys that AWS
documents for the caller, and the absence of tags on our roles and in our templates (global condition context keys).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

from ownertag.catalogue.lists import shipped_lists
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.arn import Arn, fill_template, partition_of, role_arn
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.settings import OrganizationSettings, Settings
from ownertag.render.audit import audit_policies
from ownertag.render.documents import (
    AUDIT_ROLE,
    BUS,
    DEAD_LETTERS,
    FORWARDER_ROLE,
    HUB_ROLE,
    REGION_STACK,
    ROLES_STACK,
    RULE_PREFIX,
    UNDELIVERED,
)
from ownertag.render.tagger import lookups, tagger_policies
from ownertag.rollout.preflight.policy_statements import PolicyRequest

#: StackSets' role in a member account is named so, with 32 hex digits (doc: service-linked roles for StackSets).
STACK_SETS_ROLE = f"stacksets-exec-{'0' * 32}"
#: IAM's requests count as made in this Region (doc: aws:RequestedRegion); other partitions have one of their own.
_IAM_REGION = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


_Context: TypeAlias = dict[str, tuple[str, ...] | None]


#: Types that stand for all, in what a policy could say of the resources that are tagged.
SAMPLE_TYPES = ("ec2:image", "ec2:instance", "ec2:network-interface", "ec2:snapshot", "ec2:volume")


class Need(Struct, frozen=True):
    """A request that must not be denied: what fails without it, and the Region where it is needed.

    `region` is None for what an account needs once.
    """

    request: PolicyRequest
    what: str
    region: str | None


class Needs:
    """The requests of one organization's deployment.

    Args:
        organization: Whose accounts these are.
        settings: For the keys of tags and the tagger's role.
        bucket: The bucket of the function's package.
        catalogue: For the types that are tagged.
    """

    def __init__(
        self,
        organization: OrganizationSettings,
        settings: Settings,
        bucket: str,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._organization = organization
        self._settings = settings
        self._bucket = bucket
        self._catalogue = catalogue or load_catalogue()
        self._lookups = lookups(self._catalogue, settings)
        self._partition = partition_of(organization.home_region)
        self._iam_region = _IAM_REGION.get(self._partition, organization.home_region)

    # --- what principals of an account do: service control policies bind them

    def of_principals(self, account: str, regions: tuple[str, ...]) -> Iterator[Need]:
        """What StackSets' role, the tagger and the forwarder do in a member account."""
        yield from self._stack_sets(account, regions)
        tagger, forwarder = self._settings.hub.tagger_role, FORWARDER_ROLE
        home, hub = self._organization.home_region, self._organization.hub_account
        for region in regions:
            for type_ in (self._catalogue.types[name] for name in SAMPLE_TYPES):
                action = self._catalogue.tag_apis[type_.tag_api].action
                resource = fill_template(type_.arn, self._partition, region, account, "0")
                context = self._acting(account, tagger, region) | self._tags() | {"ec2:createaction": None}
                yield Need(PolicyRequest(action, resource, context), "the tagger can't tag", region)
            for action in self._lookups:
                context = self._acting(account, tagger, region)
                yield Need(PolicyRequest(action, "*", context), "the tagger can't look up what was made", region)
        bus = self._arn("events", f"event-bus/{BUS}", hub, home)
        context = self._acting(account, forwarder, home) | self._owned_by(hub)
        yield Need(PolicyRequest("events:PutEvents", bus, context), "no event reaches the hub", None)

    def at_hub(self, access_role: str, member: str) -> Iterator[Need]:
        """What is done at the hub: its stack is deployed by the access role, and its function assumes the tagger."""
        home, hub = self._organization.home_region, self._organization.hub_account
        for action, resource in self._hub_resources():
            region = self._iam_region if action.startswith("iam:") else home
            context = self._acting(hub, access_role, region) | {"aws:requesttag/": None}
            yield Need(PolicyRequest(action, resource, context), "the hub can't be deployed", None)
        tagger = role_arn(self._partition, member, self._settings.hub.tagger_role)
        context = self._acting(hub, HUB_ROLE, home) | self._owned_by(member)
        yield Need(PolicyRequest("sts:AssumeRole", tagger, context), "the hub can't tag in any account", None)

    def _stack_sets(self, account: str, regions: tuple[str, ...]) -> Iterator[Need]:
        home = self._organization.home_region
        roles = (self._settings.hub.tagger_role, FORWARDER_ROLE)
        what = "StackSets can't deploy the roles"
        stack = self._arn("cloudformation", f"stack/StackSet-{ROLES_STACK}-0/0", account, home)
        untagged: _Context = {"aws:requesttag/": None}
        context = self._acting(account, STACK_SETS_ROLE, home) | untagged
        yield Need(PolicyRequest("cloudformation:CreateStack", stack, context), what, None)
        context = self._acting(account, STACK_SETS_ROLE, self._iam_region) | untagged
        for role in roles:
            for action in ("iam:CreateRole", "iam:PutRolePolicy"):
                resource = role_arn(self._partition, account, role)
                yield Need(PolicyRequest(action, resource, context | {"iam:permissionsboundary": None}), what, None)
        managed = {
            self._settings.hub.tagger_role: tagger_policies(self._catalogue, self._settings),
            AUDIT_ROLE: audit_policies(self._catalogue, shipped_lists()),
        }
        for role, name in ((role, name) for role, found in managed.items() for name in found):
            policy = str(Arn(self._partition, "iam", "", account, f"policy/{name}"))
            yield Need(PolicyRequest("iam:CreatePolicy", policy, context), what, None)
            attached = context | {"iam:policyarn": (policy,), "iam:permissionsboundary": None}
            yield Need(
                PolicyRequest("iam:AttachRolePolicy", role_arn(self._partition, account, role), attached), what, None
            )
        for region in regions:
            what = "StackSets can't deploy the rules"
            context = self._acting(account, STACK_SETS_ROLE, region) | untagged
            stack = self._arn("cloudformation", f"stack/StackSet-{REGION_STACK}-0/0", account, region)
            rule = self._arn("events", f"rule/{RULE_PREFIX}creations-1", account, region)
            queue = self._arn("sqs", UNDELIVERED, account, region)
            for action, resource in (
                ("cloudformation:CreateStack", stack),
                ("events:PutRule", rule),
                ("events:PutTargets", rule),
                ("sqs:CreateQueue", queue),
                ("sqs:SetQueueAttributes", queue),
            ):
                yield Need(PolicyRequest(action, resource, context), what, region)

    def _hub_resources(self) -> tuple[tuple[str, str], ...]:
        home, hub = self._organization.home_region, self._organization.hub_account

        def here(service: str, resource: str) -> str:
            return self._arn(service, resource, hub, home)

        return (
            ("s3:CreateBucket", str(Arn(self._partition, "s3", "", "", self._bucket))),
            ("s3:PutObject", str(Arn(self._partition, "s3", "", "", f"{self._bucket}/ownertag.zip"))),
            ("cloudformation:CreateStack", here("cloudformation", f"stack/{ROLES_STACK}/0")),
            ("dynamodb:CreateTable", here("dynamodb", "table/ownertag-ledger")),
            ("events:CreateEventBus", here("events", f"event-bus/{BUS}")),
            ("events:PutRule", here("events", f"rule/{BUS}/{RULE_PREFIX}creations")),
            ("iam:CreateRole", role_arn(self._partition, hub, HUB_ROLE)),
            ("kms:CreateKey", "*"),
            ("lambda:CreateFunction", here("lambda", f"function:{BUS}")),
            ("logs:CreateLogGroup", here("logs", f"log-group:/aws/lambda/{BUS}:*")),
            ("sns:CreateTopic", here("sns", "ownertag-alarms")),
            ("sqs:CreateQueue", here("sqs", BUS)),
            ("sqs:CreateQueue", here("sqs", DEAD_LETTERS)),
        )

    # --- what is done to resources of an account: resource control policies bind them

    def of_resources(self, account: str, regions: tuple[str, ...]) -> Iterator[Need]:
        """What the hub, EventBridge and CloudFormation do to our resources in a member account, the hub's included."""
        organization, home = self._organization, self._organization.home_region
        hub = self._acting(organization.hub_account, HUB_ROLE, home) | self._owned_by(account)
        tagger = role_arn(self._partition, account, self._settings.hub.tagger_role)
        yield Need(PolicyRequest("sts:AssumeRole", tagger, hub), "the hub can't tag", None)
        forwarder = role_arn(self._partition, account, FORWARDER_ROLE)
        for region in regions:
            rule = self._arn("events", f"rule/{RULE_PREFIX}creations-1", account, region)
            events = self._service("events.amazonaws.com", account, rule, region)
            yield Need(PolicyRequest("sts:AssumeRole", forwarder, events), "no event reaches the hub", region)
            queue = self._arn("sqs", UNDELIVERED, account, region)
            what = "what can't be delivered is lost"
            yield Need(PolicyRequest("sqs:SendMessage", queue, events), what, region)
        if account != organization.hub_account:
            return
        rule = self._arn("events", f"rule/{BUS}/{RULE_PREFIX}creations", account, home)
        events = self._service("events.amazonaws.com", account, rule, home)
        queue = self._arn("sqs", BUS, account, home)
        yield Need(PolicyRequest("sqs:SendMessage", queue, events), "no event reaches the hub's queue", None)
        for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
            yield Need(PolicyRequest(action, queue, hub), "the function can't take events from its queue", None)
        package = str(Arn(self._partition, "s3", "", "", f"{self._bucket}/ownertag.zip"))
        yield Need(PolicyRequest("s3:GetObject", package, hub), "Lambda can't be given its package", None)

    # --- contexts

    def _acting(self, account: str, role: str, region: str) -> _Context:
        """A role session's context. Our roles have no tags, use no VPC endpoint, and call for no service."""
        return {
            "aws:principalarn": (role_arn(self._partition, account, role),),
            "aws:principalaccount": (account,),
            "aws:principalorgid": (self._organization.id,),
            "aws:principaltype": ("AssumedRole",),
            "aws:principalisawsservice": ("false",),
            "aws:principalservicename": None,
            "aws:principaltag/": None,
            "aws:requestedregion": (region,),
            "aws:securetransport": ("true",),
            "aws:sourceaccount": None,
            "aws:sourcearn": None,
            "aws:sourceorgid": None,
            "aws:assumedroot": None,
        }

    def _service(self, name: str, account: str, rule: str, region: str) -> _Context:
        """A service of AWS that acts for a rule of the account (doc: aws:SourceOrgID comes with aws:SourceAccount)."""
        return {
            "aws:principalarn": None,
            "aws:principalaccount": None,
            "aws:principalorgid": None,
            "aws:principaltag/": None,
            "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (name,),
            "aws:requestedregion": (region,),
            "aws:securetransport": ("true",),
            "aws:sourceaccount": (account,),
            "aws:sourcearn": (rule,),
            "aws:sourceorgid": (self._organization.id,),
            **self._owned_by(account),
        }

    def _owned_by(self, account: str) -> _Context:
        return {"aws:resourceorgid": (self._organization.id,), "aws:resourceaccount": (account,)}

    def _tags(self) -> _Context:
        """The tags that the tagger writes; a value that is made for each resource is not known."""
        fixed = {
            f"aws:requesttag/{key.lower()}": (template,)
            for key, template in self._settings.tags.items()
            if "{" not in template
        }
        return {"aws:tagkeys": tuple(self._settings.tags), **fixed}

    def _arn(self, service: str, resource: str, account: str, region: str) -> str:
        return str(Arn(self._partition, service, region, account, resource))
