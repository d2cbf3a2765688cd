"""An organization that was read, as values."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ownertag.rollout.doctor.facts import Unread
from ownertag.rollout.init.compose import Chosen, Origin
from ownertag.rollout.init.facts import (
    AccountFacts,
    IdentityCenterFacts,
    OrganizationFacts,
    Reading,
    TrailFacts,
    UnitFacts,
)

MANAGEMENT, SECURITY, WEB, OLD = "111111111111", "222222222222", "333333333333", "444444444444"
ROOT, SANDBOX, WORKLOADS = "r-ab12", "ou-ab12-aaaaaaaa", "ou-ab12-bbbbbbbb"
STORE = f"arn:aws:identitystore::{MANAGEMENT}:identitystore/d-1234567890"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{MANAGEMENT}:trail/all"
DENIED = Unread("x:Y: denied (AccessDenied): the role lacks the permission, or an SCP or boundary denies it")

READING = Reading(
    account=MANAGEMENT,
    region="eu-central-1",
    organization=OrganizationFacts("o-exampleorg1", MANAGEMENT, all_features=True),
    accounts=(
        AccountFacts(MANAGEMENT, "management", "ACTIVE"),
        AccountFacts(SECURITY, "security", "ACTIVE"),
        AccountFacts(WEB, "web", "ACTIVE"),
        AccountFacts(OLD, "old", "SUSPENDED"),
    ),
    units=(
        UnitFacts(ROOT, ("Root",), frozenset({MANAGEMENT, SECURITY, WEB})),
        UnitFacts(SANDBOX, ("Root", "sandbox"), frozenset()),
        UnitFacts(WORKLOADS, ("Root", "workloads"), frozenset({SECURITY, WEB})),
        UnitFacts("ou-ab12-cccccccc", ("Root", "workloads", "prod"), frozenset({WEB})),
    ),
    regions=("eu-central-1", "us-east-1"),
    trails=(TrailFacts(TRAIL, of_organization=True, multi_region=True, logging=True),),
    identity_center=(IdentityCenterFacts(STORE, MANAGEMENT, "eu-west-1"),),
    administrators={SECURITY: ("guardduty.amazonaws.com",)},
)

ANSWERS = {
    "organization.hub_account": Chosen((SECURITY,), Origin.ASKED, "--hub-account"),
    "organization.home_region": Chosen(("eu-central-1",), Origin.GIVEN, "--home-region"),
    "organization.units": Chosen((WORKLOADS,), Origin.GIVEN, "--unit"),
    "tags.WhatIsThis": Chosen(("https://wiki.internal/ownertag",), Origin.ASKED, "--what-is-this"),
}


def reading(**changes: Any) -> Reading:
    """The organization with other facts."""
    return replace(READING, **changes)
