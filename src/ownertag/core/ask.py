"""Creations to questions: what must be looked up before a decision.

Repeated with the answers until no question is new.
"""

from __future__ import annotations

from collections.abc import Iterable

from ownertag.core import unnamed_launch
from ownertag.core.catalogue_types import Catalogue, QuestionKind
from ownertag.core.created_beside import creation_time_questions, tag_targets
from ownertag.core.owner.resolve import Trace, trace
from ownertag.core.parents import Parents
from ownertag.core.records import Record
from ownertag.core.settings import Settings
from ownertag.core.upserts import uncertain
from ownertag.core.values import Creation, Fact, Facts, Found, Question, Resource


class Traces:
    """The owners of a batch's creations: each is traced again only when a question of its trace has been answered.

    So an owner is traced once or twice, however many rounds of look-ups a batch takes. Answers that were there once
    must stay.

    Args:
        settings: Whom to trust, and the owner rules.
        parents: What the catalogue says of parents.
    """

    def __init__(self, settings: Settings, parents: Parents) -> None:
        self._settings = settings
        self._parents = parents
        self._traces: dict[int, tuple[Creation, Trace]] = {}  # with the creation: its id stays its own

    def of(self, creation: Creation, facts: Facts) -> Trace:
        """The trace of a creation's owner, as far as these facts tell."""
        _, known = self._traces.get(id(creation), (None, None))
        if known is not None and facts.keys().isdisjoint(known.questions):
            return known
        traced = trace(creation.record, self._settings, self._parents, facts)
        self._traces[id(creation)] = creation, traced
        return traced


def ask(
    creations: Iterable[Creation],
    facts: Facts,
    catalogue: Catalogue,
    settings: Settings,
    careful: bool = False,
    traces: Traces | None = None,
) -> tuple[Question, ...]:
    """The questions that these creations raise and that `facts` does not answer yet.

    Nothing is asked in an account before it is known to be one of the organization's: to ask there, its role
    would have to be assumed. `careful`: which tags the resources carry is asked as well, as `decide` then wants to
    know. `traces`: the owners that were traced in earlier rounds.
    """
    traces = traces or Traces(settings, catalogue.parents)
    asked: dict[Question, None] = {}
    for creation in creations:
        for question in _questions(creation, facts, catalogue, traces, careful):
            if question not in facts:
                asked[question] = None
    return tuple(asked)


def account_of(creation: Creation) -> Question:
    """The question whether a creation's account is one of the organization's."""
    return account_question(creation.record)


def account_question(record: Record) -> Question:
    """The question whether a record's account is one of the organization's."""
    return account_question_of(record.account)


def account_question_of(account: str) -> Question:
    """The question whether an account is one of the organization's."""
    return Question(QuestionKind.ACCOUNT, account, "", "")


def launch_of(creation: Creation) -> Question | None:
    """The question what a creation made that its record does not name: volumes, snapshots of an image, and so on."""
    if creation.asked_by is None:
        return None
    kind, value = creation.asked_by
    return Question(kind, creation.record.account, creation.record.region, value)


def made_of(creation: Creation, facts: Facts) -> Fact | None:
    """The answer to `launch_of`, if there is one: where the launch is found by its time, once that is certain."""
    if unnamed_launch.is_unnamed(creation):
        found = unnamed_launch.launched_instances(creation, facts)
        return None if isinstance(found, unnamed_launch.Uncertain) else found
    launch = launch_of(creation)
    return facts.get(launch) if launch else None


def tags_question(resource: Resource, creation: Creation) -> Question:
    """The question which tags a resource carries now."""
    return tags_question_in(creation.record.account, creation.record.region, resource)


def tags_question_in(account: str, region: str, resource: Resource) -> Question:
    """The question which tags a resource in an account and Region carries now."""
    return Question(QuestionKind.TAGS, account, region, tags_value(resource))


def tags_value(resource: Resource) -> str:
    """What names a resource in that question: EC2 is asked in bulk, by ids, and others each by its own call."""
    return resource.id if resource.type.startswith("ec2:") else resource.arn


def _questions(
    creation: Creation, facts: Facts, catalogue: Catalogue, traces: Traces, careful: bool
) -> Iterable[Question]:
    account = account_of(creation)
    yield account
    if not isinstance(facts.get(account), Found):
        return
    launch = launch_of(creation)
    fact: Fact | None = None
    if launch is not None:
        yield from (
            unnamed_launch.launch_questions(creation, facts) if unnamed_launch.is_unnamed(creation) else (launch,)
        )
    yield from traces.of(creation, facts).questions
    if launch is not None:
        fact = made_of(creation, facts)
        if fact is None:
            return
        asked = creation_time_questions(creation, fact)
        yield from asked
        if any(question not in facts for question in asked):
            return
    if careful or creation.may_exist:
        for resource in tag_targets(creation, fact, catalogue, facts).resources:
            if catalogue.types[resource.type].tag_api and (careful or uncertain(creation, resource)):
                yield tags_question(resource, creation)
