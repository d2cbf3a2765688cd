"""What is known of one account and Region while its lists are read."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ownertag.core.backfill.found import FoundResource, Unlisted
from ownertag.core.values import Resource, Unavailable
from ownertag.sources.inventory.calls import Listed
from ownertag.sources.inventory.reading import found_resource, is_gone, resource_of, search


class InventoryProgress:
    """How far the lists of an account and Region are read.

    Attributes:
        account: The account.
        region: The Region.
        there: The resources that were listed and that AWS did not make by itself, by type.
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
        self._made_by_aws: dict[str, set[str]] = {}
        self._seen: set[str] = set()

    def is_new(self, resource: Resource) -> bool:
        """Whether a resource was not told yet; from now on it was."""
        if resource.arn in self._seen:
            return False
        self._seen.add(resource.arn)
        return True

    def take(self, listed: Listed, item: Any, parent: Resource | None, found: list[FoundResource]) -> None:
        """Puts what an item names into `found`, if it is the account's and was not told yet."""
        resource = resource_of(listed, item, self.account, self.region, parent)
        if resource is None or is_gone(listed.entry, item):
            return
        by_aws = self._by_aws(listed, item)
        if by_aws is None or not self.is_new(resource):
            return
        one = found_resource(listed, item, resource, self.account, self.region)
        if by_aws:
            self._made_by_aws.setdefault(resource.type, set()).add(resource.id)
            found.append(replace(one, by_aws=True))
        else:
            self.there.setdefault(resource.type, []).append(resource)
            found.append(one)

    def _by_aws(self, listed: Listed, item: Any) -> bool | None:
        """Whether AWS made it by itself; None where that is not known: then its list is told as unread."""
        entry = listed.entry
        if not entry.by_aws or not search(entry.by_aws, item):
            return False
        if not entry.by_aws_if_in:
            return True
        name, path = entry.by_aws_if_in
        if search(path, item) in self._made_by_aws.get(name, ()):
            return True
        return None if name in self.why else False

    def unlisted(self, types: tuple[str, ...], why: Unavailable) -> Unlisted:
        """What is told of types that were not listed to their end."""
        self.why |= dict.fromkeys(types, why)
        return Unlisted(self.account, self.region, types, why, lasting=self.lasting.issuperset(types))
