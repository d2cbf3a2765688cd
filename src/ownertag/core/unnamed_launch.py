"""A launch whose record names neither its instances nor a client token, found by its time where that is certain.

CloudTrail leaves an answer of more than 100 KB out of the record, and a call need not have a token. Then a reservation
is this launch's only if nothing else can have made it: every other launch of that time says in its record which
reservation is its own, and one is left over, of the record's account, first launched at that time, with as many
instances as the call asked for and with all that it asked for. Where any of this can't be told, nobody is named.

Sources: EC2 API reference, DescribeInstances (`LaunchTime` is the last start, the attachment of the primary network
interface the first launch; a terminated instance has no interface and is shown for less than an hour; `ClientToken` is
the token that was given, if any; `RequesterId` is who launched on one's behalf); EC2 user guide, launch templates (what
is launched from one has the tag `aws:ec2launchtemplate:id`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec import Struct

from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.match import BY_HAND
from ownertag.core.parameters import parameters_of
from ownertag.core.paths import get, values_at
from ownertag.core.records import Record
from ownertag.core.values import (
    Absent,
    Creation,
    Fact,
    Facts,
    Found,
    LaunchRecord,
    Question,
    Reservation,
    ReservedInstance,
    Unavailable,
)

#: The clocks of EC2 and CloudTrail differ by no more than this, and a launch takes no longer.
TIME_WINDOW = timedelta(seconds=10)

#: Tags that only a service writes, of launches for which other records than RunInstances may stand.
_SERVICES = ("aws:autoscaling:groupName", "aws:ec2:fleet-id", "aws:ec2spot:fleet-request-id")
#: Errors after which nobody knows whether the call was carried out.
_INTERNAL = re.compile(r"Internal|Unavailable|Timeout|TimedOut", re.IGNORECASE)
_ITEMS = ("instancesSet", "items", "[]")


class Uncertain(Struct, frozen=True):
    """What the launch made can't be known for certain, and why."""

    reason: str


def is_unnamed(creation: Creation) -> bool:
    """Whether it is such a launch."""
    return creation.asked_by is not None and creation.asked_by[0] is QuestionKind.LAUNCHES


def launch_record_of(record: Record) -> LaunchRecord | None:
    """The launch that a record of RunInstances tells of; None where the call failed, and made nothing.

    An error of AWS's own does not say that: a call can be carried out whose answer failed (EC2 developer guide,
    "Ensuring idempotency in Amazon EC2 API requests").
    """
    if record.error_code and not _INTERNAL.search(record.error_code):
        return None
    document = parameters_of(record)
    reservation = get(document["response"], "reservationId")
    token = get(document["request"], "clientToken")
    return LaunchRecord(record.event_id, record.creation_id, _text(reservation), _text(token))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def launch_questions(creation: Creation, facts: Facts) -> tuple[Question, ...]:
    """The questions: the launches of that time, then its reservations, then all instances of the one that is left."""
    if _counts(creation) is None:
        return ()
    launches, shown = _launches(creation), _reservations(creation)
    if not isinstance(facts.get(launches), Found):
        return (launches,)
    left = _left_over(creation, facts) if isinstance(facts.get(shown), Found) else None
    return (launches, shown, _all_of(left, creation)) if isinstance(left, Reservation) else (launches, shown)


def launched_instances(creation: Creation, facts: Facts) -> Fact | Uncertain | None:
    """The instances that the launch made, or why they aren't known; None where something has to be asked."""
    counts = _counts(creation)
    if counts is None:
        return _uncertain("the request does not say how many it asked for")
    launches = facts.get(_launches(creation))
    if launches is None or isinstance(launches, Unavailable):
        return launches
    shown = facts.get(_reservations(creation))
    if isinstance(launches, Found) and (shown is None or isinstance(shown, Unavailable)):
        return shown
    left = _left_over(creation, facts)
    if isinstance(left, Uncertain):
        return left
    fact = facts.get(_all_of(left, creation))
    if isinstance(fact, Absent):
        return _uncertain(f"reservation {left.id} is not to be seen any more")
    if isinstance(fact, Found):
        least, most = counts
        if not least <= len(fact.instances) <= most:
            asked = f"{least}" if least == most else f"{least} to {most}"
            return _uncertain(
                f"reservation {left.id} shows {len(fact.instances)} instances, and {asked} were asked for"
            )
    return fact


def _launches(creation: Creation) -> Question:
    kind, value = creation.asked_by or (QuestionKind.LAUNCHES, "")
    return Question(kind, creation.record.account, creation.record.region, value)


def _reservations(creation: Creation) -> Question:
    at = creation.record.created_at.isoformat()
    return Question(QuestionKind.RESERVATIONS, creation.record.account, creation.record.region, at)


