"""Which accounts are the organization's: the list in AWS Organizations, read at most once a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.identity import UNKNOWN, named
from ownertag.core.judge import judge
from ownertag.core.rows import QuestionKind
from ownertag.core.values import Absent, Confidence, Fact, Found, OutcomeKind, Owner, Question, Unavailable

#: An unknown account may be a new one: the list is read again, but not for each of its messages. Until then it can't
#: be said that the account is not there.
READ_AGAIN = timedelta(seconds=60)
#: An account that was closed leaves the list.
STALE = timedelta(minutes=5)

_NOT_LISTED_YET = Unavailable(
    OutcomeKind.NOT_READY, "the account is not in the list of accounts, which is read again within a minute"
)


class Organization:
    """Answers whether an account is an active one of the organization, and whose it is.

    Args:
        client: An Organizations client of the management account or of a delegated administrator.
        now: Gives the time, with a time zone.
        owner_key: The tag of an account that names its owner.
    """

    def __init__(self, client: Any, now: Callable[[], datetime], owner_key: str = "owner") -> None:
        self._client = client
        self._now = now
        self._owner_key = owner_key
        self._active: dict[str, str] = {}
        self._read_at: datetime | None = None
        self._owners: dict[str, tuple[datetime, Fact]] = {}

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Found for an active account, Absent for one that a list read just now lacks, Unavailable otherwise.

        A list that can't be read again still answers for the accounts on it, until it is stale.
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
        name = named(tags.get(self._owner_key.lower()), self._active.get(account))
        owner: Fact = Absent() if name == UNKNOWN else Found(owner=Owner(name, "account-owner", Confidence.ACCOUNT))
        self._owners[account] = (now, owner)
        return owner

    def _accounts(self, wanted: list[Question]) -> dict[Question, Fact]:
        now = self._now()
        age = now - self._read_at if self._read_at else None
        unknown = any(question.account not in self._active for question in wanted)
        if age is None or age >= STALE or (unknown and age >= READ_AGAIN):
            try:
                pages = self._client.get_paginator("list_accounts").paginate()
                self._active = {
                    account["Id"]: account.get("Name", "")
                    for page in pages
                    for account in page["Accounts"]
                    if account["Status"] == "ACTIVE"
                }
                self._read_at = now
            except AWS_ERRORS as error:
                judged = judge(failure_of(error), None)
                reason = f"the organization's accounts can't be read: {judged.reason}"
                known = self._active if age is not None and age < STALE else {}
                unread = Unavailable(judged.outcome, reason)
                return {question: Found() if question.account in known else unread for question in wanted}
        lacking: Fact = Absent() if self._read_at == now else _NOT_LISTED_YET
        return {question: Found() if question.account in self._active else lacking for question in wanted}


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
