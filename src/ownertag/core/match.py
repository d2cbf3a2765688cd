"""Matches records with catalogue rows: the row of an event says where the ids of the created resources stand."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ownertag.core.arn import parse_arn, tails
from ownertag.core.catalogue_types import PARTS, Catalogue, CatalogueRow, QuestionKind
from ownertag.core.parameters import unwrap
from ownertag.core.paths import all_hold, get, is_skipped, values_at, values_under
from ownertag.core.record_ids import Mismatch, check_call, decode, matched_or_refused, of_type
from ownertag.core.records import ACCOUNT, Arrival, Record
from ownertag.core.regions import not_ours
from ownertag.core.settings import Settings
from ownertag.core.upserts import UPSERT, existed
from ownertag.core.values import Creation, Reason, Refusal, Resource

_RESERVATION = re.compile(r"r-[0-9a-f]{8,17}")
# EC2: up to 64 ASCII characters.
_CLIENT_TOKEN = re.compile(r"[\x21-\x7e]{1,64}")
_MIN_COUNT = ("request", "instancesSet", "items", "[]", "minCount")

#: The types of `userIdentity` that CloudTrail documents, and the one without a type that real records show.
IDENTITY_TYPES = frozenset(
    {
        None, "AWSAccount", "AWSService", "AssumedRole", "Directory", "FederatedUser", "IAMUser", "IdentityCenterUser",
        "Role", "Root", "SAMLUser", "Unknown", "WebIdentityUser",
    }
)  # fmt: skip


#: What to do where CloudTrail left out what would lead to the ids.
BY_HAND = "nobody is named, and nothing is tagged: find it by hand, and give it with `ownertag transfer`"


def match(arrival: Arrival, catalogue: Catalogue, settings: Settings) -> Creation | Refusal:
    """Returns the creation that a record is, or the refusal with the reason why it is none."""
    return matched_or_refused(_match, arrival, catalogue, settings)


def _match(arrival: Arrival, catalogue: Catalogue, settings: Settings) -> Creation:
    record = arrival.record
    check_call(record, Reason.NOT_A_CREATION, "creates")
    row = catalogue.rows.get((record.event_source, record.event_name))
    if row is None:
        raise Mismatch(*_without_row(record, catalogue))
    check_place(record, settings)
    _check_identity(record, settings)
    response = decode(record.response)
    if response is None and not row.by_request:
        raise Mismatch(Reason.NO_RESPONSE, "the record has no responseElements, where the ids would stand")
    if is_omitted(response):
        if not row.by_request:
            return _by_request(arrival, row)
        response = None
    response = unwrap(response, record.event_name, "Response")
    document = {"response": response, "request": request_of(record) if row.reads_request else None}
    _check_account(document, row, record)
    told = _says_what_existed(document, row)
    preexisting = _named_before(document, row) if told else _named_before(document, row) | _perhaps_older(document, row)
    resources = _resources(document, row, record, preexisting)
    asked_by = (row.children, resources[0].id) if row.children in PARTS else None
    if row.children is QuestionKind.INSTANCES_BY_RESERVATION:
        reservation = response.get("reservationId") if isinstance(response, dict) else None
        if isinstance(reservation, str) and _RESERVATION.fullmatch(reservation):
            asked_by = (row.children, reservation)
    _check_claims(record, resources)
    may_exist = UPSERT in row.traits and _may_exist(record, row)
    return Creation(
        arrival, row, resources, asked_by, preexisting, told, _lists_parts(document, row), may_exist=may_exist
    )


def _may_exist(record: Record, row: CatalogueRow) -> bool:
    """Whether a call may have changed what was there before, where its answer does not say that it did."""
    before = existed(record, row)
    if before:
        raise Mismatch(Reason.NOT_A_CREATION, "the answer says that it changed what was there before")
    return before is None


def _by_request(arrival: Arrival, row: CatalogueRow) -> Creation:
    """The creation whose response CloudTrail left out, if its request leads to what it made."""
    record = arrival.record
    request = request_of(record)
    token = _client_token(request)
    asked_by = None
    if token is not None and row.by_client_token:
        asked_by = (QuestionKind.INSTANCES_BY_CLIENT_TOKEN, token)
    elif token is None and row.by_time and isinstance(request, dict) and not is_omitted(request):
        asked_by = (QuestionKind.LAUNCHES, f"{record.created_at.isoformat()} {record.creation_id}")
    if asked_by is None:
        raise Mismatch(
            Reason.RESPONSE_OMITTED,
            f"CloudTrail left out the ids, and nothing in the request leads to them; {BY_HAND}",
        )
    document = {"request": request}
    least = [count for count in values_at(document, _MIN_COUNT) if isinstance(count, int)]
    told = _says_what_existed(document, row)
    return Creation(arrival, row, (), asked_by, _named_before(document, row), told, False, max(least, default=1))


def _without_row(record: Record, catalogue: Catalogue) -> tuple[Reason, str]:
    why = catalogue.uncovered.why(record.event_source, record.event_name)
    if why is not None:
        service = record.event_source.removesuffix(".amazonaws.com")
        because = f" ({why})" if why else ""
        return Reason.NOT_COVERED, f"not covered yet: {service[:64]} {record.event_name[:128]}{because}"
    return Reason.NOT_A_CREATION, f"{record.event_name[:128]!a} creates nothing that is in the catalogue"


def _named_before(document: dict[str, Any], row: CatalogueRow) -> frozenset[str]:
    """The ids that the request names: a launch can use a network interface that somebody else made before.

    They are looked for under their key wherever it stands: CloudTrail writes one call's lists in more than one shape,
    and an id that is overlooked would be taken over.
    """
    if not row.reads_request:
        return _NONE
    keys = {makes.not_in[-1] for makes in row.makes if makes.not_in}
    return frozenset(id_ for key in keys for id_ in values_under(document["request"], key) if isinstance(id_, str))


def _says_what_existed(document: dict[str, Any], row: CatalogueRow) -> bool:
    """Whether the request alone says what existed before: it was not left out, and points to no template."""
    request = document["request"]
    templates = [makes.template for makes in row.makes if makes.template]
    if not templates:
        return True
    return (
        isinstance(request, dict)
        and not is_omitted(request)
        and not any(values_at(document, path) for path in templates)
    )


def _perhaps_older(document: dict[str, Any], row: CatalogueRow) -> frozenset[str]:
    """The ids that may have existed before: nothing in the record says that the call made them."""
    return frozenset(
        id_
        for makes in row.makes
        if makes.new and makes.id
        for path in makes.each
        for node in values_at(document, path)
        if node
        and isinstance(node, dict)
        and isinstance(id_ := get(node, makes.id), str)
        and not is_skipped(node, makes.new)
    )


def _lists_parts(document: dict[str, Any], row: CatalogueRow) -> bool:
    return any(values_at(document, path) for makes in row.makes if makes.not_in for path in makes.each)


def _resources(
    document: dict[str, Any], row: CatalogueRow, record: Record, preexisting: frozenset[str]
) -> tuple[Resource, ...]:
    of_this_api = [makes for makes in row.makes if not makes.when or all_hold(makes.when, document)]
    if not of_this_api:
        raise Mismatch(Reason.NOT_A_CREATION, "it is of another API of this name, which makes nothing that is covered")
    named_before = UPSERT not in row.traits
    found = [
        resource
        for makes in of_this_api
        for resource in of_type(document, makes, makes.skip, record, named_before=named_before)
        if resource.id not in preexisting
    ]
    if found:
        return tuple(dict.fromkeys(found))
    managed = [
        resource
        for makes in of_this_api
        if makes.skip
        for resource in of_type(document, makes, (), record, named_before=named_before)
        if resource.id not in preexisting
    ]
    if managed:
        detail = "an AWS service runs what was created, and customers can't tag it"
        raise Mismatch(Reason.MANAGED_BY_SERVICE, detail, tuple(managed))
    if document["response"] is None:
        raise Mismatch(
            Reason.NO_RESPONSE, "the record has no responseElements, and its request does not say what was made"
        )
    raise Mismatch(Reason.NO_RESOURCE, "the record names nothing that was created")


def request_of(record: Record) -> Any:
    """The request, without what wraps it in newer records."""
    return unwrap(decode(record.request), record.event_name, "Request")


def is_omitted(response: Any) -> bool:
    """Whether CloudTrail left it out, as above 100 KB; `omitted` was seen as a boolean and as a text."""
    mark = response.get("omitted") if isinstance(response, dict) else None
    return mark is True or (isinstance(mark, str) and mark.lower() == "true")


def _client_token(request: Any) -> str | None:
    token = get(request, "clientToken")
    return token if isinstance(token, str) and _CLIENT_TOKEN.fullmatch(token) else None


def check_place(record: Record, settings: Settings) -> None:
    """Refuses a record of a Region that is none of the settings'."""
    org = settings.organization
    if org is not None and (why := not_ours(org, record.region, record.event_source)):
        raise Mismatch(Reason.OTHER_REGION, why)


