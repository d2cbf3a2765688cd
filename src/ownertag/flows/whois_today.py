"""What AWS says today of what the ledger tells: tags, what an Elastic IP address leads to, the account's name."""

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

Named = Account | Absent | Unavailable
Led = Attachment | Absent | Unavailable


class Today(Struct, frozen=True):
    """Of resources their tags and attachments, of accounts their names; what is not here was not asked for."""

    tags: Mapping[ResourceKey, Fact] = {}
    attached: Mapping[ResourceKey, Led] = {}
    accounts: Mapping[str, Named] = {}


class TagLooks(Protocol):
    """What looks up tags."""

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answer questions of the kind `TAGS`."""


class Attachments(Protocol):
    """What looks up what Elastic IP addresses lead to."""

    def find(self, account: str, region: str, ids: Iterable[str]) -> Mapping[str, Led]:
        """Of these allocations."""


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
    places: dict[tuple[str, str], dict[str, ResourceKey]] = defaultdict(dict)
    for each in answers:
        if each.type == ELASTIC_IP and can_look(each):
            places[each.key.account, each.key.region][each.id] = each.key
    found: dict[ResourceKey, Led] = {}
    for (account, region), keys in places.items():
        found |= {keys[id_]: led for id_, led in looks.find(account, region, keys).items()}
    return found
