"""EC2's placement groups, which moto does not have. They hold nothing here, so one can always be deleted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from uuid import uuid4
from xml.etree import ElementTree as ET

from moto.ec2.models import ec2_backends
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, EC2_RESOURCE_TO_PREFIX

from ownertag.sandbox.calls import Call, Response, answer_xml, element, refuse

#: The operations that are answered here.
OPERATIONS = {"CreatePlacementGroup", "DescribePlacementGroups", "DeletePlacementGroup"}

_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


@dataclass(frozen=True)
class EmulatedPlacementGroup:
    """A placement group."""

    id: str
    name: str
    strategy: str
    arn: str

    def has(self, filter_: str, values: set[str]) -> bool:
        """Whether a filter lets the group pass."""
        known = {"group-name": self.name, "group-arn": self.arn, "strategy": self.strategy, "state": "available"}
        return known.get(filter_) in values


class PlacementGroups:
    """The placement groups of every account and Region."""

    def __init__(self) -> None:
        # moto refuses to tag what has no prefix that it knows.
        EC2_RESOURCE_TO_PREFIX["placement-group"] = "pg"
        EC2_PREFIX_TO_RESOURCE["pg"] = "placement-group"
        self._groups: dict[tuple[str, str], dict[str, EmulatedPlacementGroup]] = defaultdict(dict)

    def answer(self, call: Call, account: str) -> Response:
        """Answers one of the operations."""
        groups = self._groups[account, call.region]
        match call.operation:
            case "CreatePlacementGroup":
                return self._create(call, account, groups)
            case "DeletePlacementGroup":
                gone = groups.pop(call.params.get("GroupName", ""), None)
                if gone is None:
                    return _unknown(call, call.params.get("GroupName", ""))
                ec2_backends[account][call.region].tags.pop(gone.id, None)
                return answer_xml(call.operation, _NAMESPACE, element("return", True), result=False)
        return self._describe(call, account, groups)

    def _create(self, call: Call, account: str, groups: dict[str, EmulatedPlacementGroup]) -> Response:
        name = call.params.get("GroupName", "")
        if not name:
            return refuse(call, "MissingParameter", "The request must contain the parameter groupName", 400)
        if name in groups:
            message = f"The placement group '{name}' already exists."
            return refuse(call, "InvalidPlacementGroup.Duplicate", message, 400)
        arn = f"arn:aws:ec2:{call.region}:{account}:placement-group/{name}"
        group = EmulatedPlacementGroup(f"pg-{uuid4().hex[:17]}", name, call.params.get("Strategy") or "cluster", arn)
        groups[name] = group
        tags = {
            value: call.params.get(f"{key.removesuffix('.Key')}.Value", "")
            for key, value in call.params.items()
            if key.startswith("TagSpecification.1.Tag.") and key.endswith(".Key")
        }
        if tags:
            ec2_backends[account][call.region].create_tags([group.id], tags)
        shown = _shown("placementGroup", group, account, call.region)
        return answer_xml(call.operation, _NAMESPACE, shown, result=False)

    def _describe(self, call: Call, account: str, groups: dict[str, EmulatedPlacementGroup]) -> Response:
        names, ids = _values(call, "GroupName"), _values(call, "GroupId")
        if unknown := [name for name in names if name not in groups]:
            return _unknown(call, unknown[0])
        if unknown := sorted(set(ids) - {group.id for group in groups.values()}):
            return _unknown(call, unknown[0])
        found = [group for group in groups.values() if group.name in names or group.id in ids or not (names or ids)]
        number = 1
        while name := call.params.get(f"Filter.{number}.Name"):
            wanted = set(_values(call, f"Filter.{number}.Value"))
            found = [group for group in found if group.has(name, wanted)]
            number += 1
        listed = ET.Element("placementGroupSet")
        listed.extend(_shown("item", group, account, call.region) for group in found)
        return answer_xml(call.operation, _NAMESPACE, listed, result=False)


def _unknown(call: Call, name: str) -> Response:
    return refuse(call, "InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.", 400)


def _values(call: Call, name: str) -> list[str]:
    values: list[str] = []
    while (value := call.params.get(f"{name}.{len(values) + 1}")) is not None:
        values.append(value)
    return values


def _shown(name: str, group: EmulatedPlacementGroup, account: str, region: str) -> ET.Element:
    made = element(
        name,
        {
            "groupName": group.name,
            "strategy": group.strategy,
            "state": "available",
            "groupId": group.id,
            "groupArn": group.arn,
        },
    )
    tags = ec2_backends[account][region].tags.get(group.id)
    if tags:
        listed = ET.SubElement(made, "tagSet")
        listed.extend(element("item", {"key": key, "value": value}) for key, value in tags.items())
    return made