def _check_identity(record: Record, settings: Settings) -> None:
    identity = record.identity
    if identity is None:
        raise Mismatch(Reason.NO_IDENTITY, "the record has no userIdentity, so nobody can be named")
    if identity.type not in IDENTITY_TYPES:
        raise Mismatch(
            Reason.NO_IDENTITY,
            f"userIdentity type {str(identity.type)[:64]!a} is not one that CloudTrail documents",
        )
    if settings.ignore.principals:
        issuer = identity.session_context and identity.session_context.session_issuer
        for arn in (identity.arn, issuer.arn if issuer else None):
            if arn and any(pattern.fullmatch(arn[:2048]) for pattern in settings.ignore.patterns):
                raise Mismatch(Reason.IGNORED_PRINCIPAL, "the settings say to leave what this principal creates alone")


def _check_account(document: dict[str, Any], row: CatalogueRow, record: Record) -> None:
    """One call can be recorded in two accounts: only the record of the account that owns the resource counts."""
    for path in row.owner_account:
        for account in values_at(document, path):
            if account != record.account:
                raise Mismatch(Reason.OTHER_ACCOUNT, "what was created belongs to another account than the record's")


def _check_claims(record: Record, resources: tuple[Resource, ...]) -> None:
    """A record's own list of ARNs must not put what was created into another account. Malformed ARNs are no claim."""
    if record.resources == _NULL:
        return
    ids = {resource.id for resource in resources}
    for claim in values_at(decode(record.resources), ("[]", "ARN")):
        arn = parse_arn(claim) if isinstance(claim, str) else None
        if not arn or arn.account == record.account or not ACCOUNT.fullmatch(arn.account):
            continue
        if arn.resource in ids or not ids.isdisjoint(tails(arn.resource)):
            raise Mismatch(Reason.OTHER_ACCOUNT, "the record's ARNs put what was created into another account")


_NULL = msgspec.Raw(b"null")
_NONE: frozenset[str] = frozenset()
