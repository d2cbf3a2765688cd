"""Examines the organization and every account, the accounts concurrently, and checks what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime
from functools import partial

from msgspec import Struct

from ownertag.catalogue.loader import load_catalogue
from ownertag.render.documents import AUDIT_ROLE, CANARY_ROLE, FORWARDER_ROLE
from ownertag.render.patterns import spoke_rules
from ownertag.rollout.deploy.current import Prepared
from ownertag.rollout.doctor.facts import TrailFacts
from ownertag.rollout.preflight.access import CallCount, DeployedAccount
from ownertag.rollout.preflight.check_leftovers import check_bucket, check_leftovers
from ownertag.rollout.preflight.check_organization import check_access, check_organization, check_regions
from ownertag.rollout.preflight.check_permissions import check_permissions
from ownertag.rollout.preflight.check_policies import check_policies
from ownertag.rollout.preflight.check_price import check_price
from ownertag.rollout.preflight.check_tag_policies import check_tag_policies
from ownertag.rollout.preflight.check_trails import check_trails
from ownertag.rollout.preflight.collect_account import AccountPlan, CollectedNames, collect_account
from ownertag.rollout.preflight.collect_organization import RCP, SCP, collect_organization
from ownertag.rollout.preflight.collect_permissions import simulate
from ownertag.rollout.preflight.facts import PreflightAccount
from ownertag.rollout.preflight.findings import PreflightFinding, Verdict
from ownertag.rollout.preflight.needs import Needs
from ownertag.rollout.preflight.permissions import HUB_ACTIONS, MANAGEMENT_ACTIONS, resources, to_simulate
from ownertag.rollout.preflight.prices import price_table

#: How many accounts are read at once: their calls wait for AWS, and AWS limits each account by itself.
AT_ONCE = 16


class PreflightResult(Struct, frozen=True):
    """All findings, how many accounts were read, and the calls that it took, by API."""

    findings: tuple[PreflightFinding, ...]
    accounts: int
    calls: dict[str, int]


def examine(
    prepared: Prepared,
    access_role: str,
    now: datetime,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> PreflightResult:
    """Reads and checks everything but who uses the protected keys, which `deploy.tag_usage` counts.

    Args:
        prepared: What is to be deployed, what is there, and the clients.
        access_role: The role by which accounts are read, for messages.
        now: The time.
        progress: Is called after each account, with its number and the number of all.
    """
    desired, current, settings = prepared.desired, prepared.current, prepared.settings
    organization = desired.organization
    management, hub, home = organization.management_account, organization.hub_account, organization.home_region
    calls = CallCount()
    reader = partial(DeployedAccount, prepared.clients, home=home, calls=calls)
    members = frozenset[str]().union(*current.accounts.values()) - {management}
    everybody = (management, *sorted(members | ({hub} - {management})))
    rules = collect_organization(reader(management), current.root, current.policy_types, hub, everybody)
    facts = _accounts(prepared, reader, everybody, now, progress)

    findings = list(check_organization(rules, desired, current, settings))
    regions = desired.rules.regions
    for account in facts:
        findings += check_access(account, access_role, management)
        if account.refused is None:
            findings += check_regions(account, regions, home)
            findings += check_trails(account)
            findings += check_leftovers(account, home, settings.hub.tagger_role)
    findings += check_bucket(current.bucket, desired.bucket, hub, _hub_key(prepared) not in current.stacks)
    needs = Needs(organization, settings, desired.bucket)
    of_principals = {account: list(needs.of_principals(account, regions)) for account in sorted(members)}
    if hub != management:
        sample = min(members - {hub}, default=hub)
        of_principals[hub] = [*of_principals.get(hub, ()), *needs.at_hub(access_role, sample)]
    of_resources = {
        account: list(needs.of_resources(account, regions)) for account in everybody if account != management
    }
    findings += check_policies(rules, SCP, of_principals, home, management)
    findings += check_policies(rules, RCP, of_resources, home, management)
    findings += check_tag_policies(rules, settings, load_catalogue(), management)
    findings += _permissions(prepared, reader, access_role)
    findings += check_price(facts, price_table(), hub)
    return PreflightResult(tuple(findings), len(everybody), calls.by_api)


def stopping(findings: Iterable[PreflightFinding]) -> tuple[PreflightFinding, ...]:
    """The findings that would make ownertag not work."""
    return tuple(finding for finding in findings if finding.verdict is Verdict.STOPS)


def _hub_key(prepared: Prepared) -> tuple[str, str, str]:
    stack = prepared.desired.hub
    return stack.account, stack.region, stack.name


def _accounts(
    prepared: Prepared,
    reader: Callable[[str], DeployedAccount],
    everybody: tuple[str, ...],
    now: datetime,
    progress: Callable[[str, int, int], None],
) -> list[PreflightAccount]:
    """Facts of every account; the management account is read first, since its trail may be everybody's."""
    desired, catalogue = prepared.desired, load_catalogue()
    names = CollectedNames(
        (prepared.settings.hub.tagger_role, FORWARDER_ROLE, AUDIT_ROLE, CANARY_ROLE),
        tuple(spoke_rules(catalogue, prepared.settings)),
    )

    def one(account: str, known: dict[str, TrailFacts]) -> PreflightAccount:
        plan = account_plan(prepared, account)
        return collect_account(reader(account), plan, names, desired.rules.regions, catalogue, now, known)

    first, *others = everybody
    facts = [one(first, {})]
    progress(first, 1, len(everybody))
    known = {
        trail.arn: trail
        for place in facts[0].places
        if isinstance(place.trails, tuple)
        for trail in place.trails
        if trail.logging is True and trail.writes is True
    }
    # Not by `with`, which would wait for all accounts after Ctrl-C.
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="preflight")
    try:
        waiting = {pool.submit(one, account, known): account for account in others}
        for number, done in enumerate(as_completed(waiting), 2):
            facts.append(done.result())
            progress(waiting[done], number, len(everybody))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return sorted(facts, key=lambda account: everybody.index(account.account))


