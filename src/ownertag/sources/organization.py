"""AWS Organizations: the organization's accounts, and an account's name, contact and owner tag.

Source: AWS Organizations API reference. DescribeAccount is for the management account, a delegated administrator, or
whom the resource policy lets; `Email` is the address of the account's root user. Alternate contacts are another
service's (Account Management) and are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from msgspec import Struct

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.judge import NO_TIME, judge, unavailable
from ownertag.core.owner.principal import UNKNOWN, clean, first_name
from ownertag.core.values import (
    Absent,
    Account,
    AccountList,
    Confidence,
    Fact,
    Found,
    OutcomeKind,
    Owner,
    Question,
    Unavailable,
)

#: Organizations' answer to an account that it has not.
NO_SUCH_ACCOUNT = "AccountNotFoundException"
#: An unknown account may be a new one: it is asked for again, but not for each of its messages. Until then it can't be
#: said that it is not there.
READ_AGAIN = timedelta(seconds=60)
#: For so long an account counts as active after it was read. The list is kept anew every ten minutes (the hub's
#: template), so it may be missed twice.
STALE = timedelta(minutes=30)
#: The kept list is looked at again after so long: an account that was closed meanwhile is found no longer.
LOOK_AGAIN = timedelta(minutes=5)
#: An account's owner may be changed at any time.
_OWNER_STALE = timedelta(minutes=5)
#: From so many accounts on, the list is read instead of each: as many stand on a page of it (API reference,
#: ListAccounts).
MANY = 20
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


class KeptList(Protocol):
    """Where the list of accounts is kept for all environments of the function."""

    def read(self) -> AccountList | None:
        """The list as it was kept last; None where there is none, or it can't be read: Organizations is asked then."""

    def keep(self, accounts: AccountList) -> Unavailable | None:
        """Keeps this list instead. Returns why that failed, or None."""


class _Read(Struct, frozen=True):
    """What was read of an account: its name, or None if it is not an active one."""

    at: datetime
    name: str | None


class OrganizationAccounts:
    """Answers whether an account is an active one of the organization, and whose it is.

    Args:
        client: An Organizations client of the management account or of whom its resource policy lets.
        now: Gives the time, with a time zone.
        owner_key: The tag of an account that names its owner.
        concurrency: Asks for several accounts.
        kept: The list that somebody has read before, where there is one.
    """

    def __init__(
        self,
        client: Any,
        now: Callable[[], datetime],
        owner_key: str = "owner",
        concurrency: Concurrency = sequential,
        kept: KeptList | None = None,
    ) -> None:
        self._client = client
        self._now = now
        self._owner_key = owner_key
        self._concurrency = concurrency
        self._kept = kept
        self._looked: datetime | None = None
        self._read: dict[str, _Read] = {}
        self._owners: dict[str, tuple[datetime, Fact]] = {}

    def keep_list(
        self, units: Iterable[str] = (), members: Callable[[], tuple[str, ...] | Unavailable] = tuple
    ) -> int | Unavailable:
        """Reads all accounts and keeps their list. Returns how many are active, or why that failed.

        Args:
            units: The observed units.
            members: Reads the accounts below them. It is called when the accounts are read, so that each of these was
                in a unit by then. If it fails, the list is kept without them: they are not known then.
        """
        now = self._now()
        try:
            names = self._list()
        except AWS_ERRORS as error:
            return _unread(error)
        observed = members()
        unread = observed if isinstance(observed, Unavailable) else None
        accounts = (
            AccountList(now, names)
            if isinstance(observed, Unavailable)
            else AccountList(now, names, tuple(sorted(units)), observed)
        )
        failed = self._kept.keep(accounts) if self._kept else None
        return failed or unread or len(names)

    def active(self) -> tuple[str, ...] | Unavailable:
        """All active accounts, read just now."""
        try:
            return tuple(self._list())
        except AWS_ERRORS as error:
            return _unread(error)

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Found for an active account, Absent for one that Organizations just said it does not have, else Unavailable.

        Of an account's owner: Found with the `owner` tag of the account, or else with the account's name.
        """
        wanted = list(questions)
        facts = self._accounts([question for question in wanted if question.kind is QuestionKind.ACCOUNT])
        for question in wanted:
            if question.kind is QuestionKind.OWNER_OF_ACCOUNT:
                facts[question] = self._owner(question.account)
        return facts

    def _owner(self, account: str) -> Fact:
        """An account's owner; tags of accounts are written by the organization's administrators alone."""
        now = self._now()
        known = self._owners.get(account)
        if known and now - known[0] < _OWNER_STALE:
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
        name = first_name(tags.get(self._owner_key.lower()), self._read[account].name)
        owner: Fact = Absent() if name == UNKNOWN else Found(owner=Owner(name, "account-owner", Confidence.ACCOUNT))
        self._owners[account] = (now, owner)
        return owner

    def _accounts(self, wanted: list[Question]) -> dict[Question, Fact]:
        now = self._now()
        if len(self._read) > _MOST_KEPT:
            self._read = {account: read for account, read in self._read.items() if self._fresh(account, now)}
        self._look(now)
        accounts = dict.fromkeys(question.account for question in wanted)
        old = [account for account in accounts if not self._fresh(account, now)]
        unread = self._read_list(old, now) if len(old) >= MANY else self._describe(old, now)
        return {question: unread.get(question.account) or self._fact(question.account, now) for question in wanted}

    def _look(self, now: datetime) -> None:
        """Takes over the kept list from time to time; what was read later than the list stays."""
        if self._kept is None or (self._looked is not None and now - self._looked < LOOK_AGAIN):
            return
        self._looked = now
        kept = self._kept.read()
        if kept is not None:
            later = {account: read for account, read in self._read.items() if read.at >= kept.at}
            self._read = {account: _Read(kept.at, name) for account, name in kept.names.items()} | later

    def _fresh(self, account: str, now: datetime) -> bool:
        read = self._read.get(account)
        return read is not None and now - read.at < (READ_AGAIN if read.name is None else STALE)

    def _fact(self, account: str, now: datetime) -> Fact:
        read = self._read[account]
        if read.name is not None:
            return Found()
        return Absent() if read.at == now else _NOT_LISTED_YET

    def _describe(self, accounts: list[str], now: datetime) -> dict[str, Unavailable]:
        """Reads each account. Returns those that can't be read; after the first no other call begins."""
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
            self._read[account] = _Read(now, str(told.get("Name", "")) if is_active(told) else None)

        self._concurrency([partial(read, account) for account in accounts])
        return unread

    def _read_list(self, accounts: list[str], now: datetime) -> dict[str, Unavailable]:
        """Reads all accounts of the organization. Returns those of the given accounts that can't be read."""
        try:
            names = self._list()
        except AWS_ERRORS as error:
            return dict.fromkeys(accounts, _unread(error))
        for account in (*accounts, *names):
            self._read[account] = _Read(now, names.get(account))
        return {}

    def _list(self) -> dict[str, str]:
        pages = self._client.get_paginator("list_accounts").paginate()
        return {
            account["Id"]: str(account.get("Name", ""))
            for page in pages
            for account in page["Accounts"]
            if is_active(account)
        }


