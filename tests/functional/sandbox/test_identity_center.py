"""The organization has one instance of Identity Center, in one Region, and a call for all Regions finds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT, MEMBERS
from ownertag.sandbox.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(empty=True) as running:
        yield running


def instances(sandbox: Sandbox, account: str, region: str, **scope: str) -> list[dict[str, Any]]:
    client = sandbox.client(sandbox.account_session(account, region), "sso-admin")
    found: list[dict[str, Any]] = client.list_instances(**scope)["Instances"]
    return found


def test_it_is_listed_in_its_region_alone_unless_all_are_asked_for(sandbox: Sandbox) -> None:
    [found] = instances(sandbox, MANAGEMENT, HOME_REGION)
    assert (found["OwnerAccountId"], found["PrimaryRegion"]) == (MANAGEMENT, HOME_REGION)
    assert found["IdentityStoreArn"].endswith(f":{MANAGEMENT}:identitystore/{found['IdentityStoreId']}")
    assert instances(sandbox, MANAGEMENT, "us-east-1") == []
    assert instances(sandbox, MANAGEMENT, "us-east-1", RegionScope="CURRENT_REGION") == []
    assert instances(sandbox, MANAGEMENT, "us-east-1", RegionScope="ALL_REGIONS") == [found]


def test_a_scope_that_is_none_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        instances(sandbox, MANAGEMENT, HOME_REGION, RegionScope="EVERYWHERE")


def test_members_see_it_where_they_administer_it(sandbox: Sandbox) -> None:
    assert instances(sandbox, MEMBERS[1], HOME_REGION) == []
    organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")
    organizations.register_delegated_administrator(AccountId=HUB, ServicePrincipal="sso.amazonaws.com")
    assert len(instances(sandbox, HUB, HOME_REGION)) == 1


def test_regions_are_listed_by_their_state(sandbox: Sandbox) -> None:
    account = sandbox.client(sandbox.account_session(MANAGEMENT), "account")
    disabled = account.list_regions(RegionOptStatusContains=["DISABLED"])["Regions"]
    assert disabled
    assert {region["RegionOptStatus"] for region in disabled} == {"DISABLED"}
    assert len(account.list_regions()["Regions"]) > len(disabled)
