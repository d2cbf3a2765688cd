"""The state of instances, and what Elastic IP addresses are attached to, now.

A terminated instance is shown for about an hour, then no longer (EC2 user guide, "Terminate Amazon EC2 instances").
DescribeAddresses has no pages (API reference).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import unavailable
from ownertag.core.values import Absent, Attachment, Failure, Unavailable
from ownertag.sources.ec2 import FILTER_VALUES

V = TypeVar("V")


class InstanceStates:
    """States of instances in any account and Region.

    Args:
        sessions: Where the clients come from.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def find(self, account: str, region: str, ids: Iterable[str]) -> dict[str, str | Absent | Unavailable]:
        """Each of these instances' state; Absent if EC2 shows it no longer."""
        return _find(self._sessions, account, region, ids, _states)


class ElasticIps:
    """Attachments in any account and Region.

    Args:
        sessions: Where the clients come from.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def find(self, account: str, region: str, ids: Iterable[str]) -> dict[str, Attachment | Absent | Unavailable]:
        """Each of these allocations; Absent if it was released."""
        return _find(self._sessions, account, region, ids, _attachments)


def _find(
    sessions: Sessions,
    account: str,
    region: str,
    ids: Iterable[str],
    look_up: Callable[[Any, list[str]], Mapping[str, V]],
) -> dict[str, V | Absent | Unavailable]:
    """What is there now of each id. A filter leaves out what is gone, without an error."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, V | Absent | Unavailable] = {}
    for start in range(0, len(wanted), FILTER_VALUES):
        chunk = wanted[start : start + FILTER_VALUES]

        def use(client: Any, chunk: list[str] = chunk) -> Mapping[str, V]:
            return look_up(client, chunk)

        by_id = sessions.call("ec2", account, region, use)
        if isinstance(by_id, Failure):
            found |= dict.fromkeys(chunk, unavailable(by_id, region))
        else:
            found |= {id_: by_id.get(id_, Absent()) for id_ in chunk}
    return found


def _states(client: Any, ids: list[str]) -> dict[str, str]:
    pages = client.get_paginator("describe_instances").paginate(Filters=[{"Name": "instance-id", "Values": ids}])
    instances = (instance for page in pages for made in page["Reservations"] for instance in made["Instances"])
    return {instance["InstanceId"]: str(instance["State"]["Name"]) for instance in instances}


def _attachments(client: Any, ids: list[str]) -> dict[str, Attachment]:
    answer = client.describe_addresses(Filters=[{"Name": "allocation-id", "Values": ids}])
    return {
        address["AllocationId"]: Attachment(
            address.get("InstanceId") or None,
            address.get("NetworkInterfaceId") or None,
            address.get("PrivateIpAddress") or None,
        )
        for address in answer["Addresses"]
        if "AllocationId" in address
    }
