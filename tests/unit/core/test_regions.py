"""The organization's Regions: which the settings name, and which the catalogue's global services force."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session
from msgspec.structs import replace

from harness import fixtures
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.match import match
from ownertag.core.regions import GLOBAL_SERVICES, forced_regions, not_ours, region_of_service, regions_of
from ownertag.core.settings import OrganizationSettings
from ownertag.core.settings_file import read_settings
from ownertag.core.values import Creation, Reason, Refusal

HOME = "eu-central-1"
ENABLED = frozenset({HOME, "eu-west-1", "us-east-1", "us-west-2"})


def organization(**changes: Any) -> OrganizationSettings:
    known = {"id": "o-exampleorg1", "management_account": "111122223333", "hub_account": "444455556666"}
    return OrganizationSettings(**{**known, "home_region": HOME, **changes})


def with_rows(*sources: str) -> Catalogue:
    """A catalogue of EC2's rows, and one for each event source that makes what CreateVolume makes."""
    catalogue = fixtures.catalogue()
    regional = {key: row for key, row in catalogue.rows.items() if key[0] == "ec2.amazonaws.com"}
    row = regional["ec2.amazonaws.com", "CreateVolume"]
    more = {(source, "CreateVolume"): replace(row, event_source=source) for source in sources}
    return replace(catalogue, rows={**regional, **more})


def test_each_global_service_records_where_botocore_finds_it() -> None:
    """Of those that botocore gives one endpoint in a partition, and one Region to sign for."""
    endpoints = Session().get_data("endpoints")
    checked = set()
    for partition in endpoints["partitions"]:
        for service, found in partition["services"].items():
            endpoint = found["endpoints"].get(found.get("partitionEndpoint"), {})
            region = endpoint.get("credentialScope", {}).get("region")
            if service in GLOBAL_SERVICES and region:
                assert region_of_service(f"{service}.amazonaws.com", partition["partition"]) == region, service
                checked.add(service)
    # Global Accelerator has no such entry: its guide names the Region.
    assert checked == GLOBAL_SERVICES - {"globalaccelerator"}


def test_a_regional_service_has_no_region_of_its_own() -> None:
    assert [region_of_service(f"{name}.amazonaws.com", "aws") for name in ("ec2", "s3", "sts", "evil")] == [None] * 4


def test_no_region_is_forced_while_only_regional_services_are_catalogued() -> None:
    assert forced_regions(with_rows(), organization()) == frozenset()
    assert regions_of(organization(regions=(HOME,)), frozenset(), ENABLED) == (HOME,)


def test_the_shipped_rows_force_the_regions_of_their_global_services() -> None:
    assert forced_regions(fixtures.catalogue(), organization()) == {"us-east-1", "us-west-2"}


@pytest.mark.parametrize(
    ("home", "sources", "forced"),
    [
        (HOME, ["iam"], {"us-east-1"}),
        (HOME, ["iam", "networkmanager"], {"us-east-1", "us-west-2"}),
        ("cn-north-1", ["iam", "route53"], {"cn-north-1", "cn-northwest-1"}),
        ("us-gov-east-1", ["organizations"], {"us-gov-west-1"}),
    ],
)
def test_a_row_of_a_global_service_forces_the_partitions_region(
    home: str, sources: list[str], forced: set[str]
) -> None:
    catalogue = with_rows(*(f"{source}.amazonaws.com" for source in sources))
    org = organization(home_region=home, regions=(home,))
    assert forced_regions(catalogue, org) == forced
    assert regions_of(org, frozenset(forced), frozenset({home, *forced})) == tuple(sorted({home, *forced}))
    excluded = organization(home_region=home, excluded_regions=tuple(forced - {home}))
    assert forced_regions(catalogue, excluded) == forced & {home}


def test_excluded_regions_and_those_that_are_not_enabled_get_no_rules() -> None:
    assert regions_of(organization(), frozenset(), ENABLED) == tuple(sorted(ENABLED))
    assert regions_of(organization(excluded_regions=("us-east-1", "us-west-2")), frozenset(), ENABLED) == (
        HOME,
        "eu-west-1",
    )
    named = organization(regions=(HOME, "af-south-1"))
    assert regions_of(named, frozenset(), ENABLED) == (HOME,)
    assert regions_of(named, frozenset()) == ("af-south-1", HOME)  # what is enabled is not known


def test_the_home_region_has_rules_whatever_is_known() -> None:
    assert regions_of(organization(), frozenset()) == (HOME,)
    assert regions_of(organization(), frozenset(), frozenset({"us-east-1"})) == (HOME, "us-east-1")


@pytest.mark.parametrize(
    ("more", "region", "source", "why"),
    [
        (f'regions = ["{HOME}"]', "us-east-1", "iam", None),
        (f'regions = ["{HOME}"]', "us-west-2", "iam", "us-west-2 is not in the settings' Regions"),
        (f'regions = ["{HOME}"]', "us-east-1", "ec2", "us-east-1 is not in the settings' Regions"),
        (f'regions = ["{HOME}"]', HOME, "iam", None),
        ('excluded_regions = ["us-east-1"]', "us-east-1", "iam", "excluded"),
        ('excluded_regions = ["us-east-1"]', "us-east-1", "ec2", "excluded"),
        ('excluded_regions = ["us-east-1"]', "eu-west-1", "ec2", None),
        ("", "us-gov-west-1", "iam", "another partition"),
    ],
)
def test_what_a_global_service_records_in_its_region_is_ours(
    more: str, region: str, source: str, why: str | None
) -> None:
    settings = read_settings(fixtures.SETTINGS_TEXT.replace("[tags]", f"{more}\n[tags]"), "ownertag.toml")
    assert settings.organization is not None
    event_source = f"{source}.amazonaws.com"
    said = not_ours(settings.organization, region, event_source)
    assert (said is None) if why is None else (said is not None and why in said)

    volume = {"volumeId": "vol-0123456789abcdef0"}
    record = fixtures.record(
        awsRegion=region, eventSource=event_source, eventName="CreateVolume", responseElements=volume
    )
    found = match(fixtures.live_arrival(record), with_rows(event_source), settings)
    if why is None:
        assert isinstance(found, Creation), found
    else:
        assert isinstance(found, Refusal)
        assert (found.reason, why in found.detail) == (Reason.OTHER_REGION, True)
