"""Reads the JSON of a finding, an event or a record, alone or in what carries it: the resources that it is about.

What carries them: EventBridge ("Events from AWS services"), SNS, SQS, output of the AWS CLI; records: CloudTrail user
guide, "CloudTrail record contents". A form that is not known is refused: to look for ids in it would take what a
document mentions for what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from ownertag.core.arn import is_arn
from ownertag.core.pasted.forms import (
    FORMS,
    ID,
    MOST_DEEP,
    StatedPlace,
    Subject,
    asked_of,
    each_once,
    list_of,
    measured,
    object_of,
    texts_at,
)
from ownertag.core.pasted.secrets import ACCESS_KEY, SECRET_NAMES, secret_problem
from ownertag.core.pasted.taken import ACCEPTED, Asked, Pasted, PastedError, several

#: Keys under which requests name the resource that they are about by its ARN, in small letters.
_ARNS = frozenset({"arn", "resource", "resourcearn", "resourcename"})
#: Reads what a CloudTrail record created; empty if nothing, or nothing that is known.
Creations = Callable[[bytes], Iterable[Asked]]

#: Lists and objects that carry others: of the CLI's output, of events, of queues.
_LISTS = (
    *("Findings", "findings", "Records", "Messages", "Events", "events", "Entries"),
    *("configurationItems", "ConfigurationItems", "EvaluationResults", "baseConfigurationItems"),
)
_ONES = ("detail", "Detail", "Finding", "finding", "configurationItem", "Sns", "EvaluationResultIdentifier")
_TEXTS = ("Message", "Body", "body", "CloudTrailEvent", "invokingEvent", "Detail", "@message")


def read_json(text: str, creations: Creations) -> Pasted:
    """What a JSON document is about.

    Raises:
        PastedError: It is no JSON, of no known form, or names no resource.
    """
    try:
        value = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PastedError(f"it begins as JSON and is none ({str(error)[:100]}): was it cut? paste it whole") from error
    found = list(_found(value, StatedPlace(), creations, 0))
    if not found:
        raise PastedError(f"it is JSON, but of no finding, event or record that is known here; {ACCEPTED}")
    asked = [one for each in found for one in each.asked]
    kinds = list(dict.fromkeys(each.kind for each in found))
    kind = kinds[0] if len(kinds) == 1 else "findings and events"
    if not asked:
        raise PastedError(f"it is a {kind}, and {found[0].why_none}; paste the id or ARN of what it is about")
    return several(kind, asked)


def _found(value: Any, place: StatedPlace, creations: Creations, depth: int) -> Iterator[Subject]:
    """Every finding, event and record in a value."""
    if depth > MOST_DEEP:
        return
    match value:
        case list():
            for item in value:
                yield from _found(item, place, creations, depth + 1)
        case str() if value.lstrip()[:1] in {"{", "["}:
            try:
                inner = msgspec.json.decode(value.encode())
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                return
            yield from _found(inner, place, creations, depth + 1)
        case dict():
            yield from _in_object(value, place, creations, depth)


def _in_object(value: dict[str, Any], place: StatedPlace, creations: Creations, depth: int) -> Iterator[Subject]:
    if any(str(key).lower() in SECRET_NAMES for key in (*value, *object_of(value.get("Credentials")))):
        raise PastedError(secret_problem("credentials with a secret"))
    if "eventName" in value and "eventSource" in value:
        yield _record(value, place, creations)
        return
    if isinstance(value.get("detail"), dict) and "detail-type" in value:
        place = place.below(value.get("account"), value.get("region"))
        inner = list(_found(value["detail"], place, creations, depth + 1))
        yield from inner
        if not inner:
            kind = f"EventBridge event ({str(value['detail-type'])[:64]!a})"
            yield Subject(kind, _event(value, place))
        return
    for form in FORMS:
        if (found := form(value, place)) is not None:
            yield found
            return
    for name in _LISTS:
        if isinstance(value.get(name), list):
            yield from _found(value[name], place, creations, depth + 1)
    for name in _ONES:
        if isinstance(value.get(name), dict):
            yield from _found(value[name], place, creations, depth + 1)
    for name in _TEXTS:
        if isinstance(value.get(name), str):
            yield from _found(value[name], place, creations, depth + 1)


# --- events and records


def _event(value: Mapping[str, Any], place: StatedPlace) -> tuple[Asked, ...]:
    """What the metric of an alarm is about, or what an event names in its envelope; else its detail's instance."""
    return (
        each_once(measured(value["detail"], place))
        or each_once(asked_of(str(name), place) for name in list_of(value.get("resources")))
        or each_once(asked_of(id_, place) for id_ in texts_at(value["detail"], "instance-id"))
    )


def _record(value: dict[str, Any], place: StatedPlace, creations: Creations) -> Subject:
    """What a record says was created; else what its request names."""
    kind = f"CloudTrail record of {str(value['eventName'])[:64]!a}"
    made = tuple(creations(msgspec.json.encode(value)))
    if made:
        return Subject(kind, made)
    identity = object_of(value.get("userIdentity"))
    place = place.below(value.get("recipientAccountId") or identity.get("accountId"), value.get("awsRegion"))
    listed = [asked_of(str(object_of(one).get("ARN")), place) for one in list_of(value.get("resources"))]
    parts = [] if value.get("errorCode") else [value.get("responseElements")]
    for part in (value.get("requestParameters"), *parts):
        listed = listed if each_once(listed) else [asked_of(id_, place) for id_ in _ids(part, 0)]
    key = str(identity.get("accessKeyId"))
    signed = f"; what its key made: ownertag whois {key}" if ACCESS_KEY.fullmatch(key) else ""
    return Subject(kind, each_once(listed), f"names no resource that is known here{signed}")


def _ids(value: Any, depth: int) -> Iterator[str]:
    """What a part of a record names: ids of EC2 under keys of ids, and ARNs under `arn` or `resourceArn`.

    Other ARNs are of what the call uses, such as a role.
    """
    if depth > MOST_DEEP:
        return
    if isinstance(value, list):
        for item in value:
            yield from _ids(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str):
                is_id = key.lower().endswith("id") and ID.fullmatch(item)
                yield from [item] if is_id or (key.lower() in _ARNS and is_arn(item)) else []
            else:
                yield from _ids(item, depth + 1)
