"""The tags that resources carry now, of any service but EC2: each by the call that the catalogue says for its type."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from botocore import xform_name

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.aws.sessions import Sessions
from ownertag.core.catalogue_types import Catalogue, TagApi
from ownertag.core.judge import NO_TIME, unavailable
from ownertag.core.recognize import recognize
from ownertag.core.tag_parameters import reading, tags_in
from ownertag.core.values import Absent, Fact, Failure, Found, OutcomeKind, Question, Resource, Unavailable

UNKNOWN_TYPE = Unavailable(OutcomeKind.FAILED, "the catalogue has no such type, so that nothing tells its tags")
UNREADABLE = Unavailable(OutcomeKind.FAILED, "AWS has no call that tells the tags of such a resource")

#: One question, the resource that it is about, and the API that tells its tags.
_Asked = tuple[Question, Resource, TagApi]


class TagsOfResources:
    """Reads tags in any account and Region.

    Args:
        sessions: Where the clients come from.
        catalogue: The types, and their tag APIs.
        expired: True once there is no time left for another call.
        concurrency: Does what each account and Region needs: in turn, or at once.
    """

    def __init__(
        self,
        sessions: Sessions,
        catalogue: Catalogue,
        expired: Callable[[], bool] = lambda: False,
        concurrency: Concurrency = sequential,
    ) -> None:
        self._sessions = sessions
        self._catalogue = catalogue
        self._expired = expired
        self._concurrency = concurrency

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answers questions whose value is an ARN. A resource without a tag is absent; what can't be read is not."""
        facts: dict[Question, Fact] = {}
        places: dict[tuple[str, str], list[_Asked]] = {}
        for question in questions:
            found = recognize(question.value, self._catalogue)
            api = self._catalogue.tag_apis.get(found.type.tag_api) if found else None
            if found is None or api is None or api.read is None:
                facts[question] = UNREADABLE if found else UNKNOWN_TYPE
                continue
            # An ARN may be written otherwise than the ledger's, which has a `*` for what a creation does not tell.
            resource = Resource(question.value, found.resource.id, found.type.name)
            places.setdefault((question.account, question.region), []).append((question, resource, api))
        by_size = sorted(places.values(), key=len)  # who asks most comes last: its calls may have to wait
        self._concurrency([partial(self._find_in, asked, facts) for asked in by_size])
        return facts

    def _find_in(self, asked: list[_Asked], facts: dict[Question, Fact]) -> None:
        throttled: dict[str, Unavailable] = {}
        for question, resource, api in asked:
            # Each further call to a throttled service would only wait, at the cost of the others.
            fact = throttled.get(api.client) or self._read(question, resource, api)
            if isinstance(fact, Unavailable) and fact.outcome is OutcomeKind.THROTTLED:
                throttled[api.client] = fact
            facts[question] = fact

    def _read(self, question: Question, resource: Resource, api: TagApi) -> Fact:
        if self._expired():
            return NO_TIME
        read = api.read
        assert read is not None  # noqa: S101 - what has none is not asked
        operation, parameters = xform_name(read.operation), reading(read, [resource], question.account, question.region)

        def use(client: Any) -> list[Any]:
            if client.can_paginate(operation):
                return list(client.get_paginator(operation).paginate(**parameters))
            return [getattr(client, operation)(**parameters)]

        answers = self._sessions.call(api.client, question.account, question.region, use)
        if isinstance(answers, Failure):
            return unavailable(answers, question.region)
        tags = tags_in(read, answers)
        return Found(tags=tags) if tags else Absent()
