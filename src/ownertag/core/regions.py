"""The organization's Regions: those of the settings, and those in which global services record.

A global service has one Region in each partition (doc: botocore's endpoints.json, `partitionEndpoint`; CloudTrail user
guide, "Global service events"; Global Accelerator: "you must specify the US West (Oregon) Region"). Rules elsewhere see
nothing of what it creates.
"""

from __future__ import annotations

from collections.abc import Mapping

from ownertag.core.arn import partition_of
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.settings import OrganizationSettings

#: The services that have one Region in a partition.
GLOBAL_SERVICES = frozenset(
    {
        "account", "billingconductor", "budgets", "ce", "cloudfront", "globalaccelerator", "iam", "networkmanager",
        "organizations", "route53", "savingsplans", "shield", "support", "waf",
    }
)  # fmt: skip
_MOST: Mapping[str, str] = {
    "aws": "us-east-1",
    "aws-cn": "cn-northwest-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}
_OTHERS: Mapping[tuple[str, str], str] = {
    ("globalaccelerator", "aws"): "us-west-2",
    ("networkmanager", "aws"): "us-west-2",
    ("iam", "aws-cn"): "cn-north-1",
    ("support", "aws-cn"): "cn-north-1",
}


def region_of_service(event_source: str, partition: str) -> str | None:
    """The one Region in which a global service records in a partition; None for a regional service."""
    service = event_source.removesuffix(".amazonaws.com")
    if service not in GLOBAL_SERVICES:
        return None
    return _OTHERS.get((service, partition)) or _MOST.get(partition)


def forced_regions(catalogue: Catalogue, organization: OrganizationSettings) -> frozenset[str]:
    """The Regions that get rules whatever `regions` says: where the catalogue's global services record."""
    partition = partition_of(organization.home_region)
    found = {region_of_service(event_source, partition) for event_source, _ in catalogue.rows}
    return frozenset(region for region in found if region) - {*organization.excluded_regions}


def regions_of(
    organization: OrganizationSettings, forced: frozenset[str], enabled: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """The Regions that get rules, sorted.

    Args:
        organization: Of the settings.
        forced: Those of `forced_regions`.
        enabled: The Regions that the management account has enabled, none where they are not known. StackSets deploys
            to no other (doc: "Prepare to perform StackSet operations in AWS Regions that are disabled by default").
    """
    wanted = {*(organization.regions or enabled), *forced} - {*organization.excluded_regions}
    return tuple(sorted({organization.home_region, *(wanted & enabled if enabled else wanted)}))


def not_ours(organization: OrganizationSettings, region: str, event_source: str) -> str | None:
    """Why what a service records in a Region is not the organization's to tag; None if it is."""
    partition = partition_of(organization.home_region)
    if partition_of(region) != partition:
        return f"{region} is in another partition than the organization"
    if region in organization.excluded_regions:
        return f"{region} is in the settings' excluded Regions"
    named = not organization.regions or region in organization.regions
    if not named and region != region_of_service(event_source, partition):
        return f"{region} is not in the settings' Regions"
    return None
