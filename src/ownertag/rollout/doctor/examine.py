"""All of it: the organization, the hub, and every account side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Protocol

from msgspec import Struct

from ownertag.render.documents import REGION_STACK, ROLES_STACK
from ownertag.rollout.doctor.access import AccountAccess, AuditedAccount
from ownertag.rollout.doctor.checks_account import check_account
from ownertag.rollout.doctor.checks_hub import check_hub
from ownertag.rollout.doctor.checks_organization import check_organization
from ownertag.rollout.doctor.collect import collect
from ownertag.rollout.doctor.collect_hub import collect_hub
from ownertag.rollout.doctor.collect_organization import collect_organization
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import AccountFacts, HubFacts, OrganizationFacts, StackSetFacts, Unread
from ownertag.rollout.doctor.findings import Check, CheckState, Finding, Location

#: How many accounts are looked at side by side: their calls wait for AWS, and AWS limits each account by itself.
AT_ONCE = 16

Stacks = dict[tuple[str, str], str]


class Collector(Protocol):
    """What is there, by place; each says why where it can't be entered."""

    def organization(self) -> OrganizationFacts | Unread:
        """From the management account."""

    def hub(self) -> HubFacts | Unread:
        """In the hub's account."""

    def account(self, account: str, regions: tuple[str, ...], stacks: Stacks) -> AccountFacts:
        """In an account and these Regions; called by several threads."""


class AwsCollector:
    """What is there in AWS."""

    def __init__(self, way: AccountAccess, expected: Expected) -> None:
        self._way = way
        self._expected = expected

    def organization(self) -> OrganizationFacts | Unread:
        """From the management account."""
        account = AuditedAccount(self._way, self._expected.organization.management_account)
        return collect_organization(account, self._expected)

    def hub(self) -> HubFacts | Unread:
        """In the hub's account."""
        account = AuditedAccount(self._way, self._expected.organization.hub_account)
        return collect_hub(account, self._expected, self._way.now())

    def account(self, account: str, regions: tuple[str, ...], stacks: Stacks) -> AccountFacts:
        """In an account and these Regions."""
        return collect(AuditedAccount(self._way, account), self._expected, regions, stacks, self._way.now())


class Scope(Struct, frozen=True):
    """Which accounts and Regions to look at; all where none is named."""

    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    def holds(self, finding: Finding) -> bool:
        """Whether a finding is of one of these."""
        return (not self.accounts or finding.account in self.accounts) and (
            not self.regions or finding.region is None or finding.region in self.regions
        )


#: All of it.
EVERYWHERE = Scope()


class UnknownLocation(Exception):
    """An account or a Region was named in which nothing should be; the text says which there are."""


def examine(
    looks: Collector,
    expected: Expected,
    scope: Scope = EVERYWHERE,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> list[Finding]:
    """Every finding, in the order of their places: the management account first, then the hub, then by account.

    Args:
        looks: What is there.
        expected: What should be there.
        scope: Which accounts and Regions.
        progress: Is told of each account that was looked at, how many that makes, and of how many.

    Raises:
        UnknownPlace: The scope names an account or a Region that is not deployed to.
    """
    organization, hub = expected.organization, expected.organization.hub_account
    whole = looks.organization()
    regions = _regions(whole, expected)
    known = _accounts(whole, expected)
    if isinstance(whole, OrganizationFacts):
        _refuse(scope.accounts - known, "account", known)
    _refuse(scope.regions - set(regions), "Region", regions)
    accounts = sorted(scope.accounts or known)
    looked = tuple(region for region in regions if not scope.regions or region in scope.regions)
    findings = list(check_organization(whole, expected, regions))
    if not scope.accounts or hub in scope.accounts:
        findings += check_hub(looks.hub(), expected)
    enabled = whole.enabled if isinstance(whole, OrganizationFacts) else None
    switched_on = enabled | {*regions} if isinstance(enabled, frozenset) else None
    stacks = {account: _stacks(whole, expected, account, regions) for account in accounts}
    # Not by `with`, which would wait for all accounts after Ctrl-C.
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="doctor")
    try:
        waiting = {pool.submit(looks.account, account, looked, stacks[account]): account for account in accounts}
        for number, done in enumerate(as_completed(waiting), 1):
            findings += check_account(done.result(), expected, looked, switched_on)
            progress(waiting[done], number, len(accounts))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    first = (organization.management_account, hub)
    checks = list(Check)

    def order(finding: Finding) -> tuple[int, str, str, int]:
        rank = first.index(finding.account) if finding.account in first else len(first)
        return rank, finding.account, finding.region or "", checks.index(finding.check)

    return sorted((finding for finding in findings if _told(finding, scope)), key=order)


def spokes(whole: OrganizationFacts | Unread, expected: Expected) -> tuple[str, ...]:
    """The member accounts that are deployed to, without the hub's, sorted."""
    organization = expected.organization
    return tuple(sorted(_accounts(whole, expected) - {organization.management_account, organization.hub_account}))


def _told(finding: Finding, scope: Scope) -> bool:
    """A narrowed look leaves others out, but not that the organization could not be read."""
    return scope.holds(finding) or (finding.check is Check.ACCOUNTS and finding.state is CheckState.UNREACHABLE)


def _regions(whole: OrganizationFacts | Unread, expected: Expected) -> tuple[str, ...]:
    enabled = whole.enabled if isinstance(whole, OrganizationFacts) else None
    return expected.regions(enabled if isinstance(enabled, frozenset) else frozenset())


def _accounts(whole: OrganizationFacts | Unread, expected: Expected) -> frozenset[str]:
    organization = expected.organization
    always = frozenset({organization.management_account, organization.hub_account})
    found = whole.accounts if isinstance(whole, OrganizationFacts) else None
    return always | found if isinstance(found, frozenset) else always


def _stacks(whole: OrganizationFacts | Unread, expected: Expected, account: str, regions: Iterable[str]) -> Stacks:
    """The stacks of an account by (stack, Region): plain ones in the management account, instances elsewhere."""
    organization = expected.organization
    if account == organization.management_account:
        plain = {(REGION_STACK, region): REGION_STACK for region in regions}
        return {**plain, (ROLES_STACK, organization.home_region): ROLES_STACK}
    found = {}
    for name, stack_set in (whole.stack_sets if isinstance(whole, OrganizationFacts) else {}).items():
        if isinstance(stack_set, StackSetFacts) and isinstance(stack_set.instances, tuple):
            found.update(
                {
                    (name, instance.region): instance.stack
                    for instance in stack_set.instances
                    if instance.account == account
                }
            )
    return found


def _refuse(unknown: Iterable[str], what: str, known: Iterable[str]) -> None:
    if names := sorted(unknown):
        raise UnknownLocation(f"{what} {', '.join(names)} is not deployed to; there are {', '.join(sorted(known))}")


__all__ = ["AwsCollector", "Collector", "Location", "Scope", "Stacks", "UnknownLocation", "examine", "spokes"]
