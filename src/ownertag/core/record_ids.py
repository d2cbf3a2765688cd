"""Reads from a record what it names as made or deleted, by ARN or by id: paths of a catalogue row to resources.

An ARN has to fit the type's template, and the account and Region of the record; a resource's own ARN is always built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from ownertag.core.arn import MAX_LENGTH, arn_before_id, is_arn, last_part, partition_of, take_apart
from ownertag.core.catalogue_types import Catalogue, Makes, ResourceType
from ownertag.core.paths import Skip, member, no_objects, values_at
from ownertag.core.records import Arrival, Record
from ownertag.core.settings import Settings
from ownertag.core.values import Reason, Refusal, Resource

#: A `strip` that leaves only the last part of a URL.
ALL_BEFORE_NAME = "*/"

T = TypeVar("T")


class Mismatch(Exception):
    """Says why a record is not what it was taken for; whoever matches it makes a refusal of it."""

    def __init__(self, reason: Reason, detail: str, resources: tuple[Resource, ...] = ()) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.resources = resources


def matched_or_refused(
    matcher: Callable[[Arrival, Catalogue, Settings], T], arrival: Arrival, catalogue: Catalogue, settings: Settings
) -> T | Refusal:
    """What a matcher makes of a record, or the refusal that its mismatch says."""
    try:
        return matcher(arrival, catalogue, settings)
    except Mismatch as mismatch:
        return Refusal(arrival.where, mismatch.reason, mismatch.detail, arrival.record, mismatch.resources)


def check_call(record: Record, nothing: Reason, does: str) -> None:
    """Refuses the record of a call that did nothing.

    Args:
        record: The record.
        nothing: The reason where it is no record of the call itself.
        does: What the call would have done, as in `creates nothing`.
    """
    if record.error_code:
        raise Mismatch(Reason.FAILED_CALL, f"{record.event_name[:128]!a} failed with {record.error_code[:128]!a}")
    if record.category == "NetworkActivity" or record.event_type == "AwsVpceEvent":
        # The call has a record of its own (CloudTrail user guide, "Logging network activity events").
        raise Mismatch(nothing, f"a VPC endpoint's view of {record.event_name[:128]!a} {does} nothing")


def resource(type: ResourceType, id: str, record: Record) -> Resource:  # noqa: A002 - the field's own words
    """The resource with this id in the record's account and Region. Its ARN is built, never taken from outside."""
    return resource_at(type, id, record.account, record.region)


def resources_of(made: Iterable[tuple[ResourceType, str]], record: Record) -> list[Resource]:
    """The resources with these types and ids. There are few types: the ARN before the id is built once for each."""
    heads: dict[str, str] = {}
    found = []
    for type_, id_ in made:
        head = heads.get(type_.name)
        if head is None:
            head = heads[type_.name] = arn_before_id(type_.arn, record.region, record.account)
        found.append(Resource(head + id_, id_, type_.name))
    return found


def resource_at(type: ResourceType, id: str, account: str, region: str) -> Resource:  # noqa: A002 - the field's own words
    """The resource with this id in this account and Region."""
    return Resource(arn_before_id(type.arn, region, account) + id, id, type.name)


def of_type(
    document: dict[str, Any], makes: Makes, skip: Skip, record: Record, *, named_before: bool = False
) -> Iterable[Resource]:
    """The resources of one type: by their ARNs, or else by their ids.

    Args:
        document: The request and the response.
        makes: Where they stand.
        skip: What is left out on the way.
        record: The record.
        named_before: What stands in the request as well was there before, and is left out.
    """
    for path in makes.arns:
        arns = [arn for arn in values_at(document, path, skip) if arn not in (None, "")]
        if arns:
            # What stands in the request as well was there before: a parent, a source, a target.
            known = _request_text(record) if named_before else b""
            return [
                _by_arn(makes.type, _text(makes, arn), record)
                for arn in arns
                if not (isinstance(arn, str) and _quoted(arn) in known)
            ]
    ids = _ids(document, makes, skip) or _composed(document, makes)
    return [_by_id(makes, id_, record) for id_ in ids]


def _request_text(record: Record) -> bytes:
    """The request, written in one way: a slash may stand escaped in it."""
    raw = bytes(record.request)
    return msgspec.json.encode(decode(record.request)) if b"\\" in raw else raw


def _quoted(text: str) -> bytes:
    return msgspec.json.encode(text)


def _ids(document: dict[str, Any], makes: Makes, skip: Skip) -> list[str]:
    """The ids of one type, by the first path that finds any."""
    for path in makes.each:
        nodes = values_at(document, path, skip)
        if makes.id is not None and no_objects(nodes):
            continue
        ids = (
            nodes if makes.id is None else [member(node, makes.id) for node in nodes if node and isinstance(node, dict)]
        )
        ids = [id_ for id_ in ids if id_ is not None and id_ != ""]  # an empty element is written as ""
        if ids:
            return [_text(makes, id_) for id_ in ids]
    return []


def _composed(document: dict[str, Any], makes: Makes) -> list[str]:
    """The id that is put together of several members, each there once; none where one is missing."""
    for composed in makes.composed:
        parts: list[str] = []
        for path, default in composed.parts:
            found = [value for value in values_at(document, path) if value not in (None, "")]
            if len(found) > 1:
                raise Mismatch(Reason.BAD_ID, f"a part of the id of a {makes.type.name} stands there more than once")
            if not found and default is None:
                break
            part = _text(makes, found[0]) if found else str(default)
            parts.append(last_part(part) if is_arn(part) else part)
        else:
            return [composed.form.format(*parts)]
    return []


def _text(makes: Makes, id_: Any) -> str:
    if isinstance(id_, str):
        return id_
    raise Mismatch(Reason.BAD_ID, f"an id of a {makes.type.name} is not text")


def _by_id(makes: Makes, id_: str, record: Record) -> Resource:
    if makes.id is None and is_arn(id_):
        return _by_arn(makes.type, id_, record)
    id_ = id_.rpartition("/")[2] if makes.strip == ALL_BEFORE_NAME else id_.removeprefix(makes.strip)
    if not makes.type.id.fullmatch(id_):
        raise Mismatch(Reason.BAD_ID, f"{id_[:80]!a} is no id of a {makes.type.name}")
    found = resource(makes.type, id_, record)
    if len(found.arn) > MAX_LENGTH:
        raise Mismatch(Reason.BAD_ID, f"{id_[:80]!a} makes an ARN that is longer than any")
    return found


def _by_arn(type_: ResourceType, arn: str, record: Record) -> Resource:
    """The resource that an ARN names; it has to be of the type, and in the account and Region of the record."""
    parts = take_apart(arn, type_.arn, type_.id_form)
    if parts is None:
        raise Mismatch(Reason.BAD_ID, f"{arn[:200]!a} is no ARN of a {type_.name}")
    if parts.account not in (None, record.account):
        raise Mismatch(Reason.OTHER_ACCOUNT, "what was created belongs to another account than the record's")
    if parts.region not in (None, record.region) or parts.partition != partition_of(record.region):
        raise Mismatch(Reason.OTHER_REGION, f"the ARN of what was created is not in {record.region}, as the record is")
    return resource(type_, parts.id, record)


def decode(raw: msgspec.Raw) -> Any:
    """The request or response; a mismatch where it can't be read."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Mismatch(Reason.NOT_A_RECORD, f"its request or response can't be read: {error}") from error
