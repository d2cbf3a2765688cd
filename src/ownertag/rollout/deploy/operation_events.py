"""Why CloudFormation refused or failed, resource by resource, from its events; and what of it passes by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

#: So many are told; the later ones mostly follow from the first.
MOST_TOLD = 5

_CONFLICT = "NAME_CONFLICT_VALIDATION"
_CANCELLED = "Resource creation cancelled"
# IAM is eventually consistent: a role that was made just now is not known everywhere (reported for PutRule and
# CreateFunction); a queue's name is free a minute after its deletion (doc: CreateQueue).
_PASSING = re.compile(
    r"cannot be assumed by (principal|Lambda)|can't be assumed by|role defined for the function"
    r"|QueueDeletedRecently|wait 60 seconds after deleting|Rate exceeded|Throttling",
    re.IGNORECASE,
)


def is_passing(told: Iterable[str]) -> bool:
    """Whether the first thing that failed is one that passes by itself."""
    return any(_PASSING.search(line) for line in list(told)[:1])


def refusals(client: Any, change_set: str) -> tuple[str, ...]:
    """What early validation says of a change set, a line for each resource (doc: DescribeEvents).

    Where the events can't be read, the line says so.
    """
    try:
        pages = client.get_paginator("describe_events").paginate(
            ChangeSetName=change_set, Filters={"FailedEvents": True}
        )
        found = [event for page in pages for event in page["OperationEvents"]]
    except ClientError as error:
        return (f"its events can't be read ({error.response['Error']['Code']}): look in the console",)
    return tuple(_line(event) for event in found if event.get("EventType") == "VALIDATION_ERROR")[:MOST_TOLD]


def reasons(client: Any, stack: str) -> tuple[str, ...]:
    """What failed in the last operation of a stack, the first one first.

    Args:
        client: Of CloudFormation.
        stack: The stack's name, or its id where it is deleted.
    """
    failed: list[str] = []
    try:
        for page in client.get_paginator("describe_stack_events").paginate(StackName=stack):
            for event in page["StackEvents"]:
                status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
                if _begins(event):
                    return _first(failed)
                if status.endswith("_FAILED") and reason and not reason.startswith(_CANCELLED):
                    failed.append(f"{event['LogicalResourceId']}: {reason}")
    except ClientError as error:
        return (f"its events can't be read ({error.response['Error']['Code']}): look in the console",)
    return _first(failed)


def _begins(event: dict[str, Any]) -> bool:
    """Whether this is the event by which a user's operation began; events come in the reverse order."""
    own = event.get("PhysicalResourceId") == event.get("StackId")
    return own and event.get("ResourceStatusReason") == "User Initiated" and "REVIEW" not in event["ResourceStatus"]


def _first(failed: list[str]) -> tuple[str, ...]:
    return tuple(reversed(failed))[:MOST_TOLD] or ("its events say no reason",)


def _line(event: dict[str, Any]) -> str:
    where = f"{event.get('LogicalResourceId', '')} ({event.get('ResourceType', '')})"
    reason = event.get("ValidationStatusReason") or event.get("ValidationName") or "no reason"
    advice = (
        ": if it is yours, delete it or rename it; what an earlier ownertag left is taken over by itself"
        if event.get("ValidationName") == _CONFLICT
        else ""
    )
    return f"{where}: {reason}{advice}"
