"""What was observed is told by account, and what waits for its tags; what can't be read is never none."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.checks_observed import check_observed, is_observed
from ownertag.rollout.doctor.commands import apply
from ownertag.rollout.doctor.facts import Missing, Observed, OrganizationFacts, Unread
from ownertag.rollout.doctor.findings import Check, CheckState, Finding
from rollout.doctor import healthy
from rollout.doctor.healthy import HOME, HUB, MEMBER, OTHER, wanted

DENIED = Unread("denied (AccessDenied)")
BY_ACCOUNT = f'[observe]\naccounts = ["{MEMBER}"]\n'
BY_UNIT = '[observe]\nunits = ["ou-ab12-c3d4e5f6"]\n'


def check(
    waiting: Observed[Mapping[str, int]], more: str = "", observed: Observed[frozenset[str]] = frozenset()
) -> list[Finding]:
    hub = replace(healthy.hub(), waiting=waiting)
    return list(check_observed(hub, replace(healthy.organization(), observed=observed), wanted(more)))


def test_where_nothing_is_observed_one_line_says_so() -> None:
    [finding] = check({})
    assert (finding.account, finding.region, finding.check, finding.state) == (HUB, HOME, Check.OBSERVED, CheckState.OK)
    assert (finding.seen, finding.advice) == ("nothing", "")


@pytest.mark.parametrize(
    ("more", "observed"), [(BY_ACCOUNT, frozenset()), (BY_UNIT, frozenset({MEMBER}))], ids=["account", "unit"]
)
@pytest.mark.parametrize("waiting", [{MEMBER: 12_345}, {}])
def test_an_observed_account_is_told_with_what_would_have_been_tagged(
    more: str, observed: frozenset[str], waiting: dict[str, int]
) -> None:
    [finding] = check(waiting, more, observed)
    assert (finding.account, finding.state) == (MEMBER, CheckState.OK)
    assert finding.seen == f"observed: {waiting.get(MEMBER, 0):,} resources decided, and not tagged"
    assert "take it out of [observe]" in finding.advice
    assert (finding.cause, finding.commands) == (Cause.OBSERVED, (apply(),))


def test_what_was_observed_and_is_observed_no_longer_waits() -> None:
    [finding] = check({MEMBER: 7, OTHER: 0})
    assert (finding.account, finding.state) == (MEMBER, CheckState.OK)
    assert "7 resources that were observed wait" in finding.seen
    assert "function's log" in finding.advice


def test_the_root_means_every_account() -> None:
    every = '[observe]\nunits = ["r-ab12"]\n'
    assert [finding.seen for finding in check({MEMBER: 1, OTHER: 2}, every)] == [
        "observed: 1 resources decided, and not tagged",
        "observed: 2 resources decided, and not tagged",
    ]
    [finding] = check({}, every)
    assert "every account is observed" in finding.seen


@pytest.mark.parametrize("unread", [DENIED, Missing()])
def test_a_ledger_that_can_not_be_counted_is_not_nothing(unread: Unread | Missing) -> None:
    [finding] = check(unread)
    assert finding.state is not CheckState.OK
    assert finding.check is Check.OBSERVED
    assert finding.cause is (Cause.LEDGER_MISSING if unread == Missing() else Cause.UNREAD)


def test_units_that_can_not_be_read_leave_it_open_whether_an_account_is_observed() -> None:
    findings = check({MEMBER: 3}, BY_UNIT, DENIED)
    assert {finding.state for finding in findings} == {CheckState.UNREACHABLE}
    assert [finding.account for finding in findings] == [HUB, MEMBER]
    assert is_observed(MEMBER, DENIED, wanted(BY_UNIT).settings.observe) is None
    assert is_observed(MEMBER, DENIED, wanted(BY_ACCOUNT).settings.observe) is True
    assert is_observed(OTHER, DENIED, wanted(BY_ACCOUNT).settings.observe) is False


def test_a_hub_that_can_not_be_entered_is_told_by_its_own_check() -> None:
    assert list(check_observed(DENIED, healthy.organization(), wanted())) == []


def test_the_facts_of_an_organization_say_which_accounts_are_below_the_units() -> None:
    facts = healthy.organization()
    assert isinstance(facts, OrganizationFacts)
    assert is_observed(MEMBER, replace(facts, observed=frozenset({MEMBER})), wanted(BY_UNIT).settings.observe) is True
