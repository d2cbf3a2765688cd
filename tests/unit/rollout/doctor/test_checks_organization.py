"""Each fault that the organization's part of the deployment can have, and the advice for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from ownertag.render.documents import REGION_STACK, ROLES_STACK
from ownertag.rollout.deploy.left_out import SKIPPED
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.checks_organization import check_organization, denied_regions
from ownertag.rollout.doctor.commands import apply
from ownertag.rollout.doctor.facts import (
    Missing,
    NotGiven,
    OrganizationFacts,
    PolicyFacts,
    StackInstanceState,
    Unread,
)
from ownertag.rollout.doctor.findings import Check, CheckState, Finding
from rollout.doctor import healthy
from rollout.doctor.healthy import ABROAD, HOME, HUB, MANAGEMENT, OTHER, REGIONS, wanted

DENIED, GIVEN = Unread("denied (AccessDenied)"), NotGiven("Field")
WELL: Any = healthy.organization()


def check(
    facts: OrganizationFacts | Unread, more: str = "", enabled: Mapping[str, frozenset[str]] = {}
) -> list[Finding]:
    return list(check_organization(facts, wanted(more), REGIONS, enabled))


def bad(facts: OrganizationFacts | Unread, more: str = "") -> list[Finding]:
    return [finding for finding in check(facts, more) if finding.state is not CheckState.OK]


def of(name: str, change: Any) -> OrganizationFacts:
    changed = {**WELL.stack_sets, name: change}
    found: OrganizationFacts = replace(WELL, stack_sets=changed)
    return found


def rules(**changes: Any) -> OrganizationFacts:
    return of(REGION_STACK, replace(WELL.stack_sets[REGION_STACK], **changes))


def test_where_all_is_well_every_check_says_so() -> None:
    findings = check(WELL)
    assert {finding.state for finding in findings} == {CheckState.OK}
    assert {finding.check for finding in findings} == {
        Check.ACCOUNTS, Check.STACK_SET, Check.INSTANCES, Check.DRIFT, Check.POLICY,
        Check.TIERS,
    }  # fmt: skip
    assert not [finding for finding in findings if finding.advice and finding.check is not Check.TIERS]
    assert {finding.account for finding in findings} == {MANAGEMENT}


def _instances(account: str, region: str, **changes: Any) -> tuple[Any, ...]:
    return tuple(
        replace(instance, **changes) if (instance.account, instance.region) == (account, region) else instance
        for instance in WELL.stack_sets[REGION_STACK].instances
    )


def _without(account: str, region: str) -> tuple[Any, ...]:
    instances = WELL.stack_sets[REGION_STACK].instances
    return tuple(instance for instance in instances if (instance.account, instance.region) != (account, region))


POLICIES: Mapping[str, PolicyFacts] = WELL.policies
UNKNOWN = PolicyFacts({"Statement": []}, frozenset({"r-ab12"}))


def policies(found: Mapping[str, PolicyFacts]) -> OrganizationFacts:
    changed: OrganizationFacts = replace(WELL, policies=found)
    return changed


FAULTS: dict[str, tuple[OrganizationFacts, tuple[str, str | None], Check, str, str]] = {
    "no stack set": (of(ROLES_STACK, Missing()), (MANAGEMENT, None), Check.STACK_SET, ROLES_STACK, "deploy apply"),
    "old template": (rules(template="x"), (MANAGEMENT, None), Check.STACK_SET, "another template", "difference"),
    "not automatic": (rules(auto_deployment=False), (MANAGEMENT, None), Check.STACK_SET, "by itself", "deploy apply"),
    "instance failed": (
        rules(instances=_instances(OTHER, ABROAD, status="OUTDATED", reason="an SCP denies it")), (OTHER, ABROAD),
        Check.INSTANCES, "is OUTDATED: an SCP denies it", "mend that",
    ),
    "instance missing": (
        rules(instances=_without(OTHER, ABROAD)), (OTHER, ABROAD), Check.INSTANCES, "has no instance here",
        "deploy to it",
    ),
    "drifted": (rules(drift="DRIFTED"), (MANAGEMENT, None), Check.DRIFT, "changed by hand: DRIFTED", "DRIFT_STATUS"),
    "no policy": (
        policies({name: policy for name, policy in POLICIES.items() if name != "ownertag-2"}), (MANAGEMENT, None),
        Check.POLICY, "service control policy ownertag-2 is not there", "deploy apply",
    ),
    "a policy too many": (
        policies({**POLICIES, "ownertag-9": POLICIES["ownertag"]}), (MANAGEMENT, None), Check.POLICY,
        "ownertag-9 is not wanted any more", "take it away",
    ),
    "another policy": (
        policies({**POLICIES, "ownertag": UNKNOWN}), (MANAGEMENT, None), Check.POLICY,
        "is not the rendered one", "deploy apply",
    ),
    "policy loose": (
        policies({**POLICIES, "ownertag-2": replace(POLICIES["ownertag-2"], targets=frozenset({"ou-ab12-00000000"}))}),
        (MANAGEMENT, None),
        Check.POLICY, "is not attached to r-ab12", "attach it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_an_organization_that_is_not_deployed_to_is_a_fault(name: str) -> None:
    facts, place, which, seen, advice = FAULTS[name]
    [finding] = bad(facts)
    assert (finding.account, finding.region, finding.check, finding.state) == (*place, which, CheckState.FAULT)
    assert seen in finding.seen
    assert advice in healthy.told(finding)


UNSEEN: dict[str, tuple[Any, Check]] = {
    "accounts": (lambda said: replace(WELL, accounts=said), Check.ACCOUNTS),
    "root": (lambda said: replace(WELL, root=said), Check.POLICY),
    "stack set": (lambda said: of(REGION_STACK, said), Check.STACK_SET),
    "deployment": (lambda said: rules(auto_deployment=said), Check.STACK_SET),
    "instances": (lambda said: rules(instances=said), Check.INSTANCES),
    "drift": (lambda said: rules(drift=said), Check.DRIFT),
    "policy": (lambda said: replace(WELL, policies=said), Check.POLICY),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_can_not_be_read_is_unreached_and_what_is_not_said_not_checkable(name: str) -> None:
    change, which = UNSEEN[name]
    for said, state in ((DENIED, CheckState.UNREACHABLE), (GIVEN, CheckState.NOT_CHECKABLE)):
        if name == "deployment" and said is DENIED:
            continue  # stands in the answer that is read already
        [finding] = bad(change(said))
        assert (finding.check, finding.state) == (which, state)


def test_an_organization_that_can_not_be_entered_says_what_helps() -> None:
    [finding] = check(DENIED)
    assert (finding.account, finding.check, finding.state) == (MANAGEMENT, Check.ACCOUNTS, CheckState.UNREACHABLE)
    assert "--accounts" in healthy.told(finding)


def test_drift_that_nobody_looked_for_is_no_fault_but_says_how() -> None:
    findings = [
        finding for finding in check(rules(drift="NOT_CHECKED")) if finding.check is Check.DRIFT and finding.advice
    ]
    [finding] = findings
    assert finding.state is CheckState.OK
    assert f"detect-stack-set-drift --stack-set-name {REGION_STACK}" in healthy.told(finding)


def test_roles_are_wanted_in_the_home_region_alone() -> None:
    instances = tuple(replace(instance, region=HOME) for instance in WELL.stack_sets[ROLES_STACK].instances)
    assert not bad(of(ROLES_STACK, replace(WELL.stack_sets[ROLES_STACK], instances=instances)))


def test_the_policy_belongs_on_the_protected_units() -> None:
    more = '[protection]\nunits = ["ou-ab12-c3d4e5f6"]\n'
    assert ["is not attached to ou-ab12-c3d4e5f6" in finding.seen for finding in bad(WELL, more)] == [True] * len(
        POLICIES
    )
    on = frozenset({"ou-ab12-c3d4e5f6"})
    assert not bad(policies({name: replace(policy, targets=on) for name, policy in POLICIES.items()}), more)


def test_where_no_unit_is_to_be_protected_no_policy_is_missed() -> None:
    more = "[protection]\nunits = []\n"
    assert not bad(policies({}), more)
    told = [
        finding for finding in check_organization(policies({}), wanted(more), REGIONS) if finding.check is Check.POLICY
    ]
    assert len(told) == len(POLICIES)
    assert all("members can change the tags" in finding.seen for finding in told)
    assert bad(policies({}))


def test_what_each_tier_holds_is_told_and_no_fault() -> None:
    [tiers] = [finding for finding in check(WELL) if finding.check is Check.TIERS]
    assert tiers.state is CheckState.OK
    assert re.fullmatch(
        r"guard: \d+ actions of \d+ services; no-forging: \d+ actions of \d+ services;"
        r" replace-all: \d+ actions of \d+ services; detect: \d+ actions of \d+ services",
        tiers.seen,
    ), tiers.seen
    assert "render scp --tiers" in healthy.told(tiers)


# --- what is left out

DENIAL = "not authorized to perform: sqs:CreateQueue with an explicit deny in a service control policy"
SUSPENDED = "222233334444"


def test_an_account_that_is_suspended_is_told_and_no_fault() -> None:
    skipped = StackInstanceState(SUSPENDED, ABROAD, "OUTDATED", "", "This account is suspended.", SKIPPED)
    facts = rules(instances=(*WELL.stack_sets[REGION_STACK].instances, skipped))
    assert bad(facts) == []
    assert [finding.seen for finding in check(facts) if SUSPENDED in finding.seen] == [
        f"{REGION_STACK} leaves out accounts that are suspended: {SUSPENDED}"
    ]


def test_an_account_that_was_suspended_and_is_open_again_is_a_fault() -> None:
    [finding] = bad(rules(instances=_instances(OTHER, ABROAD, status="OUTDATED", detail=SKIPPED)))
    assert (finding.account, finding.region, finding.check) == (OTHER, ABROAD, Check.INSTANCES)


def test_a_denied_region_is_told_with_both_ways_out_and_not_read() -> None:
    facts = rules(instances=_instances(OTHER, ABROAD, status="OUTDATED", reason=DENIAL))
    [finding] = bad(facts)
    assert (finding.account, finding.region) == (OTHER, ABROAD)
    assert "denies the Region to StackSets" in finding.seen
    assert "organization.excluded_regions" in finding.advice
    assert "stacksets-exec-*" in finding.advice
    assert denied_regions(facts, wanted(), OTHER) == {ABROAD}
    assert denied_regions(facts, wanted(), HUB) == frozenset()


def test_a_denial_at_home_is_of_no_region() -> None:
    instances = tuple(
        replace(instance, status="OUTDATED", reason=DENIAL) if instance.account == OTHER else instance
        for instance in WELL.stack_sets[REGION_STACK].instances
    )
    facts = rules(instances=instances)
    assert {finding.advice for finding in bad(facts)} == {"mend that, and deploy"}
    assert denied_regions(facts, wanted(), OTHER) == frozenset()


def test_a_region_that_the_account_has_not_enabled_lacks_nothing() -> None:
    enabled = {OTHER: frozenset({HOME})}
    for instances in (_instances(OTHER, ABROAD, status="OUTDATED", reason="not enabled"), _without(OTHER, ABROAD)):
        facts = rules(instances=instances)
        assert [finding.region for finding in check(facts, enabled=enabled) if finding.state is not CheckState.OK] == []
        assert [finding.region for finding in bad(facts)] == [ABROAD]


INOPERABLE = {"status": "INOPERABLE", "reason": "a deletion failed", "unit": "ou-ab12-c3d4e5f6"}


def test_an_inoperable_instance_is_let_go_and_its_stack_deleted_where_it_is() -> None:
    [finding] = bad(rules(instances=_instances(OTHER, ABROAD, **INOPERABLE)))
    assert "is INOPERABLE: a deletion failed" in finding.seen
    let_go, delete, wait, deploy = finding.commands
    assert [(one.account, one.region) for one in finding.commands] == [
        (MANAGEMENT, HOME), (OTHER, ABROAD), (OTHER, ABROAD), (None, None),
    ]  # fmt: skip
    targets = f"OrganizationalUnitIds=ou-ab12-c3d4e5f6,Accounts={OTHER},AccountFilterType=INTERSECTION"
    assert let_go.words[1:] == (
        "delete-stack-instances", "--stack-set-name", REGION_STACK, "--regions", ABROAD, "--retain-stacks",
        "--deployment-targets", targets,
    )  # fmt: skip
    assert delete.words[-1] == wait.words[-1] == f"{REGION_STACK}/{OTHER}"
    assert deploy == apply()


def test_of_an_inoperable_instance_no_command_names_what_is_not_known() -> None:
    [finding] = bad(rules(instances=_instances(OTHER, ABROAD, **{**INOPERABLE, "stack": ""})))
    assert [one.words[1] for one in finding.commands] == ["delete-stack-instances", "apply"]
    [finding] = bad(rules(instances=_instances(OTHER, ABROAD, **{**INOPERABLE, "unit": ""})))
    assert [one.words for one in finding.commands] == [("deploy", "plan")]


def test_a_policy_that_nobody_asked_for_says_how_to_come_to_it() -> None:
    facts = policies({})
    found = [
        finding
        for finding in check_organization(facts, wanted("[protection]\nunits = []\n"), REGIONS)
        if finding.check is Check.POLICY
    ]
    assert {(finding.state, finding.cause) for finding in found} == {(CheckState.OK, Cause.POLICY_UNASKED)}
    assert "deploy plan" in healthy.told(found[0])
