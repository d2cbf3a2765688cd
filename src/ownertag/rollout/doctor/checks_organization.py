"""Whether stack sets deploy to every account, and the policies are attached. Pure: facts to findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from ownertag.render.documents import AUDIT_ROLE, REGION_STACK, ROLES_STACK
from ownertag.rollout.deploy.left_out import ACTIVE, SKIPPED, left_out
from ownertag.rollout.deploy.values import Members, StackInstance, Why
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
    StackInstanceState,
    StackSetFacts,
    Unread,
)
from ownertag.rollout.doctor.findings import Check, Finding, Location


class Places(Struct, frozen=True):
    """Where a stack set should have instances: in these Regions, as far as an account has enabled them."""

    regions: tuple[str, ...]
    enabled: Mapping[str, frozenset[str]]
    home: str

    def of(self, account: str) -> tuple[str, ...]:
        """The Regions of an account."""
        known = self.enabled.get(account)
        return self.regions if known is None else tuple(region for region in self.regions if region in known)

    def left_out(self, instances: Iterable[StackInstanceState]) -> dict[tuple[str, str], Why]:
        """The instances that no repetition would bring up to date, and why; that of an active account is assumed."""
        given = [
            StackInstance(
                instance.account, instance.region, "", instance.status, instance.reason, instance.detail, instance.stack
            )
            for instance in instances
        ]
        off = {
            (instance.account, instance.region)
            for instance in given
            if instance.region not in self.enabled.get(instance.account, {instance.region})
        }
        members = Members({instance.account: ACTIVE for instance in given}, not_enabled=frozenset(off))
        found = left_out(given, members, self.home)
        return {(instance.account, instance.region): why for instance, why in found.items()}


def denied_regions(facts: OrganizationFacts | Unread, expected: Expected, account: str) -> frozenset[str]:
    """The Regions of an account that a policy denies to StackSets: the audit role can't look there either."""
    found = facts.stack_sets.get(REGION_STACK) if isinstance(facts, OrganizationFacts) else None
    if not isinstance(found, StackSetFacts) or not isinstance(found.instances, tuple):
        return frozenset()
    of_account = [instance for instance in found.instances if instance.account == account]
    out = Places((), {}, expected.organization.home_region).left_out(of_account)
    return frozenset(region for (_, region), why in out.items() if why is Why.DENIED)


