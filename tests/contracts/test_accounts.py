"""What every `Accounts` does, and what the real one does about its list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from contracts.conftest import Stage
from contracts.emulated import HOME, HUB, ONCE, Call, Emulated, emulated
from fakes import Clock
from ownertag.core.rows import QuestionKind
from ownertag.core.values import Absent, Found, OutcomeKind, Question, Unavailable
from ownertag.sources.organization import Organization, OwnAccount


def account(number: str) -> Question:
    return Question(QuestionKind.ACCOUNT, number, "", "")


def test_an_account_of_the_organization_is_found_and_any_other_is_absent(stage: Stage) -> None:
    ours, others = account(stage.spokes[0]), account("999999999999")
    assert stage.accounts.find([ours, others]) == {ours: Found(), others: Absent()}


def test_no_questions_no_answers(stage: Stage) -> None:
    assert stage.accounts.find([]) == {}


def test_forbidden_is_unavailable_and_never_absent(stage: Stage) -> None:
    stage.deny()
    asked = [account(stage.spokes[0]), account("999999999999")]
    facts = stage.accounts.find(asked)
    assert set(facts) == set(asked)
    assert all(isinstance(fact, Unavailable) and fact.outcome is OutcomeKind.FORBIDDEN for fact in facts.values())


# --- the real one: its list is kept for a while


@pytest.fixture
def world() -> Iterator[Emulated]:
    with emulated() as world:
        yield world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def organization(world: Emulated, clock: Clock) -> Organization:
    return Organization(world.session.client("organizations", region_name=HOME, config=ONCE), clock)


def test_all_pages_of_the_list_are_read(world: Emulated, organization: Organization) -> None:
    def small_pages(call: Call) -> None:
        call.request.body = json.dumps({**json.loads(call.text), "MaxResults": 3})

    accounts = [account(world.add_account(f"more{number}")) for number in range(5)]
    world.wire.rule(small_pages)
    facts = organization.find(accounts)
    assert all(fact == Found() for fact in facts.values())
    assert world.wire.counts["ListAccounts"] == 3


def test_an_unknown_account_is_looked_up_once_a_minute(
    world: Emulated, organization: Organization, clock: Clock
) -> None:
    unknown = account("999999999999")
    assert organization.find([unknown]) == {unknown: Absent()}
    first = world.wire.counts["ListAccounts"]
    for _ in range(10):
        clock.move(timedelta(seconds=5))
        organization.find([unknown])
    assert world.wire.counts["ListAccounts"] == first
    clock.move(timedelta(seconds=10))
    assert organization.find([unknown]) == {unknown: Absent()}
    assert world.wire.counts["ListAccounts"] == 2 * first


def test_a_new_account_is_not_refused_before_the_list_is_read_again(
    world: Emulated, organization: Organization, clock: Clock
) -> None:
    organization.find([account(world.spokes[0])])
    new = account(world.add_account("new"))
    clock.move(timedelta(seconds=50))
    fact = organization.find([new])[new]
    assert isinstance(fact, Unavailable)
    assert fact.outcome is OutcomeKind.NOT_READY
    clock.move(timedelta(seconds=10))
    assert organization.find([new]) == {new: Found()}


def test_a_known_account_needs_no_second_look(world: Emulated, organization: Organization, clock: Clock) -> None:
    known = account(world.spokes[0])
    organization.find([known])
    world.wire.clear()
    clock.move(timedelta(minutes=4))
    assert organization.find([known]) == {known: Found()}
    assert not world.wire.calls


def test_a_closed_account_is_no_longer_found(world: Emulated, organization: Organization, clock: Clock) -> None:
    closed = account(world.spokes[0])
    assert organization.find([closed]) == {closed: Found()}
    world.organizations.close_account(AccountId=world.spokes[0])
    clock.move(timedelta(minutes=5))
    assert organization.find([closed]) == {closed: Absent()}


def test_an_unreadable_list_is_no_answer_for_new_accounts_and_does_not_stop_known_ones(
    world: Emulated, organization: Organization, clock: Clock
) -> None:
    known, unknown = account(world.spokes[0]), account("999999999999")
    organization.find([known])
    world.wire.fail("ListAccounts", "TooManyRequestsException")
    clock.move(timedelta(seconds=61))
    facts = organization.find([known, unknown])
    assert facts[known] == Found()
    unread = facts[unknown]
    assert isinstance(unread, Unavailable)
    assert unread.outcome is OutcomeKind.THROTTLED


def test_a_list_that_is_too_old_answers_for_nobody(world: Emulated, organization: Organization, clock: Clock) -> None:
    known = account(world.spokes[0])
    organization.find([known])
    world.wire.fail("ListAccounts", "AccessDeniedException")
    clock.move(timedelta(minutes=5))
    fact = organization.find([known])[known]
    assert isinstance(fact, Unavailable)
    assert "accounts can't be read" in fact.reason


# --- an operator's own account


def test_an_operator_knows_the_own_account_without_asking(world: Emulated, organization: Organization) -> None:
    own, other, unknown = account(HUB), account(world.spokes[0]), account("999999999999")
    alone = OwnAccount(HUB, None)
    assert alone.find([own, other]) == {own: Found(), other: Absent()}
    with_organization = OwnAccount(HUB, organization)
    assert with_organization.find([own]) == {own: Found()}
    assert not world.wire.calls
    assert with_organization.find([own, other, unknown]) == {own: Found(), other: Found(), unknown: Absent()}
