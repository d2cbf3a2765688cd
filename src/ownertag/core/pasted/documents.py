"""Reads the JSON of a finding, an event or a record, alone or in what carries it: the resources that it is about.

Forms, by AWS's references: GuardDuty API (Finding; with small first letters in its events), Security Hub (ASFF, and
OCSF by the schema of ocsf.io), Inspector API (Finding), IAM Access Analyzer API (Finding), Macie API (Finding), AWS
Config (configuration item, compliance change), EventBridge ("Events from AWS services"), CloudTrail (record contents).
What carries them: EventBridge, SNS, SQS, output of the AWS CLI. A form that is not known is refused: to look for ids in
it would take what a document mentions for what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ownertag.core.addresses import normal_address
from ownertag.core.arn import is_arn, parse_arn
from ownertag.core.pasted.secrets import ACCESS_KEY, SECRET_NAMES, secret_problem
from ownertag.core.pasted.taken import ACCEPTED, Asked, Pasted, PastedError, several

#: Reads what a CloudTrail record created; empty if nothing, or nothing that is known.
Creations = Callable[[bytes], Iterable[Asked]]

#: More documents are not in one another, nor side by side.
_MOST_DEEP, _MOST_FINDINGS = 8, 200
#: Lists and objects that carry others: of the CLI's output, of events, of queues.
_LISTS = (
    *("Findings", "findings", "Records", "Messages", "Events", "events", "Entries"),
    *("configurationItems", "ConfigurationItems", "EvaluationResults", "baseConfigurationItems"),
)
_ONES = ("detail", "Detail", "Finding", "finding", "configurationItem", "Sns", "EvaluationResultIdentifier")
_TEXTS = ("Message", "Body", "body", "CloudTrailEvent", "invokingEvent", "Detail", "@message")
#: Of a GuardDuty finding's resource: the details, and where in them the resource stands.
_GUARD_DUTY = (
    ("instancedetails", "instanceid"),
    ("s3bucketdetails", "arn"),
    ("eksclusterdetails", "arn"),
    ("ecsclusterdetails", "arn"),
    ("lambdadetails", "functionarn"),
    ("rdsdbinstancedetails", "dbinstancearn"),
    ("rdslimitlessdbdetails", "dbshardgrouparn"),
    ("ebsvolumedetails", "volumearn"),
    ("ebssnapshotdetails", "snapshotarn"),
    ("ec2imagedetails", "imagearn"),
    ("recoverypointdetails", "recoverypointarn"),
)
_ID = re.compile(r"[a-z]{1,16}(?:-[a-z]{2,10}){0,2}-(?:[0-9a-f]{17}|[0-9a-f]{8})")
_NAME = re.compile(r"[\x21-\x7e]{1,2048}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_SESSION_OF_INSTANCE = re.compile(r"AROA[A-Z0-9]+:(i-[0-9a-f]{8,17})")


class _Place(Struct, frozen=True):
    """Where a document says its resources are."""

    account: str | None = None
    region: str | None = None

    def below(self, account: Any, region: Any) -> _Place:
        return _Place(
            account if isinstance(account, str) and _ACCOUNT.fullmatch(account) else self.account,
            region if isinstance(region, str) and region else self.region,
        )


class _Found(Struct, frozen=True):
    kind: str
    asked: tuple[Asked, ...]
    why_none: str = "names no resource"


def read_json(text: str, creations: Creations) -> Pasted:
    """What a JSON document is about.

    Raises:
        PastedError: It is no JSON, of no known form, or names no resource.
    """
    try:
        value = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PastedError(f"it begins as JSON and is none ({str(error)[:100]}): was it cut? paste it whole") from error
    found = list(_found(value, _Place(), creations, 0))
    if not found:
        raise PastedError(f"it is JSON, but of no finding, event or record that is known here; {ACCEPTED}")
    asked = [one for each in found for one in each.asked]
    kinds = list(dict.fromkeys(each.kind for each in found))
    kind = kinds[0] if len(kinds) == 1 else "findings and events"
    if not asked:
        raise PastedError(f"it is a {kind}, and {found[0].why_none}; paste the id or ARN of what it is about")
    return several(kind, asked)


def _found(value: Any, place: _Place, creations: Creations, depth: int) -> Iterator[_Found]:
    """Every finding, event and record in a value."""
    if depth > _MOST_DEEP:
        return
    match value:
        case list():
            for item in value[:_MOST_FINDINGS]:
                yield from _found(item, place, creations, depth + 1)
        case str() if value.lstrip()[:1] in {"{", "["}:
            try:
                inner = msgspec.json.decode(value.encode())
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                return
            yield from _found(inner, place, creations, depth + 1)
        case dict():
            yield from _in_object(value, place, creations, depth)


def _in_object(value: dict[str, Any], place: _Place, creations: Creations, depth: int) -> Iterator[_Found]:
    if any(str(key).lower() in SECRET_NAMES for key in (*value, *_object(value.get("Credentials")))):
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
            yield _Found(kind, tuple(_event(value, place)))
        return
    for form in _FORMS:
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


# --- forms; each is given an object, and says None if it is of another form


def _guard_duty(value: dict[str, Any], place: _Place) -> _Found | None:
    finding = _small(value)
    resource, service = _small(finding.get("resource")), _small(finding.get("service"))
    if not resource or not service or "type" not in finding:
        return None
    place = place.below(finding.get("accountid"), finding.get("region"))
    named = [one for details, key in _GUARD_DUTY for one in _texts_at(resource.get(details), key)]
    asked = [_asked(name, place) for name in named]
    key = _small(resource.get("accesskeydetails"))
    asked += [_asked(str(key.get("accesskeyid")), place)]
    if session := _SESSION_OF_INSTANCE.fullmatch(str(key.get("principalid"))):
        asked.append(_asked(session[1], place))
    sequence = _small(_small(service.get("detection")).get("sequence"))
    for one in map(_small, _list(sequence.get("resources"))):
        asked.append(_asked(str(one.get("uid")), place.below(one.get("accountid"), one.get("region"))))
    why = "names a user and no access key of theirs" if key else "names no resource"
    return _Found("GuardDuty finding", _of(asked), why)


def _security_hub(value: dict[str, Any], place: _Place) -> _Found | None:
    if "AwsAccountId" not in value or not isinstance(value.get("Resources"), list):
        return None
    place = place.below(value.get("AwsAccountId"), value.get("Region"))
    asked = []
    for resource in map(_object, value["Resources"]):
        here = place.below(None, resource.get("Region"))
        details = _object(resource.get("Details"))
        key = _object(details.get("AwsIamAccessKey")).get("AccessKeyId")
        asked.append(_asked(str(key or resource.get("Id")), here))
    return _Found("Security Hub finding", _of(asked), "names an account, and no resource")


def _ocsf(value: dict[str, Any], place: _Place) -> _Found | None:
    if "class_uid" not in value:
        return None
    cloud = _object(value.get("cloud"))
    place = place.below(_object(cloud.get("account")).get("uid"), cloud.get("region"))
    asked = []
    for resource in map(_object, [*_list(value.get("resources")), value.get("resource")]):
        account = _object(_object(resource.get("owner")).get("account")).get("uid")
        asked.append(_asked(str(resource.get("uid")), place.below(account, resource.get("region"))))
    return _Found("finding in OCSF", _of(asked))


def _inspector(value: dict[str, Any], place: _Place) -> _Found | None:
    if "findingArn" not in value or not isinstance(value.get("resources"), list):
        return None
    place = place.below(value.get("awsAccountId"), None)
    resources = [_object(resource) for resource in value["resources"]]
    asked = [_asked(str(one.get("id")), place.below(None, one.get("region"))) for one in resources]
    return _Found("Inspector finding", _of(asked))


def _access_analyzer(value: dict[str, Any], place: _Place) -> _Found | None:
    if not isinstance(value.get("resource"), str) or "resourceType" not in value:
        return None
    account = value.get("resourceOwnerAccount") or value.get("accountId")
    return _Found("IAM Access Analyzer finding", _of([_asked(value["resource"], place.below(account, None))]))


def _macie(value: dict[str, Any], place: _Place) -> _Found | None:
    affected = _object(value.get("resourcesAffected"))
    if not affected:
        return None
    place = place.below(value.get("accountId"), value.get("region"))
    return _Found("Macie finding", _of([_asked(str(_object(affected.get("s3Bucket")).get("arn")), place)]))


def _config(value: dict[str, Any], place: _Place) -> _Found | None:
    item = _small(value)
    if not all(isinstance(item.get(name), str) for name in ("resourcetype", "resourceid")):
        return None
    qualifier = "configrulename" in item
    place = place.below(item.get("awsaccountid") or item.get("accountid"), item.get("awsregion"))
    name = item.get("arn") or item["resourceid"]
    return _Found("finding of AWS Config" if qualifier else "item of AWS Config", _of([_asked(str(name), place)]))


def _evaluation(value: dict[str, Any], place: _Place) -> _Found | None:
    inner = value.get("EvaluationResultQualifier")
    return _config(inner, place) if isinstance(inner, dict) else None


def _own(value: dict[str, Any], place: _Place) -> _Found | None:
    """A finding of ownertag's, and an answer of `whois --json`."""
    if "schema" not in value:
        return None
    place = place.below(value.get("account"), value.get("region"))
    if isinstance(value.get("resource"), str) and "changes" in value:
        return _Found("finding of ownertag", _of([_asked(value["resource"], place)]), "does not say which was changed")
    if isinstance(value.get("arn"), str) and "owner" in value:
        return _Found("answer of ownertag", _of([_asked(value["arn"], place)]))
    return None


