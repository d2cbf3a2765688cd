"""Whether stack sets deploy to every account, and the policies are attached. Pure: facts to findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ownertag.render.documents import AUDIT_ROLE, ROLES_STACK
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.checks import RECREATE, same, unread_finding
from ownertag.rollout.doctor.commands import Command, apply, aws
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import (
    Document,
    Missing,
    NotGiven,
    OrganizationFacts,
    PolicyFacts,
    StackSetFacts,
    Unread,
)
from ownertag.rollout.doctor.findings import Check, Finding, Location


def check_organization(
    facts: OrganizationFacts | Unread, expected: Expected, regions: Iterable[str]
) -> Iterator[Finding]:
    """Checks accounts, stack sets and policies, as the management account has them.

    Args:
        facts: What was read there.
        expected: What should be there.
        regions: The Regions that should have rules.
    """
    place = Location(expected.organization.management_account)
    if isinstance(facts, Unread):
        yield place.unreached(
            Check.ACCOUNTS,
            f"which accounts there are can't be read: {facts.reason}",
            f"put the management account's own stacks back, and use credentials that may assume {AUDIT_ROLE} there; "
            "until then name the accounts with --accounts",
            apply(place.account),
            cause=Cause.ACCOUNTS_UNREAD,
        )
        return
    if isinstance(facts.accounts, frozenset):
        yield place.ok(Check.ACCOUNTS, f"{len(facts.accounts)} in the units, beside this one")
    else:
        yield unread_finding(place, Check.ACCOUNTS, "the list of accounts", facts.accounts, Missing(), "")
    for name in expected.stack_sets:
        where = (expected.organization.home_region,) if name == ROLES_STACK else tuple(regions)
        yield from _stack_set(place, name, facts, expected, where)
    yield from _policies(place, facts, expected)


def _stack_set(
    place: Location, name: str, facts: OrganizationFacts, expected: Expected, regions: tuple[str, ...]
) -> Iterator[Finding]:
    found = facts.stack_sets[name]
    if not isinstance(found, StackSetFacts):
        yield unread_finding(place, Check.STACK_SET, f"stack set {name}", found, Missing(), "")
        return
    if found.template.strip() != expected.stack_sets[name].strip():
        yield place.fault(
            Check.STACK_SET,
            f"stack set {name} has another template than this version renders",
            "bring it up to date; before it asks, it shows the difference",
            apply(),
            cause=Cause.STACK_SET_TEMPLATE,
        )
    elif isinstance(found.auto_deployment, NotGiven):
        yield unread_finding(place, Check.STACK_SET, f"stack set {name}", found.auto_deployment, Missing(), "")
    elif found.auto_deployment is not True:
        yield place.fault(
            Check.STACK_SET,
            f"stack set {name} does not deploy to new accounts by itself",
            RECREATE,
            apply(),
            cause=Cause.STACK_SET_AUTOMATIC,
        )
    else:
        yield place.ok(Check.STACK_SET, f"{name} is current, and deploys to new accounts")
    yield from _instances(place, name, found, facts, regions)
    yield _drift(place, name, found, expected.organization.home_region)


def _instances(
    place: Location, name: str, found: StackSetFacts, facts: OrganizationFacts, regions: tuple[str, ...]
) -> Iterator[Finding]:
    """Findings name the account and Region that lack an instance."""
    if not isinstance(found.instances, tuple):
        yield unread_finding(place, Check.INSTANCES, f"the instances of {name}", found.instances, Missing(), "")
        return
    held = {(instance.account, instance.region): instance for instance in found.instances}
    well = 0
    for instance in found.instances:
        if instance.status == "CURRENT":
            well += 1
            continue
        yield Location(instance.account, instance.region).fault(
            Check.INSTANCES,
            f"the instance of {name} is {instance.status}{f': {instance.reason}' if instance.reason else ''}",
            "mend that, and deploy",
            apply(),
            cause=Cause.INSTANCE_NOT_CURRENT,
        )
    if isinstance(facts.accounts, frozenset):
        for account in sorted(facts.accounts):
            for region in regions:
                if (account, region) not in held:
                    yield Location(account, region).fault(
                        Check.INSTANCES,
                        f"{name} has no instance here",
                        "deploy to it",
                        apply(),
                        cause=Cause.INSTANCE_MISSING,
                    )
    yield place.ok(Check.INSTANCES, f"{well} of {name} are current")


def _drift(place: Location, name: str, found: StackSetFacts, home: str) -> Finding:
    detect = aws(place.account, home, "cloudformation", "detect-stack-set-drift", "--stack-set-name", name)
    drifted = ("--stack-set-name", name, "--filters", "Name=DRIFT_STATUS,Values=DRIFTED")
    look = aws(place.account, home, "cloudformation", "list-stack-instances", *drifted)
    match found.drift:
        case "IN_SYNC":
            return place.ok(Check.DRIFT, f"{name} is as deployed")
        case "NOT_CHECKED":
            said = f"{name} was not checked for drift"
            return place.ok(Check.DRIFT, said, "let it be checked, then ask again", detect, cause=Cause.DRIFT_UNCHECKED)
        case str():
            instances = found.instances if isinstance(found.instances, tuple) else ()
            where = sorted({instance.account for instance in instances if instance.drift == "DRIFTED"})
            return place.fault(
                Check.DRIFT,
                f"instances of {name} were changed by hand: {found.drift}",
                f"{RECREATE}, and let it be checked again",
                apply(",".join(where)) if where else look,
                detect,
                cause=Cause.DRIFT_FOUND,
            )
        case Missing() | NotGiven() | Unread():
            return unread_finding(place, Check.DRIFT, f"stack set {name}", found.drift, Missing(), "")


def _policies(place: Location, facts: OrganizationFacts, expected: Expected) -> Iterator[Finding]:
    if not isinstance(facts.policies, Mapping):
        yield unread_finding(place, Check.POLICY, "the service control policies", facts.policies, Missing(), "")
        return
    if not isinstance(facts.root, str):
        yield unread_finding(place, Check.POLICY, "the organization's root", facts.root, Missing(), "")
        return
    protected = frozenset(expected.protected(facts.root))
    for name, document in expected.scps.items():
        yield _policy(place, name, document, facts.policies.get(name, Missing()), protected)
    for name in facts.policies.keys() - expected.scps.keys():
        said = f"service control policy {name} is not wanted any more"
        yield place.fault(Check.POLICY, said, "take it away", apply(), cause=Cause.POLICY_SURPLUS)
    yield _tiers(place, expected)


def _policy(
    place: Location, name: str, document: Document, found: PolicyFacts | Missing, protected: frozenset[str]
) -> Finding:
    what = f"service control policy {name}"
    if isinstance(found, Missing):
        return unread_finding(place, Check.POLICY, what, found, Missing(), "")
    if not same(found.content, document):
        said = f"{what} is not the rendered one"
        return place.fault(Check.POLICY, said, RECREATE, apply(), cause=Cause.POLICY_CONTENT)
    if bare := sorted(protected - found.targets):
        said = f"{what} is not attached to {', '.join(bare)}"
        return place.fault(Check.POLICY, said, "attach it", apply(), cause=Cause.POLICY_DETACHED)
    return place.ok(Check.POLICY, f"{name} is as rendered, attached to {', '.join(sorted(found.targets))}")


def _tiers(place: Location, expected: Expected) -> Finding:
    """What the policies can do about each action that changes tags. What they can't do is no fault."""
    told = [f"{tier.value}: {', '.join(names)}" for tier, names in expected.tiers.items() if names]
    advice = "see what each tier does, and what holds for other services"
    command = Command("ownertag", ("render", "scp", "--tiers"), None)
    return place.ok(Check.TIERS, "; ".join(told), advice, command, cause=Cause.TIERS)
