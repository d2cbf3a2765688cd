"""CloudTrail records and the events that carry them, as AWS would write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from harness.fakes import NOON
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import OrganizationSettings, Settings
from ownertag.flows.live import Message

CATALOGUE = load_catalogue()
HOME = "eu-central-1"
SETTINGS = Settings(
    organization=OrganizationSettings(
        id="o-a1b2c3d4e5", management_account="123456789012", hub_account="123456789012", home_region=HOME
    ),
    tags={"owner": "{owner}", "dateCreated": "{created_at}", "WhatIsThis": "made by {event_name}"},
)

_MINUTE = timedelta(minutes=1)


def tags_for(user: str, event_name: str, at: datetime = NOON - _MINUTE) -> dict[str, str]:
    """The tags that SETTINGS give a creation of the builders below."""
    return {
        "owner": user,
        "dateCreated": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "WhatIsThis": f"made by {event_name}",
    }


def record(
    event_name: str,
    account: str,
    region: str,
    response: Any,
    request: Any = None,
    *,
    user: str = "alice",
    at: datetime = NOON - _MINUTE,
    number: int = 0,
    **fields: Any,
) -> dict[str, Any]:
    """A record of an IAM user's call in EC2."""
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": f"arn:aws:iam::{account}:user/{user}",
            "accountId": account,
            "userName": user,
        },
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "ec2.amazonaws.com",
        "eventName": event_name,
        "awsRegion": region,
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "test",
        "requestParameters": request or {},
        "responseElements": response,
        "requestID": str(UUID(int=number)),
        "eventID": str(UUID(int=number)),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        **fields,
    }


def volume(account: str, volume_id: str, region: str = HOME, **fields: Any) -> dict[str, Any]:
    """The record of a created volume, whose tagging takes no look-up."""
    return record("CreateVolume", account, region, {"volumeId": volume_id, "size": "8"}, **fields)


def launch(
    account: str,
    instance_ids: Sequence[str],
    region: str = HOME,
    reservation: str = "r-0000000000000aaaa",
    **fields: Any,
) -> dict[str, Any]:
    """The record of a launch."""
    response = {
        "reservationId": reservation,
        "ownerId": account,
        "instancesSet": {"items": [{"instanceId": id_, "networkInterfaceSet": {}} for id_ in instance_ids]},
    }
    return record("RunInstances", account, region, response, **fields)


def launch_of(answered: dict[str, Any], account: str, region: str = HOME, **fields: Any) -> dict[str, Any]:
    """The record of a launch on moto, from RunInstances' answer."""
    ids = [instance["InstanceId"] for instance in answered["Instances"]]
    return launch(account, ids, region, answered["ReservationId"], **fields)


def omitted_launch(
    account: str, token: str | None, region: str = HOME, count: int = 1, **fields: Any
) -> dict[str, Any]:
    """The record of a launch of so many instances that CloudTrail left the response out."""
    request: dict[str, Any] = {"instancesSet": {"items": [{"minCount": count, "maxCount": count}]}}
    if token is not None:
        request["clientToken"] = token
    return record("RunInstances", account, region, {"omitted": True}, request, **fields)


def envelope(detail: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The EventBridge event of a record."""
    return {
        "version": "0",
        "id": detail["eventID"],
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ec2",
        "account": detail["recipientAccountId"],
        "time": detail["eventTime"],
        "region": detail["awsRegion"],
        "resources": [],
        "detail": detail,
        **fields,
    }


def messages(*details: dict[str, Any] | str, receives: int = 1) -> list[Message]:
    """Messages m0, m1, ... of these records, or of bodies as they are."""
    bodies = [detail if isinstance(detail, str) else json.dumps(envelope(detail)) for detail in details]
    return [Message(f"m{number}", body, f"receipt-{number}", receives) for number, body in enumerate(bodies)]


def volume_id(number: int) -> str:
    """The id of the n-th volume."""
    return f"vol-{number:017x}"


def instance_id(number: int) -> str:
    """The id of the n-th instance."""
    return f"i-{number:017x}"