def _all_of(reservation: Reservation, creation: Creation) -> Question:
    record = creation.record
    return Question(QuestionKind.INSTANCES_BY_RESERVATION, record.account, record.region, reservation.id)


def _left_over(creation: Creation, facts: Facts) -> Reservation | Uncertain:
    """The one reservation of that time that no other launch made, or why it isn't known which that is."""
    launches, shown = facts.get(_launches(creation)), facts.get(_reservations(creation))
    if not isinstance(launches, Found):
        return _uncertain("CloudTrail does not list the launches of that time any more, after 90 days")
    if not launches.complete:
        return _uncertain("CloudTrail lists more launches of that time than can be read")
    record = creation.record
    others = [launch for launch in launches.launches if launch.creation_id != record.creation_id]
    own = {launch.reservation for launch in launches.launches if launch.creation_id == record.creation_id} - {None}
    silent = [launch for launch in others if launch.reservation is None and launch.token is None]
    if silent:
        return _uncertain(f"{len(silent)} other launches of that time don't say what they made either")
    named, tokens = {launch.reservation for launch in others}, {launch.token for launch in others}
    left = [
        reservation
        for reservation in (shown.reservations if isinstance(shown, Found) else ())
        if reservation.account == record.account
        and reservation.id not in named
        and (not own or reservation.id in own)
        and not all(instance.token in tokens for instance in reservation.instances)
        and _may_be_of_then(reservation, creation)
    ]
    if not left and own:
        return _uncertain("what is to be seen of that time is not the one that an amended record names")
    if not left:
        return _uncertain("no launch of that time is to be seen that is not another's")
    if len(left) > 1:
        return _uncertain(f"{len(left)} launches of that time are to be seen, and no record says which is whose")
    [reservation] = left
    doubt = _doubt(reservation, creation)
    return _uncertain(f"reservation {reservation.id} {doubt}") if doubt else reservation


def _uncertain(reason: str) -> Uncertain:
    return Uncertain(f"CloudTrail left out the ids, the call has no client token, and {reason}; {BY_HAND}")


def _may_be_of_then(reservation: Reservation, creation: Creation) -> bool:
    """Whether a reservation may have been launched at that time, and its instances were not only started then."""
    times = [instance.launched_at for instance in reservation.instances if instance.launched_at]
    return not times or any(abs(time - creation.record.created_at) <= TIME_WINDOW for time in times)


def _doubt(reservation: Reservation, creation: Creation) -> str | None:
    """Why the reservation that is left over may still be no launch of this caller."""
    document = parameters_of(creation.record)
    identity = creation.record.identity
    if not any(instance.launched_at for instance in reservation.instances):
        return "is terminated, so that nothing says when it was launched"
    if any(instance.token for instance in reservation.instances):
        return "has a client token, and the call had none"
    if any(instance.lifecycle for instance in reservation.instances):
        return "is of Spot or scheduled instances, which other calls make as well"
    if reservation.requester and not (identity and identity.invoked_by):
        return "was launched by somebody on behalf of the account, and the caller acted for himself"
    for instance in reservation.instances:
        if any(key in instance.tags for key in _SERVICES):
            return "is of a group or a fleet"
        if wrong := _differs(instance, document["request"] or {}):
            return f"has another {wrong} than was asked for"
    return None


def _differs(instance: ReservedInstance, request: Mapping[str, Any]) -> str | None:
    """What of an instance differs from the request; what a request leaves open, does not count."""
    items = values_at(request, _ITEMS)
    facts = (
        ("image", instance.image, [get(item, "imageId") for item in items]),
        ("key", instance.key, [get(item, "keyName") for item in items]),
        ("type", instance.type, [get(request, "instanceType")]),
        ("subnet", instance.subnet, [get(request, "subnetId")]),
        ("Availability Zone", instance.zone, [get(request, "availabilityZone")]),
        ("launch template", instance.tags.get("aws:ec2launchtemplate:id"), _template(request)),
    )
    for name, has, asked in facts:
        wanted = {value for value in asked if isinstance(value, str)}
        if wanted and has not in wanted:
            return name
    if bool(get(request, "launchTemplate")) != ("aws:ec2launchtemplate:id" in instance.tags):
        return "launch template"
    return None


def _template(request: Mapping[str, Any]) -> list[Any]:
    return [get(get(request, "launchTemplate"), "launchTemplateId")]


def _counts(creation: Creation) -> tuple[int, int] | None:
    """The least and the most instances that the request asks for; None where it doesn't say so in one way."""
    items = values_at(parameters_of(creation.record)["request"], _ITEMS)
    asked = [(get(item, "minCount"), get(item, "maxCount")) for item in items]
    if len(asked) != 1 or not all(type(count) is int for count in asked[0]):
        return None
    [(least, most)] = asked
    return (least, most) if 1 <= least <= most else None
