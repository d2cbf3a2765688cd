"""The calls of EC2 that launching and tagging need, answered from a `Fleet`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from harness.limits import answers
from harness.limits.fleet import MAX_TAGS, AccountRegion, AttachedPart, Fleet, Instance
from harness.limits.refusals import Ec2Error, filters, listed, refused, tags, unknown
from ownertag.sandbox.calls import Call, Response

T = TypeVar("T")


class Ec2Calls:
    """EC2 of every account and Region.

    Args:
        fleet: What there is.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._operations: dict[str, Callable[[Call, AccountRegion, float], Response | Ec2Error]] = {
            "RunInstances": self._run_instances,
            "DescribeInstances": self._describe_instances,
            "DescribeVolumes": self._describe_volumes,
            "DescribeNetworkInterfaces": self._describe_interfaces,
            "DescribeTags": self._describe_tags,
            "CreateTags": self._create_tags,
            "DeleteTags": self._delete_tags,
        }

    def answer(self, call: Call, account: str, at: float) -> Response | Ec2Error:
        """Carries out a call in this account at this time."""
        operation = self._operations.get(call.operation)
        if operation is None:
            return Ec2Error("InvalidAction", f"The action {call.operation} is not valid for this web service.")
        return refused(call) or operation(call, (account, call.region), at)

    def _run_instances(self, call: Call, place: AccountRegion, at: float) -> Response | Ec2Error:
        devices: list[str] = []
        while device := call.params.get(f"BlockDeviceMapping.{len(devices) + 1}.DeviceName"):
            devices.append(device)
        count, token = int(call.params.get("MaxCount") or 1), call.params.get("ClientToken", "")
        made = self._fleet.launch(place, count, token, devices or ["/dev/sda1"], at)
        return answers.answered(call.operation, answers.launched(made, place, self._fleet.tags, at))

    def _describe_instances(self, call: Call, place: AccountRegion, at: float) -> Response | Ec2Error:
        asked, fleet = filters(call), self._fleet
        if ids := listed(call, "InstanceId"):
            found = []
            for id_ in ids:
                instance = fleet.instance_of(place, id_, at)
                if instance is None:
                    return unknown(id_)
                found.append(instance)
        elif names := asked.pop("client-token", None) or asked.pop("reservation-id", None):
            found = fleet.launched(place, names, at)
        elif ids := asked.pop("instance-id", []):
            found = [known for id_ in ids if (known := fleet.instance_of(place, id_, at))]
        else:
            found = fleet.instances(place, at)
        if asked:
            return _unknown_filter(asked)
        page, token = _page(call, found)
        content = answers.reservations(page, place, fleet.tags, at)
        return answers.answered(call.operation, content + answers.next_token(token))

    def _describe_volumes(self, call: Call, place: AccountRegion, at: float) -> Response | Ec2Error:
        found = self._parts(call, place, at, "VolumeId", "volume-id", lambda instance: instance.volumes)
        if isinstance(found, Ec2Error):
            return found
        page, token = _page(call, found)
        content = answers.volumes(page, place, self._fleet.tags, at)
        return answers.answered(call.operation, content + answers.next_token(token))

    def _describe_interfaces(self, call: Call, place: AccountRegion, at: float) -> Response | Ec2Error:
        name, filter_ = "NetworkInterfaceId", "network-interface-id"
        found = self._parts(call, place, at, name, filter_, lambda instance: instance.interfaces)
        if isinstance(found, Ec2Error):
            return found
        page, token = _page(call, found)
        content = answers.interfaces(page, place, self._fleet.tags)
        return answers.answered(call.operation, content + answers.next_token(token))

    def _parts(
        self,
        call: Call,
        place: AccountRegion,
        at: float,
        name: str,
        filter_: str,
        of: Callable[[Instance], list[AttachedPart]],
    ) -> list[tuple[Instance, AttachedPart]] | Ec2Error:
        """Volumes or interfaces, by ids, by a filter of ids or of the instance, or all."""
        asked = filters(call)
        named = listed(call, name)
        owners = asked.pop("attachment.instance-id", [])
        wanted = named or asked.pop(filter_, [])
        if asked:
            return _unknown_filter(asked)
        instances = self._fleet.instances(place, at)
        if owners or wanted:
            found = [self._fleet.instance_of(place, id_, at) for id_ in owners or wanted]
            if named and None in found:
                return unknown(named[found.index(None)])
            instances = list({instance.id: instance for instance in found if instance}.values())
        parts = [(instance, part) for instance in instances for part in of(instance)]
        if owners:
            parts = [(instance, part) for instance, part in parts if part.attached_at <= at]
        return [(instance, part) for instance, part in parts if not wanted or part.id in wanted]

    def _describe_tags(self, call: Call, place: AccountRegion, at: float) -> Response | Ec2Error:
        asked = filters(call)
        ids, keys = asked.pop("resource-id", None), asked.pop("key", None)
        if asked:
            return _unknown_filter(asked)
        tags_of = self._fleet.tags
        here = [id_ for id_ in (ids or list(tags_of)) if self._fleet.instance_of(place, id_, at)]
        found = [(id_, key, value) for id_ in here for key, value in tags_of.get(id_, {}).items()]
        page, token = _page(call, [tag for tag in found if keys is None or tag[1] in keys])
        return answers.answered(call.operation, answers.tag_list(page) + answers.next_token(token))

    def _create_tags(self, call: Call, place: AccountRegion, at: float) -> Response | Ec2Error:
        ids = listed(call, "ResourceId")
        if missing := self._missing(ids, place, at):
            return missing
        full = self._fleet.tag(ids, tags(call))
        if full is not None:
            return Ec2Error("TagLimitExceeded", f"{full} would have more than {MAX_TAGS} tags")
        return answers.answered(call.operation, "<return>true</return>")

    def _delete_tags(self, call: Call, place: AccountRegion, at: float) -> Response | Ec2Error:
        ids = listed(call, "ResourceId")
        if missing := self._missing(ids, place, at):
            return missing
        given = tags(call)
        valued = {key for number, key in enumerate(given, 1) if f"Tag.{number}.Value" in call.params}
        self._fleet.untag(ids, {key: value if key in valued else None for key, value in given.items()})
        return answers.answered(call.operation, "<return>true</return>")

    def _missing(self, ids: Iterable[str], place: AccountRegion, at: float) -> Ec2Error | None:
        """EC2's refusal of the whole call for the first id that is not there, or not yet."""
        return next((unknown(id_) for id_ in ids if self._fleet.instance_of(place, id_, at) is None), None)


def _unknown_filter(asked: Iterable[str]) -> Ec2Error:
    return Ec2Error("InvalidParameterValue", f"The filter '{next(iter(asked))}' is invalid")


def _page(call: Call, items: list[T]) -> tuple[list[T], str]:
    """A page, and where the next begins; all where no page was asked for."""
    start = int(call.params.get("NextToken") or 0)
    size = call.params.get("MaxResults")
    end = start + int(size) if size else len(items)
    return items[start:end], str(end) if end < len(items) else ""
