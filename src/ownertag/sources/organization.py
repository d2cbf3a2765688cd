"""Which accounts are the organization's: asked of AWS Organizations, and known for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.aws.together import Together, in_turn
from ownertag.core.identity import UNKNOWN, named
from ownertag.core.judge import judge
from ownertag.core.rows import QuestionKind
from ownertag.core.values import Absent, Confidence, Fact, Found, OutcomeKind, Owner, Question, Unavailable

#: Organizations' answer to an account that it has not.
NO_SUCH_ACCOUNT = "AccountNotFoundException"
#: An unknown account may be a new one: it is asked for again, but not for each of its messages. Until then it can't be
#: said that it is not there.
READ_AGAIN = timedelta(seconds=60)
#: For so long an account counts as active after it was read: one that was closed since is found no longer.
STALE = timedelta(minutes=5)
#: A single account is asked for by itself. For several the list is read, which has twenty accounts to a page (API
#: reference, ListAccounts), one page after the other: at first so many pages.
FEW = 5
#: If it goes on then, it is taken to have so many: for fewer accounts than pages, each is asked for by itself.
MANY = 50
#: Beyond so many, what is no longer fresh is forgotten: anybody can name any number in an event.
_MOST_KEPT = 20_000

_NOT_LISTED_YET = Unavailable(
    OutcomeKind.NOT_READY, "the organization did not know the account; it is asked again within a minute"
)


def is_active(account: Mapping[str, Any]) -> bool:
    """Whether an account, as AWS Organizations describes it, is in use.

    `State` tells it; `Status` counts where there is none. It "will be retired on September 9, 2026" (API reference,
    Account).
    """
    state: object = account.get("State", account.get("Status"))
    return state == "ACTIVE"


class _Read(Struct, frozen=True):
    """What was read of an account: its name, or None if it is not an active one."""

    at: datetime
    name: str | None


class Organization:
    """Answers whether an account is an active one of the organization, and whose it is.

    Args:
        client: An Organizations client of the management account or of whom its resource policy lets.
        now: Gives the time, with a time zone.
        owner_key: The tag of an account that names its owner.
        together: Asks for several accounts.
    """

    def __init__(
        self,
        client: Any,
        now: Callable[[], datetime],
        owner_key: str = "owner",
        together: Together = in_turn,
    ) -> None:
        self._client = client
        self._now = now
        self._owner_key = owner_key
        self._together = together
        self._read: dict[str, _Read] = {}
        self._owners: dict[str, tuple[datetime, Fact]] = {}
        self._pages = 2  # taken to be, until it is read: so for two accounts it is

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Found for an active account, Absent for one that Organizations says just now it has not, else Unavailable.

        Of an account's owner: Found with the `owner` tag of the account, or else with the account's name.
        """
        wanted = list(questions)
        facts = self._accounts([each for each in wanted if each.kind is QuestionKind.ACCOUNT])
        for question in wanted:
            if question.kind is QuestionKind.OWNER_OF_ACCOUNT:
                facts[question] = self._owner(question.account)
        return facts

    def _owner(self, account: str) -> Fact:
        """An account's owner; tags of accounts are written by the organization's administrators alone."""
        now = self._now()
        known = self._owners.get(account)
        if known and now - known[0] < STALE:
            return known[1]
        fact = self._accounts([Question(QuestionKind.ACCOUNT, account, "", "")]).popitem()[1]
        if not isinstance(fact, Found):
            return fact
        try:
            pages = self._client.get_paginator("list_tags_for_resource").paginate(ResourceId=account)
            tags = {tag["Key"].lower(): tag.get("Value", "") for page in pages for tag in page["Tags"]}
        except AWS_ERRORS as error:
            judged = judge(failure_of(error), None)
            return Unavailable(judged.outcome, f"the tags of the account can't be read: {judged.reason}")
        name = named(tags.get(self._owner_key.lower()), self._read[account].name)
        owner: Fact = Absent() if name == UNKNOWN else Found(owner=Owner(name, "account-owner", Confidence.ACCOUNT))
        self._owners[account] = (now, owner)
        return owner

    def _accounts(self, wanted: list[Question]) -> dict[Question, Fact]:
        now = self._now()
        if len(self._read) > _MOST_KEPT:
            self._read = {each: read for each, read in self._read.items() if self._fresh(each, now)}
        old = [each for each in dict.fromkeys(question.account for question in wanted) if not self._fresh(each, now)]
        unread = self._list(old, now) if len(old) >= self._pages else self._describe(old, now)
        return {question: unread.get(question.account) or self._fact(question.account, now) for question in wanted}

    def _fresh(self, account: str, now: datetime) -> bool:
        read = self._read.get(account)
        return read is not None and now - read.at < (READ_AGAIN if read.name is None else STALE)

    def _fact(self, account: str, now: datetime) -> Fact:
        read = self._read[account]
        if read.name is not None:
            return Found()
        return Absent() if read.at == now else _NOT_LISTED_YET

    def _describe(self, accounts: list[str], now: datetime) -> dict[str, Unavailable]:
        """Read each of these accounts: those that can't be. Once one can't, no other call begins: it would fail too."""
        unread: dict[str, Unavailable] = {}
        refused: list[Unavailable] = []

        def read(account: str) -> None:
            if refused:
                unread[account] = refused[0]
                return
            try:
                told = self._client.describe_account(AccountId=account)["Account"]
            except AWS_ERRORS as error:
                if failure_of(error).code != NO_SUCH_ACCOUNT:
                    unread[account] = _unread(error)
                    refused.append(unread[account])
                    return
                told = {}
            self._keep(account, told, now)

        self._together([partial(read, each) for each in accounts])
        return unread

    def _list(self, accounts: list[str], now: datetime) -> dict[str, Unavailable]:
        """Read all accounts of the organization, at first on a few pages: those of these that can't be read."""
        listed: dict[str, Mapping[str, Any]] = {}
        pages = 0
        try:
            for page in self._client.get_paginator("list_accounts").paginate():
                pages += 1
                listed |= {each["Id"]: each for each in page["Accounts"]}
                if pages == FEW > self._pages and "NextToken" in page:
                    self._pages = MANY
                    break
            else:
                self._pages = pages
                listed = {**{account: {} for account in accounts}, **listed}
        except AWS_ERRORS as error:
            return dict.fromkeys(accounts, _unread(error))
        for account, told in listed.items():
            self._keep(account, told, now)
        return self._describe([each for each in accounts if each not in listed], now)

    def _keep(self, account: str, told: Mapping[str, Any], now: datetime) -> None:
        self._read[account] = _Read(now, str(told.get("Name", "")) if is_active(told) else None)


def _unread(error: Exception) -> Unavailable:
    judged = judge(failure_of(error), None)
    return Unavailable(judged.outcome, f"the organization's accounts can't be read: {judged.reason}")


class OwnAccount:
    """Answers for an operator, whose own account is known without asking; any other is the organization's to tell.

    Args:
        account: The account of the operator's credentials.
        organization: Tells of the others; without it they are unknown.
    """

    def __init__(self, account: str, organization: Organization | None) -> None:
        self._account = account
        self._organization = organization

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Found for the own account; for others as the organization answers, or Absent."""
        facts: dict[Question, Fact] = {
            each: Found() if each.account == self._account and each.kind is QuestionKind.ACCOUNT else Absent()
            for each in questions
        }
        others = [question for question, fact in facts.items() if isinstance(fact, Absent)]
        if others and self._organization:
            facts.update(self._organization.find(others))
        return facts
