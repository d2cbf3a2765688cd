"""What an account is called and whom to ask about it: AWS Organizations, DescribeAccount and the account's own tags.

Source: AWS Organizations API reference. DescribeAccount is for the management account, a delegated administrator, or
whom the resource policy lets; `Email` is the address of the account's root user. Alternate contacts are another
service's (Account Management) and are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.identity import UNKNOWN, clean
from ownertag.core.judge import NO_TIME, unavailable
from ownertag.core.values import Absent, Account, Unavailable
from ownertag.sources.organization import NO_SUCH_ACCOUNT


class Accounts:
    """Names, addresses and owners of accounts.

    Args:
        client: An Organizations client, as of `Organization`.
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
