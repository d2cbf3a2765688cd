"""How a resource's owner tag stands beside the ledger."""

from __future__ import annotations

from msgspec.structs import replace

from harness.fixtures import ACCOUNT, REGION, settings
from ownertag.core.backfill.found import FoundResource, State, state_of
from ownertag.core.values import Resource

FOUND = FoundResource(ACCOUNT, REGION, Resource("arn:v", "v", "ec2:vpc"), {})


def test_what_aws_made_needs_no_owner_unless_the_ledger_knows_one() -> None:
    made = replace(FOUND, by_aws=True)
    assert state_of(made, None, settings()) is State.BY_AWS
    assert state_of(replace(made, tags=None), None, settings()) is State.BY_AWS
    assert state_of(made, (("owner", "alice"),), settings()) is State.UNTAGGED
    assert state_of(FOUND, None, settings()) is State.UNTAGGED
