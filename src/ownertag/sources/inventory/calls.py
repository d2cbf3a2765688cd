"""Which calls list what: types that one call lists share it, and what stands in something else comes after that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ownertag.catalogue.lists import CallsEntry, ListEntry
from ownertag.core.arn import partition_of
from ownertag.core.catalogue_types import Catalogue, ResourceType
from ownertag.core.regions import region_of_service
from ownertag.core.tag_parameters import fields_of, filled
from ownertag.core.values import Resource

#: By it the Region is told in which what is the same in all of them is asked.
_ANY_GLOBAL = "iam.amazonaws.com"


class Listed(Struct, frozen=True):
    """A type, and the list that shows it."""

    type: ResourceType
    entry: ListEntry


class ListCall(Struct, frozen=True):
    """A call that lists one or more types.

    Attributes:
        client: The SDK's client.
        operation: The operation.
        listed: The types that it lists.
    """

    client: str
    operation: str
    listed: tuple[Listed, ...]

    @property
    def entry(self) -> ListEntry:
        """How the call is made, which is the same for all of its types."""
        return self.listed[0].entry

    @property
    def types(self) -> tuple[str, ...]:
        """The names of its types."""
        return tuple(one.type.name for one in self.listed)

    def parameters(
        self, account: str, region: str, within: Iterable[Resource]
    ) -> Iterator[tuple[dict[str, Any], Resource | None]]:
        """The parameters of each call that has to be made, with what its answer stands in."""
        calls = [call for call in self.entry.calls or [CallsEntry()] if call.region in {"", region}]
        if not self.entry.within:
            plain = {"account": account, "region": region}
            yield from ((filled(call.parameters, plain), None) for call in calls)
            return
        for resource in within:
            fields = fields_within(resource, account, region)
            yield from ((filled(call.parameters, fields), resource) for call in calls)


def fields_within(resource: Resource, account: str, region: str) -> dict[str, str]:
    """The fields of parameters where a call is made for what stands in a resource."""
    return fields_of(resource, account, region) | {"bare": resource.id.strip("/")}


def calls_of(catalogue: Catalogue, lists: Mapping[str, ListEntry]) -> tuple[ListCall, ...]:
    """All calls; one whose answer another needs comes before it."""
    groups: dict[bytes, list[Listed]] = {}
    for name, type_ in catalogue.types.items():
        entry = lists.get(name)
        if entry is None or entry.none:
            continue
        groups.setdefault(_how(entry, name), []).append(Listed(type_, entry))
    waiting = [ListCall(listed[0].entry.client, listed[0].entry.operation, tuple(listed)) for listed in groups.values()]
    ordered: list[ListCall] = []
    while waiting:
        open_ = {name for call in waiting for name in call.types}
        ready = [call for call in waiting if not _needs(call) & open_] or waiting
        ordered += ready
        waiting = [call for call in waiting if call not in ready]
    return tuple(ordered)


def _how(entry: ListEntry, name: str) -> bytes:
    """What two lists have in common if they are one call."""
    own = name if entry.detail else ""
    same = (entry.client, entry.operation, entry.calls, entry.within, entry.pages, entry.page_size, own)
    return msgspec.json.encode((*same, entry.global_))


def _needs(call: ListCall) -> set[str]:
    return {name for one in call.listed for name in (one.entry.within, *one.entry.by_aws_if_in[:1]) if name}


def is_asked(listed: Listed, region: str) -> bool:
    """Whether a type is listed in this Region: of a global service in its own alone."""
    partition = partition_of(region)
    home = region_of_service(f"{listed.type.service}.amazonaws.com", partition)
    if home is None and listed.entry.global_:
        home = region_of_service(_ANY_GLOBAL, partition)
    return home is None or home == region
