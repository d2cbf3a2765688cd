"""What every `Accounts` does, and what the real one does about its list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.awsrequest import AWSResponse

from contracts.conftest import Stage
from contracts.emulated import HOME, HUB, ONCE, Call, Emulated, answer, emulated
from fakes import Clock
from ownertag.aws.together import at_once, in_turn
from ownertag.core.rows import QuestionKind
from ownertag.core.values import Absent, Fact, Found, OutcomeKind, Question, Unavailable
from ownertag.sources import organization as module
from ownertag.sources.organization import FEW, MANY, Organization, OwnAccount


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


# --- the real one: what it reads it knows for a while


@pytest.fixture
def world() -> Iterator[Emulated]:
    with emulated() as world:
        yield world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=[in_turn, at_once(3)], ids=["in turn", "at once"])
def organization(world: Emulated, clock: Clock, request: pytest.FixtureRequest) -> Organization:
    client = world.session.client("organizations", region_name=HOME, config=ONCE)
    return Organization(client, clock, together=request.param)


def described(world: Emulated) -> int:
    return world.wire.counts["DescribeAccount"]


def test_a_single_account_is_asked_for_and_no_list_is_read(world: Emulated, organization: Organization) -> None:
    for each in (world.spokes[0], "999999999999"):
        organization.find([account(each), account(each)])
    assert world.wire.counts == {"DescribeAccount": 2}


def test_for_several_the_whole_list_is_read_with_all_its_pages(world: Emulated, organization: Organization) -> None:
    def small_pages(call: Call) -> None:
        call.request.body = json.dumps({**json.loads(call.text), "MaxResults": 3})

    accounts = [account(world.add_account(f"more{number}")) for number in range(FEW)]
    world.wire.clear()
    world.wire.rule(small_pages)
    unknown = account("999999999999")
    facts = organization.find([*accounts, unknown])
    assert facts == {**dict.fromkeys(accounts, Found()), unknown: Absent()}
    assert world.wire.counts == {"ListAccounts": 3}
    assert organization.find([account(each) for each in world.spokes]) == {
        account(each): Found() for each in world.spokes
    }
    assert world.wire.counts == {"ListAccounts": 3}


def test_a_long_list_is_left_and_read_again_only_for_as_many_accounts_as_it_has_pages(
    world: Emulated, organization: Organization, clock: Clock
) -> None:
    strangers = [account(f"9999999999{number:02}") for number in range(MANY)]
    on_page = {"Id": world.spokes[0], "Name": "a", "State": "ACTIVE"}
    pages = [json.dumps({"Accounts": [on_page], "NextToken": str(number)}) for number in range(7)] + [
        '{"Accounts": []}'
    ]
    left = iter(pages)
    world.wire.rule(lambda call: answer(call, 200, next(left)) if call.operation == "ListAccounts" else None)

    def counts(asked: list[Question]) -> dict[str, int]:
        nonlocal left
        left = iter(pages)
        world.wire.clear()
        clock.move(timedelta(minutes=5))
        facts = organization.find(asked)
        assert facts == {each: Found() if each.account == world.spokes[0] else Absent() for each in asked}
        return dict(world.wire.counts)

    known = account(world.spokes[0])
    assert counts([known, *strangers[:9]]) == {"ListAccounts": FEW, "DescribeAccount": 9}
    assert counts([known, *strangers[:9]]) == {"DescribeAccount": 10}
    assert counts([known, *strangers]) == {"ListAccounts": 8}
    assert counts([known, *strangers[:6]]) == {"DescribeAccount": 7}
    assert counts([known, *strangers[:7]]) == {"ListAccounts": 8}


def test_a_list_of_one_page_is_read_from_then_on(world: Emulated, organization: Organization, clock: Clock) -> None:
    organization.find([account(each) for each in world.spokes])
    world.wire.clear()
    for _ in range(2):
        clock.move(timedelta(minutes=5))
        assert organization.find([account(world.spokes[0])]) == {account(world.spokes[0]): Found()}
    assert world.wire.counts == {"ListAccounts": 2}


@pytest.mark.parametrize("many", [False, True], ids=["one by one", "the list"])
@pytest.mark.parametrize(
    ("state", "fact"),
    [
        ({"State": "ACTIVE"}, Found()),
        ({"Status": "ACTIVE"}, Found()),
        ({"State": "ACTIVE", "Status": "SUSPENDED"}, Found()),
        ({"State": "SUSPENDED", "Status": "ACTIVE"}, Absent()),
        ({"State": "PENDING_ACTIVATION"}, Absent()),
        ({"State": "PENDING_CLOSURE"}, Absent()),
        ({"State": "CLOSED"}, Absent()),
        ({}, Absent()),
    ],
    ids=str,
)
def test_only_an_active_account_is_found(
    world: Emulated, organization: Organization, state: dict[str, str], fact: Fact, many: bool
) -> None:
    """`Status` was to be retired on 2026-09-09 for `State`."""

    def rule(call: Call) -> AWSResponse | None:
        told = {"Id": world.spokes[0], "Name": "a", **state}
        if call.operation == "ListAccounts":
            return answer(call, 200, json.dumps({"Accounts": [told]}))
        return answer(call, 200, json.dumps({"Account": told})) if call.operation == "DescribeAccount" else None

    world.wire.rule(rule)
    asked = account(world.spokes[0])
    others = [account(f"99999999999{number}") for number in range(FEW)] if many else []
    assert organization.find([asked, *others])[asked] == fact


def test_an_unknown_account_is_looked_up_once_a_minute(
    world: Emulated, organization: Organization, clock: Clock
) -> None:
    unknown = account("999999999999")
    assert organization.find([unknown]) == {unknown: Absent()}
    for _ in range(11):
        clock.move(timedelta(seconds=5))
        fact = organization.find([unknown])[unknown]
        assert isinstance(fact, Unavailable)
        assert fact.outcome is OutcomeKind.NOT_READY
    assert described(world) == 1
    clock.move(timedelta(seconds=5))
    assert organization.find([unknown]) == {unknown: Absent()}
    assert described(world) == 2


def test_a_new_account_is_found_at_once_and_one_that_was_not_there_yet_within_a_minute(
    world: Emulated, organization: Organization, clock: Clock
) -> None:
    organization.find([account(world.spokes[0])])
    new = account(world.add_account("new"))
    assert organization.find([new]) == {new: Found()}
    late = account("999999999999")
    organization.find([late])
    clock.move(timedelta(seconds=60))
    told = json.dumps({"Account": {"Id": late.account, "Name": "late", "State": "ACTIVE"}})
    world.wire.rule(lambda call: answer(call, 200, told) if call.operation == "DescribeAccount" else None)
    assert organization.find([late]) == {late: Found()}


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


@pytest.mark.parametrize("operation", ["DescribeAccount", "ListAccounts"])
def test_what_can_not_be_read_is_no_answer_for_new_accounts_and_does_not_stop_known_ones(
    world: Emulated, organization: Organization, clock: Clock, operation: str
) -> None:
    known = account(world.spokes[0])
    unknown = [account(f"99999999999{number}") for number in range(1 + (operation == "ListAccounts"))]
    organization.find([known])
    world.wire.clear()
    world.wire.fail(operation, "TooManyRequestsException")
    clock.move(timedelta(seconds=61))
    facts = organization.find([known, *unknown])
    assert facts[known] == Found()
    for each in unknown:
        unread = facts[each]
        assert isinstance(unread, Unavailable)
        assert unread.outcome is OutcomeKind.THROTTLED
    assert world.wire.counts == {operation: 1}


def test_what_was_read_too_long_ago_answers_for_nobody(
    world: Emulated, organization: Organization, clock: Clock
) -> None:
    known = account(world.spokes[0])
    organization.find([known])
    world.wire.fail("DescribeAccount", "AccessDeniedException")
    clock.move(timedelta(minutes=5))
    fact = organization.find([known])[known]
    assert isinstance(fact, Unavailable)
    assert "accounts can't be read" in fact.reason


def test_invented_numbers_do_not_fill_the_memory(
    world: Emulated, organization: Organization, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT", 10)
    known = account(world.spokes[0])
    organization.find([known])
    for number in range(40):
        clock.move(timedelta(seconds=5))
        organization.find([account(f"{number:012}")])
        assert len(organization._read) <= 10 + 60 // 5 + 1
    assert organization.find([known]) == {known: Found()}
    assert described(world) == 41


# --- an operator's own account


def test_an_operator_knows_the_own_account_without_asking(world: Emulated, organization: Organization) -> None:
    own, other, unknown = account(HUB), account(world.spokes[0]), account("999999999999")
    alone = OwnAccount(HUB, None)
    assert alone.find([own, other]) == {own: Found(), other: Absent()}
    with_organization = OwnAccount(HUB, organization)
    assert with_organization.find([own]) == {own: Found()}
    assert not world.wire.calls
    assert with_organization.find([own, other, unknown]) == {own: Found(), other: Found(), unknown: Absent()}
