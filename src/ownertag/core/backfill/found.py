"""A resource as AWS lists it, and how its owner tag stands beside the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from ownertag.core.ownership import ResourceKey
from ownertag.core.settings import Settings
from ownertag.core.values import Resource, TagPairs, Unavailable

#: Types whose service tells another time than that of the creation. S3 tells when the bucket was made or last changed
#: (S3 API reference, ListBuckets: "can change when making changes to your bucket, such as editing its bucket policy").
OTHER_TIMES = frozenset({"s3:bucket"})


class FoundResource(Struct, frozen=True):
    """A resource that is there.

    Attributes:
        region: Where its creation is recorded: of a global service its one Region.
        tags: What it carries; None where they were not told.
        made_at: When it was made by the service's own word (UTC), None where it has none.
        made_by: The ARN of who made it, where the service says that (a launch template's `CreatedBy`); else empty.
        by_aws: Nobody in the account made it, such as a default VPC: where the ledger does not know it, it is nobody's.
    """

    account: str
    region: str
    resource: Resource
    tags: Mapping[str, str] | None = None
    made_at: datetime | None = None
    made_by: str = ""
    by_aws: bool = False

    @property
    def key(self) -> ResourceKey:
        """Its key in the ledger."""
        return ResourceKey(self.account, self.region, self.resource.arn)

    @property
    def born_at(self) -> datetime | None:
        """`made_at`, where that is the time of the creation and of nothing later."""
        return None if self.resource.type in OTHER_TIMES else self.made_at


class Unlisted(Struct, frozen=True):
    """What could not be listed in an account and Region, so that nothing is known of it: never "none there".

    Attributes:
        types: The types that the list would have shown; empty: all of the place.
        lasting: It will be the same next time: AWS has no such list, or the service is not in the Region.
    """

    account: str
    region: str
    types: tuple[str, ...]
    why: Unavailable
    lasting: bool = False


class State(StrEnum):
    """How a resource's owner tag stands beside the ledger."""

    RIGHT = "right"
    UNTAGGED = "untagged"
    #: The ledger knows the resource, and its owner tag has another value: somebody wrote it who is not us.
    DIFFERS = "differs"
    #: It has an owner tag, and the ledger does not know the resource: nobody knows who wrote it.
    UNKNOWN_OWNER = "unknown-owner"
    #: AWS made it by itself, and the ledger does not know it: it needs no owner.
    BY_AWS = "by-aws"
    #: Its tags could not be read.
    UNREAD = "unread"


def state_of(found: FoundResource, ours: TagPairs | None, settings: Settings) -> State:
    """How its owner tag stands.

    Args:
        found: The resource.
        ours: The tags that the ledger has for it; None where it does not know it.
        settings: Which keys hold the owner's name.
    """
    if found.by_aws and ours is None:
        return State.BY_AWS
    if found.tags is None:
        return State.UNREAD
    carried = {key: found.tags.get(key) for key in settings.owner_keys}
    if any(value is None for value in carried.values()):
        return State.UNTAGGED
    if ours is None:
        return State.UNKNOWN_OWNER
    wanted = dict(ours)
    return State.RIGHT if all(wanted.get(key) == value for key, value in carried.items()) else State.DIFFERS
