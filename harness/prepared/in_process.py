"""Prepared answers without a network, in the place of `aws.sessions.Sessions`: counts the calls by API and place.

What is listed has the SDK's form, and its pages are as large as the service gives them. An operation of which nothing
is prepared answers that there is nothing. The SDK's own models say which operations have pages.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from botocore import xform_name
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from harness.prepared.organization import KINDS, Organization, PreparedPlace

T = TypeVar("T")

#: Events on a page of LookupEvents, and resources on one of GetResources (API references).
EVENTS, TAGGED = 50, 100
_LISTED = {(kind.client, kind.operation): name for name, kind in KINDS.items()}


class PreparedSessions:
    """Calls in any account and Region of an organization that is only prepared.

    Args:
        organization: What is there.
        seconds: How long a call would take: of an API, in an account and Region.

    Attributes:
        places: All accounts and Regions.
        calls: How often each API (`client:operation`) was called, in each of them.
        spent: The sum of the seconds of all calls.
    """

    def __init__(
        self, organization: Organization, seconds: Callable[[str, PreparedPlace], float] = lambda _api, _place: 0.0
    ) -> None:
        self.organization = organization
        self.spent = 0.0
        self._seconds = seconds
        self.places = list(organization.counts)
        self.calls: dict[str, array[int]] = {}
        self._indexes = {place: index for index, place in enumerate(self.places)}
        self._lock = Lock()

    def call(self, service: str, account: str, region: str, use: Callable[[Any], T]) -> T:
        """Calls `use` with a client."""
        return use(_Client(self, service, (account, region)))

    def count(self, service: str, operation: str, place: PreparedPlace) -> None:
        """Counts a call."""
        api = f"{service}:{operation}"
        with self._lock:
            of_api = self.calls.get(api)
            if of_api is None:
                of_api = self.calls[api] = array("I", bytes(4 * len(self.places)))
            of_api[self._indexes[place]] += 1
            self.spent += self._seconds(api, place)

    def taken(self) -> dict[str, array[int]]:
        """The calls since it was asked last."""
        with self._lock:
            taken, self.calls = self.calls, {}
        return taken


class _Client:
    def __init__(self, sessions: PreparedSessions, service: str, place: PreparedPlace) -> None:
        self._sessions, self._service, self._place = sessions, service, place

    def can_paginate(self, operation: str) -> bool:
        """Whether the SDK has pages of it."""
        return operation in _with_pages(self._service)

    def get_paginator(self, operation: str) -> _Paginator:
        """Its pages."""
        return _Paginator(self, operation)

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        return lambda **given: self.page(operation, given, int(given.pop("NextToken", None) or 0))[0]

    def page(self, operation: str, given: dict[str, Any], number: int) -> tuple[dict[str, Any], bool]:
        """A page of an answer, and whether there is another."""
        self._sessions.count(self._service, operation, self._place)
        if operation == "lookup_events":
            return self._events(given, number)
        if operation == "get_resources":
            return self._tagged(number)
        organization = self._sessions.organization
        name = _LISTED.get((self._service, operation))
        if name is not None:
            kind = KINDS[name]
            start = number * kind.page
            items = [kind.item(one) for one in organization.made(name, self._place, start, start + kind.page)]
            return kind.answer(items), organization.counts[self._place].get(name, 0) > start + kind.page
        if operation == "list_role_tags":
            return {"Tags": next(organization.made("iam:role", self._place)).tags}, False
        return {}, False

    def _events(self, given: dict[str, Any], number: int) -> tuple[dict[str, Any], bool]:
        name = given["LookupAttributes"][0]["AttributeValue"]
        found = self._sessions.organization.records(name, self._place, given["StartTime"], given["EndTime"])
        start, more = number * EVENTS, len(found) > (number + 1) * EVENTS
        token = {"NextToken": str(number + 1)} if more else {}
        return {"Events": found[start : start + EVENTS], **token}, more

    def _tagged(self, number: int) -> tuple[dict[str, Any], bool]:
        """All but roles (`sources.inventory.tagging` names where AWS says that), by type."""
        organization, skip = self._sessions.organization, number * TAGGED
        found: list[dict[str, Any]] = []
        counts = organization.counts[self._place]
        for name, kind in KINDS.items():
            count = counts.get(name, 0)
            if not kind.is_global and skip < count and len(found) < TAGGED:
                wanted = organization.made(name, self._place, skip, skip + TAGGED - len(found))
                found += [{"ResourceARN": one.arn, "Tags": one.tags} for one in wanted]
            skip = max(0, skip - count) if not kind.is_global else skip
        all_of_them = sum(count for name, count in counts.items() if not KINDS[name].is_global)
        return {"ResourceTagMappingList": found}, all_of_them > (number + 1) * TAGGED


class _Paginator:
    def __init__(self, client: _Client, operation: str) -> None:
        self._client, self._operation = client, operation

    def paginate(self, **given: Any) -> Iterator[dict[str, Any]]:
        """The pages, as they are asked for."""
        given.pop("PaginationConfig", None)
        number, more = 0, True
        while more:
            page, more = self._client.page(self._operation, given, number)
            number += 1
            yield page


@cache
def _with_pages(service: str) -> frozenset[str]:
    try:
        model = Loader().load_service_model(service, "paginators-1")
    except DataNotFoundError:
        return frozenset()
    return frozenset(xform_name(name) for name in model["pagination"])
