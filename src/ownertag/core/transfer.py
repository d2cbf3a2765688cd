"""A transfer of a resource by hand: the order, its resource, and the new tags."""

from __future__ import annotations

from msgspec import Struct

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.owner.principal import clean
from ownertag.core.recognize import recognize, type_of_id
from ownertag.core.record_ids import resource_at
from ownertag.core.records import ACCOUNT, REGION, Record
from ownertag.core.settings import Settings
from ownertag.core.tags import MAX_VALUE, fit, tags_for
from ownertag.core.values import Confidence, Owner, Resource, TagPairs

#: The evidence of an owner that was named by hand.
EVIDENCE = "transfer"
MAX_REASON = 1024


class TransferOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """That a resource is to be given to somebody. `id` makes a repeat of the same order the same.

    `resource` is an id or an ARN; `by` is who orders it, as the caller says: the function can't know.
    """

    id: str
    resource: str
    to: str
    by: str
    reason: str


class TransferTarget(Struct, frozen=True):
    """A resource, where it is."""

    account: str
    region: str
    resource: Resource


def order_problem(order: TransferOrder) -> str | None:
    """What is wrong with an order, and what would be right; None if nothing is wrong."""
    if not order.id or len(order.id) > 64:
        return "the order has no id of 1 to 64 characters"
    if not clean(order.to) or clean(order.to) != order.to or len(order.to) > MAX_VALUE:
        return f"{order.to[:64]!a} is no name: write a person or team with at most {MAX_VALUE} characters"
    if not clean(order.reason) or len(order.reason) > MAX_REASON:
        return f"there is no reason: write one, with at most {MAX_REASON} characters"
    if not clean(order.by):
        return "it is not said who orders it"
    return None


def target_of_arn(arn: str, catalogue: Catalogue, account: str = "", region: str = "") -> TransferTarget | None:
    """The resource of an ARN, if the catalogue has its type; the ARN is built again, not taken over.

    Args:
        arn: The ARN.
        catalogue: The types.
        account: Where the resource is, if its ARN does not say it (a bucket).
        region: The same.
    """
    found = recognize(arn, catalogue)
    if found is None:
        return None
    account, region = found.account or account, found.region or region
    if not REGION.fullmatch(region) or not ACCOUNT.fullmatch(account):
        return None
    return TransferTarget(account, region, found.resource)


def arn_of_id(id_: str, account: str, region: str, catalogue: Catalogue, of: str = "") -> str:
    """The ARN of an id in an account and Region; the id itself, if nothing tells its type. `of` as for `type_of_id`."""
    kind = type_of_id(id_, catalogue, of)
    return resource_at(kind, id_, account, region).arn if kind else id_


def ordered_owner(order: TransferOrder) -> Owner:
    """The owner that an order names: what a person said, by hand."""
    return Owner(order.to, EVIDENCE, Confidence.ASSERTED, (f"by {clean(order.by)}: {clean(order.reason)}",))


def new_tags(order: TransferOrder, before: TagPairs, made: Record | None, settings: Settings) -> TagPairs:
    """The tags after an order: those of the creation with the new owner.

    Where nothing is known of the creation, only what tells the owner's name alone is written; the rest stays as it is.
    """
    owner = ordered_owner(order)
    if made is not None:
        return tags_for(owner, made, settings)
    written = {
        key: fit("".join(owner.name if part == "owner" and index % 2 else part for index, part in enumerate(parts)))
        for key, parts in settings.templates
        if set(parts[1::2]) == {"owner"}
    }
    return tuple({**dict(before), **written}.items())
