"""Every way to touch a tag, asked of the policies: who, on what, with which keys, directly or with a creation.

What must come out is computed here, from `RULE`, which says it in words and knows nothing of how policies are rendered.
Which condition keys a request carries follows from AWS's authorization reference: a key that an action does not have
there is left out of its context, and what can't be asked is no case.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from infra.policies.world import MEMBER, REGION, WHO, Json

#: The keys of a request, and whether one of ours is among them, in whatever letter case.
KEYS = {
    "our key": (("owner",), True),
    "another of ours": (("WhatIsThis",), True),
    "a case variant": (("OWNER",), True),
    "mixed": (("Schedule", "datecreated"), True),
    "another key": (("owner-of-budget",), False),
}
#: What the resource carries, and whether that counts as owned: names of condition keys have no case.
CARRIES = {
    "owned": ("aws:ResourceTag/owner", True),
    "untagged": (None, False),
    "a look-alike tag": ("aws:ResourceTag/Owner", True),
    "others' tags": ("aws:ResourceTag/Schedule", False),
}
ASKING = {
    "member-admin": "admin",
    "member-root": "root",
    "copier": "copier",
    "copier-plain": "admin",  # of that name, without its path
    "tagger-role-widened": "tagger",
    "tagger-by-path": "admin",  # of that name, with a path
    "break-glass": "break-glass",
    "break-glass-person": "break-glass",
    "break-glass-by-path": "admin",
    "auto-scaling": "unbound",  # service-linked
}

#: The rule in words: each way to touch a tag that is denied, and to whom.
MEMBERS = frozenset({"admin", "root"})
RULE: dict[str, tuple[str, frozenset[str]]] = {
    "forge": (
        "our keys by a call of its own, also on what has no tag of ours, where creations can be told apart",
        MEMBERS,
    ),
    "bring": ("our keys with a creation of which nothing is overwritten", MEMBERS),
    "bring elsewhere": ("our keys with another creation, on a type not overwritten", MEMBERS | {"copier", "tagger"}),
    "change": ("our keys on what is owned", MEMBERS | {"copier"}),
    "strip": ("all tags of what is owned", MEMBERS | {"copier", "tagger"}),
    "replace": ("the whole set of what is owned", MEMBERS | {"copier", "tagger"}),
}


class Action(NamedTuple):
    """An action as the reference has it, by hand: what it does, its condition keys, and what it acts on."""

    name: str
    does: str
    arn: str
    tag_keys: bool = True
    resource_tag: bool = True
    create_action: bool = False
    abac: bool = False


class Asked(NamedTuple):
    """A case: what is asked, and whether it must be allowed."""

    id: str
    request: Json
    allowed: bool


def asked(action: Action, policy: str = "scp") -> Iterator[Asked]:
    """Every direct case of an action."""
    for who, kind in ASKING.items():
        for carries, (key, owned) in CARRIES.items():
            if key and not action.resource_tag:
                continue
            tags: Json = {key: "alice"} if key else {}
            for keys, (names, ours) in KEYS.items() if action.tag_keys else ():
                ways = _ways(action, ours=ours, owned=owned)
                yield _asked(action, policy, who, f"{keys}/{carries}", tags | {"aws:TagKeys": list(names)}, kind, ways)
            if action.does == "untag" or not action.tag_keys:
                way = {"strip"} if action.does == "untag" and action.tag_keys else {"replace"}
                ways = way if owned and action.does != "tag" else set()
                yield _asked(action, policy, who, f"all/{carries}", tags, kind, ways)


def _ways(action: Action, *, ours: bool, owned: bool) -> set[str]:
    if action.does == "replace":
        return {"replace"} if owned else set()
    found: set[str] = set()
    if action.does == "create":  # it changes nothing that is there
        return found
    if ours and owned and action.resource_tag:
        found.add("change")
    if ours and action.does == "tag" and action.create_action:
        found.add("forge")
    return found


class Scope(NamedTuple):
    """Which cases of a creation are asked: by whom, with which keys, and with which tags taken for the resource's."""

    who: tuple[str, ...] = tuple(ASKING)
    keys: tuple[str, ...] = tuple(KEYS)
    carries: tuple[str, ...] = tuple(CARRIES)


EVERY = Scope()
ONE = Scope(("member-admin",), ("our key",), ("untagged",))
#: What tells whether each entry of a statement counts.
EACH = Scope(("member-admin", "break-glass", "break-glass-person"), tuple(KEYS), ("untagged",))


def with_creation(
    action: Action, operation: str, type_name: str, way: str | None, scope: Scope = EVERY, policy: str = "scp"
) -> Iterator[Asked]:
    """The cases of a creation that brings tags; `way` is None where they are overwritten.

    AWS may take what is brought for the resource's tags, or may not: both are asked.
    """
    service = action.name.partition(":")[0]
    for who, keys, carries in product(scope.who, scope.keys, scope.carries):
        names, ours = KEYS[keys]
        key, _ = CARRIES[carries]
        context: Json = {"aws:TagKeys": list(names), f"{service}:CreateAction": operation}
        context |= {key: "me"} if key else {}
        title = f"{operation}/{type_name}/{keys}/{carries}"
        yield _asked(action, policy, who, title, context, ASKING[who], {way} if ours and way else set())


def _asked(action: Action, policy: str, who: str, title: str, context: Json, kind: str, ways: set[str]) -> Asked:
    whom = WHO[who]
    id_ = f"{policy}/{action.name}{' with ABAC' if action.abac else ''}/{title}/{who}"
    keys: Json = {"aws:ResourceAccount": MEMBER, "aws:PrincipalArn": whom.principal_arn}
    request = {
        "id": id_,
        "principal": whom.arn,
        "action": action.name,
        "resource": action.arn,
        "abac": action.abac,
        "account": MEMBER,
        "context": keys | context,
        "identity": list(whom.identity),
        "session": None,
        "scps": [["full-access"], ["full-access", policy], ["full-access"]] if whom.bound else [],
        "trust": None,
    }
    return Asked(id_, request, not any(kind in RULE[way][1] for way in ways))


def arn(service: str, resource: str) -> str:
    """A resource of the member's account."""
    return f"arn:aws:{service}:{REGION}:{MEMBER}:{resource}"
