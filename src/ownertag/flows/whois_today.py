"""What AWS says today of what the ledger tells: tags, states of instances, where Elastic IPs lead, accounts' names."""

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
Led = Attachment | Absent | Unavailable
StateAnswer = str | Absent | Unavailable


class Today(Struct, frozen=True):
    """Of resources their tags, attachments and states, of accounts their names; what is not here was not asked for."""

    tags: Mapping[ResourceKey, Fact] = {}
    attached: Mapping[ResourceKey, Led] = {}
    accounts: Mapping[str, AccountAnswer] = {}
    states: Mapping[ResourceKey, StateAnswer] = {}


class TagLookup(Protocol):
    """What looks up tags."""

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answer questions of the kind `TAGS`."""


class AttachmentLookup(Protocol):
    """What looks up what Elastic IP addresses lead to."""

    def find(self, account: str, region: str, ids: Iterable[str]) -> Mapping[str, Led]:
        """Of these allocations."""


class StateLookup(Protocol):
    """What looks up whether instances run."""

    def find(self, account: str, region: str, ids: Iterable[str]) -> Mapping[str, StateAnswer]:
        """Of these instances."""


def tags_now(answers: Iterable[WhoisAnswer], looks: TagLookup) -> dict[ResourceKey, Fact]:
    """The tags that resources of EC2 carry today; of what has ended, and of other services, nothing is asked."""
    questions = {
        Question(QuestionKind.TAGS, answer.key.account, answer.key.region, answer.id): answer.key
        for answer in answers
        if can_look_up(answer)
    }
    facts = looks.find(questions) if questions else {}
    return {key: facts[question] for question, key in questions.items() if question in facts}


def can_look_up(answer: WhoisAnswer) -> bool:
    """Whether EC2 can be asked for its tags, and they would be those of this life."""
    seen = answer.now and answer.until is None and not answer.from_trail
    arn = parse_arn(answer.key.arn)
    return seen and arn is not None and arn.service == "ec2"


def attached_now(answers: Iterable[WhoisAnswer], looks: AttachmentLookup) -> dict[ResourceKey, Led]:
    """What the Elastic IP addresses among these lead to today."""
    found: dict[ResourceKey, Led] = {}
    for (account, region), keys in _places(answers, ELASTIC_IP).items():
        found |= {keys[id_]: led for id_, led in looks.find(account, region, keys).items()}
    return found


def states_now(answers: Iterable[WhoisAnswer], looks: StateLookup) -> dict[ResourceKey, StateAnswer]:
    """Whether the instances among these still run: the ledger hears of no termination yet."""
    found: dict[ResourceKey, StateAnswer] = {}
    for (account, region), keys in _places(answers, INSTANCE).items():
        found |= {keys[id_]: state for id_, state in looks.find(account, region, keys).items()}
    return found


def _places(answers: Iterable[WhoisAnswer], type_: str) -> dict[tuple[str, str], dict[str, ResourceKey]]:
    """Those of a type that can be looked at, by account and Region, by their ids."""
    places: dict[tuple[str, str], dict[str, ResourceKey]] = defaultdict(dict)
    for answer in answers:
        if answer.type == type_ and can_look_up(answer):
            places[answer.key.account, answer.key.region][answer.id] = answer.key
    return places
