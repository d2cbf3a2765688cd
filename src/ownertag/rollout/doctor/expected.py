"""What should be there: rendered from catalogue and settings, and filled for an account and Region."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from msgspec import Struct

from ownertag.catalogue import tag_actions
from ownertag.catalogue.lists import shipped_lists
from ownertag.core.arn import Arn, partition_of
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.regions import forced_regions, regions_of
from ownertag.core.settings import OrganizationSettings, Settings
from ownertag.core.tiers import Tier
from ownertag.render import infra, policies, service_policies
from ownertag.render import tagger as tagger_policies
from ownertag.render.audit import audit_policies
from ownertag.render.documents import (
    AUDIT_ROLE,
    CANARY_ROLE,
    FORWARDER_ROLE,
    REDRIVE_ROLE,
    REGION_STACK,
    ROLES_STACK,
    PolicyDocument,
    Statement,
    filled,
    policy_name,
)
from ownertag.render.pages import by_tier
from ownertag.render.patterns import hub_pattern, spoke_rules


class ExpectedRole(Struct, frozen=True):
    """A role: whom it should trust, its own policy and the name of it, and its name in the template.

    `managed` has its managed policies by name.
    """

    trust: PolicyDocument
    policy_name: str
    permissions: PolicyDocument
    logical: str
    managed: Mapping[str, PolicyDocument] = {}


class Expected(Struct, frozen=True):
    """All that should be there. Documents name no account: `filled_for` puts one's in.

    `forced` are the Regions in which global services of the catalogue record. `tiers` says what the policies can do
    about each action that changes tags. `alarms` has the name of each by its logical name.
    """

    settings: Settings
    organization: OrganizationSettings
    version: str
    roles: Mapping[str, ExpectedRole]
    rules: Mapping[str, PolicyDocument]
    hub_pattern: PolicyDocument
    bus_statement: Statement
    queue_policy: PolicyDocument
    undelivered_policy: PolicyDocument
    scps: Mapping[str, PolicyDocument]
    tiers: Mapping[Tier, tuple[str, ...]]
    hub_template: str
    stack_sets: Mapping[str, str]
    architecture: str
    timeout: int
    visibility: int
    receives: int
    oldest: int
    alarms: Mapping[str, str]
    forced: frozenset[str]

    @property
    def bus_arn(self) -> str:
        """Where the rules send to."""
        return str(self.filled_for(policies.bus_arn(self.organization), self.organization.hub_account))

    def regions(self, enabled: frozenset[str]) -> tuple[str, ...]:
        """The Regions that should have rules, where the management account has these enabled."""
        return regions_of(self.organization, self.forced, enabled)

    def units(self, root: str) -> tuple[str, ...]:
        """The units that are deployed to."""
        return self.organization.units or (root,)

    @property
    def protected(self) -> tuple[str, ...]:
        """The units that the policy should be attached to."""
        return self.settings.protection.units

    def arn(self, service: str, resource: str, account: str, region: str = "") -> str:
        """The ARN of something of ours."""
        return str(Arn(partition_of(self.organization.home_region), service, region, account, resource))

    def filled_for(self, document: Any, account: str, region: str = "") -> Any:
        """A document as it stands in an account and Region."""
        partition = partition_of(self.organization.home_region)
        return filled(document, {"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": partition})


def expected(catalogue: Catalogue, settings: Settings, organization: OrganizationSettings) -> Expected:
    """What should be there.

    Raises:
        SettingsError: A policy is longer than AWS takes.
    """
    rendered = infra.templates(catalogue, settings, organization)
    hub = rendered["hub/template.yaml"]
    tagger = settings.hub.tagger_role
    audit_trust = service_policies.audit_trust(organization)
    return Expected(
        settings=settings,
        organization=organization,
        version=version("ownertag"),
        roles={
            tagger: ExpectedRole(
                policies.tagger_trust(organization),
                "ownertag-tagger",
                tagger_policies.tagger_permissions(catalogue, settings),
                "Tagger",
                tagger_policies.tagger_policies(catalogue, settings),
            ),
            FORWARDER_ROLE: ExpectedRole(
                policies.forwarder_trust(),
                FORWARDER_ROLE,
                policies.forwarder_permissions(organization),
                "Forwarder",
            ),
            AUDIT_ROLE: ExpectedRole(
                audit_trust,
                AUDIT_ROLE,
                service_policies.audit_permissions(tagger),
                "Audit",
                audit_policies(catalogue, shipped_lists()),
            ),
            CANARY_ROLE: ExpectedRole(audit_trust, CANARY_ROLE, service_policies.canary_permissions(), "Canary"),
            REDRIVE_ROLE: ExpectedRole(audit_trust, REDRIVE_ROLE, service_policies.redrive_permissions(), "Redrive"),
        },
        rules=spoke_rules(catalogue, settings),
        hub_pattern=hub_pattern(),
        bus_statement=policies.bus_policy(organization),
        queue_policy=service_policies.queue_policy(),
        undelivered_policy=service_policies.undelivered_policy(),
        scps={policy_name(number): scp for number, scp in enumerate(infra.scps(rendered), 1)},
        tiers=by_tier(catalogue, tag_actions.load_tag_actions()),
        hub_template=hub,
        stack_sets={
            ROLES_STACK: rendered["spoke_account/template.yaml"],
            REGION_STACK: rendered["spoke_region/template.yaml"],
        },
        architecture=infra.FUNCTION_ARCHITECTURE,
        timeout=infra.FUNCTION_TIMEOUT,
        visibility=infra.VISIBILITY_TIMEOUT,
        receives=infra.MAX_RECEIVE_COUNT,
        oldest=infra.OLDEST_MESSAGE_SECONDS,
        alarms=infra.ALARMS,
        forced=forced_regions(catalogue, organization),
    )
