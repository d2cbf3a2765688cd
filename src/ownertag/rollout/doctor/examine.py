"""Examines the organization, the hub, and every account, the accounts concurrently."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Protocol

from msgspec import Struct

from ownertag.render.documents import AUDIT_ROLE, REGION_STACK, ROLES_STACK
from ownertag.rollout.doctor.access import AT_ONCE, AccountAccess, AuditedAccount
from ownertag.rollout.doctor.checks_account import check_account
from ownertag.rollout.doctor.checks_hub import check_hub
from ownertag.rollout.doctor.checks_observed import check_observed
from ownertag.rollout.doctor.checks_organization import check_organization, denied_regions
from ownertag.rollout.doctor.collect import collect
from ownertag.rollout.doctor.collect_hub import collect_hub
from ownertag.rollout.doctor.collect_organization import collect_organization
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import AccountFacts, HubFacts, OrganizationFacts, StackSetFacts, Unread
from ownertag.rollout.doctor.findings import Check, CheckState, Finding, Location

Stacks = dict[tuple[str, str], str]


class Collector(Protocol):
    """Collects facts; where the audit role can't be assumed, the reason."""

    def organization(self) -> OrganizationFacts | Unread:
        """Collects in the management account."""

    def hub(self) -> HubFacts | Unread:
        """Collects in the hub's account."""

    def account(self, account: str, regions: tuple[str, ...], stacks: Stacks) -> AccountFacts:
        """Collects in an account and these Regions; several threads call it."""


class AwsCollector:
    """Collects facts from AWS."""

    def __init__(self, access: AccountAccess, expected: Expected) -> None:
        self._access = access
        self._expected = expected
        self._sessions = access.sessions(AUDIT_ROLE)
        self._whole: OrganizationFacts | Unread | None = None

    def organization(self) -> OrganizationFacts | Unread:
        """From the management account; it is read once."""
        if self._whole is None:
            account = self._audited(self._expected.organization.management_account)
            self._whole = collect_organization(account, self._expected)
        return self._whole

    def hub(self) -> HubFacts | Unread:
        """In the hub's account."""
        account = self._audited(self._expected.organization.hub_account)
        return collect_hub(account, self._expected, self._access.now())

    def account(self, account: str, regions: tuple[str, ...], stacks: Stacks) -> AccountFacts:
        """In an account and these Regions."""
        return collect(self._audited(account), self._expected, regions, stacks, self._access.now())

    def _audited(self, account: str) -> AuditedAccount:
        return AuditedAccount(self._access, account, self._sessions)


class Scope(Struct, frozen=True):
    """Which accounts and Regions to examine; all where none is named."""

    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    def holds(self, finding: Finding) -> bool:
        """Whether a finding is about one of these."""
        return (not self.accounts or finding.account in self.accounts) and (
            not self.regions or finding.region is None or finding.region in self.regions
        )


EVERYWHERE = Scope()


class UnknownLocation(Exception):
    """The scope names an account or a Region that is not deployed to; the text lists those that are."""


