"""EC2's errors for the form of a call, before it looks at any resource.

Documented: filters and their values, the lengths of tags, `aws:`, ids with MaxResults. The code for more than a
thousand ids is from memory: AWS documents the number alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ownertag.sandbox.calls import Call

#: At most so many resources in one CreateTags or DeleteTags (doc).
MAX_IDS = 1000
MAX_FILTERS = 50
MAX_VALUES = 200
MAX_KEY, MAX_VALUE = 128, 256
#: MaxResults lies between these (doc: DescribeInstances).
PAGES = (5, 1000)

_ID = re.compile(r"[a-z]{1,5}-(?:[0-9a-f]{8}|[0-9a-f]{17})")
#: What the codes call each kind of resource, by the beginning of its ids.
_KINDS = {
    "i": ("InstanceID", "instance ID"),
    "vol": ("Volume", "volume"),
    "eni": ("NetworkInterfaceID", "networkInterface ID"),
}


class Ec2Error(NamedTuple):
    """An error of EC2."""

    code: str
    message: str
    status: int = 400


def listed(call: Call, name: str) -> list[str]:
    """The values of a numbered parameter."""
    found: list[str] = []
    while (value := call.params.get(f"{name}.{len(found) + 1}")) is not None:
        found.append(value)
    return found


def filters(call: Call) -> dict[str, list[str]]:
    """The filters of a call; a backslash before a wildcard makes it mean itself."""
    found: dict[str, list[str]] = {}
    while name := call.params.get(f"Filter.{len(found) + 1}.Name"):
        values = listed(call, f"Filter.{len(found) + 1}.Value")
        found[name] = [re.sub(r"\\([*?\\])", r"\1", value) for value in values]
    return found


def tags(call: Call) -> dict[str, str]:
    """The tags of a call."""
    found: dict[str, str] = {}
    number = 1
    while (key := call.params.get(f"Tag.{number}.Key")) is not None:
        found[key] = call.params.get(f"Tag.{number}.Value", "")
        number += 1
    return found


def unknown(id_: str) -> Ec2Error:
    """The error for an id that is not there, or not yet."""
    code, words = _KINDS.get(id_.partition("-")[0], ("ID", "ID"))
    return Ec2Error(f"Invalid{code}.NotFound", f"The {words} '{id_}' does not exist")


def refused(call: Call) -> Ec2Error | None:
    """Why a call is refused by its form, or None."""
    if call.operation in {"CreateTags", "DeleteTags"}:
        return _tagging(call)
    asked = filters(call)
    if len(asked) > MAX_FILTERS or any(len(values) > MAX_VALUES for values in asked.values()):
        most = f"{MAX_FILTERS} filters and {MAX_VALUES} values in each"
        return Ec2Error("FilterLimitExceeded", f"At most {most} can be specified on a single call")
    size = call.params.get("MaxResults")
    if size is not None and not (size.isdigit() and PAGES[0] <= int(size) <= PAGES[1]):
        return Ec2Error("InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid.")
    if size is not None and call.operation == "DescribeInstances" and listed(call, "InstanceId"):
        return Ec2Error("InvalidParameterCombination", "The parameter instancesSet cannot be used with maxResults")
    return _malformed(listed(call, "InstanceId") + listed(call, "VolumeId") + listed(call, "NetworkInterfaceId"))


def _tagging(call: Call) -> Ec2Error | None:
    ids, given = listed(call, "ResourceId"), tags(call)
    if len(ids) > MAX_IDS:
        return Ec2Error("InvalidParameterValue", f"At most {MAX_IDS} resources can be tagged in a single call")
    if call.operation == "CreateTags":
        for key, value in given.items():
            if not 1 <= len(key) <= MAX_KEY:
                return Ec2Error("InvalidParameterValue", f"Tag keys have 1 to {MAX_KEY} characters")
            if len(value) > MAX_VALUE:
                return Ec2Error("InvalidParameterValue", f"Tag values have at most {MAX_VALUE} characters")
            if key.lower().startswith("aws:"):
                text = "Tag keys starting with 'aws:' are reserved for internal use"
                return Ec2Error("InvalidParameterValue", text)
    return _malformed(ids)


def _malformed(ids: list[str]) -> Ec2Error | None:
    for id_ in ids:
        if not _ID.fullmatch(id_):
            code, _ = _KINDS.get(id_.partition("-")[0], ("ID", ""))
            return Ec2Error(f"Invalid{code}.Malformed" if code != "ID" else "InvalidID", f'Invalid id: "{id_}"')
    return None
