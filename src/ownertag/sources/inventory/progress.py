"""What is known of one account and Region while its lists are read."""

from __future__ import annotations

from typing import Any

from ownertag.core.backfill.found import FoundResource, Unlisted
from ownertag.core.values import Resource, Unavailable
from ownertag.sources.inventory.calls import Listed
from ownertag.sources.inventory.reading import found_resource, is_gone, resource_of, search


class InventoryProgress:
    """How far the lists of an account and Region are read.

    Attributes:
        account: The account.
        region: The Region.
        there: The resources that were listed, by type.
        why: Why a type was not listed to its end.
        lasting: The types whose service is not in the Region.
        throttled: The clients that AWS throttles: each further call would only wait, at the cost of others.
    """

    def __init__(self, account: str, region: str) -> None:
        self.account = account
        self.region = region
        self.there: dict[str, list[Resource]] = {}
        self.why: dict[str, Unavailable] = {}
        self.lasting: set[str] = set()
        self.throttled: dict[str, Unavailable] = {}
        self._skipped: dict[str, set[str]] = {}
        self._seen: set[str] = set()

    def is_new(self, resource: Resource) -> bool:
        """Whether a resource was not told yet; from now on it was."""
        if resource.arn in self._seen:
            return False
        self._seen.add(resource.arn)
        return True

    def take(self, listed: Listed, item: Any, parent: Resource | None, found: list[FoundResource]) -> None:
        """Puts what an item names into `found`, if it is the account's, somebody made it, and it was not told yet."""
        resource = resource_of(listed, item, self.account, self.region, parent)
        if resource is None or is_gone(listed.entry, item):
            return
        if self._is_skipped(listed, item):
            self._skipped.setdefault(resource.type, set()).add(resource.id)
            return
        if self.is_new(resource):
            self.there.setdefault(resource.type, []).append(resource)
            found.append(found_resource(listed, item, resource, self.account, self.region))

    def _is_skipped(self, listed: Listed, item: Any) -> bool:
        entry = listed.entry
        if not entry.skip or not search(entry.skip, item):
            return False
        if not entry.skip_if_in:
            return True
        name, path = entry.skip_if_in
        # Where that is not known, it may have been made by nobody: its list is told as unread.
        return name in self.why or search(path, item) in self._skipped.get(name, ())

    def unlisted(self, types: tuple[str, ...], why: Unavailable) -> Unlisted:
        """What is told of types that were not listed to their end."""
        self.why |= dict.fromkeys(types, why)
        return Unlisted(self.account, self.region, types, why, lasting=self.lasting.issuperset(types))
