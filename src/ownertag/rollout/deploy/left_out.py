"""Which stack instances are left out: where nothing can be deployed, and no repetition would help. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ownertag.rollout.deploy.values import Members, StackInstance, Why

#: An account that is in use (doc: Organizations API reference, AccountState).
ACTIVE = "ACTIVE"
SKIPPED = "SKIPPED_SUSPENDED_ACCOUNT"
_INOPERABLE = "INOPERABLE"
# doc: IAM user guide, "Access denied errors"; CloudFormation hands the text on.
_DENIED = re.compile(r"explicit deny in a service control policy", re.IGNORECASE)

#: What is passed: without a stack there, nothing is missing or nothing can be done.
PASSED = frozenset({Why.INACTIVE, Why.LEFT, Why.DENIED, Why.NOT_ENABLED, Why.DISABLED})
#: Where StackSets gets to no stack (any more).
UNREACHED = frozenset({Why.INACTIVE, Why.LEFT, Why.DISABLED})


def left_out(
    instances: Iterable[StackInstance], members: Members, home: str, *, fresh: bool = False
) -> dict[StackInstance, Why]:
    """The instances that are left out, and why.

    Args:
        instances: Of one stack set.
        members: What the organization says of their accounts.
        home: The home Region. A denial there is of no Region, and so is every other of the same account.
        fresh: An operation has just ended: it may know of a suspended account what was not so a moment ago.
    """
    instances = tuple(instances)
    denied_home = {instance.account for instance in instances if instance.region == home and _is_denied(instance)}
    found = {}
    for instance in instances:
        why = _why(instance, members, fresh)
        if why is None and _is_denied(instance) and instance.account not in denied_home:
            why = Why.DENIED
        if why is not None:
            found[instance] = why
    return found


def is_skipped(instance: StackInstance) -> bool:
    """Whether the last operation found the account suspended: then there may be no stack."""
    return instance.detail == SKIPPED


def has_stack(instance: StackInstance) -> bool:
    """Whether something may run there. An instance "can exist without a stack" (doc: StackInstance)."""
    return instance.status == "CURRENT" or bool(instance.stack)


def by_reason(found: Mapping[StackInstance, Why], *reasons: Why) -> list[StackInstance]:
    """The instances that are left out for one of the reasons."""
    return [instance for instance, why in found.items() if why in reasons]


def _is_denied(instance: StackInstance) -> bool:
    return instance.status != "CURRENT" and _DENIED.search(instance.reason) is not None


def _why(instance: StackInstance, members: Members, fresh: bool) -> Why | None:
    state = members.states.get(instance.account)
    if state is None:
        return Why.LEFT
    if state != ACTIVE or (fresh and is_skipped(instance)):
        return Why.INACTIVE
    if instance.region in members.disabled:
        return Why.DISABLED
    if instance.status == "CURRENT":
        return None
    if (instance.account, instance.region) in members.not_enabled:
        return Why.NOT_ENABLED
    return Why.INOPERABLE if instance.status == _INOPERABLE else None
