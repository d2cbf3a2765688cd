"""Looks up in AWS what `whois` adds to the ledger: tags, states and attachments of today, CloudTrail's records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from msgspec.structs import replace

from ownertag.core.catalogue_types import Catalogue, QuestionKind
from ownertag.core.match import match
from ownertag.core.owner.resolve import resolve
from ownertag.core.ownership import ResourceKey
from ownertag.core.recognize import is_of, name_of
from ownertag.core.record_details import addresses_of
from ownertag.core.records import Arrival, Record
from ownertag.core.settings import Settings
from ownertag.core.values import Absent, Attachment, Creation, Fact, Question, Unavailable
from ownertag.flows.ledger_entries import created_of
from ownertag.flows.whois import ELASTIC_IP, INSTANCE, WhoisAnswer

AttachmentAnswer = Attachment | Absent | Unavailable
StateAnswer = str | Absent | Unavailable


class TagLookup(Protocol):
    """Looks up tags."""

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answers questions of the kind `TAGS`."""


class AttachmentLookup(Protocol):
    """Looks up what Elastic IP addresses are attached to."""

    def find(self, account: str, region: str, ids: Iterable[str]) -> Mapping[str, AttachmentAnswer]:
        """Returns the attachment of each of these allocations."""


class StateLookup(Protocol):
    """Looks up the state of instances."""

    def find(self, account: str, region: str, ids: Iterable[str]) -> Mapping[str, StateAnswer]:
        """Returns the state of each of these instances."""


def tags_now(answers: Iterable[WhoisAnswer], lookup: TagLookup) -> dict[ResourceKey, Fact]:
    """Returns the tags that resources of EC2 carry today; what has ended, and other services, are not looked up."""
    questions = {
        Question(QuestionKind.TAGS, answer.key.account, answer.key.region, answer.id): answer.key
        for answer in answers
        if answer.is_live_in_ec2
    }
    facts = lookup.find(questions) if questions else {}
    return {key: facts[question] for question, key in questions.items() if question in facts}


def attached_now(answers: Iterable[WhoisAnswer], lookup: AttachmentLookup) -> dict[ResourceKey, AttachmentAnswer]:
    """Returns what the Elastic IP addresses among these are attached to today."""
    found: dict[ResourceKey, AttachmentAnswer] = {}
    for (account, region), keys in _places(answers, ELASTIC_IP).items():
        found |= {keys[id_]: attachment for id_, attachment in lookup.find(account, region, keys).items()}
    return found


def states_now(answers: Iterable[WhoisAnswer], lookup: StateLookup) -> dict[ResourceKey, StateAnswer]:
    """Returns the states of the instances among these, since the ledger hears of no termination yet."""
    found: dict[ResourceKey, StateAnswer] = {}
    for (account, region), keys in _places(answers, INSTANCE).items():
        found |= {keys[id_]: state for id_, state in lookup.find(account, region, keys).items()}
    return found


def _places(answers: Iterable[WhoisAnswer], type_: str) -> dict[tuple[str, str], dict[str, ResourceKey]]:
    """The resources of a type that can be looked up: by account and Region, and there by their ids."""
    places: dict[tuple[str, str], dict[str, ResourceKey]] = defaultdict(dict)
    for answer in answers:
        if answer.type == type_ and answer.is_live_in_ec2:
            places[answer.key.account, answer.key.region][answer.id] = answer.key
    return places


class Trail(Protocol):
    """CloudTrail's own records."""

    def naming(self, account: str, region: str, name: str) -> list[Record] | Unavailable:
        """Returns the records of calls that touched the resource of this name, the newest first."""

    def signed(self, account: str, region: str, key_id: str) -> tuple[list[Record], bool] | Unavailable:
        """Returns records of calls that an access key signed, the newest first, and whether there are more."""


def from_trail(
    wanted: ResourceKey,
    id_: str,
    trail: Trail,
    catalogue: Catalogue,
    settings: Settings,
    type: str = "",  # noqa: A002 - the field's own word
) -> WhoisAnswer | Unavailable | None:
    """Returns who made it, from CloudTrail's 90 days: named by the record alone, since nothing else is looked up.

    `wanted.arn` may be empty: the id or name tells which resource of the creation it is, and the `type` if it is known.
    """
    records = trail.naming(wanted.account, wanted.region, id_)
    if isinstance(records, Unavailable):
        return records
    for record in reversed(records):
        for answer in _made(record, catalogue, settings):
            named = answer.key.arn == wanted.arn if wanted.arn else id_ in {answer.id, name_of(answer.type, answer.id)}
            if named and is_of(answer.type, type):
                return answer
    return None


def made_by_key(
    account: str, region: str, key_id: str, trail: Trail, catalogue: Catalogue, settings: Settings
) -> tuple[list[WhoisAnswer], bool] | Unavailable:
    """Returns what calls that an access key signed have made, by CloudTrail's 90 days; and whether it has more calls.

    The newest come first.
    """
    signed = trail.signed(account, region, key_id)
    if isinstance(signed, Unavailable):
        return signed
    records, more = signed
    made = [replace(answer, access_key=key_id) for one in records for answer in _made(one, catalogue, settings)]
    return made, more


def _made(record: Record, catalogue: Catalogue, settings: Settings) -> Iterator[WhoisAnswer]:
    """What a record's call made, and who called, by the record alone."""
    # The settings' Regions and ignored principals don't matter here.
    matched = match(Arrival("lookup", record), catalogue, Settings())
    addresses = addresses_of(matched) if isinstance(matched, Creation) else {}
    for resource in matched.resources:
        yield WhoisAnswer(
            ResourceKey(record.account, record.region, resource.arn),
            resource.id,
            resource.type,
            resolve(record, settings, catalogue.parents),
            record.created_at,
            None,
            created=created_of(record),
            addresses=addresses.get(resource.id, ()),
            from_trail=True,
        )
