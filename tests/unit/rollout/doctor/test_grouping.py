"""What many accounts and Regions have alike is one group; what follows from something else is told with it."""

from __future__ import annotations

import pytest

from ownertag.render.documents import REGION_STACK, ROLES_STACK
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.commands import apply
from ownertag.rollout.doctor.findings import Check, CheckState, Finding, Location
from ownertag.rollout.doctor.grouping import Scale, group, places

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"


def missing(account: str, region: str, rule: str = "ownertag-creations-1") -> Finding:
    told = f"rule {rule} is not there"
    return Location(account, region).fault(Check.RULE, told, "put it back", apply(account), cause=Cause.RULE_MISSING)


def instance(account: str, region: str, name: str = REGION_STACK) -> Finding:
    told = f"{name} has no instance here"
    return Location(account, region).fault(Check.INSTANCES, told, "deploy", apply(), cause=Cause.INSTANCE_MISSING)


def test_the_same_cause_is_one_group_whatever_the_account_the_region_and_the_name() -> None:
    found = [missing(ONE, "eu-west-1"), missing(TWO, "us-east-1"), missing(TWO, "us-east-1", "ownertag-tampering")]
    [one] = group(found)
    assert one.accounts == (ONE, TWO)
    assert one.seen == "rule ownertag-creations-1 is not there, and alike"
    assert one.commands == (apply(f"{ONE},{TWO}"),)
    assert one.first == (apply(ONE),)


def test_another_check_or_state_or_cause_is_another_group() -> None:
    here = Location(ONE, "eu-west-1")
    found = [
        missing(ONE, "eu-west-1"),
        here.unreached(Check.RULE, "rule x can't be read", "see", cause=Cause.UNREAD),
        here.unreached(Check.TRAIL, "trails can't be read", "see", cause=Cause.UNREAD),
        here.fault(Check.RULE, "rule x is DISABLED", "switch it on", cause=Cause.RULE_DISABLED),
    ]
    assert len(group(found)) == 4


def test_own_numbers_ids_and_regions_do_not_make_another_text() -> None:
    found = [
        Location(account, region).fault(
            Check.UNDELIVERED, f"{number} events of {account} in {region}", "look", cause=Cause.UNDELIVERED_HELD
        )
        for account, region, number in ((ONE, "eu-west-1", 3), (TWO, "us-east-1", 11))
    ]
    [one] = group(found)
    assert one.seen == "N events of ACCOUNT in REGION"
    [alone] = group(found[:1])
    assert alone.seen == f"3 events of {ONE} in eu-west-1"


def test_what_was_observed_is_one_group_whatever_its_number() -> None:
    found = [
        Location(account).ok(Check.OBSERVED, f"observed: {number:,} resources", "take", cause=Cause.OBSERVED)
        for account, number in ((ONE, 7), (TWO, 1234567), (THREE, 12345))
    ]
    [one] = group(found)
    assert one.seen == "observed: N resources"


def test_faults_come_before_what_could_not_be_read_and_what_all_accounts_need_before_single_ones() -> None:
    found = [
        Location(ONE).ok(Check.AUDIT_ROLE, "well"),
        Location(TWO).unreached(Check.AUDIT_ROLE, "refused", "see", cause=Cause.AUDIT_ROLE_REFUSED),
        missing(ONE, "eu-west-1"),
        *(
            Location(account).fault(Check.CANARY_ROLE, "gone", "put", cause=Cause.ROLE_MISSING)
            for account in (ONE, TWO)
        ),
        Location(THREE, "eu-west-1").fault(Check.DEAD_LETTERS, "3 messages", "read", cause=Cause.DEAD_LETTERS_HELD),
    ]
    assert [one.check for one in group(found)] == [
        Check.DEAD_LETTERS, Check.CANARY_ROLE, Check.RULE, Check.AUDIT_ROLE, Check.AUDIT_ROLE,
    ]  # fmt: skip
    assert group(found)[-1].state is CheckState.OK


# --- what follows


def test_what_a_missing_instance_leaves_out_is_told_with_it_there_and_nowhere_else() -> None:
    found = [
        instance(ONE, "eu-west-1"),
        missing(ONE, "eu-west-1"),
        missing(ONE, "eu-west-1", "ownertag-tampering"),
        missing(ONE, "us-east-1"),
        missing(TWO, "eu-west-1"),
    ]
    root, other = group(found)
    assert (root.cause, root.follows) == (Cause.INSTANCE_MISSING, 2)
    assert [(finding.account, finding.region) for finding in other.findings] == [(ONE, "us-east-1"), (TWO, "eu-west-1")]


def test_the_roles_follow_from_the_instance_of_the_roles_whatever_its_region() -> None:
    refused = Location(ONE).unreached(Check.AUDIT_ROLE, "refused", "see", cause=Cause.AUDIT_ROLE_REFUSED)
    [root] = group([instance(ONE, "eu-central-1", ROLES_STACK), refused])
    assert root.follows == 1
    assert len(group([instance(ONE, "eu-central-1", REGION_STACK), refused])) == 2
    assert len(group([instance(TWO, "eu-central-1", ROLES_STACK), refused])) == 2


def test_what_a_stack_set_that_is_out_of_date_has_everywhere_is_told_with_it() -> None:
    def stale(name: str) -> Finding:
        told = f"stack set {name} has another template than this version renders"
        return Location(THREE).fault(Check.STACK_SET, told, "deploy", apply(), cause=Cause.STACK_SET_TEMPLATE)

    patterns = [
        Location(account, "eu-west-1").fault(Check.RULE, "another pattern", "put", cause=Cause.RULE_PATTERN)
        for account in (ONE, TWO)
    ]
    [root] = group([stale(REGION_STACK), *patterns])
    assert root.follows == 2
    assert len(group([stale(ROLES_STACK), *patterns])) == 2
    # A rule that somebody switched off is no older version.
    off = Location(ONE, "eu-west-1").fault(Check.RULE, "DISABLED", "on", cause=Cause.RULE_DISABLED)
    assert len(group([stale(REGION_STACK), off])) == 2


# --- where

SCALE = Scale(
    frozenset({ONE, TWO, THREE}), frozenset({"eu-west-1", "us-east-1"}), {ONE: "ou-a", TWO: "ou-a", THREE: "ou-b"}
)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ([(ONE, "eu-west-1")], [f"{ONE} in eu-west-1"]),
        ([(ONE, "eu-west-1"), (ONE, "us-east-1")], [f"{ONE} in all 2 Regions"]),
        ([(ONE, "eu-west-1"), (TWO, "eu-west-1")], ["all 2 accounts of ou-a in eu-west-1"]),
        ([(ONE, "eu-west-1"), (THREE, "eu-west-1")], ["2 accounts in eu-west-1"]),
        ([(account, "eu-west-1") for account in (ONE, TWO, THREE)], ["all 3 accounts in eu-west-1"]),
        (
            [(ONE, "eu-west-1"), (TWO, "us-east-1"), (THREE, "us-east-1")],
            ["2 accounts in us-east-1", f"{ONE} in eu-west-1"],
        ),
    ],
)
def test_places_are_said_by_number_unit_and_region(where: list[tuple[str, str]], said: list[str]) -> None:
    [one] = group([missing(account, region) for account, region in where])
    assert list(places(one, SCALE)) == said


def test_what_an_account_has_once_names_no_region() -> None:
    gone = [
        Location(account).fault(Check.CANARY_ROLE, "gone", "put", cause=Cause.ROLE_MISSING) for account in (ONE, TWO)
    ]
    [one] = group(gone)
    assert list(places(one, SCALE)) == ["all 2 accounts of ou-a"]
