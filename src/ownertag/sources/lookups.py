"""All look-ups behind one port: what the ledger knows first, then what was looked up lately, then AWS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.aws.sessions import Sessions
from ownertag.core.arn import is_arn
from ownertag.core.catalogue_types import Catalogue, Lookup, QuestionKind
from ownertag.core.parents import Parents
from ownertag.core.settings import Settings
from ownertag.core.values import Absent, Fact, Failure, Question
from ownertag.sources.cloudtrail import CloudTrail
from ownertag.sources.ec2 import Ec2
from ownertag.sources.fact_cache import FactCache
from ownertag.sources.identity_store import IdentityStore
from ownertag.sources.owners import ResourceOwners
from ownertag.sources.tags_of_resources import TagsOfResources


class KnownOwners(Protocol):
    """The ledger's answers: the owner of a resource by the decision that was made for it."""

    def find(self, questions: Iterable[Question]) -> Mapping[Question, Fact]:
        """Answers questions of kind OWNER_OF_RESOURCE.

        `Found(owner=...)` with the owner that was decided, rules applied. What the ledger never saw is left out or
        Absent: AWS is asked then. A ledger that can't be read answers Unavailable, which stands, as it is not absent.
        """


#: What is known of types where nobody says: then nothing tells the tags of another service's resources.
_NO_TYPES = Catalogue({}, {}, {})


class AwsLookups:
    """Answers every question that is asked in an account.

    Args:
        sessions: Where the clients come from.
        settings: The key of the owner tag, and the Regions.
        parents: What the catalogue says of parents.
        now: Gives the time, with a time zone.
        expired: True once there is no time left for another call.
        ledger: What is known of owners already.
        memory: Answers to keep for the next batch; of this one alone where it is left out.
        concurrency: Asks in one account and Region after the other, or in many at once.
        catalogue: The types and tag APIs, for the tags of other services than EC2, which are unknown without it.
    """

    def __init__(
        self,
        sessions: Sessions,
        settings: Settings,
        parents: Parents,
        now: Callable[[], datetime],
        expired: Callable[[], bool] = lambda: False,
        *,
        ledger: KnownOwners | None = None,
        memory: FactCache | None = None,
        concurrency: Concurrency = sequential,
        catalogue: Catalogue | None = None,
    ) -> None:
        regions = settings.organization.regions if settings.organization else ()
        trail = CloudTrail(sessions, now, expired, regions, concurrency)
        owners = ResourceOwners(sessions, trail, settings, parents, now, expired, concurrency)
        self._ec2 = Ec2(sessions, expired, concurrency)
        self._tags = TagsOfResources(sessions, catalogue or _NO_TYPES, expired, concurrency)
        self._trail = trail
        self._ledger = ledger
        self._memory = memory or FactCache(now)
        self._remembered: Mapping[QuestionKind, Callable[[Iterable[Question]], Mapping[Question, Fact]]] = {
            QuestionKind.OWNER_OF_RESOURCE: owners.find,
            QuestionKind.MAKER_OF_SESSION: trail.session_makers,
            QuestionKind.LAUNCHES: trail.launches,
            QuestionKind.IDENTITY_CENTER_USER: IdentityStore(sessions, expired).find,
        }

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answers every one of these questions, in bulk: found, absent, or unavailable with the reason."""
        self._trail.begin()
        groups: dict[QuestionKind, list[Question]] = defaultdict(list)
        direct: list[Question] = []
        tags: list[Question] = []
        for question in questions:
            if question.kind in self._remembered:
                groups[question.kind].append(question)
            elif question.kind is QuestionKind.TAGS and is_arn(question.value):
                tags.append(question)
            else:
                direct.append(question)
        facts: dict[Question, Fact] = self._ec2.find(direct) if direct else {}
        if tags:
            facts |= self._tags.find(tags)
        known = groups.get(QuestionKind.OWNER_OF_RESOURCE)
        if self._ledger and known:
            answered = self._ledger.find(known)
            for question in known:
                if not isinstance(fact := answered.get(question, Absent()), Absent):
                    facts[question] = fact
        for kind, group in groups.items():
            missing = []
            for question in group:
                if question in facts:
                    continue
                kept = self._memory.get(question)
                if kept is None:
                    missing.append(question)
                else:
                    facts[question] = kept
            if missing:
                found = self._remembered[kind](missing)
                for question, fact in found.items():
                    self._memory.keep(question, fact)
                facts |= found
        return facts

    def present(self, account: str, region: str, lookup: Lookup, ids: Iterable[str]) -> set[str] | Failure:
        """Returns which of these ids exist."""
        return self._ec2.present(account, region, lookup, ids)