_FORMS = (_own, _guard_duty, _security_hub, _ocsf, _inspector, _access_analyzer, _macie, _evaluation, _config)


# --- events and records


def _event(value: Mapping[str, Any], place: _Place) -> Iterator[Asked]:
    """What an event of AWS names in its envelope; else the instance that its detail names."""
    named = [one for name in _list(value.get("resources")) for one in _of([_asked(str(name), place)])]
    if not named:
        named = list(_of(_asked(id_, place) for id_ in _texts_at(_small(value["detail"]), "instance-id")))
    yield from named


def _record(value: dict[str, Any], place: _Place, creations: Creations) -> _Found:
    """What a record says was created; else what its request names."""
    kind = f"CloudTrail record of {str(value['eventName'])[:64]!a}"
    made = tuple(creations(msgspec.json.encode(value)))
    if made:
        return _Found(kind, made)
    identity = _object(value.get("userIdentity"))
    place = place.below(value.get("recipientAccountId") or identity.get("accountId"), value.get("awsRegion"))
    listed = [_asked(str(_object(one).get("ARN")), place) for one in _list(value.get("resources"))]
    parts = [] if value.get("errorCode") else [value.get("responseElements")]
    for part in (value.get("requestParameters"), *parts):
        listed = listed if _of(listed) else [_asked(id_, place) for id_ in _ids(part, 0)]
    key = str(identity.get("accessKeyId"))
    signed = f"; what its key made: ownertag whois {key}" if ACCESS_KEY.fullmatch(key) else ""
    return _Found(kind, _of(listed), f"names no resource of EC2{signed}")


