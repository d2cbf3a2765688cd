"""How a statement denies, and how it names the roles that it leaves out."""

from __future__ import annotations

from collections.abc import Iterable

from ownertag.render.documents import Statement

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
    return f"arn:*:iam::*:role/{name}"
