"""The list of each service shows what its cases make, with the ARN that AWS's pages say and the tags that it has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from every_service.cases import Case, read_cases
from every_service.world import ACCOUNT, REGION, World
from harness.fixtures import catalogue
from ownertag.aws.sessions import Sessions
from ownertag.catalogue.lists import shipped_lists
from ownertag.core.backfill.found import FoundResource
from ownertag.core.recognize import recognize
from ownertag.core.regions import region_of_service
from ownertag.sandbox.sandbox import Sandbox
from ownertag.sources.inventory import AwsInventory

LISTS = shipped_lists()
#: What the emulator does not list, or not as AWS does, by type; each with what it lacks.
NOT_LISTED = {"rds:og": "its DescribeOptionGroups fails where no name is asked for"}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Sandbox(empty=True) as sandbox:
        yield World(sandbox)


def inventory(world: World, type_: str) -> AwsInventory:
    """The inventory of a type, and of what it stands in."""
    known = catalogue()
    names = {type_}
    while more := {LISTS[name].within for name in names} - {"", *names}:
        names |= more
    sessions = Sessions(
        world.sandbox.account_session(ACCOUNT, REGION),
        role_name="ownertag-audit",
        region=REGION,
        now=lambda: datetime.now(UTC),
        own_account=ACCOUNT,
        endpoint_url=world.sandbox.endpoint_url,
    )
    return AwsInventory(sessions, replace(known, types={name: known.types[name] for name in sorted(names)}))


@pytest.mark.parametrize("case", read_cases(), ids=str)
def test_what_is_made_is_listed(world: World, case: Case) -> None:
    made = world.make(case)
    expected = recognize(made.arn, catalogue())
    assert expected is not None
    name = expected.type.name
    if LISTS[name].none or name in NOT_LISTED:
        pytest.skip(LISTS[name].none or NOT_LISTED[name])
    region = region_of_service(f"{expected.type.service}.amazonaws.com", "aws") or REGION
    if LISTS[name].global_:
        region = "us-east-1"
    everything = list(inventory(world, name).resources(ACCOUNT, region))
    found = {one.resource.arn: one for one in everything if isinstance(one, FoundResource)}
    assert expected.resource.arn in found, everything
    one = found[expected.resource.arn]
    assert one.resource == expected.resource
    assert (one.account, one.region, one.by_aws) == (ACCOUNT, region, False)
