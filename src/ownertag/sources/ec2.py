"""Instances, tags and presence in EC2, looked up in bulk: filters of 200 values, pages of 1,000."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import jmespath

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.aws.sessions import Sessions
from ownertag.core.catalogue_types import PARTS, Lookup, QuestionKind
from ownertag.core.judge import NO_TIME, unavailable
from ownertag.core.values import (
    Absent,
    Attached,
    Fact,
    Failure,
    Found,
    LaunchedInstance,
    OutcomeKind,
    Question,
    Unavailable,
)
from ownertag.sources.created_beside import CREATION_TIME_CALLS, DESCRIBE_CALLS, DescribeCall, creation_times, parts
from ownertag.sources.reservations import TENS, reservations_by_time, time_filters

#: EC2 takes at most 200 values for one filter (doc: FilterLimitExceeded).
FILTER_VALUES = 200

_DESCRIBE_CALLS: Mapping[QuestionKind, tuple[DescribeCall, ...]] = {
    QuestionKind.INSTANCES_BY_RESERVATION: (DescribeCall("describe_instances", "reservation-id"),),
    QuestionKind.INSTANCES_BY_CLIENT_TOKEN: (DescribeCall("describe_instances", "client-token"),),
    QuestionKind.RESERVATIONS: (DescribeCall("describe_instances", "launch-time", literal=False),),
    QuestionKind.TAGS: (DescribeCall("describe_tags", "resource-id"),),
    **DESCRIBE_CALLS,
}


class Ec2:
    """Look-ups in EC2 of any account and Region.

    Args:
        sessions: Where the clients come from.
        expired: True once there is no time left for another call.
        concurrency: Does what each account and Region needs: in turn, or at once.
    """

    def __init__(
        self, sessions: Sessions, expired: Callable[[], bool] = lambda: False, concurrency: Concurrency = sequential
    ) -> None:
        self._sessions = sessions
        self._expired = expired
        self._concurrency = concurrency

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answers questions about launches and tags: one call for 200 of a kind in an account and Region."""
        places: dict[tuple[str, str], dict[QuestionKind, list[Question]]] = {}
        for question in questions:
            place = places.setdefault((question.account, question.region), {})
            place.setdefault(question.kind, []).append(question)
        facts: dict[Question, Fact] = {}
        # Who asks most comes last: its calls may have to wait, and the others' need not.
        by_size = sorted(places.items(), key=lambda place: sum(map(len, place[1].values())))
        self._concurrency(
            [partial(self._find_in, account, region, asked, facts) for (account, region), asked in by_size]
        )
        return facts

    def _find_in(
        self, account: str, region: str, asked: Mapping[QuestionKind, list[Question]], facts: dict[Question, Fact]
    ) -> None:
        throttled: Unavailable | None = None
        for kind, group in asked.items():
            for chunk in _chunks(group, FILTER_VALUES // len(TENS) if kind is QuestionKind.RESERVATIONS else 0):
                # Each further call to a throttled place would only wait, at the cost of the other accounts.
                answer = throttled or self._ask(account, region, kind, chunk)
                if isinstance(answer, Unavailable):
                    if answer.outcome is OutcomeKind.THROTTLED:
                        throttled = answer
                    facts.update(dict.fromkeys(chunk, answer))
                else:
                    facts.update((question, answer.get(question.value, Absent())) for question in chunk)

    def _ask(
        self, account: str, region: str, kind: QuestionKind, chunk: list[Question]
    ) -> Mapping[str, Fact] | Unavailable:
        """What was found, by the value asked for."""
        if self._expired():
            return NO_TIME
        found: list[Any] = []
        for call, wanted in _describe_calls(kind, [question.value for question in chunk]):
            pages = self._pages(account, region, call, wanted)
            if isinstance(pages, Failure):
                return unavailable(pages, region)
            found += pages
        if kind is QuestionKind.BIRTH:
            return creation_times(found)
        if kind is QuestionKind.RESERVATIONS:
            return reservations_by_time(found, [question.value for question in chunk])
        if kind in PARTS:
            return parts(kind, found)
        return _tags_by_id(found) if kind is QuestionKind.TAGS else _instances_by(kind, found)

    def present(self, account: str, region: str, lookup: Lookup, ids: Iterable[str]) -> set[str] | Failure:
        """Which of these ids exist: a describe call with a filter leaves out the others without an error."""
        present: set[str] = set()
        for chunk in _chunks(list(ids)):
            if self._expired():
                return Failure("OutOfTime", answered=False)
            operation = "".join(f"_{char.lower()}" if char.isupper() else char for char in lookup.operation)[1:]
            pages = self._pages(account, region, DescribeCall(operation, lookup.filter), chunk)
            if isinstance(pages, Failure):
                return pages
            for page in pages:
                present.update(jmespath.search(lookup.ids, page) or ())
        return present

    def _pages(self, account: str, region: str, call: DescribeCall, values: list[str]) -> list[Any] | Failure:
        def use(client: Any) -> list[Any]:
            paginator = client.get_paginator(call.operation)
            wanted = [_literal(value) for value in values] if call.literal else values
            filters = [{"Name": call.filter, "Values": wanted}]
            filters += [{"Name": name, "Values": [value]} for name, value in call.more]
            key = "Filter" if call.operation == "describe_nat_gateways" else "Filters"  # so in EC2's model
            return list(paginator.paginate(**{key: filters}, PaginationConfig={"PageSize": call.page}))

        return self._sessions.call("ec2", account, region, use)


def _describe_calls(kind: QuestionKind, values: list[str]) -> list[tuple[DescribeCall, list[str]]]:
    """The calls that answer questions of a kind, and the values that each is asked for."""
    if kind is QuestionKind.RESERVATIONS:
        return [
            (call, list(dict.fromkeys(form for value in values for form in time_filters(value))))
            for call in _DESCRIBE_CALLS[kind]
        ]
    if kind is not QuestionKind.BIRTH:
        return [(call, values) for call in _DESCRIBE_CALLS[kind]]
    by_form = [
        (call, [value for value in values if value.startswith(form)]) for form, call in CREATION_TIME_CALLS.items()
    ]
    return [(call, wanted) for call, wanted in by_form if wanted]


def _chunks(items: list[Any], most: int = 0) -> Iterator[list[Any]]:
    size = most or FILTER_VALUES
    return (items[start : start + size] for start in range(0, len(items), size))


def _literal(value: str) -> str:
    """A filter's value that means itself. EC2 reads `*` and `?` as wildcards, and a client token may be `*`."""
    return "".join(f"\\{char}" if char in "\\*?" else char for char in value)


def _instances_by(kind: QuestionKind, pages: list[Any]) -> Mapping[str, Fact]:
    """Sorts what was found by the value that was asked for, compared exactly."""
    found: dict[str, list[LaunchedInstance]] = defaultdict(list)
    for page in pages:
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                by_token = kind is QuestionKind.INSTANCES_BY_CLIENT_TOKEN
                key = instance.get("ClientToken") if by_token else reservation.get("ReservationId")
                found[key or ""].append(_instance(instance))
    return {key: Found(tuple(instances)) for key, instances in found.items()}


def _instance(plain: Mapping[str, Any]) -> LaunchedInstance:
    devices = [
        block_device_mapping
        for block_device_mapping in plain.get("BlockDeviceMappings", ())
        if block_device_mapping.get("Ebs", {}).get("VolumeId")
    ]
    return LaunchedInstance(
        id=plain["InstanceId"],
        state=plain.get("State", {}).get("Name", "pending"),
        root_device=plain.get("RootDeviceName"),
        root_is_ebs=plain.get("RootDeviceType", "ebs") == "ebs",
        devices=frozenset(device.get("DeviceName", "") for device in devices),
        volumes=tuple(
            Attached(device["Ebs"]["VolumeId"], device["Ebs"].get("AttachTime"), _managed(device["Ebs"]))
            for device in devices
        ),
        interfaces=tuple(
            Attached(
                network_interface["NetworkInterfaceId"],
                network_interface.get("Attachment", {}).get("AttachTime"),
                _managed(network_interface),
                bool(network_interface.get("Attachment", {}).get("DeleteOnTermination")),
            )
            for network_interface in plain.get("NetworkInterfaces", ())
            if network_interface.get("NetworkInterfaceId")
        ),
        managed=_managed(plain),
    )


def _managed(plain: Mapping[str, Any]) -> bool:
    return bool(plain.get("Operator", {}).get("Managed"))


def _tags_by_id(pages: list[Any]) -> Mapping[str, Fact]:
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    for page in pages:
        for tag in page["Tags"]:
            tags[tag["ResourceId"]][tag["Key"]] = tag.get("Value", "")
    return {id_: Found(tags=present) for id_, present in tags.items()}
