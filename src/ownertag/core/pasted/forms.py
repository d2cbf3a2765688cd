"""The forms of findings: where each says what it is about. `documents` finds them in what carries them.

Forms, by AWS's references: GuardDuty API (Finding; with small first letters in its events), Security Hub (ASFF, and
OCSF by the schema of ocsf.io), Inspector API (Finding), IAM Access Analyzer API (Finding), Macie API (Finding), AWS
Config (configuration item, compliance change), CloudWatch (alarm notifications).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.addresses import normal_address
from ownertag.core.arn import is_arn, parse_arn
from ownertag.core.pasted.secrets import ACCESS_KEY
from ownertag.core.pasted.taken import Asked

#: What stands in one another deeper is not looked at.
MOST_DEEP = 8
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
ID = re.compile(r"[a-z]{1,16}(?:-[a-z]{2,10}){0,2}-(?:[0-9a-f]{17}|[0-9a-f]{8})")
#: What dimensions of metrics name (CloudWatch user guide, "AWS services that publish CloudWatch metrics"), by type.
_DIMENSIONS = {
    "AutoScalingGroupName": "autoscaling:autoScalingGroup",
    "BucketName": "s3:bucket",
    "CacheClusterId": "elasticache:",
    "DBClusterIdentifier": "rds:cluster",
    "DBInstanceIdentifier": "rds:db",
    "DistributionId": "cloudfront:distribution",
    "FunctionName": "lambda:function",
    "LoadBalancer": "elasticloadbalancing:",
    "LoadBalancerName": "elasticloadbalancing:loadbalancer",
    "LogGroupName": "logs:log-group",
    "ProjectName": "codebuild:project",
    "QueueName": "sqs:queue",
    "StateMachineArn": "states:statemachine",
    "StreamName": "kinesis:stream",
    "TableName": "dynamodb:table",
    "TopicName": "sns:topic",
}
_NAME = re.compile(r"[\x21-\x7e]{1,2048}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_SESSION_OF_INSTANCE = re.compile(r"AROA[A-Z0-9]+:(i-[0-9a-f]{8,17})")


class StatedPlace(Struct, frozen=True):
    """Where a document says its resources are."""

    account: str | None = None
    region: str | None = None

    def below(self, account: Any, region: Any) -> StatedPlace:
        """The same, with what a part of the document says beside it."""
        return StatedPlace(
            account if isinstance(account, str) and _ACCOUNT.fullmatch(account) else self.account,
            region if isinstance(region, str) and region else self.region,
        )


class Subject(Struct, frozen=True):
    """What a finding, event or record is, the resources that it is about, and if there are none, why."""

    kind: str
    asked: tuple[Asked, ...]
    why_none: str = "names no resource"


# --- forms; each is given an object, and says None if it is of another form


def _guard_duty(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    finding = small_keys(value)
    resource, service = small_keys(finding.get("resource")), small_keys(finding.get("service"))
    if not resource or not service or "type" not in finding:
        return None
    place = place.below(finding.get("accountid"), finding.get("region"))
    named = [one for details, key in _GUARD_DUTY for one in texts_at(resource.get(details), key)]
    asked = [asked_of(name, place) for name in named]
    key = small_keys(resource.get("accesskeydetails"))
    asked += [asked_of(str(key.get("accesskeyid")), place)]
    if session := _SESSION_OF_INSTANCE.fullmatch(str(key.get("principalid"))):
        asked.append(asked_of(session[1], place))
    sequence = small_keys(small_keys(service.get("detection")).get("sequence"))
    for one in map(small_keys, list_of(sequence.get("resources"))):
        asked.append(asked_of(str(one.get("uid")), place.below(one.get("accountid"), one.get("region"))))
    why = "names a user and no access key of theirs" if key else "names no resource"
    return Subject("GuardDuty finding", each_once(asked), why)


def _security_hub(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    if "AwsAccountId" not in value or not isinstance(value.get("Resources"), list):
        return None
    place = place.below(value.get("AwsAccountId"), value.get("Region"))
    asked = []
    for resource in map(object_of, value["Resources"]):
        here = place.below(None, resource.get("Region"))
        details = object_of(resource.get("Details"))
        key = object_of(details.get("AwsIamAccessKey")).get("AccessKeyId")
        asked.append(asked_of(str(key or resource.get("Id")), here))
    return Subject("Security Hub finding", each_once(asked), "names an account, and no resource")


def _ocsf(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    if "class_uid" not in value:
        return None
    cloud = object_of(value.get("cloud"))
    place = place.below(object_of(cloud.get("account")).get("uid"), cloud.get("region"))
    asked = []
    for resource in map(object_of, [*list_of(value.get("resources")), value.get("resource")]):
        account = object_of(object_of(resource.get("owner")).get("account")).get("uid")
        asked.append(asked_of(str(resource.get("uid")), place.below(account, resource.get("region"))))
    return Subject("finding in OCSF", each_once(asked))


def _inspector(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    if "findingArn" not in value or not isinstance(value.get("resources"), list):
        return None
    place = place.below(value.get("awsAccountId"), None)
    resources = [object_of(resource) for resource in value["resources"]]
    asked = [asked_of(str(one.get("id")), place.below(None, one.get("region"))) for one in resources]
    return Subject("Inspector finding", each_once(asked))


def _access_analyzer(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    if not isinstance(value.get("resource"), str) or "resourceType" not in value:
        return None
    account = value.get("resourceOwnerAccount") or value.get("accountId")
    return Subject("IAM Access Analyzer finding", each_once([asked_of(value["resource"], place.below(account, None))]))


def _macie(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    affected = object_of(value.get("resourcesAffected"))
    if not affected:
        return None
    place = place.below(value.get("accountId"), value.get("region"))
    return Subject("Macie finding", each_once([asked_of(str(object_of(affected.get("s3Bucket")).get("arn")), place)]))


def _config(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    item = small_keys(value)
    if not all(isinstance(item.get(name), str) for name in ("resourcetype", "resourceid")):
        return None
    qualifier = "configrulename" in item
    place = place.below(item.get("awsaccountid") or item.get("accountid"), item.get("awsregion"))
    name = item.get("arn") or item["resourceid"]
    return Subject(
        "finding of AWS Config" if qualifier else "item of AWS Config", each_once([asked_of(str(name), place)])
    )


def _evaluation(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    inner = value.get("EvaluationResultQualifier")
    return _config(inner, place) if isinstance(inner, dict) else None


def _own(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    """A finding of ownertag's, and an answer of `whois --json`."""
    if "schema" not in value:
        return None
    place = place.below(value.get("account"), value.get("region"))
    if isinstance(value.get("resource"), str) and "changes" in value:
        return Subject(
            "finding of ownertag",
            each_once([asked_of(value["resource"], place)]),
            "does not say which was changed",
        )
    if isinstance(value.get("arn"), str) and "owner" in value:
        return Subject("answer of ownertag", each_once([asked_of(value["arn"], place)]))
    return None


