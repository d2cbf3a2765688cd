"""All places are looked at, side by side; a narrowed look stays narrow."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace

from ownertag.render.documents import REGION_STACK
from ownertag.rollout.doctor.access import AT_ONCE
from ownertag.rollout.doctor.examine import Scope, Stacks, UnknownLocation, examine, spokes
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import AccountFacts, OrganizationFacts, StackSetFacts, Unread
from ownertag.rollout.doctor.findings import Check, CheckState
from rollout.doctor import healthy
from rollout.doctor.healthy import ABROAD, HOME, HUB, MANAGEMENT, MEMBER, OTHER, REGIONS, FakeCollector, wanted

DENIED = Unread("denied (AccessDenied)")


def test_every_account_and_region_is_looked_at_and_all_is_well() -> None:
    collector, reports = FakeCollector(), list[tuple[str, int, int]]()
    findings = examine(collector, wanted(), progress=lambda *args: reports.append(args))
    assert {finding.state for finding in findings} == {CheckState.OK}
    assert sorted(collector.asked) == [(account, REGIONS) for account in sorted({MANAGEMENT, HUB, MEMBER, OTHER})]
    assert [number for _, number, _ in reports] == [1, 2, 3, 4]
    assert {of for *_, of in reports} == {4}
    # The management account first, then the hub's, then the others by number; an account's own checks first.
    assert list(dict.fromkeys(finding.account for finding in findings)) == [MANAGEMENT, HUB, MEMBER, OTHER]
    member = [finding.region for finding in findings if finding.account == MEMBER]
    assert list(dict.fromkeys(member)) == [None, *REGIONS]


def test_a_narrowed_look_asks_and_tells_of_nothing_else() -> None:
    collector = FakeCollector()
    findings = examine(collector, wanted(), Scope(frozenset({MEMBER}), frozenset({ABROAD})))
    assert collector.asked == [(MEMBER, (ABROAD,))]
    assert {finding.account for finding in findings} == {MEMBER}
    assert {finding.region for finding in findings} == {None, ABROAD}


def test_a_narrowed_look_at_the_hub_looks_at_the_hub() -> None:
    findings = examine(FakeCollector(), wanted(), Scope(frozenset({HUB})))
    assert Check.BUS in {finding.check for finding in findings}
    assert {finding.account for finding in findings} == {HUB}


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Scope(accounts=frozenset({"999999999999"})), "account 999999999999 is not deployed to; there are"),
        (Scope(regions=frozenset({"eu-nowhere-1"})), "Region eu-nowhere-1 is not deployed to; there are"),
    ],
)
def test_a_place_that_is_not_deployed_to_is_refused(scope: Scope, said: str) -> None:
    with pytest.raises(UnknownLocation, match=said):
        examine(FakeCollector(), wanted(), scope)


def test_without_the_organization_the_named_accounts_are_looked_at_all_the_same() -> None:
    collector = FakeCollector()
    collector.whole = DENIED
    findings = examine(collector, wanted(), Scope(accounts=frozenset({MEMBER})))
    assert [finding.check for finding in findings if finding.state is CheckState.UNREACHABLE] == [Check.ACCOUNTS]
    # Which Regions the organization has is not known: the home Region has rules in any case, as have global services'.
    assert collector.asked == [(MEMBER, (HOME, "us-east-1", "us-west-2"))]
    collector.asked.clear()
    examine(collector, wanted())
    assert {account for account, _ in collector.asked} == {MANAGEMENT, HUB}


def test_one_account_that_can_not_be_entered_does_not_keep_the_others() -> None:
    collector = FakeCollector()
    collector.accounts[OTHER] = AccountFacts(OTHER, DENIED)
    findings = [finding for finding in examine(collector, wanted()) if finding.state is not CheckState.OK]
    assert [(finding.account, finding.state) for finding in findings] == [(OTHER, CheckState.UNREACHABLE)]


def test_accounts_are_looked_at_side_by_side() -> None:
    meeting = threading.Barrier(4, timeout=10)
    assert AT_ONCE >= 4

    class Meeting(FakeCollector):
        def account(self, name: str, regions: tuple[str, ...], stacks: Stacks) -> AccountFacts:
            meeting.wait()
            return super().account(name, regions, stacks)

    assert examine(Meeting(), wanted())


def test_each_account_is_told_its_stacks() -> None:
    stacks_of: dict[str, Stacks] = {}

    class Told(FakeCollector):
        def account(self, name: str, regions: tuple[str, ...], stacks: Stacks) -> AccountFacts:
            stacks_of[name] = stacks
            return super().account(name, regions, stacks)

    examine(Told(), wanted())
    roles, rules = wanted().stack_sets
    assert stacks_of[MEMBER] == {
        (roles, HOME): f"{roles}/{MEMBER}",
        **{(rules, region): f"{rules}/{MEMBER}" for region in REGIONS},
    }
    assert stacks_of[MANAGEMENT] == {(roles, HOME): roles, **{(rules, region): rules for region in REGIONS}}


def test_the_canary_goes_to_a_member_that_is_not_the_hub() -> None:
    assert spokes(healthy.organization(), wanted()) == (MEMBER, OTHER)
    assert spokes(DENIED, wanted()) == ()
    alone = replace(healthy.organization(), accounts=frozenset({HUB}))
    assert spokes(alone, wanted()) == ()


def test_a_region_that_only_a_member_has_enabled_is_told_unless_the_settings_exclude_it() -> None:
    collector = FakeCollector()
    mine = healthy.account(MEMBER, REGIONS)
    assert isinstance(mine.enabled, frozenset)
    collector.accounts[MEMBER] = replace(mine, enabled=mine.enabled | {"af-south-1", "xx-east-9"})

    def told(expected: Expected) -> list[tuple[str, str | None]]:
        return [
            (finding.account, finding.region)
            for finding in examine(collector, expected)
            if finding.state is not CheckState.OK
        ]

    assert told(wanted()) == [(MEMBER, "af-south-1"), (MEMBER, "xx-east-9")]
    organization = replace(wanted().organization, excluded_regions=("xx-east-9",))
    assert told(replace(wanted(), organization=organization)) == [(MEMBER, "af-south-1")]


def test_of_many_accounts_each_region_that_only_they_enabled_is_told() -> None:
    collector = FakeCollector()
    accounts = frozenset(f"{number:012}" for number in range(200))
    assert isinstance(collector.whole, OrganizationFacts)
    collector.whole = replace(collector.whole, accounts=accounts, stack_sets={})
    more = frozenset(f"xx-east-{number}" for number in range(1, 6))
    for number in accounts:
        mine = healthy.account(number, REGIONS)
        assert isinstance(mine.enabled, frozenset)
        collector.accounts[number] = replace(mine, enabled=mine.enabled | more)
    scope = Scope(accounts=accounts)
    found = [
        finding
        for finding in examine(collector, replace(wanted(), stack_sets={}), scope)
        if finding.check is Check.REGION and finding.state is CheckState.FAULT
    ]
    assert len(found) == 200 * 5
    assert len({(finding.seen, finding.advice) for finding in found}) == 1  # so that they can be told together


def test_a_denied_region_is_told_once_and_not_read() -> None:
    collector = FakeCollector()
    assert isinstance(collector.whole, OrganizationFacts)
    rules = collector.whole.stack_sets[REGION_STACK]
    assert isinstance(rules, StackSetFacts)
    assert isinstance(rules.instances, tuple)
    reason = "not authorized to perform: cloudformation:CreateStack with an explicit deny in a service control policy"
    instances = tuple(
        replace(instance, status="OUTDATED", reason=reason) if instance.region == ABROAD else instance
        for instance in rules.instances
    )
    collector.whole = replace(
        collector.whole, stack_sets={**collector.whole.stack_sets, REGION_STACK: replace(rules, instances=instances)}
    )
    findings = examine(collector, wanted())
    left = {region for region in REGIONS if region != ABROAD}
    assert {account: set(regions) for account, regions in collector.asked} == {
        MANAGEMENT: {*REGIONS}, HUB: left, MEMBER: left, OTHER: left,
    }  # fmt: skip
    assert {(finding.account, finding.region) for finding in findings if finding.state is not CheckState.OK} == {
        (account, ABROAD) for account in (HUB, MEMBER, OTHER)
    }