def check_organization(
    facts: OrganizationFacts | Unread,
    expected: Expected,
    regions: Iterable[str],
    enabled: Mapping[str, frozenset[str]] = {},
) -> Iterator[Finding]:
    """Checks accounts, stack sets and policies, as the management account has them.

    Args:
        facts: What was read there.
        expected: What should be there.
        regions: The Regions that should have rules.
        enabled: The Regions that each account has enabled, as far as it said so: no stack can be in others.
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
        places = Places(where, enabled, expected.organization.home_region)
        yield from _stack_set(place, name, facts, expected, places)
    yield from _policies(place, facts, expected)


def _stack_set(
    place: Location, name: str, facts: OrganizationFacts, expected: Expected, places: Places
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
    yield from _instances(place, name, found, facts, places)
    yield _drift(place, name, found, expected.organization.home_region)


def _instances(
    place: Location, name: str, found: StackSetFacts, facts: OrganizationFacts, places: Places
) -> Iterator[Finding]:
    """Findings name the account and Region that lack an instance."""
    if not isinstance(found.instances, tuple):
        yield unread_finding(place, Check.INSTANCES, f"the instances of {name}", found.instances, Missing(), "")
        return
    held = {(instance.account, instance.region): instance for instance in found.instances}
    active = facts.accounts if isinstance(facts.accounts, frozenset) else None
    out = places.left_out(found.instances)
    well, suspended = 0, set()
    for instance in found.instances:
        if instance.status == "CURRENT":
            well += 1
        elif instance.detail == SKIPPED and active is not None and instance.account not in active:
            suspended.add(instance.account)
        elif (why := out.get((instance.account, instance.region))) is not Why.NOT_ENABLED:
            yield _not_current(place, name, instance, why, places.home)
    if active is not None:
        for account in sorted(active):
            for region in places.of(account):
                if (account, region) not in held:
                    yield Location(account, region).fault(
                        Check.INSTANCES,
                        f"{name} has no instance here",
                        "deploy to it",
                        apply(),
                        cause=Cause.INSTANCE_MISSING,
                    )
    yield place.ok(Check.INSTANCES, f"{well} of {name} are current")
    if suspended:
        yield place.ok(
            Check.INSTANCES, f"{name} leaves out accounts that are suspended: {', '.join(sorted(suspended))}"
        )


def _not_current(management: Location, name: str, instance: StackInstanceState, why: Why | None, home: str) -> Finding:
    place = Location(instance.account, instance.region)
    said = f"the instance of {name} is {instance.status}{f': {instance.reason}' if instance.reason else ''}"
    match why:
        case Why.DENIED:
            return place.fault(
                Check.INSTANCES,
                "a service control policy denies the Region to StackSets: what is created here is not seen",
                "write it in organization.excluded_regions; or exempt the role stacksets-exec-* in that policy; deploy",
                apply(retry=True),
                cause=Cause.INSTANCE_DENIED,
            )
        case Why.INOPERABLE:
            return place.fault(
                Check.INSTANCES,
                said,
                "mend that; let the instance go, delete its stack, and deploy",
                *_made_anew(management, name, instance, home),
                cause=Cause.INSTANCE_INOPERABLE,
            )
    return place.fault(Check.INSTANCES, said, "mend that, and deploy", apply(), cause=Cause.INSTANCE_NOT_CURRENT)


def _made_anew(management: Location, name: str, instance: StackInstanceState, home: str) -> Iterator[Command]:
    """What mends an INOPERABLE instance (doc: StackInstance): it is let go, and its stack, if any, deleted."""
    if not instance.unit:  # AWS always names it; the plan says what is left to be asked for
        yield Command("ownertag", ("deploy", "plan"), None)
        return
    targets = f"OrganizationalUnitIds={instance.unit},Accounts={instance.account},AccountFilterType=INTERSECTION"
    given = ("--stack-set-name", name, "--regions", instance.region, "--retain-stacks")
    call = ("cloudformation", "delete-stack-instances")
    yield aws(management.account, home, *call, *given, "--deployment-targets", targets)
    if instance.stack:
        of_stack = ("--stack-name", instance.stack)
        yield aws(instance.account, instance.region, "cloudformation", "delete-stack", *of_stack)
        # What it holds has names of its own: until it is gone nothing can be made in its place.
        yield aws(instance.account, instance.region, "cloudformation", "wait", "stack-delete-complete", *of_stack)
    yield apply()


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
    protected = frozenset(expected.protected)
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
    if isinstance(found, Missing) and not protected:
        return place.ok(
            Check.POLICY,
            f"{what} is not asked for: members can change the tags",
            "this says who uses the keys; once nobody does any more, name units in [protection]",
            Command("ownertag", ("deploy", "plan"), None),
            cause=Cause.POLICY_UNASKED,
        )
    if isinstance(found, Missing):
        return unread_finding(place, Check.POLICY, what, found, Missing(), "")
    if not same(found.content, document):
        said = f"{what} is not the rendered one"
        return place.fault(Check.POLICY, said, RECREATE, apply(), cause=Cause.POLICY_CONTENT)
    if bare := sorted(protected - found.targets):
        said = f"{what} is not attached to {', '.join(bare)}"
        return place.fault(Check.POLICY, said, "attach it", apply(), cause=Cause.POLICY_DETACHED)
    return place.ok(Check.POLICY, f"{name} is as rendered, attached to {', '.join(sorted(found.targets))}")


def _listed(names: tuple[str, ...]) -> str:
    """A few actions by name, of more their number."""
    if len(names) <= 4:
        return ", ".join(names)
    return f"{len(names)} actions of {len({name.partition(':')[0] for name in names})} services"


def _tiers(place: Location, expected: Expected) -> Finding:
    """What the policies can do about each action that changes tags. What they can't do is no fault."""
    told = [f"{tier.value}: {_listed(names)}" for tier, names in expected.tiers.items() if names]
    advice = "see what each tier does, and what holds for other services"
    command = Command("ownertag", ("render", "scp", "--tiers"), None)
    return place.ok(Check.TIERS, "; ".join(told), advice, command, cause=Cause.TIERS)
