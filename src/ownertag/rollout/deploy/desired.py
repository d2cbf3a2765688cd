"""What should be there, from settings, catalogue and package alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.regions import forced_regions, regions_of
from ownertag.core.settings import OrganizationSettings, Settings
from ownertag.render.documents import HUB_STACK, REGION_STACK, ROLES_STACK, Statement, compact, policy_name
from ownertag.render.infra import scps, templates
from ownertag.render.service_policies import read_accounts
from ownertag.rollout.deploy.package import Package


class DesiredStack(Struct, frozen=True):
    """A stack of one account and Region."""

    account: str
    region: str
    name: str
    template: str
    parameters: Mapping[str, str] = {}


class DesiredStackSet(Struct, frozen=True):
    """A stack set of the organization, and the Regions in which its units' accounts have an instance."""

    name: str
    description: str
    template: str
    regions: tuple[str, ...]
    after: str | None = None


class Desired(Struct, frozen=True):
    """All that should be deployed.

    `disabled` are the wanted Regions that the management account has not enabled: nothing can be deployed there.
    `policies` has the content of each service control policy by its name, `most` how many AWS takes on a unit.
    """

    organization: OrganizationSettings
    bucket: str
    package: Package
    hub: DesiredStack
    roles: DesiredStackSet
    rules: DesiredStackSet
    management_roles: DesiredStack
    management_rules: tuple[DesiredStack, ...]
    disabled: tuple[str, ...]
    units: tuple[str, ...]
    policies: Mapping[str, str]
    most: int
    protected: tuple[str, ...]
    read_accounts: Statement


def desired(
    catalogue: Catalogue,
    settings: Settings,
    organization: OrganizationSettings,
    package: Package,
    enabled: frozenset[str],
    root: str,
) -> Desired:
    """What should be there.

    Args:
        catalogue: For patterns and policies.
        settings: What the user decides.
        organization: Of the settings.
        package: The function's zip.
        enabled: The Regions that the management account has enabled.
        root: The organization's root, which stands for units where the settings name none.

    Raises:
        SettingsError: A policy is longer than AWS takes.
    """
    found = templates(catalogue, settings, organization)
    roles, rules = found["spoke_account/template.yaml"], found["spoke_region/template.yaml"]
    home, management = organization.home_region, organization.management_account
    forced = forced_regions(catalogue, organization)
    regions = regions_of(organization, forced, enabled)
    units = organization.units or (root,)
    bucket = bucket_of(settings, organization)
    return Desired(
        organization=organization,
        bucket=bucket,
        package=package,
        hub=DesiredStack(
            organization.hub_account,
            home,
            HUB_STACK,
            found["hub/template.yaml"],
            {
                "PackageBucket": bucket,
                "PackageKey": package.key,
                "AlarmEmail": settings.hub.alarm_email,
                "MaximumConcurrency": str(settings.hub.maximum_concurrency),
            },
        ),
        roles=DesiredStackSet(ROLES_STACK, "ownertag's roles in an account", roles, (home,)),
        rules=DesiredStackSet(
            REGION_STACK, "ownertag's rules in a Region of an account", rules, regions, after=ROLES_STACK
        ),
        management_roles=DesiredStack(management, home, ROLES_STACK, roles),
        management_rules=tuple(DesiredStack(management, region, REGION_STACK, rules) for region in regions),
        disabled=tuple(sorted({*regions_of(organization, forced)} - {*regions})),
        units=units,
        # Who allows more policies than fit beside FullAWSAccess under the default quota has the larger one.
        most=5 if settings.protection.max_policies <= 4 else 10,
        policies={policy_name(number): compact(scp) for number, scp in enumerate(scps(found), 1)},
        protected=settings.protection.units,
        read_accounts=read_accounts(organization),
    )


def bucket_of(settings: Settings, organization: OrganizationSettings) -> str:
    """The bucket that holds the function's package."""
    return settings.hub.package_bucket or f"ownertag-packages-{organization.hub_account}-{organization.home_region}"


__all__ = ["Desired", "DesiredStack", "DesiredStackSet", "bucket_of", "desired"]
