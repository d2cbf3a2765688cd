"""Matches records with the catalogue's deletions: which resources ended, when, by whom. The record alone says it.

Nothing is asked of AWS, so that deletions cost nothing but their place in the ledger. A call that failed ended nothing;
one that AWS carries out later, and that can be called off until then, ends nothing either.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ownertag.core.arn import last_part, parse_arn, tails
from ownertag.core.catalogue_types import Catalogue, EndingRow
from ownertag.core.match import check_place, is_omitted, request_of
from ownertag.core.owner.resolve import resolve
from ownertag.core.parameters import unwrap
from ownertag.core.paths import all_hold, get, values_at
from ownertag.core.record_ids import Mismatch, check_call, decode, matched_or_refused, of_type
from ownertag.core.records import ACCOUNT, Arrival, Record
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Reason, Refusal, Resource

_NULL = msgspec.Raw(b"null")


class Ending(Struct, frozen=True):
    """A record that ended resources; its time is theirs. `by` is who did it by name, empty where nobody is named.

    `by_name`: of which of them it says the name, and in the ARN a path can stand before that.
    """

    arrival: Arrival
    resources: tuple[Resource, ...]
    by: str = ""
    by_name: tuple[Resource, ...] = ()

    @property
    def record(self) -> Record:
        """The record of the deletion."""
        return self.arrival.record


def without_path(resource: Resource) -> str:
    """The ARN that a resource would have if no path stood before its name."""
    return resource.arn.removesuffix(resource.id) + last_part(resource.id)


def is_deletion(record: Record, catalogue: Catalogue) -> bool:
    """Whether the catalogue has a deletion of this name."""
    return (record.event_source, record.event_name) in catalogue.endings


def match_deletion(arrival: Arrival, catalogue: Catalogue, settings: Settings) -> Ending | Refusal:
    """Returns what a record ended, or the refusal with the reason why it ended nothing."""
    return matched_or_refused(_match, arrival, catalogue, settings)


def _match(arrival: Arrival, catalogue: Catalogue, settings: Settings) -> Ending:
    record = arrival.record
    check_call(record, Reason.NO_DELETION, "deletes")
    row = catalogue.endings.get((record.event_source, record.event_name))
    if row is None:
        raise Mismatch(Reason.NO_DELETION, f"{record.event_name[:128]!a} deletes nothing that is in the catalogue")
    check_place(record, settings)
    resources = _resources(row, record)
    _check_claims(record, resources)
    owner = resolve(record, settings, catalogue.parents)
    with_paths = {ends.type.name for ends in row.ends if ends.type.paths}
    by_name = tuple(one for one in resources if one.type in with_paths and "/" not in one.id)
    return Ending(arrival, resources, "" if owner.confidence is Confidence.NONE else owner.name, by_name)


def _resources(row: EndingRow, record: Record) -> tuple[Resource, ...]:
    response = decode(record.response)
    response = None if is_omitted(response) else unwrap(response, record.event_name, "Response")
    document: dict[str, Any] = {"response": response, "request": request_of(record)}
    found: list[Resource] = []
    mismatches: list[Mismatch] = []
    for ends in row.ends:
        if not ends.when or all_hold(ends.when, document):
            try:
                found += of_type(document, ends, ends.skip, record)
            except Mismatch as mismatch:  # of several types of one call, its ARN fits one
                mismatches.append(mismatch)
    if found:
        return tuple(dict.fromkeys(found))
    if mismatches:
        raise mismatches[0]
    if row.stays:
        raise Mismatch(Reason.NO_DELETION, row.stays)
    raise Mismatch(Reason.NO_RESOURCE, "the record does not name what was deleted")


def _check_claims(record: Record, resources: tuple[Resource, ...]) -> None:
    """A record's own list of resources must not put what was deleted into another account: a bucket can be shared."""
    if record.resources == _NULL:
        return
    ids = {resource.id for resource in resources}
    for claim in values_at(decode(record.resources), ("[]",)):
        text, said = get(claim, "ARN"), get(claim, "accountId")
        arn = parse_arn(text) if isinstance(text, str) else None
        if arn is None or (arn.resource not in ids and ids.isdisjoint(tails(arn.resource))):
            continue
        for account in (arn.account, said):
            if isinstance(account, str) and ACCOUNT.fullmatch(account) and account != record.account:
                raise Mismatch(Reason.OTHER_ACCOUNT, "the record puts what was deleted into another account")
