"""What a living resource itself says of who made it, as a creation: for what no record shows.

It goes the way of every creation, with a record that no call made: source `ownertag`, name `Found`. In it stand the AWS
service that the resource's `aws:` tags name (nobody else can write these), or who made it where its service says that
(a launch template's `CreatedBy`); the `aws:` tags, by which the parents are found; and the owner tag that it carries.
Its time is that of the making where the service knows it. The claim on the resource is from when it was found, so that
any record of the same life, however late it is read, is before it and owns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from msgspec import Raw
from msgspec.json import encode

from ownertag.core.arn import MAX_LENGTH, parse_arn
from ownertag.core.backfill.found import FoundResource
from ownertag.core.catalogue_types import Catalogue, CatalogueRow
from ownertag.core.owner.carried import CARRIED
from ownertag.core.owner.principal import identity_of_arn
from ownertag.core.parents import Parents
from ownertag.core.record_ids import resource_at
from ownertag.core.records import ACCOUNT, REGION, UNDATED, WORD_NAME, WORD_SOURCE, Arrival, Identity, Record
from ownertag.core.regions import not_ours
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Reason, Refusal

ROW = CatalogueRow(WORD_SOURCE, WORD_NAME, (), basis="model")

_AWS = "aws:"
#: The principals of services that their own tags call otherwise.
_PRINCIPALS: Mapping[str, str] = {"ec2": "ec2fleet", "ec2spot": "spotfleet"}
#: Characters of the hash in an event's id: 128 bits.
_HASH = 32


def word_of(
    found: FoundResource,
    at: datetime,
    catalogue: Catalogue,
    settings: Settings,
    where: str,
    ended_at: datetime | None = None,
) -> Creation | Refusal:
    """The creation that a living resource tells of, or why nothing is made of it.

    Args:
        found: The resource; its ARN is built again, and has to be the same.
        at: When it was found, with a time zone.
        catalogue: The types.
        settings: The Regions, the keys of the owner tag, and whose creations are left alone.
        where: Where it stands, as a record's place.
        ended_at: When the ledger knows the last resource of this name to have ended: this one is another.
    """
    if problem := _problem(found, catalogue, settings):
        return Refusal(where, *problem)
    made_at = found.born_at if found.born_at is not None and found.born_at <= at else None
    record = Record(
        _event_id(found, made_at, ended_at),
        WORD_SOURCE,
        WORD_NAME,
        made_at or at,
        found.region,
        found.account,
        _identity(found, catalogue.parents),
        event_type=None if made_at else UNDATED,
        request=Raw(encode(_request(found, settings))),
    )
    if ignored := _ignored(record.identity, settings):
        return Refusal(where, Reason.IGNORED_PRINCIPAL, ignored, record, (found.resource,))
    return Creation(Arrival(where, record), ROW, (found.resource,), found_at=at)


def _problem(found: FoundResource, catalogue: Catalogue, settings: Settings) -> tuple[Reason, str] | None:
    """Why this can't be a resource of the organization."""
    if not ACCOUNT.fullmatch(found.account):
        return Reason.BAD_ID, f"account {found.account[:64]!a} is not 12 digits"
    if not REGION.fullmatch(found.region):
        return Reason.BAD_ID, f"{found.region[:64]!a} is not a Region"
    resource = found.resource
    kind = catalogue.types.get(resource.type)
    if kind is None:
        return Reason.NOT_COVERED, f"the catalogue has no type {resource.type[:128]!a}"
    built = resource_at(kind, resource.id, found.account, found.region)
    if not kind.id.fullmatch(resource.id) or len(resource.arn) > MAX_LENGTH:
        return Reason.BAD_ID, f"{resource.id[:80]!a} is no id of a {kind.name}"
    if built.arn != resource.arn:
        return Reason.BAD_ID, f"{resource.arn[:200]!a} is not where it was found: that would be {built.arn}"
    org = settings.organization
    if org is not None and (why := not_ours(org, found.region, f"{kind.service}.amazonaws.com")):
        return Reason.OTHER_REGION, why
    return None


def _event_id(found: FoundResource, made_at: datetime | None, ended_at: datetime | None) -> str:
    """The same for the same life of a resource, however often it is found."""
    parts = (
        found.account,
        found.region,
        found.resource.arn,
        *(at.isoformat() if at else "" for at in (made_at, ended_at)),
    )
    return f"found-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:_HASH]}"


def _identity(found: FoundResource, parents: Parents) -> Identity:
    """Who made it, by its service's word; else the service that its tags name; else nobody."""
    made, arn = identity_of_arn(found.made_by), parse_arn(found.made_by)
    if made is not None and arn is not None and arn.account == found.account:
        return made
    service = _service(found.tags or {}, parents)
    return Identity(type="AWSService", invoked_by=service) if service else Identity()


def _service(tags: Mapping[str, str], parents: Parents) -> str | None:
    """The service that made it, by the nearest of the links that its `aws:` tags are. A template makes nothing."""
    for link in parents.links:
        for key in link.tags if not link.launched else ():
            if key.startswith(_AWS) and tags.get(key):
                word = key.split(":")[1]
                return f"{_PRINCIPALS.get(word, word)}.amazonaws.com"
    return None


def _request(found: FoundResource, settings: Settings) -> dict[str, dict[str, str]]:
    tags = found.tags or {}
    return {
        "tags": {key: value for key, value in tags.items() if key.startswith(_AWS)},
        CARRIED: {key: value for key, value in tags.items() if key in settings.owner_keys},
    }


def _ignored(identity: Identity | None, settings: Settings) -> str | None:
    arn = identity.arn if identity else None
    if arn and any(pattern.fullmatch(arn[:2048]) for pattern in settings.ignore.patterns):
        return "the settings say to leave what this principal creates alone"
    return None
