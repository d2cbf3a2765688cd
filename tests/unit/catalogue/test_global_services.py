"""Global services: what their rows say of their Region is where the rules go."""

from __future__ import annotations

from harness import fixtures
from ownertag.catalogue.merge import merged
from ownertag.core.regions import forced_regions, region_of_service

#: Types whose ARN has no Region, though their records come from the Region of the call: why.
RECORDED_WHERE_CALLED = {
    "cloudwatch:dashboard": "dashboards belong to the account, the call goes to a Region (doc: CloudWatch dashboards)",
    "rds:global-cluster": "it spans Regions, the call goes to one (doc: RDS API reference, CreateGlobalCluster)",
    "s3:bucket": "the event is in the bucket's Region (a real record)",
}


def test_a_row_says_the_region_in_which_its_service_records() -> None:
    on = [(file.event_source, creation) for file in merged().sources for creation in file.creation if creation.is_on]
    said = {(source, creation.event, creation.region) for source, creation in on if creation.region}
    assert said
    assert said == {(source, name, region_of_service(source, "aws")) for source, name, _ in said}


def test_a_type_without_a_region_is_of_a_global_service_or_recorded_where_it_was_called() -> None:
    without = {
        (row.event_source, made.type.name)
        for row in fixtures.catalogue().rows.values()
        for made in row.makes
        if "{region}" not in made.type.arn and made.type.service != "ec2"  # IPAM's records come from its Region
    }
    regional = {name for source, name in without if region_of_service(source, "aws") is None}
    assert regional == RECORDED_WHERE_CALLED.keys()


def test_rules_go_to_every_region_in_which_a_row_of_a_global_service_is_recorded() -> None:
    organization = fixtures.settings().organization
    assert organization is not None
    assert forced_regions(fixtures.catalogue(), organization) == {"us-east-1", "us-west-2"}