def _alarm(value: dict[str, Any], place: StatedPlace) -> Subject | None:
    """An alarm of CloudWatch, as SNS tells of it: what its metric is about."""
    trigger = object_of(value.get("Trigger"))
    if not trigger or "AlarmName" not in value:
        return None
    arn = parse_arn(str(value.get("AlarmArn")))
    place = place.below(value.get("AWSAccountId"), arn and arn.region)
    return Subject(
        "alarm of CloudWatch", each_once(measured(trigger, place)), "measures no resource that is known here"
    )


def measured(value: Any, place: StatedPlace, depth: int = 0) -> Iterator[Asked | None]:
    """The resources that stand in the dimensions of a metric, anywhere in a value."""
    if depth > MOST_DEEP:
        return
    for item in list_of(value):
        yield from measured(item, place, depth + 1)
    for name, item in object_of(value).items():
        if str(name).lower() == "dimensions":
            named = [*object_of(item).items(), *(_pair(small_keys(one)) for one in list_of(item))]
            yield from (_dimension(str(name), one, place) for name, one in named if isinstance(one, str))
        else:
            yield from measured(item, place, depth + 1)


def _pair(dimension: dict[str, Any]) -> tuple[Any, Any]:
    return dimension.get("name"), dimension.get("value")


def _dimension(name: str, value: str, place: StatedPlace) -> Asked | None:
    """What a dimension names: an id of EC2, whatever it is called, or what the name says."""
    if ID.fullmatch(value):
        return asked_of(value, place)
    type_ = _DIMENSIONS.get(name)
    asked = asked_of(value, place) if type_ else None
    return replace(asked, type=type_) if asked and type_ and not is_arn(value) else asked


FORMS = (_own, _alarm, _guard_duty, _security_hub, _ocsf, _inspector, _access_analyzer, _macie, _evaluation, _config)


# --- values


def asked_of(name: str, place: StatedPlace) -> Asked | None:
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


def each_once(asked: Iterable[Asked | None]) -> tuple[Asked, ...]:
    """What is named, each once."""
    return tuple(dict.fromkeys(one for one in asked if one is not None))


def object_of(value: Any) -> dict[str, Any]:
    """The value, if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """The value, if it is a list; else an empty one."""
    return value if isinstance(value, list) else []


def small_keys(value: Any) -> dict[str, Any]:
    """An object with its keys in small letters: GuardDuty and Config write them in two ways."""
    return {str(key).lower(): one for key, one in value.items()} if isinstance(value, dict) else {}


def texts_at(value: Any, key: str, depth: int = 0) -> Iterator[str]:
    """The texts under a key, in small letters, anywhere in a value."""
    if depth > MOST_DEEP:
        return
    for item in list_of(value):
        yield from texts_at(item, key, depth + 1)
    for name, item in object_of(value).items():
        if isinstance(item, str) and str(name).lower() == key:
            yield item
        else:
            yield from texts_at(item, key, depth + 1)