def _ids(value: Any, depth: int) -> Iterator[str]:
    """The ids of EC2 that stand under keys of ids (`instanceId`, `resourceId`), in a part of a record."""
    if depth > _MOST_DEEP:
        return
    if isinstance(value, list):
        for item in value:
            yield from _ids(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str):
                yield from [item] if key.lower().endswith("id") and _ID.fullmatch(item) else []
            else:
                yield from _ids(item, depth + 1)


# --- values


def _asked(name: str, place: _Place) -> Asked | None:
    """What a document names; None if it is no resource that has an id, ARN or key."""
    name = name.strip()
    if not name.isascii() or not _NAME.fullmatch(name) or name in {"None", "unknown"}:
        return None
    last = name.rpartition(":")[2]
    if ACCESS_KEY.fullmatch(last) and not is_arn(name):
        return Asked(access_key=last, account=place.account, region=place.region)
    if is_arn(name):
        return Asked(name) if parse_arn(name) else None
    if name.startswith("AWS::"):
        return None
    if address := normal_address(name):
        return Asked(address=address, account=place.account, region=place.region)
    return Asked(name, account=place.account, region=place.region)


def _of(asked: Iterable[Asked | None]) -> tuple[Asked, ...]:
    return tuple(dict.fromkeys(one for one in asked if one is not None))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _small(value: Any) -> dict[str, Any]:
    """An object with its keys in small letters: GuardDuty and Config write them in two ways."""
    return {str(key).lower(): one for key, one in value.items()} if isinstance(value, dict) else {}


def _texts_at(value: Any, key: str, depth: int = 0) -> Iterator[str]:
    """The texts under a key, in small letters, anywhere in a value."""
    if depth > _MOST_DEEP:
        return
    for item in _list(value):
        yield from _texts_at(item, key, depth + 1)
    for name, item in _object(value).items():
        if isinstance(item, str) and str(name).lower() == key:
            yield item
        else:
            yield from _texts_at(item, key, depth + 1)
