"""AWS Organizations: which accounts are observed, by the settings and by the units that they are in.

Source: AWS Organizations API reference, ListParents ("either the root or an organizational unit"; each account and unit
has one parent), ListAccountsForParent and ListOrganizationalUnitsForParent (which list what is directly below). Units
are nested five deep at most (user guide, quotas).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.judge import judge
from ownertag.core.settings import ObserveSettings
from ownertag.core.values import OutcomeKind, Unavailable
from ownertag.sources.organization import LOOK_AGAIN, STALE, KeptList

#: After a failure Organizations is left alone for so long, whatever account is asked about.
FAILED_FOR = timedelta(seconds=15)
_MOST_PARENTS = 8


class ObservedAccounts:
    """Says of an account whether it is observed. Threads may share it.

    What is not known is neither taken for observed nor for not observed. An account that was moved to or from an
    observed unit counts as moved once the kept list has it, a quarter of an hour later at most.

    Args:
        client: An Organizations client, as of `OrganizationAccounts`.
        observe: The units and accounts of the settings.
        now: Gives the time, with a time zone.
        kept: The list of accounts that the schedule keeps, where there is one.
    """

    def __init__(
        self, client: Any, observe: ObserveSettings, now: Callable[[], datetime], kept: KeptList | None = None
    ) -> None:
        self._client = client
        self._observe = observe
        self._accounts = frozenset(observe.accounts)
        self._units = frozenset(observe.units)
        self._now = now
        self._kept = kept
        self._looked: datetime | None = None
        self._read: dict[str, tuple[datetime, bool]] = {}
        self._parents: dict[str, tuple[datetime, str]] = {}
        self._failed: tuple[datetime, Unavailable] | None = None
        self._one_at_a_time = Lock()

    def is_observed(self, account: str) -> bool | Unavailable:
        """Whether an account of the organization is observed, or why that is not known."""
        if self._observe.everything or account in self._accounts:
            return True
        if not self._units:
            return False
        with self._one_at_a_time:  # who comes while another looks would find nothing yet, and ask for nothing
            return self._of_units(account)

    def _of_units(self, account: str) -> bool | Unavailable:
        now = self._now()
        self._look(now)
        known = self._read.get(account)
        if known is not None and now - known[0] < STALE:
            return known[1]
        if self._failed is not None and now - self._failed[0] < FAILED_FOR:
            return self._failed[1]
        found = self._ask(account, now)
        if isinstance(found, Unavailable):
            self._failed = now, found
        else:
            self._read[account] = now, found
        return found

    def members(self) -> tuple[str, ...] | Unavailable:
        """All accounts below the observed units, closed ones as well; or why they can't be read."""
        try:
            return () if self._observe.everything else tuple(sorted(accounts_below(self._client, self._units)))
        except AWS_ERRORS as error:
            return _unread(error)

    def _look(self, now: datetime) -> None:
        """Takes over the kept list from time to time, where it was read by the same units."""
        if self._kept is None or (self._looked is not None and now - self._looked < LOOK_AGAIN):
            return
        self._looked = now
        kept = self._kept.read()
        if kept is not None and self._units <= {*kept.units}:
            observed = frozenset(kept.observed)
            later = {account: read for account, read in self._read.items() if read[0] >= kept.at}
            self._read = {account: (kept.at, account in observed) for account in kept.names} | later

    def _ask(self, account: str, now: datetime) -> bool | Unavailable:
        """Follows the parents of an account up to an observed unit or the root."""
        child = account
        try:
            for _ in range(_MOST_PARENTS):
                parent = self._parent(child, now)
                if parent in self._units:
                    return True
                if parent.startswith("r-"):
                    return False
                child = parent
        except AWS_ERRORS as error:
            return _unread(error)
        return Unavailable(OutcomeKind.FAILED, f"account {account} has more units above it than AWS allows")

    def _parent(self, child: str, now: datetime) -> str:
        """The parent of an account or unit; a unit's is remembered, since many accounts are below it."""
        known = self._parents.get(child)
        if known is not None and now - known[0] < LOOK_AGAIN:
            return known[1]
        parent = str(self._client.list_parents(ChildId=child)["Parents"][0]["Id"])
        if child.startswith("ou-"):
            self._parents[child] = now, parent
        return parent


def accounts_below(client: Any, units: Iterable[str]) -> set[str]:
    """The accounts in these units and in all units below."""
    found: set[str] = set()
    left = [*units]
    seen = {*left}
    while left:
        parent = left.pop()
        for page in client.get_paginator("list_accounts_for_parent").paginate(ParentId=parent):
            found.update(account["Id"] for account in page["Accounts"])
        for page in client.get_paginator("list_organizational_units_for_parent").paginate(ParentId=parent):
            below = [unit["Id"] for unit in page["OrganizationalUnits"] if unit["Id"] not in seen]
            seen.update(below)
            left += below
    return found


def _unread(error: Exception) -> Unavailable:
    judged = judge(failure_of(error), None)
    return Unavailable(judged.outcome, f"the organization's units can't be read: {judged.reason}")
