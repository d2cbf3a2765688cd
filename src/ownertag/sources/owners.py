"""Looks up whose a resource is, as far as AWS tells: the surest answer first, in bulk.

In this order: the principal that a launch template names; the record of the creation in CloudTrail; the owner tag,
which whoever makes a resource can write (docs/decisions/0014).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.aws.sessions import Sessions
from ownertag.core.history import LAG
from ownertag.core.judge import NO_TIME
from ownertag.core.owner.chain import OWNER_TAG
from ownertag.core.owner.creation_record import CUT
from ownertag.core.parents import Parent, Parents
from ownertag.core.records import Record
from ownertag.core.settings import Settings
from ownertag.core.values import (
    Absent,
    Confidence,
    Fact,
    Found,
    Owner,
    Question,
    Unavailable,
)
from ownertag.sources.cloudtrail import NOT_YET, CloudTrail
from ownertag.sources.machines import build_projects, task_services, template_creators
from ownertag.sources.owner_tags import OwnerTags, Tagged


class ResourceOwners:
    """Answers OWNER_OF_RESOURCE from AWS.

    Args:
        sessions: Where the clients come from.
        trail: CloudTrail.
        settings: The key of the owner tag.
        parents: What the catalogue says of parents.
        now: Gives the time, with a time zone.
        expired: True once there is no time left for another call.
        concurrency: Does what each account and Region needs: in turn, or at once.
    """

    def __init__(
        self,
        sessions: Sessions,
        trail: CloudTrail,
        settings: Settings,
        parents: Parents,
        now: Callable[[], datetime],
        expired: Callable[[], bool] = lambda: False,
        concurrency: Concurrency = sequential,
    ) -> None:
        self._sessions = sessions
        self._trail = trail
        self._parents = parents
        self._tags = OwnerTags(sessions, settings)
        self._now = now
        self._expired = expired
        self._concurrency = concurrency

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answers these questions, whose values are ARNs of kinds that stand behind machines.

        The account with the fewest questions comes first, and one that waits holds up no other.
        """
        facts: dict[Question, Fact] = {}
        places: dict[tuple[str, str], dict[Parent, Question]] = defaultdict(dict)
        for question in questions:
            parent = self._parents.of_arn(question.value)
            if parent is None or parent.account != question.account:
                facts[question] = Absent()
            else:
                places[question.account, question.region][parent] = question
        asks = Counter(account for (account, _), asked in places.items() for _ in asked)

        def look(place: tuple[str, str], asked: dict[Parent, Question]) -> None:
            answers = self._place(*place, list(asked))
            facts.update({question: answers[parent] for parent, question in asked.items()})

        few_first = sorted(places.items(), key=lambda item: asks[item[0][0]])
        self._concurrency([partial(look, place, asked) for place, asked in few_first])
        return facts

    def _place(self, account: str, region: str, parents: list[Parent]) -> dict[Parent, Fact]:
        if self._expired():
            return dict.fromkeys(parents, NO_TIME)
        facts: dict[Parent, Fact] = {}

        def left(*kinds: str) -> list[Parent]:
            return [parent for parent in parents if parent not in facts and (not kinds or parent.kind.name in kinds)]

        if builds := left("codebuild-build"):
            facts |= build_projects(self._sessions, account, region, builds, self._parents)
        if tasks := left("ecs-task"):
            facts |= task_services(self._sessions, account, region, tasks, self._parents)
        if templates := left("launch-template"):
            made = template_creators(self._sessions, account, region, templates)
            facts |= {
                parent: who if isinstance(who, Unavailable) else Found(principal=who) for parent, who in made.items()
            }
        for parent in left():
            maker = self._trail.maker(parent) if parent.kind.made_by else None
            if maker == CUT:
                maker = self._by_its_age(parent) or CUT
            if isinstance(maker, Unavailable):
                facts[parent] = maker
            elif maker is not None:
                facts[parent] = Found(maker=maker)
        rest = left()
        tags = self._tags.find(account, region, rest) if rest else {}
        return facts | {parent: self._by_tag(parent, tags.get(parent)) for parent in rest}

    def _by_its_age(self, parent: Parent) -> Record | Unavailable | None:
        """The record of an Auto Scaling group's creation among too many, found by the time that AWS gives for it."""
        if parent.kind.name != "auto-scaling-group":
            return None
        tagged = self._tags.find(parent.account, parent.region, [parent]).get(parent)
        at = tagged.created_at if isinstance(tagged, Tagged) else None
        return self._trail.maker_at(parent, at) if at else None

    def _by_tag(self, parent: Parent, tagged: Tagged | Unavailable | None) -> Fact:
        """The owner by the tag. It is provisional while the record of the creation may still come."""
        if isinstance(tagged, Unavailable):
            return tagged
        old = bool(tagged and tagged.created_at and self._now() - tagged.created_at > LAG) or not parent.kind.made_by
        if tagged and tagged.owner:
            return Found(owner=Owner(tagged.owner, OWNER_TAG, Confidence.ASSERTED), provisional=not old)
        return Absent() if old else NOT_YET
