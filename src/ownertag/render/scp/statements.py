"""Statements of a service control policy.

How one denies, which roles it exempts, and how they are packed into policies.
"""

from __future__ import annotations

from collections.abc import Iterable

from ownertag.core.arn import role_arn
from ownertag.core.settings import ProtectionSettings
from ownertag.render.documents import PolicyDocument, Statement, TooLong, compact, policy

Condition = dict[str, dict[str, str | list[str]]]


def deny(
    sid: str,
    actions: list[str],
    resource: str | list[str],
    exempt: Iterable[str] = (),
    condition: Condition | None = None,
    *,
    but: bool = False,
) -> Statement:
    """A statement that denies actions to all but some roles.

    Args:
        sid: What the statement is called.
        actions: With their service.
        resource: On what; with `but`, on all but that.
        exempt: Roles that it leaves out, as the settings name them.
        condition: When; all of it must hold.
        but: Whether `resource` names what is left out.
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


def packed(statements: Iterable[Statement], protection: ProtectionSettings) -> tuple[PolicyDocument, ...]:
    """As few policies as hold the statements in turn: each goes into the first that has room for it.

    Raises:
        TooLong: They need more than the settings allow; the text says how much, and what to leave out.
    """
    size, most = protection.max_policy_size, protection.max_policies
    bins: list[list[Statement]] = []
    for statement in statements:
        if length(statement) > size:
            raise TooLong(
                f"statement {statement['Sid']} of the service control policy has {length(statement):,} characters, and "
                f"a policy takes {size:,}: {_advice(protection)}"
            )
        room = next((each for each in bins if length(*each, statement) <= size), None)
        if room is None:
            bins.append(room := [])
        room.append(statement)
    if len(bins) > most:
        sizes = ", ".join(f"{each['Sid']} {length(each):,}" for each in bins[-1])
        raise TooLong(
            f"the service control policies have {sum(length(*each) for each in bins):,} characters, which is "
            f"{len(bins)} policies of {size:,}, and protection.max_policies allows {most}: allow one more, or "
            f"{_advice(protection)}. The last one would hold {sizes}"
        )
    return tuple(policy(*each) for each in bins)


def length(*statements: Statement) -> int:
    """How many characters a policy of these statements has as it is sent."""
    return len(compact(policy(*statements)))


def _advice(protection: ProtectionSettings) -> str:
    bigger = (
        "write max_policy_size = 10240 if your organization's quota is that, "
        if protection.max_policy_size < 10240
        else ""
    )
    return (
        f"{bigger}name fewer break-glass roles (now {len(protection.break_glass)}) or tag-copying roles "
        f"(now {len(protection.tag_copying_roles)}), or shorter ones with `*`, list fewer identity providers, "
        "or protect fewer keys"
    )
