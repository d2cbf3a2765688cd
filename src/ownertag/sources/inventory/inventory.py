"""All resources of the catalogue's types in an account and Region, by the lists of their services.

What can't be listed to its end is told as `Unlisted`, beside what was read of it. What one list shows is told once,
also where another shows it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from botocore import xform_name
from msgspec.structs import replace

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.aws.sessions import Sessions
from ownertag.catalogue.lists import ListEntry, shipped_lists
from ownertag.core.backfill.found import FoundResource, Unlisted
from ownertag.core.catalogue_types import Catalogue, QuestionKind
from ownertag.core.judge import NO_TIME, is_without_endpoint, judge, unavailable
from ownertag.core.tag_parameters import filled
from ownertag.core.values import YOUNG, Absent, Failure, Found, OutcomeKind, Question, Resource, Unavailable
from ownertag.sources.inventory.calls import ListCall, Listed, calls_of, fields_within, is_asked
from ownertag.sources.inventory.progress import InventoryProgress
from ownertag.sources.inventory.reading import items_of, search
from ownertag.sources.inventory.tagging import tagged_resources
from ownertag.sources.tags_of_resources import TagsOfResources

NO_LIST = Unavailable(OutcomeKind.FAILED, "no call lists them: only what has tags is shown")
_SAME_TOKEN = Unavailable(OutcomeKind.FAILED, "the answer gave the same token for the next page twice")
#: What was listed a moment ago, and is not found, is gone: it is no younger than this.
_OLD = YOUNG + timedelta(seconds=1)


class AwsInventory:
    """Lists what is there, in any account and Region.

    Args:
        sessions: Where the clients come from, of a role that may list: the audit role.
        catalogue: The types.
        expired: True once there is no time left for another call.
        lists: The list of each type; those that are shipped where they are left out.
    """

    def __init__(
        self,
        sessions: Sessions,
        catalogue: Catalogue,
        expired: Callable[[], bool] = lambda: False,
        lists: Mapping[str, ListEntry] | None = None,
    ) -> None:
        self._sessions = sessions
        self._catalogue = catalogue
        self._expired = expired
        self._lists = shipped_lists() if lists is None else lists
        self._calls = calls_of(catalogue, self._lists)
        self._tags = TagsOfResources(sessions, catalogue, expired)

    def resources(self, account: str, region: str) -> Iterator[FoundResource | Unlisted]:
        """All resources of the catalogue's types there, each once; and each list that could not be read to its end.

        What has no Region is listed with the one in which its service records. Types that no call lists are told as
        unlisted too, with those of them that the Tagging API shows.
        """
        place = InventoryProgress(account, region)
        waiting: list[FoundResource] = []
        for call in self._calls:
            for found in self._listed(call, place):
                if isinstance(found, FoundResource) and found.tags is None and not found.by_aws:
                    waiting.append(found)
                else:
                    yield found
        yield from self._with_tags(waiting, place)

    # --- lists

    def _listed(self, call: ListCall, place: InventoryProgress) -> Iterator[FoundResource | Unlisted]:
        asked = tuple(one for one in call.listed if is_asked(one, place.region))
        if not asked:
            return
        needed = (call.entry.within, *call.entry.by_aws_if_in[:1])
        why = place.throttled.get(call.client)
        found: list[FoundResource] = []
        if why is None:
            within = place.there.get(call.entry.within, ())
            for parameters, parent in call.parameters(place.account, place.region, within):
                if why := self._read(call, asked, parameters, parent, place, found):
                    break
        why = why or next((place.why[name] for name in needed if name in place.why), None)
        yield from found
        if why is not None:
            if why.outcome is OutcomeKind.THROTTLED:
                place.throttled[call.client] = why
            yield place.unlisted(tuple(one.type.name for one in asked), why)

    def _read(
        self,
        call: ListCall,
        asked: tuple[Listed, ...],
        parameters: dict[str, Any],
        parent: Resource | None,
        place: InventoryProgress,
        found: list[FoundResource],
    ) -> Unavailable | None:
        """Reads all pages of one call, and puts what they show into `found`; returns why not all of it was read."""

        def use(client: Any) -> Unavailable | None:
            unread: Unavailable | None = None
            for page in _pages(client, call.entry, parameters, self._expired):
                if isinstance(page, Unavailable):
                    return page
                for one in asked:
                    for item in items_of(one.entry, page):
                        whole = self._whole(client, one.entry, item, parent, place)
                        if isinstance(whole, Unavailable):
                            unread = whole
                        elif whole is not None:
                            place.take(one, whole, parent, found)
            return unread

        answer = self._sessions.call(call.client, place.account, place.region, use)
        if not isinstance(answer, Failure):
            return answer
        if parent is not None and judge(answer, _OLD).outcome is OutcomeKind.GONE:
            return None  # what it stands in was deleted meanwhile
        if is_without_endpoint(answer):
            place.lasting.update(call.types)
        return unavailable(answer, place.region)

    def _whole(
        self, client: Any, entry: ListEntry, item: Any, parent: Resource | None, place: InventoryProgress
    ) -> Any:
        """The item, or what takes its place; None where it is gone meanwhile, `Unavailable` where it can't be read."""
        detail = entry.detail
        if detail is None:
            return item
        if self._expired():
            return NO_TIME
        fields = fields_within(parent, place.account, place.region) if parent else {}
        parameters = filled(detail.parameters, fields) | {detail.parameter: search(detail.value, item)}
        try:
            answer = getattr(client, xform_name(detail.operation))(**parameters)
        except AWS_ERRORS as error:
            failure = failure_of(error)
            outcome = judge(failure, _OLD).outcome
            if outcome is OutcomeKind.GONE:
                return None
            if outcome is OutcomeKind.THROTTLED:  # an expired session among them, which is renewed above
                raise
            return unavailable(failure, place.region)
        return search(detail.answer, answer)

    # --- tags

    def _with_tags(self, waiting: list[FoundResource], place: InventoryProgress) -> Iterator[FoundResource | Unlisted]:
        """These resources with their tags, and what the Tagging API alone shows."""
        unlisted = [
            name for name, type_ in self._catalogue.types.items()
            if self._is_without_list(name) and is_asked(Listed(type_, _NONE), place.region)
        ]  # fmt: skip
        alone = [found for found in waiting if self._lists[found.resource.type].tags_alone]
        yield from self._one_by_one(alone)
        shown = tagged_resources(self._sessions, self._catalogue, place.account, place.region, self._expired)
        told = shown if isinstance(shown, dict) else {}
        for found in waiting:
            if not self._lists[found.resource.type].tags_alone:
                other = told.get(found.resource.arn)
                yield found if isinstance(shown, Unavailable) else replace(found, tags=other.tags if other else {})
        for found in told.values():
            name = found.resource.type
            if (name in place.why or name in unlisted) and place.is_new(found.resource):
                yield found
        if unlisted:
            why = shown if isinstance(shown, Unavailable) else NO_LIST
            yield Unlisted(place.account, place.region, tuple(unlisted), why, lasting=why is NO_LIST)

    def _is_without_list(self, name: str) -> bool:
        entry = self._lists.get(name)
        return entry is None or bool(entry.none)

    def _one_by_one(self, waiting: list[FoundResource]) -> Iterator[FoundResource]:
        asked = {
            found.resource.arn: Question(QuestionKind.TAGS, found.account, found.region, found.resource.arn)
            for found in waiting
        }
        facts = self._tags.find(asked.values())
        for found in waiting:
            fact = facts[asked[found.resource.arn]]
            if isinstance(fact, Found):
                yield replace(found, tags=fact.tags)
            else:
                yield replace(found, tags={}) if isinstance(fact, Absent) else found


#: What is asked of a type that no call lists: nothing.
_NONE = ListEntry()


def _pages(
    client: Any, entry: ListEntry, parameters: dict[str, Any], expired: Callable[[], bool]
) -> Iterator[Any | Unavailable]:
    """The pages of a list, one after the other; the last is `Unavailable` where there is no time for the next."""
    operation = xform_name(entry.operation)
    if client.can_paginate(operation):
        config = {"PageSize": entry.page_size} if entry.page_size else {}
        pages = iter(client.get_paginator(operation).paginate(**parameters, PaginationConfig=config))
        while not expired():
            page = next(pages, None)
            if page is None:
                return
            yield page
        yield NO_TIME
        return
    token: Any = None
    while not expired():
        page = getattr(client, operation)(**parameters, **({entry.pages[0]: token} if token else {}))
        yield page
        following = search(entry.pages[1], page) if entry.pages else None
        if not following:
            return
        if following == token:
            yield _SAME_TOKEN
            return
        token = following
    yield NO_TIME
