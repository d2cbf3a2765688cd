"""The list of accounts that the function's environments share, in the place of the ledger's table."""

from __future__ import annotations

from collections.abc import Callable

from ownertag.core.values import AccountList


class MemoryAccountList:
    """The list as it was kept last.

    Args:
        look: Takes as long as a look at the table does.
    """

    def __init__(self, look: Callable[[], object] = lambda: None) -> None:
        self._look = look
        self._list: AccountList | None = None

    def read(self) -> AccountList | None:
        """Look at it."""
        self._look()
        return self._list

    def keep(self, accounts: AccountList) -> None:
        """Keep this one."""
        self._list = accounts
