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
            states = {each["InstanceId"]: str(each["State"]["Name"]) for each in told}
            found |= {each: states.get(each, Absent()) for each in chunk}
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
                each["AllocationId"]: Attachment(
                    each.get("InstanceId") or None,
                    each.get("NetworkInterfaceId") or None,
                    each.get("PrivateIpAddress") or None,
                )
                for each in told
                if "AllocationId" in each
            }
            found |= {each: by_id.get(each, Absent()) for each in chunk}
        return found