def account_plan(prepared: Prepared, account: str) -> AccountPlan:
    """What is still to be created in an account, where something of the same name would be in the way."""
    desired, current = prepared.desired, prepared.current
    organization = desired.organization
    roles, rules = desired.roles, desired.rules
    if account == organization.management_account:
        stack = desired.management_roles
        missing = frozenset(
            stack.region
            for stack in desired.management_rules
            if (stack.account, stack.region, stack.name) not in current.stacks
        )
        to_make = (stack.account, stack.region, stack.name) not in current.stacks
    else:
        held = {name: state.instances for name, state in current.stack_sets.items()}
        to_make = account not in {instance.account for instance in held.get(roles.name, ())}
        there = {instance.region for instance in held.get(rules.name, ()) if instance.account == account}
        missing = frozenset(rules.regions) - there
    hub = account == organization.hub_account and _hub_key(prepared) not in current.stacks
    return AccountPlan(account, to_make, missing, hub)


def _permissions(
    prepared: Prepared, reader: Callable[[str], DeployedAccount], access_role: str
) -> Iterable[PreflightFinding]:
    desired = prepared.desired
    management, hub = desired.organization.management_account, desired.organization.hub_account
    wanted = to_simulate(MANAGEMENT_ACTIONS if hub != management else {*MANAGEMENT_ACTIONS, *HUB_ACTIONS})
    found = simulate(reader(management), wanted, resources(management, desired, access_role))
    yield from check_permissions(management, found, wanted, "the caller")
    if hub != management:
        wanted = to_simulate(HUB_ACTIONS)
        found = simulate(reader(hub), wanted, resources(hub, desired, access_role))
        yield from check_permissions(hub, found, wanted, access_role)