def _unread(error: Exception) -> Unavailable:
    judged = judge(failure_of(error), None)
    return Unavailable(judged.outcome, f"the organization's accounts can't be read: {judged.reason}")


class OwnAccount:
    """Answers for an operator, whose own account is known without asking; any other is the organization's to tell.

    Args:
        account: The account of the operator's credentials.
        organization: Tells of the others; without it they are unknown.
    """

    def __init__(self, account: str, organization: OrganizationAccounts | None) -> None:
        self._account = account
        self._organization = organization

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Found for the own account; for others as the organization answers, or Absent."""
        facts: dict[Question, Fact] = {
            question: Found()
            if question.account == self._account and question.kind is QuestionKind.ACCOUNT
            else Absent()
            for question in questions
        }
        others = [question for question, fact in facts.items() if isinstance(fact, Absent)]
        if others and self._organization:
            facts.update(self._organization.find(others))
        return facts


class AccountDetails:
    """Names, addresses and owners of accounts.

    Args:
        client: An Organizations client, as of `OrganizationAccounts`.
        owner_key: The tag of an account that names its owner.
        expired: True once there is no time left for another call.
    """

    def __init__(self, client: Any, owner_key: str = "owner", expired: Callable[[], bool] = lambda: False) -> None:
        self._client = client
        self._owner_key = owner_key.lower()
        self._expired = expired

    def find(self, accounts: Iterable[str]) -> dict[str, Account | Absent | Unavailable]:
        """Each of these accounts. Once one can't be read, the others are not asked for: they would wait as long."""
        found: dict[str, Account | Absent | Unavailable] = {}
        refused: Unavailable | None = None
        for account in dict.fromkeys(accounts):
            found[account] = answer = refused or (NO_TIME if self._expired() else self._describe(account))
            if isinstance(answer, Unavailable):
                refused = answer
        return found

    def _describe(self, account: str) -> Account | Absent | Unavailable:
        try:
            told = self._client.describe_account(AccountId=account)["Account"]
        except AWS_ERRORS as error:
            failure = failure_of(error)
            return Absent() if failure.code == NO_SUCH_ACCOUNT else unavailable(failure)
        return Account(clean(told.get("Name", "")), clean(told.get("Email", "")), self._owner(account))

    def _owner(self, account: str) -> str | Unavailable | None:
        if self._expired():
            return NO_TIME
        try:
            pages = self._client.get_paginator("list_tags_for_resource").paginate(ResourceId=account)
            tags = {tag["Key"].lower(): clean(tag.get("Value", "")) for page in pages for tag in page["Tags"]}
        except AWS_ERRORS as error:
            return unavailable(failure_of(error))
        owner = tags.get(self._owner_key)
        return owner if owner and owner != UNKNOWN else None
