"""Keeps the list of the organization's accounts in the ledger's table, so that the function's environments share it.

It is one item, of which DynamoDB takes 400 KB (developer guide: quotas): packed, twenty thousand accounts fit.
"""

from __future__ import annotations

import zlib

import msgspec

from ownertag.core.values import AccountList, OutcomeKind, Unavailable
from ownertag.ledger.codec import decoder, json
from ownertag.ledger.dynamodb_client import ConditionFailed, DynamoDBClient
from ownertag.ledger.items import put
from ownertag.ledger.port import LedgerError
from ownertag.ledger.table import key

_AT = key(("accounts",), ("list",))
#: The newest form of a list that can be read.
VERSION = 1
#: What an item takes, less its keys.
_MOST_BYTES = 400_000


class KeptAccounts:
    """The list in a table.

    Args:
        calls: The table's calls.
    """

    def __init__(self, calls: DynamoDBClient) -> None:
        self._calls = calls

    def read(self) -> AccountList | None:
        """The list as it was written last; None where there is none, or it can't be read."""
        try:
            item = self._calls.get([_AT]).get(_AT)
            if item is None:
                return None
            found: AccountList = decoder(AccountList).decode(zlib.decompress(item["body"]["B"]))
        except (LedgerError, zlib.error, msgspec.DecodeError):
            return None
        return found if found.version <= VERSION else None

    def keep(self, accounts: AccountList) -> Unavailable | None:
        """Writes this list instead. Returns why that failed, or None."""
        packed = zlib.compress(json(accounts).encode())
        if len(packed) > _MOST_BYTES:
            return Unavailable(OutcomeKind.FAILED, f"the list of {len(accounts.names):,} accounts is too long to keep")
        try:
            self._calls.write({_AT: put(_AT, {"body": {"B": packed}})}, {})
        except ConditionFailed:  # another environment writes it at the same time, and its list is as new
            return None
        except LedgerError as error:
            return Unavailable(error.outcome, str(error))
        return None
