"""The owner tags that resources carry now, of any service, in bulk.

Source: Resource Groups Tagging API reference, GetResources (at most 100 ARNs a call; what has never had a tag is left
out); Service Authorization Reference (ARNs of EC2's snapshots and images name no account; whether this API's do is not
said, so both are asked for); EC2 Auto Scaling API reference, DescribeAutoScalingGroups (at most 50 names a call, and
groups are not in the other's answers: memory).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from ownertag.aws.sessions import Sessions
from ownertag.core.arn import without_account
from ownertag.core.judge import unavailable
from ownertag.core.owner.principal import UNKNOWN, clean
from ownertag.core.parents import Parent
from ownertag.core.settings import Settings
from ownertag.core.values import Failure, Unavailable

MAX_ARNS = 100
MAX_GROUPS = 50


class Tagged(Struct, frozen=True):
    """What a resource's tags say: the owner, if any; and since when it is there, where that is told."""

    owner: str | None
    created_at: datetime | None = None


class OwnerTags:
    """Reads the tag that holds nothing but the owner.

    Args:
        sessions: Where the clients come from.
        settings: Which tag that is.
    """

    def __init__(self, sessions: Sessions, settings: Settings) -> None:
        self._sessions = sessions
        self._key = settings.owner_key

    def find(self, account: str, region: str, parents: Iterable[Parent]) -> dict[Parent, Tagged | Unavailable]:
        """The tags of resources of one account and Region. What can't be asked for by its ARN is left out."""
        found: dict[Parent, Tagged | Unavailable] = {}
        groups = [parent for parent in parents if parent.kind.name == "auto-scaling-group"]
        for chunk in _chunks(groups, MAX_GROUPS):
            found |= self._groups(account, region, chunk)
        others = [parent for parent in parents if "*" not in parent.arn] if self._key else []
        for forms in (1, 2):
            for chunk in _chunks([parent for parent in others if len(_arns(parent)) == forms], MAX_ARNS // forms):
                found |= self._resources(account, region, chunk)
        return found

    def _groups(self, account: str, region: str, chunk: list[Parent]) -> dict[Parent, Tagged | Unavailable]:
        def use(client: Any) -> list[Any]:
            pages = client.get_paginator("describe_auto_scaling_groups").paginate(
                AutoScalingGroupNames=[parent.id for parent in chunk]
            )
            return [group for page in pages for group in page["AutoScalingGroups"]]

        groups = self._sessions.call("autoscaling", account, region, use)
        if isinstance(groups, Failure):
            return dict.fromkeys(chunk, unavailable(groups, region))
        by_name = {group["AutoScalingGroupName"]: group for group in groups}
        found: dict[Parent, Tagged | Unavailable] = {}
        for parent in chunk:
            group = by_name.get(parent.id)
            if group:
                tags = {tag["Key"]: tag.get("Value", "") for tag in group.get("Tags", ())}
                found[parent] = Tagged(self._owner(tags), group.get("CreatedTime"))
        return found

    def _resources(self, account: str, region: str, chunk: list[Parent]) -> dict[Parent, Tagged | Unavailable]:
        def use(client: Any) -> list[Any]:
            arns = [arn for parent in chunk for arn in _arns(parent)]
            pages = client.get_paginator("get_resources").paginate(ResourceARNList=arns)
            return [found for page in pages for found in page["ResourceTagMappingList"]]

        resources = self._sessions.call("resourcegroupstaggingapi", account, region, use)
        if isinstance(resources, Failure):
            return dict.fromkeys(chunk, unavailable(resources, region))
        by_arn = {
            resource["ResourceARN"]: {tag["Key"]: tag.get("Value", "") for tag in resource.get("Tags", ())}
            for resource in resources
        }
        return {parent: Tagged(self._owner(by_arn[arn])) for parent in chunk for arn in _arns(parent) if arn in by_arn}

    def _owner(self, tags: Mapping[str, str]) -> str | None:
        name = clean(tags.get(self._key or "", ""))
        return name if name and name != UNKNOWN else None


def _arns(parent: Parent) -> tuple[str, ...]:
    if parent.kind.name not in {"image", "snapshot"}:
        return (parent.arn,)
    return parent.arn, without_account(parent.arn)


def _chunks(items: list[Parent], size: int) -> Iterable[list[Parent]]:
    return (items[start : start + size] for start in range(0, len(items), size))
