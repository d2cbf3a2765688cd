"""Reads reservations that were launched around a time in EC2's answers.

Source: EC2 API reference, DescribeInstances. `launch-time` takes a wildcard, and is the time of the last start; a page
can cut a reservation. When an instance was first launched its primary interface says, which can't be detached.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ownertag.core.unnamed_launch import TIME_WINDOW
from ownertag.core.values import Fact, Found, Reservation, ReservedInstance

#: The tens of seconds that lie around a time.
TENS = (-TIME_WINDOW, timedelta(0), TIME_WINDOW)


def time_filters(value: str) -> list[str]:
    """The values of a filter that let through what was started around a time."""
    at = datetime.fromisoformat(value).astimezone(UTC)
    return [(at + by).strftime("%Y-%m-%dT%H:%M:%S")[:-1] + "*" for by in TENS]


def reservations_by_time(pages: Iterable[Any], values: Iterable[str]) -> dict[str, Fact]:
    """The reservations with an instance that was started around each of these times."""
    found: dict[str, Any] = {}
    shown: dict[str, list[Any]] = defaultdict(list)
    for page in pages:
        for reservation in page["Reservations"]:
            found.setdefault(reservation["ReservationId"], reservation)
            shown[reservation["ReservationId"]] += reservation["Instances"]
    answers: dict[str, Fact] = {}
    for value in values:
        at = datetime.fromisoformat(value)
        near = tuple(
            _reservation(reservation, shown[id_])
            for id_, reservation in found.items()
            if any(abs(one["LaunchTime"] - at) <= TIME_WINDOW for one in shown[id_])
        )
        answers[value] = Found(reservations=near)
    return answers


def _reservation(plain: Mapping[str, Any], instances: Iterable[Mapping[str, Any]]) -> Reservation:
    return Reservation(
        plain["ReservationId"],
        plain.get("OwnerId", ""),
        plain.get("RequesterId") or None,
        tuple(map(_instance, instances)),
    )


def _instance(plain: Mapping[str, Any]) -> ReservedInstance:
    attachments = (interface.get("Attachment", {}) for interface in plain.get("NetworkInterfaces", ()))
    # Each network card has a device 0, and the other cards' are attached later (EC2 user guide, EFA-only interfaces).
    primary = (
        attachment
        for attachment in attachments
        if (attachment.get("DeviceIndex"), attachment.get("NetworkCardIndex", 0)) == (0, 0)
    )
    return ReservedInstance(
        id=plain["InstanceId"],
        launched_at=next((attachment.get("AttachTime") for attachment in primary), None),
        token=plain.get("ClientToken") or "",
        image=plain.get("ImageId"),
        type=plain.get("InstanceType"),
        subnet=plain.get("SubnetId"),
        zone=plain.get("Placement", {}).get("AvailabilityZone"),
        key=plain.get("KeyName"),
        lifecycle=plain.get("InstanceLifecycle"),
        tags={tag["Key"]: tag.get("Value", "") for tag in plain.get("Tags", ()) if tag["Key"].startswith("aws:")},
    )
