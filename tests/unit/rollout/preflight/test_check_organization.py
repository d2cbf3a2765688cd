"""What the organization allows, who could repair, and which accounts and Regions can be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ownertag.rollout.deploy.current import Prepared
from ownertag.rollout.deploy.values import Current
from ownertag.rollout.doctor.facts import Observed, Unread
from ownertag.rollout.preflight.check_organization import check_access, check_organization, check_regions
from ownertag.rollout.preflight.collect_organization import SCP
from ownertag.rollout.preflight.examine import account_plan, stopping
from ownertag.rollout.preflight.facts import OrganizationRules, PreflightAccount
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict
from rollout.deploy.world import DATA, HUB, MANAGEMENT, REGIONS, UNIT, WEB, all_of, nothing, settings, wanted
from rollout.preflight.policies import FULL_ACCESS, attached

RULES = OrganizationRules({}, {SCP: ()}, {}, frozenset(), frozenset(), frozenset())
PROTECTED = f'\n[protection]\nunits = ["{UNIT}"]\n'


def check(current: Current | None = None, rules: OrganizationRules = RULES, more: str = "") -> list[PreflightFinding]:
    found = settings(more=more)
    desired = wanted(found)
    return list(check_organization(rules, desired, current or nothing(desired), found))


def of(found: list[PreflightFinding], words: str) -> PreflightFinding:
    [one] = [finding for finding in found if words in finding.seen]
    return one


# --- the organization


def test_a_hub_that_is_no_delegated_administrator_is_told_what_apply_does() -> None:
    found = of(check(), "no delegated administrator")
    assert (found.account, found.verdict) == (HUB, Verdict.TOLD)
    assert "beside the statements" not in found.seen
    beside = replace(nothing(wanted()), resource_policy='{"Statement": []}')
    assert "beside the statements that are there" in of(check(beside), "no delegated administrator").seen


def test_a_hub_that_is_one_may_read_the_accounts() -> None:
    current = replace(nothing(wanted()), administrators=frozenset({HUB}))
    rules = replace(RULES, hub_services=frozenset({"guardduty.amazonaws.com"}))
    found = of(check(current, rules), "the hub is a delegated administrator")
    assert (found.verdict, "of guardduty.amazonaws.com" in found.seen) == (Verdict.FINE, True)
    other = replace(nothing(wanted()), administrators=frozenset({WEB}))
    assert of(check(other), "the hub is no delegated").verdict is Verdict.TOLD


@pytest.mark.parametrize(("allowed", "verdict"), [(True, Verdict.FINE), (False, Verdict.TOLD)])
def test_trusted_access_is_told_where_apply_gives_it(allowed: bool, verdict: Verdict) -> None:
    current = replace(nothing(wanted()), stack_sets_allowed=allowed)
    assert of(check(current), "trusted access").verdict is verdict


def test_others_who_may_operate_our_stack_sets_are_named() -> None:
    rules = replace(RULES, stack_sets_by=frozenset({HUB, WEB}))
    found = of(check(rules=rules), "may operate stack sets")
    assert WEB in found.seen
    assert HUB not in found.seen
    hub_alone = replace(RULES, stack_sets_by=frozenset({HUB}))
    assert not [one for one in check(rules=hub_alone) if "may operate" in one.seen]


@pytest.mark.parametrize(
    ("name", "services", "told"),
    [
        ("aws-guardrails-AbCdEf", (), True),
        ("theirs", ("controltower.amazonaws.com",), True),
        ("theirs", ("config.amazonaws.com",), False),
    ],
)
def test_control_tower_is_told_by_its_policies_or_its_trusted_access(
    name: str, services: tuple[str, ...], told: bool
) -> None:
    rules = replace(RULES, policies={SCP: (attached(FULL_ACCESS, UNIT, name=name),)}, services=frozenset(services))
    found = [one for one in check(rules=rules) if "Control Tower governs" in one.seen]
    assert bool(found) is told
    assert all("--access-role AWSControlTowerExecution" in one.advice for one in found)


@pytest.mark.parametrize("field", ["services", "stack_sets_by"])
def test_what_organizations_does_not_let_us_read_is_not_known(field: str) -> None:
    changed: dict[str, Any] = {field: Unread("denied")}
    assert of(check(rules=replace(RULES, **changed)), "denied").verdict is Verdict.UNKNOWN


def test_empty_break_glass_is_told_only_where_a_policy_comes() -> None:
    def glass(more: str) -> list[Verdict]:
        return [one.verdict for one in check(more=more) if one.check is PreflightCheck.BREAK_GLASS]

    assert glass(PROTECTED) == [Verdict.TOLD]
    assert glass(f'{PROTECTED}break_glass = ["admin"]\n') == [Verdict.FINE]
    assert glass("\n[protection]\nunits = []\n") == []


# --- accounts


def test_an_account_that_cant_be_read_is_not_known_and_says_what_would_let_it_be() -> None:
    [found] = check_access(PreflightAccount(WEB, Unread("AccessDenied")), "Deployer", MANAGEMENT)
    assert (found.verdict, "Deployer" in found.seen, "AccessDenied" in found.seen) == (Verdict.UNKNOWN, True, True)
    assert "--access-role" in found.advice
    [fine] = check_access(PreflightAccount(WEB), "Deployer", MANAGEMENT)
    assert fine.verdict is Verdict.FINE


@pytest.mark.parametrize(
    ("enabled", "expected"),
    [
        (frozenset({"eu-central-1", "eu-south-2"}), []),
        (frozenset({"eu-central-1"}), [("eu-south-2", Verdict.TOLD)]),
        (frozenset({"eu-south-2", "eu-west-1"}), [("eu-central-1", Verdict.STOPS)]),
        (Unread("denied"), [(None, Verdict.UNKNOWN)]),
    ],
)
def test_a_region_that_is_not_enabled_is_told_and_the_home_region_stops(
    enabled: Observed[frozenset[str]], expected: list[tuple[str | None, Verdict]]
) -> None:
    found = check_regions(PreflightAccount(WEB, enabled=enabled), ("eu-central-1", "eu-south-2"), "eu-central-1")
    listed = list(found)
    assert [(one.region, one.verdict) for one in listed] == expected
    for one in listed:
        if one.region:
            assert f"enable-region --account-id {WEB} --region-name {one.region}`" in one.to_do


# --- what is still to be made


def prepared(current: Current) -> Prepared:
    nobody: Any = None  # no call is made
    return Prepared(nobody, settings(), wanted(), current)


def test_names_are_looked_for_where_something_is_still_to_be_made() -> None:
    fresh = prepared(nothing(wanted()))
    web = account_plan(fresh, WEB)
    assert (web.roles, web.rules, web.hub) == (True, frozenset(REGIONS), False)
    hub = account_plan(fresh, HUB)
    assert (hub.roles, hub.rules, hub.hub) == (True, frozenset(REGIONS), True)
    management = account_plan(fresh, MANAGEMENT)
    assert (management.roles, management.rules, management.hub) == (True, frozenset(REGIONS), False)


def test_names_are_not_looked_for_where_all_is_there() -> None:
    whole = prepared(all_of(wanted()))
    for account in (MANAGEMENT, HUB, WEB, DATA):
        plan = account_plan(whole, account)
        assert (plan.roles, plan.rules, plan.hub) == (False, frozenset(), False), account


def test_a_region_that_lacks_an_instance_is_looked_at_alone() -> None:
    current = all_of(wanted())
    rules = wanted().rules.name
    state = current.stack_sets[rules]
    left = tuple(one for one in state.instances if (one.account, one.region) != (WEB, "us-east-1"))
    sets = {**current.stack_sets, rules: replace(state, instances=left)}
    plan = account_plan(prepared(replace(current, stack_sets=sets)), WEB)
    assert (plan.roles, plan.rules) == (False, frozenset({"us-east-1"}))


def test_only_what_stops_is_stopping() -> None:
    found = [PreflightFinding(PreflightCheck.TRAIL, verdict, WEB, None, "x") for verdict in Verdict]
    assert [one.verdict for one in stopping(found)] == [Verdict.STOPS]


def test_the_page_has_every_check_and_every_verdict() -> None:
    page = (Path(__file__).parents[4] / "docs/how-to/preflight.md").read_text("utf-8")
    for value in (*PreflightCheck, *Verdict):
        assert f"| `{value.value}` |" in page
