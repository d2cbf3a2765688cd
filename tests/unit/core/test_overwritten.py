"""Which tags that a creation brings are overwritten: those of what its row names, and of what it looks up."""

from __future__ import annotations

import pytest

from harness import fixtures
from ownertag.core.request_tags import CREATED_BESIDE, is_overwritten, overwritten_types

CATALOGUE = fixtures.catalogue()


@pytest.mark.parametrize(
    ("operation", "type_name", "through"),
    [
        ("RunInstances", "ec2:instance", True),
        ("RunInstances", "ec2:volume", True),  # looked up
        ("RunInstances", "ec2:spot-instances-request", False),
        ("CreateImage", "ec2:snapshot", True),  # looked up
        ("CreateVpc", "ec2:route-table", True),  # looked up
        ("CreateVolume", "ec2:snapshot", False),
        ("CreateReplaceRootVolumeTask", "ec2:volume", False),
        ("CreateReplaceRootVolumeTask", "ec2:replace-root-volume-task", True),
        ("CreateNoSuchThing", "ec2:volume", False),
        ("RunInstances", "rds:instance", False),
    ],
)
def test_what_is_let_through(operation: str, type_name: str, through: bool) -> None:
    assert is_overwritten(CATALOGUE, operation, type_name) is through


def test_each_row_lets_through_what_it_makes_and_looks_up_and_no_more() -> None:
    found = overwritten_types(CATALOGUE, "ec2")
    rows = [row for row in CATALOGUE.rows.values() if any(makes.type.service == "ec2" for makes in row.makes)]
    assert found.keys() == {row.event_name for row in rows}
    for row in rows:
        makes = {makes.type.name for makes in row.makes}
        assert found[row.event_name] == makes | set(CREATED_BESIDE.get(row.children, ()) if row.children else ())


def test_what_is_looked_up_are_types_of_the_catalogue() -> None:
    assert {name for names in CREATED_BESIDE.values() for name in names} <= CATALOGUE.types.keys()
    assert {row.children for row in CATALOGUE.rows.values()} - {None} <= CREATED_BESIDE.keys()
