"""Tags of all services in bulk: the Resource Groups Tagging API's GetResources, 100 resources a page.

It shows what is tagged or once was (API reference, GetResources), and all types of resources but IAM's users and roles
and Auto Scaling groups ("Services that support the Resource Groups Tagging API"): what it does not show has no tags. It
shows `aws:` tags too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ownertag.aws.sessions import Sessions
from ownertag.core.backfill.found import FoundResource
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.judge import NO_TIME, unavailable
from ownertag.core.recognize import recognize
from ownertag.core.values import Failure, Unavailable

CLIENT = "resourcegroupstaggingapi"
_PAGE = 100


def tagged_resources(
    sessions: Sessions, catalogue: Catalogue, account: str, region: str, expired: Callable[[], bool]
) -> dict[str, FoundResource] | Unavailable:
    """All resources of the catalogue's types that it shows, by ARN; unavailable where not all pages can be read."""
    found: dict[str, FoundResource] = {}

    def use(client: Any) -> Unavailable | None:
        found.clear()
        pages = client.get_paginator("get_resources").paginate(PaginationConfig={"PageSize": _PAGE})
        for page in pages:
            found.update((one.resource.arn, one) for one in _recognized(page, catalogue, account, region))
            if expired():
                return NO_TIME
        return None

    if expired():
        return NO_TIME
    stopped = sessions.call(CLIENT, account, region, use)
    if isinstance(stopped, Failure):
        return unavailable(stopped, region)
    return stopped or found


def _recognized(page: Any, catalogue: Catalogue, account: str, region: str) -> Iterator[FoundResource]:
    for mapping in page.get("ResourceTagMappingList", ()):
        known = recognize(mapping["ResourceARN"], catalogue)
        if known is None or known.account not in {"", account} or known.region not in {"", region}:
            continue
        tags = {tag["Key"]: tag.get("Value") or "" for tag in mapping.get("Tags", ())}
        yield FoundResource(account, region, known.resource, tags)
