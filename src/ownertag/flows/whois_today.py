"""Looks up what AWS says today: tags, states of instances, what Elastic IPs are attached to, accounts' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from ownertag.core.arn import parse_arn
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.ownership import ResourceKey
from ownertag.core.values import Absent, Account, Attachment, Fact, Question, Unavailable
from ownertag.flows.whois import WhoisAnswer

ELASTIC_IP = "ec2:elastic-ip"
INSTANCE = "ec2:instance"

AccountAnswer = Account | Absent | Unavailable
AttachmentAnswer = Attachment | Absent | Unavailable
StateAnswer = str | Absent | Unavailable


class Today(Struct, frozen=True):
    """Of resources their tags, attachments and states, of accounts their names; what is not here was not asked for."""

    tags: Mapping[ResourceKey, Fact] = {}
    attached: Mapping[ResourceKey, AttachmentAnswer] = {}
    accounts: Mapping[str, AccountAnswer] = {}
    states: Mapping[ResourceKey, StateAnswer] = {}


class TagLookup(Protocol):
    """Looks up tags."""

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answers questions of the kind `TAGS`."""


class AttachmentLookup(Protocol):
    """Looks up what Elastic IP addresses are attached to."""

    def find(self, account: str, region: str, ids: Iterable[str]) -> Mapping[str, AttachmentAnswer]:
        """Returns the attachments of these allocations, by their ids."""


class StateLookup(Protocol):
    """Looks up whether instances run."""

    def find(self, account: str, region: str, ids: Iterable[str]) -> Mapping[str, StateAnswer]:
        """Returns the states of these instances, by their ids."""


def tags_now(answers: Iterable[WhoisAnswer], lookup: TagLookup) -> dict[ResourceKey, Fact]:
    """The tags that resources of EC2 carry today; of what has ended, and of other services, nothing is asked."""
    questions = {
        Question(QuestionKind.TAGS, answer.key.account, answer.key.region, answer.id): answer.key
        for answer in answers
        if can_look_up(answer)
    }
    facts = lookup.find(questions) if questions else {}
    return {key: facts[question] for question, key in questions.items() if question in facts}


def can_look_up(answer: WhoisAnswer) -> bool:
    """Whether EC2 can be asked for its tags, and they would be those of this life."""
    seen = answer.now and answer.until is None and not answer.from_trail
    arn = parse_arn(answer.key.arn)
    return seen and arn is not None and arn.service == "ec2"


def attached_now(answers: Iterable[WhoisAnswer], lookup: AttachmentLookup) -> dict[ResourceKey, AttachmentAnswer]:
    """What the Elastic IP addresses among these are attached to today."""
    found: dict[ResourceKey, AttachmentAnswer] = {}
    for (account, region), keys in _places(answers, ELASTIC_IP).items():
        found |= {keys[id_]: attachment for id_, attachment in lookup.find(account, region, keys).items()}
    return found


def states_now(answers: Iterable[WhoisAnswer], lookup: StateLookup) -> dict[ResourceKey, StateAnswer]:
    """Whether the instances among these still run: the ledger hears of no termination yet."""
    found: dict[ResourceKey, StateAnswer] = {}
    for (account, region), keys in _places(answers, INSTANCE).items():
        found |= {keys[id_]: state for id_, state in lookup.find(account, region, keys).items()}
    return found


def _places(answers: Iterable[WhoisAnswer], type_: str) -> dict[tuple[str, str], dict[str, ResourceKey]]:
    """Those of a type that can be looked at, by account and Region, by their ids."""
    places: dict[tuple[str, str], dict[str, ResourceKey]] = defaultdict(dict)
    for answer in answers:
        if answer.type == type_ and can_look_up(answer):
            places[answer.key.account, answer.key.region][answer.id] = answer.key
    return places
