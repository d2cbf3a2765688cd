"""What all policies share: the names of what is deployed, statements, ARNs, and how statements fit AWS's limits.

Names of the current account, Region and partition are CloudFormation's pseudo parameters (`${AWS::AccountId}`), so that
one document serves every account; `filled` puts one account's in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ownertag.core import records
from ownertag.core.arn import Arn, role_arn
from ownertag.core.settings import ProtectionSettings, SettingsError

PolicyDocument = dict[str, Any]
Condition = dict[str, dict[str, str | list[str]]]
Statement = dict[str, Any]

BUS = "ownertag"
HUB_ROLE = "ownertag-hub"
#: The hub's function for what it is sent by the queue, and that which reconciles.
FUNCTION, RECONCILE_FUNCTION = "ownertag", "ownertag-reconcile"
#: The rules on a schedule do not begin with the prefix of those: only StackSets may change such a rule.
RECONCILE_RULE = "hub-ownertag-reconcile"
FORWARDER_ROLE = "ownertag-forwarder"
AUDIT_ROLE = "ownertag-audit"
CANARY_ROLE = records.CANARY_ROLE
REDRIVE_ROLE = "ownertag-redrive"
#: The tagger's managed policies have a number behind this name.
TAGGER_POLICY = "ownertag-tagger"
#: And those of the audit role this one.
AUDIT_POLICY = AUDIT_ROLE
#: The canary's placement group, which costs nothing.
CANARY = "ownertag-canary"
#: The SNS topic for alarms and findings.
ALARM_TOPIC = "ownertag-alarms"
#: The ledger's table at the hub.
LEDGER_TABLE = "ownertag-ledger"
RULE_PREFIX = "ownertag-"
#: The hub's rule, for what its bus takes from the accounts.
HUB_RULE = f"{RULE_PREFIX}creations"
#: The hub's queue for messages that could not be done.
DEAD_LETTERS = "ownertag-dead-letters"
#: A Region's queue for events that its rules could not deliver.
UNDELIVERED = "ownertag-undelivered"
#: The stacks, and the stack sets of the same names; their templates are in `infra/`.
HUB_STACK = "ownertag-hub"
ROLES_STACK = "ownertag-spoke-account"
REGION_STACK = "ownertag-spoke-region"
#: The name of the first service control policy; the others have a number from 2 behind it.
POLICY_NAME = "ownertag"
#: Names of the stack sets begin with this; in an account, CloudFormation puts `StackSet-` before it.
STACK_SET_PREFIX = "ownertag-"

#: Advice for a document with the keys that is too long.
SHORTER_KEYS = "write fewer or shorter keys in [tags]"


class TooLong(SettingsError):
    """A document is longer than AWS takes; the text says by how much, and what makes it shorter."""


def policy_name(number: int) -> str:
    """The name of the service control policy with this number, from 1."""
    return POLICY_NAME if number == 1 else f"{POLICY_NAME}-{number}"


def policy(*statements: Statement) -> PolicyDocument:
    """A policy document with these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def arn(service: str, resource: str, account: str = "${AWS::AccountId}", region: str = "") -> str:
    """An ARN in the current partition, and in the current account unless another is named."""
    return str(Arn("${AWS::Partition}", service, region, account, resource))


def compact(document: Any) -> str:
    """JSON without spaces, as it is sent: AWS counts every character."""
    return json.dumps(document, separators=(",", ":"))


def within_limit(document: PolicyDocument, most: int, what: str, advice: str) -> PolicyDocument:
    """Returns the document if it is no longer than AWS takes.

    Args:
        document: The policy.
        most: How many characters AWS takes, without white space.
        what: The name of it, for the message.
        advice: What the user can shorten.

    Raises:
        TooLong: It is longer.
    """
    length = len(compact(document))
    if length > most:
        raise TooLong(f"{what} has {length:,} characters, and AWS takes {most:,}: {advice}")
    return document


def filled(node: Any, values: Mapping[str, str]) -> Any:
    """A document with its pseudo parameters replaced, as it is in one account and Region."""
    if isinstance(node, dict):
        return {filled(key, values): filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(item, values) for item in node]
    if isinstance(node, str):
        return re.sub(r"\$\{(AWS::\w+|\w+\.Arn)\}", lambda match: values[match[1]], node)
    return node


def packed(statements: Iterable[Statement], protection: ProtectionSettings) -> tuple[PolicyDocument, ...]:
    """Packs statements into as few policies as possible: each goes into the first that has room for it.

    Raises:
        TooLong: They need more room than the settings allow; the text says how much, and what to leave out.
    """
    size, most = protection.max_policy_size, protection.max_policies
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
            f"{len(bins)} policies of {size:,}, and protection.max_policies allows {most}: allow one more, or "
            f"{_advice(protection)}. The last one would hold {sizes}"
        )
    return tuple(policy(*held) for held in bins)


def length(*statements: Statement) -> int:
    """The characters of a policy with these statements, as it is sent."""
    return len(compact(policy(*statements)))


def _advice(protection: ProtectionSettings) -> str:
    bigger = ""
    if protection.max_policy_size < 10240:
        bigger = "write max_policy_size = 10240 if your organization's quota is that, "
    return (
        f"{bigger}name fewer break-glass roles (now {len(protection.break_glass)}) or tag-copying roles "
        f"(now {len(protection.tag_copying_roles)}), or shorter ones with `*`, list fewer identity providers, "
        "or protect fewer keys"
    )


def deny(
    sid: str,
    actions: list[str],
    resource: str | list[str],
    exempt: Iterable[str] = (),
    condition: Condition | None = None,
    *,
    but: bool = False,
) -> Statement:
    """A statement that denies actions to all principals but some roles.

    Args:
        sid: The name of the statement.
        actions: The actions, with their service.
        resource: The resources; with `but`, those that are left out.
        exempt: The roles that may act, as the settings name them.
        condition: The condition.
        but: Whether `resource` becomes `NotResource`.
    """
    conditions: Condition = dict(condition or {})
    if names := [role(name) for name in dict.fromkeys(exempt)]:
        conditions["ArnNotLike"] = {"aws:PrincipalArn": names}
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": actions,
        "NotResource" if but else "Resource": resource,
        **({"Condition": conditions} if conditions else {}),
    }


def role(name: str) -> str:
    """The ARN of a role of any account, by its name or by its path and name."""
    return role_arn("*", "*", name)
