"""An item of a list, taken for a resource: its ARN in the ledger's form, its tags, when and by whom it was made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jmespath

from ownertag.aws.times import read_time
from ownertag.catalogue.lists import ListEntry
from ownertag.core.arn import arn_before_id, is_arn, parse_arn, take_apart
from ownertag.core.backfill.found import FoundResource
from ownertag.core.catalogue_types import ResourceType
from ownertag.core.values import Resource
from ownertag.sources.inventory.calls import Listed


def search(path: str, node: Any) -> Any:
    """What stands at a path; None where nothing does."""
    if path == "@":
        return node
    if path.isidentifier():
        return node.get(path) if isinstance(node, Mapping) else None
    return _compiled(path).search(node)


@lru_cache(maxsize=4096)
def _compiled(path: str) -> Any:
    return jmespath.compile(path)


def items_of(entry: ListEntry, page: Any) -> list[Any]:
    """The items of a page."""
    found = search(entry.items, page)
    return found if isinstance(found, list) else []


def is_gone(entry: ListEntry, item: Any) -> bool:
    """Whether an item is shown though it is there no more."""
    return any(search(path, item) in values for path, values in entry.gone.items())


def resource_of(listed: Listed, item: Any, account: str, region: str, parent: Resource | None) -> Resource | None:
    """What an item names; None where that is of another type, account or Region."""
    entry, type_ = listed.entry, listed.type
    if entry.owner:
        owner = search(entry.owner, item)
        if owner and owner != account:
            return None
    arn = search(entry.arn, item) if entry.arn else None
    if isinstance(arn, str) and is_arn(arn):
        taken = take_apart(arn, type_.arn, type_.id_form)
        if taken is None or taken.account not in {None, account} or taken.region not in {None, region}:
            return None
        return named(type_, taken.id, account, region)
    id_ = search(entry.id, item) if entry.id else None
    if not isinstance(id_, str):
        return None
    if entry.strip == "*/":
        id_ = id_.rpartition("/")[2]
    elif entry.strip:
        id_ = id_.removeprefix(entry.strip)
    if entry.form:
        id_ = entry.form.format(id=id_, parent=parent.id if parent else "")
    return named(type_, id_, account, region) if type_.id.fullmatch(id_) else None


def named(type_: ResourceType, id_: str, account: str, region: str) -> Resource:
    """A resource by its id, with the ARN as the ledger writes it."""
    return Resource(arn_before_id(type_.arn, region, account) + id_, id_, type_.name)


def found_resource(listed: Listed, item: Any, resource: Resource, account: str, region: str) -> FoundResource:
    """The resource with all that its item says of it; `tags` are None where the list does not tell them."""
    entry = listed.entry
    return FoundResource(
        account,
        region,
        resource,
        told_tags(entry, item),
        time_of(search(entry.made_at, item)) if entry.made_at else None,
        _principal(search(entry.made_by, item)) if entry.made_by else "",
    )


def told_tags(entry: ListEntry, item: Any) -> Mapping[str, str] | None:
    """The tags that an item tells; None where it tells none and may have some."""
    if not entry.tags:
        return None
    found = search(entry.tags, item)
    if found is None:
        return {} if entry.none_untold else None
    if isinstance(found, Mapping):
        return {str(key): str(value or "") for key, value in found.items()}
    return {tag[entry.tag_key]: tag.get(entry.tag_value) or "" for tag in found if tag and entry.tag_key in tag}


def time_of(value: Any) -> datetime | None:
    """A time as a service writes it: the SDK's, a text, or seconds or milliseconds since 1970 (CloudWatch Logs)."""
    if isinstance(value, bool) or value in (None, ""):
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
        time = value if isinstance(value, datetime) else read_time(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


#: More seconds than this are milliseconds: it is the year 5138.
_MILLISECONDS = 1e11


def _principal(value: Any) -> str:
    """The ARN of who made it; empty where the service writes something else there, such as a name or a service."""
    return value if isinstance(value, str) and parse_arn(value) else ""
