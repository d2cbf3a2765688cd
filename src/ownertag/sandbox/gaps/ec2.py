"""EC2: idempotent client tokens, filters and pages of DescribeInstances, the limit on filters, AWS's own tags."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from ownertag.sandbox.calls import Call, Next, Response, refuse
from ownertag.sandbox.identities import SandboxActor

_EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
_FILTERS = {
    "client-token": "./instancesSet/item/clientToken",
    "launch-time": "./instancesSet/item/launchTime",
    "reservation-id": "./reservationId",
}
_FILTER_VALUE = re.compile(r"Filter\.[0-9]+\.Value\.[0-9]+")
_TAG_KEY = re.compile(r"(?:TagSpecification\.[0-9]+\.)?Tag\.[0-9]+\.Key")
_NUMBER = re.compile(r"[0-9]{1,9}")
#: EC2 takes at most so many values of filters in a call (doc: FilterLimitExceeded).
MAX_VALUES = 200


class ClientTokens:
    """Idempotent client tokens: a repeat gets the first answer; moto would create once more."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str, str], tuple[dict[str, str], Response]] = {}

    def answer(self, call: Call, actor: SandboxActor, next_: Next) -> Response:
        """Answers a call of EC2 that carries a client token."""
        token = call.params.get("ClientToken")
        if call.service != "ec2" or not token:
            return next_(call)
        key = (actor.account, call.region, call.operation, token)
        known = self._answers.get(key)
        if known is not None:
            if known[0] != call.params:
                message = "The parameters are not those with which this client token was used before."
                return refuse(call, "IdempotentParameterMismatch", message, 400)
            return known[1]
        answer = next_(call)
        if not answer.failed:
            self._answers[key] = (call.params, answer)
        return answer


def too_many_values(call: Call) -> Response | None:
    """EC2's refusal of a call with more than 200 values of filters; moto takes any number."""
    if sum(1 for key in call.params if _FILTER_VALUE.fullmatch(key)) <= MAX_VALUES:
        return None
    message = f"The maximum number of filter values specified on a single call is {MAX_VALUES}"
    return refuse(call, "FilterLimitExceeded", message, 400)


def reserved_tag(call: Call, actor: SandboxActor) -> Response | None:
    """EC2's refusal of a tag whose key is AWS's own, unless a service brings it; moto takes any."""
    keys = (value for key, value in call.params.items() if _TAG_KEY.fullmatch(key))
    reserved = next((key for key in keys if key.lower().startswith("aws:")), None)
    if reserved is None or "invokedBy" in actor.identity:
        return None
    message = f"Value ( {reserved} ) for parameter key is invalid."
    reason = "Tag keys starting with 'aws:' are reserved for internal use"
    return refuse(call, "InvalidParameterValue", f"{message} {reason}", 400)


def describe_instances(call: Call, next_: Next) -> Response:
    """DescribeInstances with the filters `client-token`, `launch-time` and `reservation-id`, and its pages."""
    filters = _read_filters(call.params)
    ours = [(name, values) for name, values in filters if name in _FILTERS]
    if not ours:
        return next_(call)
    # moto reads all that the other filters leave; what is ours, and the pages, are cut from that.
    pages = {name: call.params.get(name) or default for name, default in (("NextToken", "0"), ("MaxResults", "1000"))}
    for name, value in pages.items():
        if not _NUMBER.fullmatch(value):
            return refuse(call, "InvalidParameterValue", f"Value ( {value} ) for parameter {name} is invalid.", 400)
    start, most = int(pages["NextToken"]), int(pages["MaxResults"])
    kept = {
        key: value for key, value in call.params.items() if not key.startswith(("Filter.", "MaxResults", "NextToken"))
    }
    rest = _write_filters([filter_ for filter_ in filters if filter_[0] not in _FILTERS])
    answer = _all_pages(call.with_params({**kept, **rest, "MaxResults": "1000"}), next_)
    if isinstance(answer, Response):
        return answer
    reservations = [item for item in answer if all(_passes(item, name, values) for name, values in ours)]
    page: list[ET.Element] = []
    count, end = 0, start
    for reservation in reservations[start:]:
        count += len(reservation.findall("./instancesSet/item"))
        if page and count > most:
            break
        page.append(reservation)
        end += 1
    root = ET.Element("DescribeInstancesResponse", xmlns=_EC2_NAMESPACE)
    ET.SubElement(root, "requestId").text = "00000000-0000-0000-0000-000000000000"
    ET.SubElement(root, "reservationSet").extend(page)
    if end < len(reservations):
        ET.SubElement(root, "nextToken").text = str(end)
    return Response(200, [("Content-Type", "text/xml")], ET.tostring(root))


def _all_pages(call: Call, next_: Next) -> list[ET.Element] | Response:
    reservations: list[ET.Element] = []
    token: str | None = None
    while True:
        answer = next_(call.with_params({**call.params, **({"NextToken": token} if token else {})}))
        if answer.failed:
            return answer
        root = answer.xml()
        reservations += root.findall("./reservationSet/item")
        token = root.findtext("./nextToken")
        if not token:
            return reservations


def _read_filters(params: dict[str, str]) -> list[tuple[str, list[str]]]:
    filters = []
    number = 1
    while name := params.get(f"Filter.{number}.Name"):
        values: list[str] = []
        while (value := params.get(f"Filter.{number}.Value.{len(values) + 1}")) is not None:
            values.append(value)
        filters.append((name, values))
        number += 1
    return filters


def _write_filters(filters: list[tuple[str, list[str]]]) -> dict[str, str]:
    params = {}
    for number, (name, values) in enumerate(filters, 1):
        params[f"Filter.{number}.Name"] = name
        params.update({f"Filter.{number}.Value.{index}": value for index, value in enumerate(values, 1)})
    return params


def _passes(reservation: ET.Element, name: str, values: list[str]) -> bool:
    """Whether a filter lets a reservation pass. AWS reads `*` and `?` as wildcards unless a backslash stands before."""
    found = {element.text or "" for element in reservation.findall(_FILTERS[name])}
    return any(_wildcard(value).fullmatch(present) for value in values for present in found)


def _wildcard(value: str) -> re.Pattern[str]:
    parts = re.findall(r"\\[*?\\]|.", value, re.DOTALL)
    return re.compile("".join({"*": ".*", "?": "."}.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)
