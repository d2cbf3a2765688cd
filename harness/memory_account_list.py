"""The list of accounts that the function's environments share: a fake in the place of the ledger's table."""

from __future__ import annotations

from collections.abc import Callable

from ownertag.core.values import AccountList


class MemoryAccountList:
    """A list of accounts in memory.

    Args:
        look: Takes as long as a look at the table does.
    """

    def __init__(self, look: Callable[[], object] = lambda: None) -> None:
        self._look = look
        self._list: AccountList | None = None

    def read(self) -> AccountList | None:
        """Returns the list as it was kept last."""
        self._look()
        return self._list

    def keep(self, accounts: AccountList) -> None:
        """Keeps this list."""
        self._list = accounts
