"""What all policies are made of: the names that are deployed, statements, ARNs, and the sizes that AWS takes.

Names of the current account, Region and partition are CloudFormation's pseudo parameters (`${AWS::AccountId}`), so that
one document serves every account; `filled` puts one account's in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ownertag.core import records
from ownertag.core.settings import Protection, SettingsError

PolicyDocument = dict[str, Any]
Statement = dict[str, Any]

BUS = "ownertag"
HUB_ROLE = "ownertag-hub"
FORWARDER_ROLE = "ownertag-forwarder"
AUDIT_ROLE = "ownertag-audit"
CANARY_ROLE = records.CANARY_ROLE
#: The canary's own resource: costs nothing, and nobody else may have one of this name.
CANARY = "ownertag-canary"
#: Whom alarms and findings are told.
ALARM_TOPIC = "ownertag-alarms"
#: The ledger's table at the hub.
LEDGER_TABLE = "ownertag-ledger"
RULE_PREFIX = "ownertag-"
#: The hub's rule, for what its bus takes from the accounts.
HUB_RULE = f"{RULE_PREFIX}creations"
#: The hub's queue for messages that could not be done.
DEAD_LETTERS = "ownertag-dead-letters"
#: A Region's queue for what its rules could not deliver.
UNDELIVERED = "ownertag-undelivered"
#: The stacks, and the stack sets of the same names; what they hold is in `infra/`.
HUB_STACK = "ownertag-hub"
ROLES_STACK = "ownertag-spoke-account"
REGION_STACK = "ownertag-spoke-region"
#: The first service control policy's name in the organization; the others have a number from 2 behind it.
POLICY_NAME = "ownertag"
#: Names of the stack sets begin like this; in an account, CloudFormation puts `StackSet-` before.
STACK_SET_PREFIX = "ownertag-"

#: What makes a document shorter that holds the keys.
SHORTER_KEYS = "write fewer or shorter keys in [tags]"


class TooLong(SettingsError):
    """A document is longer than AWS takes; the text says by how much, and what would make it shorter."""


def policy_name(number: int) -> str:
    """What the service control policy of this number is called, from 1."""
    return POLICY_NAME if number == 1 else f"{POLICY_NAME}-{number}"


def policy(*statements: Statement) -> PolicyDocument:
    """A document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def arn(service: str, resource: str, account: str = "${AWS::AccountId}", region: str = "") -> str:
    """An ARN in the current partition, and in the current account unless another is named."""
    return f"arn:${{AWS::Partition}}:{service}:{region}:{account}:{resource}"


def compact(document: Any) -> str:
    """JSON without spaces: what is sent, since AWS counts every character."""
    return json.dumps(document, separators=(",", ":"))


def within_limit(document: PolicyDocument, most: int, what: str, advice: str) -> PolicyDocument:
    """The document, if it is no longer than AWS takes.

    Args:
        document: The policy.
        most: How many characters AWS takes, without spaces between them.
        what: What it is, for the message.
        advice: What the user can shorten.

    Raises:
        TooLong: It is longer.
    """
    length = len(compact(document))
    if length > most:
        raise TooLong(f"{what} has {length:,} characters, and AWS takes {most:,}: {advice}")
    return document


def filled(node: Any, values: Mapping[str, str]) -> Any:
    """A document with its pseudo parameters replaced, as it stands in one account and Region."""
    if isinstance(node, dict):
        return {filled(key, values): filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(item, values) for item in node]
    if isinstance(node, str):
        return re.sub(r"\$\{(AWS::\w+|\w+\.Arn)\}", lambda match: values[match[1]], node)
    return node


def packed(statements: Iterable[Statement], protection: Protection) -> tuple[PolicyDocument, ...]:
    """As few policies as hold the statements in turn: each goes into the first that has room for it.

    Raises:
        TooLong: They need more than the settings allow; the text says how much, and what to leave out.
    """
    size, most = protection.policy_size, protection.policies
    bins: list[list[Statement]] = []
    for statement in statements:
        if length(statement) > size:
            raise TooLong(
                f"statement {statement['Sid']} of the service control policy has {length(statement):,} characters, and "
                f"a policy takes {size:,}: {_advice(protection)}"
            )
        room = next((held for held in bins if length(*held, statement) <= size), None)
        if room is None:
            bins.append(room := [])
        room.append(statement)
    if len(bins) > most:
        sizes = ", ".join(f"{statement['Sid']} {length(statement):,}" for statement in bins[-1])
        raise TooLong(
            f"the service control policies have {sum(length(*held) for held in bins):,} characters, which is "
            f"{len(bins)} policies of {size:,}, and protection.policies allows {most}: allow one more, or "
            f"{_advice(protection)}. The last one would hold {sizes}"
        )
    return tuple(policy(*held) for held in bins)


def length(*statements: Statement) -> int:
    """How many characters a policy of these statements has as it is sent."""
    return len(compact(policy(*statements)))


def _advice(protection: Protection) -> str:
    bigger = (
        "write policy_size = 10240 if your organization's quota is that, " if protection.policy_size < 10240 else ""
    )
    return (
        f"{bigger}name fewer break-glass roles (now {len(protection.break_glass)}) or copiers (now "
        f"{len(protection.copiers)}), or shorter ones with `*`, list fewer identity providers, or protect fewer keys"
    )
