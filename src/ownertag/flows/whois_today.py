"""What AWS says today of what the ledger tells: tags, states of instances, where Elastic IPs lead, accounts' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from ownertag.core.claims import ResourceKey
from ownertag.core.rows import QuestionKind
from ownertag.core.values import Absent, Account, Attachment, Fact, Question, Unavailable
from ownertag.flows.whois import Answer

ELASTIC_IP = "ec2:elastic-ip"
INSTANCE = "ec2:instance"

Named = Account | Absent | Unavailable
Led = Attachment | Absent | Unavailable
State = str | Absent | Unavailable


class Today(Struct, frozen=True):
    """Of resources their tags, attachments and states, of accounts their names; what is not here was not asked for."""

    tags: Mapping[ResourceKey, Fact] = {}
    attached: Mapping[ResourceKey, Led] = {}
    accounts: Mapping[str, Named] = {}
    states: Mapping[ResourceKey, State] = {}


class TagLooks(Protocol):
    """What looks up tags."""

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answer questions of the kind `TAGS`."""


class Attachments(Protocol):
    """What looks up what Elastic IP addresses lead to."""

    def find(self, account: str, region: str, ids: Iterable[str]) -> Mapping[str, Led]:
        """Of these allocations."""


class States(Protocol):
    """What looks up whether instances run."""

    def find(self, account: str, region: str, ids: Iterable[str]) -> Mapping[str, State]:
        """Of these instances."""


def tags_now(answers: Iterable[Answer], looks: TagLooks) -> dict[ResourceKey, Fact]:
    """The tags that resources of EC2 carry today; of what has ended, and of other services, nothing is asked."""
    questions = {
        Question(QuestionKind.TAGS, each.key.account, each.key.region, each.id): each.key
        for each in answers
        if can_look(each)
    }
    facts = looks.find(questions) if questions else {}
    return {key: facts[question] for question, key in questions.items() if question in facts}


def can_look(answer: Answer) -> bool:
    """Whether EC2 can be asked for its tags, and they would be those of this life."""
    seen = answer.now and answer.until is None and not answer.from_trail
    return seen and answer.key.arn.split(":")[2:3] == ["ec2"]


def attached_now(answers: Iterable[Answer], looks: Attachments) -> dict[ResourceKey, Led]:
    """What the Elastic IP addresses among these lead to today."""
    found: dict[ResourceKey, Led] = {}
    for (account, region), keys in _places(answers, ELASTIC_IP).items():
        found |= {keys[id_]: led for id_, led in looks.find(account, region, keys).items()}
    return found


def states_now(answers: Iterable[Answer], looks: States) -> dict[ResourceKey, State]:
    """Whether the instances among these still run: the ledger hears of no termination yet."""
    found: dict[ResourceKey, State] = {}
    for (account, region), keys in _places(answers, INSTANCE).items():
        found |= {keys[id_]: state for id_, state in looks.find(account, region, keys).items()}
    return found


def _places(answers: Iterable[Answer], type_: str) -> dict[tuple[str, str], dict[str, ResourceKey]]:
    """Those of a type that can be looked at, by account and Region, by their ids."""
    places: dict[tuple[str, str], dict[str, ResourceKey]] = defaultdict(dict)
    for each in answers:
        if each.type == type_ and can_look(each):
            places[each.key.account, each.key.region][each.id] = each.key
    return places
