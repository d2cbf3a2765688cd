"""Statements into policies: AWS takes so many characters each, and so many policies on a unit."""

from __future__ import annotations

from collections.abc import Iterable

from ownertag.core.settings import Protection
from ownertag.render.documents import Policy, Statement, TooLong, compact, policy


def packed(statements: Iterable[Statement], protection: Protection) -> tuple[Policy, ...]:
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
        room = next((each for each in bins if length(*each, statement) <= size), None)
        if room is None:
            bins.append(room := [])
        room.append(statement)
    if len(bins) > most:
        sizes = ", ".join(f"{each['Sid']} {length(each):,}" for each in bins[-1])
        raise TooLong(
            f"the service control policies have {sum(length(*each) for each in bins):,} characters, which is "
            f"{len(bins)} policies of {size:,}, and protection.policies allows {most}: allow one more, or "
            f"{_advice(protection)}. The last one would hold {sizes}"
        )
    return tuple(policy(*each) for each in bins)


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
