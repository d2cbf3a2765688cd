"""The state of instances, and what Elastic IP addresses are attached to, now.

A terminated instance is shown for about an hour, then no longer (EC2 user guide, "Terminate Amazon EC2 instances").
DescribeAddresses has no pages (API reference).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import unavailable
from ownertag.core.values import Absent, Attachment, Failure, Unavailable
from ownertag.sources.ec2 import FILTER_VALUES


class InstanceStates:
    """States of instances in any account and Region.

    Args:
        sessions: Where the clients come from.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def find(self, account: str, region: str, ids: Iterable[str]) -> dict[str, str | Absent | Unavailable]:
        """Each of these instances' state; Absent if EC2 shows it no longer: a filter leaves it out without an error."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, str | Absent | Unavailable] = {}
        for start in range(0, len(wanted), FILTER_VALUES):
            chunk = wanted[start : start + FILTER_VALUES]

            def use(client: Any, chunk: list[str] = chunk) -> list[Any]:
                pages = client.get_paginator("describe_instances").paginate(
                    Filters=[{"Name": "instance-id", "Values": chunk}]
                )
                return [instance for page in pages for made in page["Reservations"] for instance in made["Instances"]]

            told = self._sessions.call("ec2", account, region, use)
            if isinstance(told, Failure):
                found |= dict.fromkeys(chunk, unavailable(told, region))
                continue
            states = {instance["InstanceId"]: str(instance["State"]["Name"]) for instance in told}
            found |= {id_: states.get(id_, Absent()) for id_ in chunk}
        return found


class ElasticIps:
    """Attachments in any account and Region.

    Args:
        sessions: Where the clients come from.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def find(self, account: str, region: str, ids: Iterable[str]) -> dict[str, Attachment | Absent | Unavailable]:
        """Each of these allocations; Absent if it was released. A filter leaves that out without an error."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Attachment | Absent | Unavailable] = {}
        for start in range(0, len(wanted), FILTER_VALUES):
            chunk = wanted[start : start + FILTER_VALUES]

            def use(client: Any, chunk: list[str] = chunk) -> list[Any]:
                answer = client.describe_addresses(Filters=[{"Name": "allocation-id", "Values": chunk}])
                return list(answer["Addresses"])

            told = self._sessions.call("ec2", account, region, use)
            if isinstance(told, Failure):
                found |= dict.fromkeys(chunk, unavailable(told, region))
                continue
            by_id = {
                address["AllocationId"]: Attachment(
                    address.get("InstanceId") or None,
                    address.get("NetworkInterfaceId") or None,
                    address.get("PrivateIpAddress") or None,
                )
                for address in told
                if "AllocationId" in address
            }
            found |= {id_: by_id.get(id_, Absent()) for id_ in chunk}
        return found
