"""The behaviour of every `Accounts`, and the list that the real one keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.awsrequest import AWSResponse

from contracts.conftest import Stage
from contracts.emulated import HOME, HUB, ONCE, Call, Emulated, answer, emulated
from harness.fakes import NOON, Clock
from ownertag.aws.concurrency import concurrent, sequential
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.values import Absent, AccountList, Fact, Found, OutcomeKind, Question, Unavailable
from ownertag.sources import organization as module
from ownertag.sources.organization import LOOK_AGAIN, MANY, STALE, OrganizationAccounts, OwnAccount


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


@pytest.fixture(params=[sequential, concurrent(3)], ids=["in turn", "at once"])
def organization(world: Emulated, clock: Clock, request: pytest.FixtureRequest) -> OrganizationAccounts:
    client = world.session.client("organizations", region_name=HOME, config=ONCE)
    return OrganizationAccounts(client, clock, concurrency=request.param)


def described(world: Emulated) -> int:
    return world.wire.counts["DescribeAccount"]


def test_a_single_account_is_asked_for_and_no_list_is_read(world: Emulated, organization: OrganizationAccounts) -> None:
    for id_ in (world.spokes[0], "999999999999"):
        organization.find([account(id_), account(id_)])
    assert world.wire.counts == {"DescribeAccount": 2}


def test_a_few_are_asked_for_one_by_one(world: Emulated, organization: OrganizationAccounts) -> None:
    asked = [*(account(spoke) for spoke in world.spokes), *(account(f"9999999999{n:02}") for n in range(MANY - 3))]
    assert len(asked) == MANY - 1
    facts = organization.find(asked)
    assert facts == {question: Found() if question.account in world.spokes else Absent() for question in asked}
    assert world.wire.counts == {"DescribeAccount": MANY - 1}


def test_for_many_the_whole_list_is_read_with_all_its_pages(
    world: Emulated, organization: OrganizationAccounts
) -> None:
    def small_pages(call: Call) -> None:
        call.request.body = json.dumps({**json.loads(call.text), "MaxResults": 3})

    accounts = [account(world.add_account(f"more{number}")) for number in range(5)]
    world.wire.clear()
    world.wire.rule(small_pages)
    unknown = [account(f"9999999999{number:02}") for number in range(MANY - 5)]
    facts = organization.find([*accounts, *unknown])
    assert facts == {**dict.fromkeys(accounts, Found()), **dict.fromkeys(unknown, Absent())}
    assert world.wire.counts == {"ListAccounts": 3}
    assert organization.find([account(spoke) for spoke in world.spokes]) == {
        account(spoke): Found() for spoke in world.spokes
    }
    assert world.wire.counts == {"ListAccounts": 3}


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
    world: Emulated, organization: OrganizationAccounts, state: dict[str, str], fact: Fact, many: bool
) -> None:
    """`Status` was to be retired on 2026-09-09 for `State`."""

    def rule(call: Call) -> AWSResponse | None:
        described = {"Id": world.spokes[0], "Name": "a", **state}
        if call.operation == "ListAccounts":
            return answer(call, 200, json.dumps({"Accounts": [described]}))
        return answer(call, 200, json.dumps({"Account": described})) if call.operation == "DescribeAccount" else None

    world.wire.rule(rule)
    asked = account(world.spokes[0])
    others = [account(f"9999999999{number:02}") for number in range(MANY)] if many else []
    assert organization.find([asked, *others])[asked] == fact


def test_an_unknown_account_is_looked_up_once_a_minute(
    world: Emulated, organization: OrganizationAccounts, clock: Clock
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
    world: Emulated, organization: OrganizationAccounts, clock: Clock
) -> None:
    organization.find([account(world.spokes[0])])
    new = account(world.add_account("new"))
    assert organization.find([new]) == {new: Found()}
    late = account("999999999999")
    organization.find([late])
    clock.move(timedelta(seconds=60))
    described = json.dumps({"Account": {"Id": late.account, "Name": "late", "State": "ACTIVE"}})
    world.wire.rule(lambda call: answer(call, 200, described) if call.operation == "DescribeAccount" else None)
    assert organization.find([late]) == {late: Found()}


def test_a_known_account_needs_no_second_look(
    world: Emulated, organization: OrganizationAccounts, clock: Clock
) -> None:
    known = account(world.spokes[0])
    organization.find([known])
    world.wire.clear()
    clock.move(STALE - timedelta(seconds=1))
    assert organization.find([known]) == {known: Found()}
    assert not world.wire.calls


def test_a_closed_account_is_no_longer_found(world: Emulated, organization: OrganizationAccounts, clock: Clock) -> None:
    closed = account(world.spokes[0])
    assert organization.find([closed]) == {closed: Found()}
    world.organizations.close_account(AccountId=world.spokes[0])
    clock.move(STALE)
    assert organization.find([closed]) == {closed: Absent()}


@pytest.mark.parametrize("operation", ["DescribeAccount", "ListAccounts"])
def test_what_can_not_be_read_is_no_answer_for_new_accounts_and_does_not_stop_known_ones(
    world: Emulated, organization: OrganizationAccounts, clock: Clock, operation: str
) -> None:
    known = account(world.spokes[0])
    unknown = [account(f"9999999999{number:02}") for number in range(MANY if operation == "ListAccounts" else 1)]
    organization.find([known])
    world.wire.clear()
    world.wire.fail(operation, "TooManyRequestsException")
    clock.move(timedelta(seconds=61))
    facts = organization.find([known, *unknown])
    assert facts[known] == Found()
    for question in unknown:
        unread = facts[question]
        assert isinstance(unread, Unavailable)
        assert unread.outcome is OutcomeKind.THROTTLED
    assert world.wire.counts == {operation: 1}


def test_what_was_read_too_long_ago_answers_for_nobody(
    world: Emulated, organization: OrganizationAccounts, clock: Clock
) -> None:
    known = account(world.spokes[0])
    organization.find([known])
    world.wire.fail("DescribeAccount", "AccessDeniedException")
    clock.move(STALE)
    fact = organization.find([known])[known]
    assert isinstance(fact, Unavailable)
    assert "accounts can't be read" in fact.reason


def test_invented_numbers_do_not_fill_the_memory(
    world: Emulated, organization: OrganizationAccounts, clock: Clock, monkeypatch: pytest.MonkeyPatch
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


# --- the list that is kept for all environments


class Kept:
    """The store of the list."""

    def __init__(self) -> None:
        self.list: AccountList | None = None
        self.reads = 0
        self.refusal: Unavailable | None = None

    def read(self) -> AccountList | None:
        self.reads += 1
        return self.list

    def keep(self, accounts: AccountList) -> Unavailable | None:
        if self.refusal is None:
            self.list = accounts
        return self.refusal


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def keeping(world: Emulated, clock: Clock, kept: Kept) -> OrganizationAccounts:
    client = world.session.client("organizations", region_name=HOME, config=ONCE)
    return OrganizationAccounts(client, clock, kept=kept)


def test_who_finds_the_kept_list_asks_nobody(world: Emulated, keeping: OrganizationAccounts, kept: Kept) -> None:
    kept.list = AccountList(NOON, dict.fromkeys(world.spokes, "a name"))
    asked = [account(spoke) for spoke in world.spokes]
    for _ in range(2):
        assert keeping.find(asked) == dict.fromkeys(asked, Found())
    assert not world.wire.calls
    assert kept.reads == 1


def test_the_list_is_kept_with_the_active_accounts_alone(
    world: Emulated, keeping: OrganizationAccounts, kept: Kept, clock: Clock
) -> None:
    world.organizations.close_account(AccountId=world.spokes[1])
    active = {account["Id"] for account in world.organizations.list_accounts()["Accounts"]} - {world.spokes[1]}
    assert keeping.keep_list() == len(active)
    assert kept.list is not None
    assert kept.list.at == clock()
    assert set(kept.list.names) == active
    assert all(kept.list.names.values())


def test_an_account_that_the_kept_list_has_not_is_asked_for(
    world: Emulated, keeping: OrganizationAccounts, kept: Kept
) -> None:
    kept.list = AccountList(NOON, {world.spokes[0]: "a name"})
    new, unknown = account(world.add_account("new")), account("999999999999")
    world.wire.clear()
    assert keeping.find([account(world.spokes[0]), new, unknown]) == {
        account(world.spokes[0]): Found(),
        new: Found(),
        unknown: Absent(),
    }
    assert world.wire.counts == {"DescribeAccount": 2}


def test_a_kept_list_that_nobody_made_anew_answers_for_nobody(
    world: Emulated, keeping: OrganizationAccounts, kept: Kept, clock: Clock
) -> None:
    closed = account(world.spokes[0])
    kept.list = AccountList(NOON, {closed.account: "a name"})
    world.organizations.close_account(AccountId=closed.account)
    clock.move(STALE)
    assert keeping.find([closed]) == {closed: Absent()}


def test_an_account_that_left_the_kept_list_is_asked_for_again(
    world: Emulated, keeping: OrganizationAccounts, kept: Kept, clock: Clock
) -> None:
    closed = account(world.spokes[0])
    kept.list = AccountList(NOON, {closed.account: "a name"})
    assert keeping.find([closed]) == {closed: Found()}
    world.organizations.close_account(AccountId=closed.account)
    kept.list = AccountList(clock() + LOOK_AGAIN - timedelta(minutes=1), {})
    clock.move(LOOK_AGAIN)
    assert keeping.find([closed]) == {closed: Absent()}


def test_what_was_read_after_the_kept_list_counts(
    world: Emulated, keeping: OrganizationAccounts, kept: Kept, clock: Clock
) -> None:
    new = account(world.add_account("new"))
    kept.list = AccountList(NOON, {})
    assert keeping.find([new]) == {new: Found()}
    world.wire.clear()
    clock.move(LOOK_AGAIN)
    assert keeping.find([new]) == {new: Found()}
    assert kept.reads == 2
    assert not world.wire.calls


def test_without_a_kept_list_each_is_asked_for(world: Emulated, keeping: OrganizationAccounts) -> None:
    asked = [account(spoke) for spoke in world.spokes]
    assert keeping.find(asked) == dict.fromkeys(asked, Found())
    assert world.wire.counts == {"DescribeAccount": len(asked)}


def test_a_list_that_can_not_be_read_or_kept_leaves_the_last_one(
    world: Emulated, keeping: OrganizationAccounts, kept: Kept
) -> None:
    before = kept.list = AccountList(NOON, {"1": "one"})
    kept.refusal = Unavailable(OutcomeKind.THROTTLED, "the table is busy")
    assert keeping.keep_list() == kept.refusal
    world.wire.fail("ListAccounts", "AccessDeniedException")
    unread = keeping.keep_list()
    assert isinstance(unread, Unavailable)
    assert unread.outcome is OutcomeKind.FORBIDDEN
    assert "accounts can't be read" in unread.reason
    assert kept.list == before


# --- an operator's own account


def test_an_operator_knows_the_own_account_without_asking(world: Emulated, organization: OrganizationAccounts) -> None:
    own, other, unknown = account(HUB), account(world.spokes[0]), account("999999999999")
    alone = OwnAccount(HUB, None)
    assert alone.find([own, other]) == {own: Found(), other: Absent()}
    with_organization = OwnAccount(HUB, organization)
    assert with_organization.find([own]) == {own: Found()}
    assert not world.wire.calls
    assert with_organization.find([own, other, unknown]) == {own: Found(), other: Found(), unknown: Absent()}
