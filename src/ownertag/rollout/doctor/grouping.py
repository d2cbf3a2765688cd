"""Groups findings by their cause: one group for what many accounts and Regions have alike. Pure.

What follows from something else is told with that: where StackSets has no instance, the rules and the queue are missing
as well, and where a whole stack set is out of date, so is each of its rules and roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from ownertag.render.documents import REGION_STACK, ROLES_STACK
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.commands import Command, merged
from ownertag.rollout.doctor.findings import Check, CheckState, Finding

#: Of a Region, and of an account, that follow from an instance that is missing or not current.
_OF_INSTANCE = frozenset(
    {Cause.RULE_MISSING, Cause.RULE_PATTERN, Cause.TARGET_WRONG, Cause.UNDELIVERED_MISSING, Cause.UNDELIVERED_POLICY}
)
_OF_ROLES = frozenset({Cause.ROLE_MISSING, Cause.ROLE_PERMISSIONS, Cause.ROLE_TRUST, Cause.AUDIT_ROLE_REFUSED})
_INSTANCE = frozenset({Cause.INSTANCE_MISSING, Cause.INSTANCE_NOT_CURRENT})
#: Each place has a number of its own.
_COUNTING = frozenset(
    {
        Cause.SENT_FAILED, Cause.UNDELIVERED_HELD, Cause.DEAD_LETTERS_HELD, Cause.QUEUE_WAITS, Cause.OBSERVED,
        Cause.OBSERVED_WAITS, Cause.OBSERVED_UNKNOWN,
    }
)  # fmt: skip
#: What one account has for all: told before what single accounts have.
_OF_ALL = (*(check for check in Check if list(Check).index(check) <= list(Check).index(Check.ALARM_TOPIC)),)
#: What a finding adds of its own Region, and a group does not tell.
LAST_SENT = "; last sent: "
_WORST = (CheckState.FAULT, CheckState.UNREACHABLE, CheckState.OK, CheckState.NOT_CHECKABLE)


class Group(Struct, frozen=True):
    """Findings of one cause.

    `follows` counts what else is wrong at the same places because of it.
    """

    state: CheckState
    check: Check
    cause: Cause | None
    seen: str
    advice: str
    findings: tuple[Finding, ...]
    follows: int = 0

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts, sorted."""
        return tuple(sorted({finding.account for finding in self.findings}))

    @property
    def commands(self) -> tuple[Command, ...]:
        """What mends all of it."""
        return merged(command for finding in self.findings for command in finding.commands)

    @property
    def first(self) -> tuple[Command, ...]:
        """What mends the first place of it."""
        return self.findings[0].commands


def group(findings: Iterable[Finding]) -> list[Group]:
    """The findings in groups: what concerns all accounts first, then what most places have."""
    kept, follows = _causes(tuple(findings))
    by_cause: dict[tuple[object, ...], list[Finding]] = {}
    for finding in kept:
        # Without a cause only the same words are the same.
        kind = finding.cause or general(finding)
        by_cause.setdefault((finding.state, finding.check, kind), []).append(finding)
    groups = [_group(held, follows) for held in by_cause.values()]

    def order(one: Group) -> tuple[int, bool, int, int]:
        of_all = one.check in _OF_ALL
        return _WORST.index(one.state), not of_all, -len(one.findings), list(Check).index(one.check)

    return sorted(groups, key=order)


def _group(held: list[Finding], follows: Mapping[Finding, int]) -> Group:
    first = held[0]
    said = {finding.seen for finding in held}
    alike = {general(finding) for finding in held}
    one = first.seen.partition(LAST_SENT)[0]
    seen = one if len(said) == 1 else next(iter(alike)) if len(alike) == 1 else f"{general(first)}, and alike"
    more = sum(follows.get(finding, 0) for finding in held)
    return Group(first.state, first.check, first.cause, seen, first.advice, tuple(held), more)


def general(finding: Finding) -> str:
    """What was seen, without the account, the Region, and numbers of its own."""
    text = finding.seen.partition(LAST_SENT)[0].replace(finding.account, "ACCOUNT")
    if finding.region:
        text = text.replace(finding.region, "REGION")
    return (
        re.sub(r"\b[0-9]+(?:,[0-9]{3})*\b(?! s\b| days)", "N", text)
        if finding.cause is None or _counts(finding)
        else text
    )


def _counts(finding: Finding) -> bool:
    return finding.cause in _COUNTING


# --- what follows from what


def _causes(findings: tuple[Finding, ...]) -> tuple[list[Finding], dict[Finding, int]]:
    """The findings without those that follow from another, and how many follow from each."""
    roots = {
        (finding.account, finding.region, _stack_of(finding)): finding
        for finding in findings
        if finding.cause in _INSTANCE
    }
    stale = {_stack_of(finding): finding for finding in findings if finding.cause is Cause.STACK_SET_TEMPLATE}
    kept, follows = list[Finding](), dict[Finding, int]()
    for finding in findings:
        root = _root(finding, roots, stale)
        if root is None:
            kept.append(finding)
        else:
            follows[root] = follows.get(root, 0) + 1
    return kept, follows


def _root(
    finding: Finding, roots: Mapping[tuple[str, str | None, str], Finding], stale: Mapping[str, Finding]
) -> Finding | None:
    if finding.cause in _OF_INSTANCE:
        if root := roots.get((finding.account, finding.region, REGION_STACK)):
            return root
        return stale.get(REGION_STACK) if finding.cause is Cause.RULE_PATTERN else None
    if finding.cause in _OF_ROLES:
        for (account, _, name), root in roots.items():
            if (account, name) == (finding.account, ROLES_STACK):
                return root
        return stale.get(ROLES_STACK) if finding.cause is Cause.ROLE_PERMISSIONS else None
    return None


def _stack_of(finding: Finding) -> str:
    return REGION_STACK if REGION_STACK in finding.seen else ROLES_STACK


# --- where


class Scale(Struct, frozen=True):
    """What all is, to say so: the accounts and Regions that were examined, and each account's unit."""

    accounts: frozenset[str]
    regions: frozenset[str]
    units: Mapping[str, str] = {}

    def accounts_of(self, accounts: Iterable[str]) -> str:
        """So many accounts, in words."""
        held = frozenset(accounts)
        if len(held) == 1:
            return next(iter(held))
        if held == self.accounts:
            return f"all {len(held)} accounts"
        units = {self.units.get(account, "") for account in held}
        [unit] = units if len(units) == 1 else [""]
        if unit and held == {account for account, of in self.units.items() if of == unit} & self.accounts:
            return f"all {len(held)} accounts of {unit}"
        return f"{len(held)} accounts"

    def regions_of(self, regions: frozenset[str]) -> str:
        """So many Regions, in words; nothing for what an account has once."""
        if len(regions) > 1 and regions == self.regions:
            return f"all {len(regions)} Regions"
        return ", ".join(sorted(regions)) if len(regions) < 4 else f"{len(regions)} Regions"


def places(group: Group, scale: Scale) -> Iterator[str]:
    """Where it is: the accounts that have it in the same Regions together, most accounts first."""
    regions: dict[str, set[str]] = {}
    for finding in group.findings:
        regions.setdefault(finding.account, set()).update({finding.region} - {None} if finding.region else ())
    together: dict[frozenset[str], list[str]] = {}
    for account, held in regions.items():
        together.setdefault(frozenset(held), []).append(account)
    for regions_held, accounts in sorted(together.items(), key=lambda item: (-len(item[1]), sorted(item[0]))):
        where = scale.regions_of(regions_held)
        yield f"{scale.accounts_of(accounts)}{f' in {where}' if where else ''}"