def examine(
    collector: Collector,
    expected: Expected,
    scope: Scope = EVERYWHERE,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> list[Finding]:
    """All findings, sorted: the management account first, then the hub, then by account.

    Args:
        collector: Collects the facts.
        expected: What should be there.
        scope: Which accounts and Regions.
        progress: Is called after each account, with its number and the number of all.

    Raises:
        UnknownLocation: The scope names an account or a Region that is not deployed to.
    """
    organization, hub = expected.organization, expected.organization.hub_account
    whole = collector.organization()
    regions = _regions(whole, expected)
    known = _accounts(whole, expected)
    if isinstance(whole, OrganizationFacts):
        _refuse(scope.accounts - known, "account", known)
    _refuse(scope.regions - set(regions), "Region", regions)
    accounts = sorted(scope.accounts or known)
    scoped = tuple(region for region in regions if not scope.regions or region in scope.regions)
    findings: list[Finding] = []
    if not scope.accounts or hub in scope.accounts:
        at_hub = collector.hub()
        findings += check_hub(at_hub, expected)
        findings += check_observed(at_hub, whole, expected)
    enabled = whole.enabled if isinstance(whole, OrganizationFacts) else None
    # Nothing is expected where the settings exclude a Region, whoever has enabled it.
    ours = {*regions, *organization.excluded_regions}
    known_regions = enabled | ours if isinstance(enabled, frozenset) else None
    asked = {account: _allowed(whole, expected, account, scoped) for account in accounts}
    enabled_in: dict[str, frozenset[str]] = {}
    stacks = {account: _stacks(whole, expected, account, regions) for account in accounts}
    # Not by `with`, which would wait for all accounts after Ctrl-C.
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="doctor")
    try:
        waiting = {
            pool.submit(collector.account, account, asked[account], stacks[account]): account for account in accounts
        }
        for number, done in enumerate(as_completed(waiting), 1):
            account, facts = waiting[done], done.result()
            if isinstance(facts.enabled, frozenset):
                enabled_in[account] = facts.enabled
            findings += check_account(facts, expected, asked[account], known_regions)
            progress(account, number, len(accounts))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    findings += check_organization(whole, expected, regions, enabled_in)
    first = (organization.management_account, hub)
    checks = list(Check)

    def order(finding: Finding) -> tuple[int, str, str, int]:
        rank = first.index(finding.account) if finding.account in first else len(first)
        return rank, finding.account, finding.region or "", checks.index(finding.check)

    return sorted((finding for finding in findings if _reported(finding, scope)), key=order)


def spokes(whole: OrganizationFacts | Unread, expected: Expected) -> tuple[str, ...]:
    """The member accounts that are deployed to, without the hub's, sorted."""
    organization = expected.organization
    return tuple(sorted(_accounts(whole, expected) - {organization.management_account, organization.hub_account}))


def _reported(finding: Finding, scope: Scope) -> bool:
    """Whether to report a finding: one of the scope, or that the organization could not be read."""
    return scope.holds(finding) or (finding.check is Check.ACCOUNTS and finding.state is CheckState.UNREACHABLE)


def _regions(whole: OrganizationFacts | Unread, expected: Expected) -> tuple[str, ...]:
    enabled = whole.enabled if isinstance(whole, OrganizationFacts) else None
    return expected.regions(enabled if isinstance(enabled, frozenset) else frozenset())


def _allowed(
    whole: OrganizationFacts | Unread, expected: Expected, account: str, regions: tuple[str, ...]
) -> tuple[str, ...]:
    """The Regions in which an account is read."""
    denied = denied_regions(whole, expected, account)
    return tuple(region for region in regions if region not in denied)


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


def deployed(whole: OrganizationFacts | Unread, expected: Expected) -> tuple[frozenset[str], frozenset[str]]:
    """The accounts and Regions that are deployed to."""
    return _accounts(whole, expected), frozenset(_regions(whole, expected))


def units(whole: OrganizationFacts | Unread) -> dict[str, str]:
    """The unit of each account, as the instances of the stack sets name it."""
    sets = whole.stack_sets.values() if isinstance(whole, OrganizationFacts) else ()
    return {
        instance.account: instance.unit
        for stack_set in sets
        if isinstance(stack_set, StackSetFacts) and isinstance(stack_set.instances, tuple)
        for instance in stack_set.instances
        if instance.unit
    }


def _refuse(unknown: Iterable[str], what: str, known: Iterable[str]) -> None:
    if names := sorted(unknown):
        raise UnknownLocation(f"{what} {', '.join(names)} is not deployed to; there are {', '.join(sorted(known))}")


__all__ = [
    "AwsCollector",
    "Collector",
    "Location",
    "Scope",
    "Stacks",
    "UnknownLocation",
    "deployed",
    "examine",
    "spokes",
    "units",
]
